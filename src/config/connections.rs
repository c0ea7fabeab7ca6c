//! The file of connections: what this installation reaches outside its home, such as databases.
//!
//! TOML, `connections.toml` in the home or wherever `YOSOKU_CONNECTIONS` says. A secret stands in the file itself, in
//! a file of its own, or in a variable of the environment.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::buckets::{Bucket, WrittenBucket};
use super::{Secret, Source};

/// The name of the file in the home.
const FILE: &str = "connections.toml";

/// Everything outside the home that may be used; nothing unless it is listed.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// Databases by the name that requests use.
    pub databases: BTreeMap<String, Database>,
    /// Buckets by the name that requests use, `*` for all that are not named.
    pub buckets: BTreeMap<String, Bucket>,
}

/// A database that queries may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Where it is: `postgres://` or `mysql://`. With a user in it, everybody's queries run as that user; otherwise
    /// each request brings a user and a password.
    pub url: Secret,
    /// The password of the user in `url`, if it is not part of that.
    pub password: Option<Secret>,
    /// Seconds that a query may take; an hour.
    pub timeout_seconds: u64,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    databases: BTreeMap<String, WrittenDatabase>,
    #[serde(default)]
    buckets: BTreeMap<String, WrittenBucket>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDatabase {
    url: String,
    password: Option<String>,
    password_env: Option<String>,
    password_file: Option<PathBuf>,
    timeout_seconds: Option<u64>,
}

/// Seconds that a query may take unless the file says otherwise.
const PATIENCE: u64 = 3600;

/// The longest time that a query may be given: a week.
const LONGEST: u64 = 604_800;

/// The schemes that the address of a database may have.
const SCHEMES: [&str; 4] = ["postgres://", "postgresql://", "mysql://", "mariadb://"];

impl Connections {
    /// Reads the file that `YOSOKU_CONNECTIONS` names, or the one in `home` if there is one. Adds every mistake to
    /// `problems`.
    pub fn load(home: &Path, env: Source<'_>, problems: &mut Vec<String>) -> Self {
        let (path, named) = match env("YOSOKU_CONNECTIONS") {
            Some(path) => (PathBuf::from(path), true),
            None => (home.join(FILE), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::read(&text, &path.display().to_string(), env, problems),
            // A home that cannot be is told by whoever makes it.
            Err(error)
                if !named && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Self::default()
            }
            Err(error) => {
                problems.push(format!("reading `{}`: {error}", path.display()));
                Self::default()
            }
        }
    }

    /// Reads the text of the file called `name`.
    pub(super) fn read(text: &str, name: &str, env: Source<'_>, problems: &mut Vec<String>) -> Self {
        let written: Written = match toml::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                // The full text of the error shows the line itself, which may hold a password.
                let line = error.span().map(|span| line_at(text, span.start));
                let line = line.map_or_else(String::new, |line| format!(" line {line}:"));
                problems.push(format!("`{name}`:{line} {}", without_value(error.message())));
                return Self::default();
            }
        };
        let mut secrets = Secrets { env, problems, name };
        let databases = written.databases.into_iter();
        Self {
            buckets: super::buckets::read(written.buckets, &mut secrets),
            databases: databases
                .filter_map(|(key, database)| Some((key.clone(), secrets.database(&key, database)?)))
                .collect(),
        }
    }
}

/// A message without the value that it is about, which may be a secret.
fn without_value(message: &str) -> String {
    match (
        message.strip_prefix("invalid "),
        message.rsplit_once(", expected "),
    ) {
        (Some(_), Some((_, expected))) => format!("the value is none that fits: expected {expected}"),
        _ => message.to_owned(),
    }
}

/// The number of the line that the byte `at` is on.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Fetches secrets from where the file says they are.
pub(super) struct Secrets<'s> {
    /// Looks a variable up.
    pub(super) env: Source<'s>,
    /// Every mistake so far.
    pub(super) problems: &'s mut Vec<String>,
    name: &'s str,
}

