//! `yosoku serve` and `yosoku work`: the service, and a worker without HTTP.

use std::future::Future;

use super::error::CliError;
use super::show;
use crate::app::{App, Front};
use crate::config::{Flags, LogConfig, ServeConfig, process_environment};
use crate::{shutdown, telemetry};

/// Serve the REST interface and do its jobs
///
/// Everything is kept in one folder, the home. The server listens on loopback; any other address needs
/// keys (`yosoku key new`) and either a TLS certificate or --behind-proxy. Each option may also be given
/// as a variable: YOSOKU_LISTEN, YOSOKU_S3_LISTEN, YOSOKU_SOCKET, YOSOKU_HOME, YOSOKU_KEYS, YOSOKU_TLS_CERT,
/// YOSOKU_TLS_KEY, YOSOKU_UPLOAD_LIMIT, YOSOKU_MODEL, YOSOKU_WORKERS, YOSOKU_MEMORY, YOSOKU_SPILL, YOSOKU_LOG_FORMAT,
/// YOSOKU_DATABASE_URL.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address and port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address and port of the S3 door, where clients of S3 reach the buckets, such as 127.0.0.1:9000
    /// [default: none]
    #[arg(long, value_name = "ADDR")]
    s3_listen: Option<String>,
    /// Socket in the file system to listen on as well; owner and group may call
    #[arg(long, value_name = "PATH")]
    socket: Option<String>,
    #[command(flatten)]
    common: WorkArgs,
    /// File of hashed API keys [default: keys.json in the home, if it is there]
    #[arg(long, value_name = "FILE")]
    keys: Option<String>,
    /// TLS certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// TLS private key, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// A proxy in front of the server speaks TLS
    #[arg(long)]
    behind_proxy: bool,
    /// Largest upload, such as 10GiB [default: 50GiB]
    #[arg(long, value_name = "SIZE")]
    upload_limit: Option<String>,
    /// Model that /invocations and /ping speak for: an identifier, a family or one of its versions, as fraud@3
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

/// Do jobs of an installation, without HTTP
///
/// Any number of workers may share one catalogue; a job of a worker that dies is taken over.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkArgs {
    /// Folder of the installation [default: ./yosoku-home]
    #[arg(long, value_name = "DIR")]
    home: Option<String>,
    /// Jobs at the same time in this process [default: 1]
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Memory that training may take, such as 8GiB; workers share it, and rows that do not fit go to
    /// disk [default: half of the machine's, or of the container's]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Folder on a disk for training rows that do not fit into memory [default: the system's for
    /// temporary files]
    #[arg(long, value_name = "DIR")]
    spill: Option<String>,
    /// `compact` or `json` [default: compact]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl ServeArgs {
    fn flags(&self) -> Flags {
        let args = self.clone();
        Flags {
            listen: args.listen,
            s3_listen: args.s3_listen,
            socket: args.socket,
            keys: args.keys,
            tls_cert: args.tls_cert,
            tls_key: args.tls_key,
            behind_proxy: args.behind_proxy,
            upload_limit: args.upload_limit,
            model: args.model,
            ..args.common.flags()
        }
    }
}

impl WorkArgs {
    fn flags(&self) -> Flags {
        let args = self.clone();
        Flags {
            home: args.home,
            workers: args.workers,
            memory: args.memory,
            spill: args.spill,
            log_format: args.log_format,
            ..Flags::default()
        }
    }
}

/// Runs `yosoku serve`.
pub fn serve(args: &ServeArgs) -> Result<(), CliError> {
    let config = load(&args.flags())?;
    block_on(async {
        let stop = shutdown::on_signals().map_err(|error| CliError::Failure(error.to_string()))?;
        let front = Front::open(&config).map_err(failure)?;
        let address = front.address().map_err(failure)?;
        let scheme = if config.http.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let home = config.store.home.display().to_string();
        let socket = front.socket().map(|path| format!(" and {}", path.display()));
        let socket = socket.unwrap_or_default();
        let door = front.s3_address().map_err(failure)?;
        let app = App::open(config).await.map_err(failure)?;
        if let Some(door) = door {
            show::message(&format!("buckets at {scheme}://{door} for clients of S3"));
        }
        show::message(&format!(
            "serving {scheme}://{address}{socket} from {home}; documentation at {scheme}://{address}/docs"
        ));
        app.serve(front, stop).await.map_err(failure)
    })
}

/// Runs `yosoku work`.
pub fn work(args: &WorkArgs) -> Result<(), CliError> {
    let config = load(&args.flags())?;
    if config.work.workers == 0 {
        return Err(CliError::Usage(
            "a worker with --workers 0 does nothing; give 1 or more".into(),
        ));
    }
    block_on(async {
        let stop = shutdown::on_signals().map_err(|error| CliError::Failure(error.to_string()))?;
        let home = config.store.home.display().to_string();
        let app = App::open(config).await.map_err(failure)?;
        show::message(&format!("working for {home}"));
        app.work(stop).await.map_err(failure)
    })
}

fn load(flags: &Flags) -> Result<ServeConfig, CliError> {
    let config =
        ServeConfig::load(flags, &process_environment).map_err(|error| CliError::Usage(error.to_string()))?;
    let LogConfig { json, filter, plain } = &config.log;
    telemetry::init(*json, filter, *plain).map_err(CliError::Usage)?;
    Ok(config)
}

/// Runs a future on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| CliError::Failure(format!("starting the runtime: {error}")))?
        .block_on(future)
}

/// An error with all its causes.
pub fn failure(error: anyhow::Error) -> CliError {
    CliError::Failure(format!("{error:#}"))
}
