//! What the program was told: flags first, then the environment, then defaults.
//!
//! This is the only module that reads the environment. Everything is read once, at the start;
//! all mistakes are reported together. Values come through a function, so that tests never touch
//! the process environment.

pub mod connections;
pub mod machine;
pub mod units;

pub use crate::domain::secret::Secret;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use connections::Connections;
use units::{parse_bool, parse_count, parse_duration, parse_listen, parse_places, parse_size, parse_wait};

/// Looks a variable up by its name.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variable `name` of the process environment; an empty value counts as absent.
pub fn process_environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What was given on the command line, as text; absent means "look further".
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<String>,
    /// `--home`
    pub home: Option<String>,
    /// `--socket`
    pub socket: Option<String>,
    /// `--keys`
    pub keys: Option<String>,
    /// `--tls-cert`
    pub tls_cert: Option<String>,
    /// `--tls-key`
    pub tls_key: Option<String>,
    /// `--behind-proxy`
    pub behind_proxy: bool,
    /// `--upload-limit`
    pub upload_limit: Option<String>,
    /// `--model`
    pub model: Option<String>,
    /// `--workers`
    pub workers: Option<String>,
    /// `--memory`
    pub memory: Option<String>,
    /// `--spill`
    pub spill: Option<String>,
    /// `--log-format`
    pub log_format: Option<String>,
}

/// Everything `serve` and `work` need to know.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Where and how to listen.
    pub http: HttpConfig,
    /// Where things are kept.
    pub store: StoreConfig,
    /// Background work.
    pub work: WorkConfig,
    /// What is written to standard error.
    pub log: LogConfig,
}

/// Where and how to listen.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Address and port (`YOSOKU_LISTEN`); 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// A socket in the file system to listen on as well (`YOSOKU_SOCKET`); none.
    pub socket: Option<PathBuf>,
    /// The file of hashed keys (`YOSOKU_KEYS`); none.
    pub keys: Option<PathBuf>,
    /// Certificate and private key (`YOSOKU_TLS_CERT`, `YOSOKU_TLS_KEY`); none.
    pub tls: Option<TlsFiles>,
    /// A proxy in front of the server encrypts (`YOSOKU_BEHIND_PROXY`); no.
    pub behind_proxy: bool,
    /// The largest upload in bytes (`YOSOKU_UPLOAD_LIMIT`); 50 GiB.
    pub upload_limit: u64,
    /// The model that `/invocations` and `/ping` speak for (`YOSOKU_MODEL`); none.
    pub model: Option<String>,
    /// How long an ordinary request may take (`YOSOKU_REQUEST_TIMEOUT`); 30 s.
    pub request_timeout: Duration,
    /// How many requests are answered at once (`YOSOKU_MAX_REQUESTS`); 512.
    pub max_requests: usize,
    /// How long to go on accepting after a stop was asked for (`YOSOKU_STOP_GRACE`); 0 s.
    pub stop_grace: Duration,
    /// How long open requests may take to end after that (`YOSOKU_STOP_DRAIN`); 20 s.
    pub stop_drain: Duration,
}

/// The two files that TLS needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and its chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Where things are kept.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The home folder (`YOSOKU_HOME`); `./yosoku-home`.
    pub home: PathBuf,
    /// A PostgreSQL address instead of the embedded store (`YOSOKU_DATABASE_URL`, or a file that
    /// holds it, `YOSOKU_DATABASE_URL_FILE`); none.
    pub database_url: Option<Secret>,
    /// What may be reached outside the home (`YOSOKU_CONNECTIONS`); the file `connections.toml` in the home.
    pub connections: Connections,
}