impl Secrets<'_> {
    /// A problem of the entry `key`.
    pub(super) fn problem(&mut self, key: &str, what: &str) {
        self.problems.push(format!("`{}`: [{key}]: {what}", self.name));
    }

    fn database(&mut self, name: &str, written: WrittenDatabase) -> Option<Database> {
        let key = format!("databases.{name}");
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if name.is_empty() || name.len() > 63 || !name.bytes().all(is_plain) {
            self.problem(
                &key,
                "a name has 1 to 63 letters, digits, `-` or `_`; Amazon's clients send small letters, digits and `-`",
            );
        }
        if !SCHEMES.iter().any(|scheme| written.url.starts_with(scheme)) {
            self.problem(&key, "`url` must begin with `postgres://` or `mysql://`");
            return None;
        }
        let seconds = written.timeout_seconds.unwrap_or(PATIENCE);
        if !(1..=LONGEST).contains(&seconds) {
            self.problem(&key, &format!("`timeout_seconds` must be 1 to {LONGEST}"));
            return None;
        }
        let (direct, env, file) = (written.password, written.password_env, written.password_file);
        Some(Database {
            url: Secret::new(written.url),
            password: self.secret(&key, "password", direct, env, file),
            timeout_seconds: seconds,
        })
    }

    /// A secret of the entry `key` that is given directly, by the name of a variable, or by that of a file; none when
    /// it is given in no way.
    pub(super) fn secret(
        &mut self,
        key: &str,
        what: &str,
        direct: Option<String>,
        variable: Option<String>,
        file: Option<PathBuf>,
    ) -> Option<Secret> {
        match (direct, variable, file) {
            (None, None, None) => None,
            (Some(text), None, None) => Some(Secret::new(text)),
            (None, Some(variable), None) => match (self.env)(&variable) {
                Some(text) => Some(Secret::new(text)),
                None => {
                    self.problem(key, &format!("`{what}_env` names `{variable}`, which is not set"));
                    None
                }
            },
            (None, None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
                Err(error) => {
                    self.problem(
                        key,
                        &format!("`{what}_file`: reading `{}`: {error}", path.display()),
                    );
                    None
                }
            },
            _ => {
                self.problem(
                    key,
                    &format!("give one of `{what}`, `{what}_env` and `{what}_file`"),
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Connections, Vec<String>) {
        let mut problems = Vec::new();
        let env = |name: &str| (name == "SALES").then(|| "from the environment".to_owned());
        let read = Connections::read(text, "c.toml", &env, &mut problems);
        (read, problems)
    }

    #[test]
    fn databases_are_read_with_their_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "from a file\n").unwrap();
        let (read, problems) = read(&format!(
            "[databases.a]\nurl = \"postgres://reader@h/shop\"\npassword_env = \"SALES\"\n\
             [databases.b-2]\nurl = \"mysql://h/\"\ntimeout_seconds = 9\n\
             [databases.c]\nurl = \"mariadb://u@h\"\npassword_file = {:?}\n",
            file.display().to_string()
        ));
        assert_eq!(problems, Vec::<String>::new());
        let password = |name: &str| read.databases[name].password.as_ref().map(Secret::expose);
        assert_eq!(password("a"), Some("from the environment"));
        assert_eq!(
            (password("b-2"), read.databases["b-2"].timeout_seconds),
            (None, 9)
        );
        assert_eq!(password("c"), Some("from a file"));
        assert_eq!(read.databases["a"].timeout_seconds, 3600);
        assert!(!format!("{read:?}").contains("environment"));
    }

    #[test]
    fn all_mistakes_are_told_and_no_secret() {
        let (read, problems) = read(
            "[databases.a]\nurl = \"http://h\"\n[databases.b]\nurl = \"mysql://h\"\npassword_env = \"NO\"\n\
             [databases.c]\nurl = \"mysql://h\"\npassword = \"x\"\npassword_env = \"SALES\"\n\
             [databases.\"d e\"]\nurl = \"mysql://h\"\n[databases.f]\nurl = \"mysql://h\"\ntimeout_seconds = 0\n",
        );
        assert_eq!(read.databases.len(), 3);
        let all = problems.join("\n");
        for part in [
            "[databases.a]: `url` must begin",
            "`password_env` names `NO`, which is not set",
            "[databases.c]: give one of",
            "[databases.d e]: a name has",
            "[databases.f]: `timeout_seconds` must be",
        ] {
            assert!(all.contains(part), "{all}");
        }
        let (_, problems) = self::read("[databases.a]\npassword = 31415926\n");
        assert!(problems[0].contains("expected a string"), "{problems:?}");
        assert!(!problems[0].contains("31415926"), "{problems:?}");
        for text in [
            "[databases.a]\npassword = \"hush\nurl = 3",
            "[databases.a]\npass = \"hush\"\n",
        ] {
            let (_, problems) = self::read(text);
            assert_eq!(problems.len(), 1);
            assert!(problems[0].contains("line 2"), "{problems:?}");
            assert!(!problems[0].contains("hush"), "{problems:?}");
        }
    }
}