/// Background work.
#[derive(Debug, Clone)]
pub struct WorkConfig {
    /// How many jobs run at once in this process (`YOSOKU_WORKERS`); 1. With 0 the server only
    /// takes jobs in, and `yosoku work` elsewhere does them.
    pub workers: usize,
    /// Bytes of memory that training may take, all jobs of this process together and the program itself included
    /// (`YOSOKU_MEMORY`); half of what the machine or the control group has, where the system tells.
    pub memory: Option<u64>,
    /// Where training rows go that do not fit (`YOSOKU_SPILL`); the system's folder for temporary files.
    pub spill: Option<PathBuf>,
}

/// What is written to standard error.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// JSON lines instead of compact text (`YOSOKU_LOG_FORMAT`: `compact` or `json`); compact.
    pub json: bool,
    /// Which events (`YOSOKU_LOG`, else `RUST_LOG`), such as `info,yosoku=debug`; `info`.
    pub filter: String,
    /// No colours even on a terminal (`NO_COLOR`); colours.
    pub plain: bool,
}

/// Every mistake that was found, one per line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigErrors(pub Vec<String>);

impl ServeConfig {
    /// Reads and checks everything.
    pub fn load(flags: &Flags, env: Source<'_>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader {
            env,
            problems: Vec::new(),
        };
        let config = ServeConfig {
            http: reader.http(flags),
            store: reader.store(flags),
            work: reader.work(flags),
            log: reader.log(flags),
        };
        if reader.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(reader.problems))
        }
    }
}

impl LogConfig {
    /// Reads the logging settings alone, for commands that need nothing else.
    pub fn load(flags: &Flags, env: Source<'_>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader {
            env,
            problems: Vec::new(),
        };
        let log = reader.log(flags);
        if reader.problems.is_empty() {
            Ok(log)
        } else {
            Err(ConfigErrors(reader.problems))
        }
    }
}

/// The folder of one installation, for commands that need nothing else.
pub fn home(flag: Option<&str>, env: Source<'_>) -> PathBuf {
    flag.map(str::to_owned)
        .or_else(|| env("YOSOKU_HOME"))
        .unwrap_or_else(|| "yosoku-home".to_owned())
        .into()
}

/// The memory that one training on the command line may take and where rows go that do not fit, with `YOSOKU_MEMORY`
/// and `YOSOKU_SPILL` for what no flag says.
pub fn training(
    memory: Option<u64>,
    spill: Option<PathBuf>,
    env: Source<'_>,
) -> Result<(Option<u64>, Option<PathBuf>), ConfigErrors> {
    let flags = Flags {
        spill: spill.map(|path| path.display().to_string()),
        memory: memory.map(|bytes| bytes.to_string()),
        ..Flags::default()
    };
    let mut reader = Reader {
        env,
        problems: Vec::new(),
    };
    let work = reader.work(&flags);
    if reader.problems.is_empty() {
        Ok((work.memory, work.spill))
    } else {
        Err(ConfigErrors(reader.problems))
    }
}

fn half(bytes: u64) -> u64 {
    bytes / 2
}

struct Reader<'a> {
    env: Source<'a>,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// Flag, else environment, else default. `name` is how a message calls the flag.
    fn pick<T>(
        &mut self,
        name: &str,
        flag: &Option<String>,
        var: &str,
        default: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let (given, from) = match flag {
            Some(text) => (Some(text.clone()), name),
            None => ((self.env)(var), var),
        };
        match given.map(|text| parse(&text)) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(reason)) => {
                self.problems.push(format!("{from}: {reason}"));
                default
            }
        }
    }

    fn path(&mut self, flag: &Option<String>, var: &str) -> Option<PathBuf> {
        flag.clone().or_else(|| (self.env)(var)).map(PathBuf::from)
    }

    fn http(&mut self, flags: &Flags) -> HttpConfig {
        let seconds = Duration::from_secs;
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let said = self.pick("--behind-proxy", &None, "YOSOKU_BEHIND_PROXY", false, parse_bool);
        HttpConfig {
            listen: self.pick("--listen", &flags.listen, "YOSOKU_LISTEN", listen, parse_listen),
            socket: self.path(&flags.socket, "YOSOKU_SOCKET"),
            keys: self.path(&flags.keys, "YOSOKU_KEYS"),
            tls: self.tls(flags),
            behind_proxy: flags.behind_proxy || said,
            upload_limit: self.pick(
                "--upload-limit",
                &flags.upload_limit,
                "YOSOKU_UPLOAD_LIMIT",
                50 << 30,
                parse_size,
            ),
            model: flags.model.clone().or_else(|| (self.env)("YOSOKU_MODEL")),
            request_timeout: self.pick("", &None, "YOSOKU_REQUEST_TIMEOUT", seconds(30), parse_wait),
            max_requests: self.pick("", &None, "YOSOKU_MAX_REQUESTS", 512, parse_places),
            stop_grace: self.pick("", &None, "YOSOKU_STOP_GRACE", seconds(0), parse_duration),
            stop_drain: self.pick("", &None, "YOSOKU_STOP_DRAIN", seconds(20), parse_duration),
        }
    }

    fn tls(&mut self, flags: &Flags) -> Option<TlsFiles> {
        match (
            self.path(&flags.tls_cert, "YOSOKU_TLS_CERT"),
            self.path(&flags.tls_key, "YOSOKU_TLS_KEY"),
        ) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            (cert, _) => {
                let (given, missing) = if cert.is_some() {
                    ("--tls-cert", "--tls-key")
                } else {
                    ("--tls-key", "--tls-cert")
                };
                self.problems
                    .push(format!("{given} is given without {missing}; TLS needs both"));
                None
            }
        }
    }

    fn store(&mut self, flags: &Flags) -> StoreConfig {
        let direct = (self.env)("YOSOKU_DATABASE_URL");
        let file = (self.env)("YOSOKU_DATABASE_URL_FILE");
        if direct.is_some() && file.is_some() {
            self.problems
                .push("YOSOKU_DATABASE_URL and YOSOKU_DATABASE_URL_FILE are both set; set one".to_owned());
        }
        let url = direct.or_else(|| file.and_then(|path| self.secret_file(Path::new(&path))));
        if url
            .as_ref()
            .is_some_and(|url| !url.starts_with("postgres://") && !url.starts_with("postgresql://"))
        {
            self.problems.push(
                "YOSOKU_DATABASE_URL: must begin with `postgres://`; leave it out for the embedded store"
                    .to_owned(),
            );
        }
        let home = home(flags.home.as_deref(), self.env);
        StoreConfig {
            connections: Connections::load(&home, self.env, &mut self.problems),
            home,
            database_url: url.map(Secret::new),
        }
    }

    fn secret_file(&mut self, path: &Path) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                self.problems.push(format!(
                    "YOSOKU_DATABASE_URL_FILE: reading `{}`: {error}",
                    path.display()
                ));
                None
            }
        }
    }

    fn work(&mut self, flags: &Flags) -> WorkConfig {
        let memory = machine::memory().map(half);
        let given = |text: &str| parse_size(text).map(Some);
        WorkConfig {
            workers: self.pick("--workers", &flags.workers, "YOSOKU_WORKERS", 1, parse_count),
            memory: self.pick("--memory", &flags.memory, "YOSOKU_MEMORY", memory, given),
            spill: self.path(&flags.spill, "YOSOKU_SPILL"),
        }
    }

    fn log(&mut self, flags: &Flags) -> LogConfig {
        let json = self.pick(
            "--log-format",
            &flags.log_format,
            "YOSOKU_LOG_FORMAT",
            false,
            |text| match text {
                "json" => Ok(true),
                "compact" => Ok(false),
                other => Err(format!("`{other}` is not a log format; use compact or json")),
            },
        );
        let filter = (self.env)("YOSOKU_LOG")
            .or_else(|| (self.env)("RUST_LOG"))
            .unwrap_or_else(|| "info".to_owned());
        LogConfig {
            json,
            filter,
            plain: (self.env)("NO_COLOR").is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
