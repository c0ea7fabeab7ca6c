//! Where a database is and who asks it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::error::SourceError;
use crate::domain::query::{QuerySpec, check_name};
use crate::domain::secret::Secret;

/// What may stand behind the `?` of an address. Who asks which database stands before it, and nowhere else.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "socket",
];

/// A database as the operator has listed it.
#[derive(Debug, Clone)]
pub struct Address {
    options: Options,
    /// Whether the address has a user.
    has_user: bool,
    database: Option<String>,
    seconds: u64,
}

/// The two kinds of databases.
#[derive(Clone)]
pub(super) enum Options {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Those of the drivers show the password.
        match self {
            Options::Postgres(options) => write!(f, "postgres at {}", options.get_host()),
            Options::MySql(options) => write!(f, "mysql at {}", options.get_host()),
        }
    }
}

/// A database, with a user and a password.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) options: Options,
    /// Seconds that everything may take.
    pub(super) seconds: u64,
}

impl Address {
    /// Reads an address such as `postgres://reader@db:5432/shop`. The error says what is wrong, without the address,
    /// which may hold a password.
    pub fn new(url: &Secret, password: Option<&Secret>, seconds: u64) -> Result<Self, String> {
        let text = url.expose();
        let (scheme, rest) = text.split_once("://").ok_or("the address has no `://`")?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let has_user = user.is_some_and(|user| !user.is_empty() && !user.starts_with(':'));
        check_parameters(parameters)?;
        if authority.is_empty() && !parameters.contains("host=") && !parameters.contains("socket=") {
            return Err(
                "the address names no host; write it as postgres://user@host:port/database".to_owned(),
            );
        }
        if !has_user && password.is_some() {
            return Err("there is a password, but no user; put the user into the address".to_owned());
        }
        let options = Options::read(scheme, text, password)?;
        let database = match path.is_empty() {
            true => None,
            false => options.named_database(),
        };
        Ok(Self {
            options,
            has_user,
            database,
            seconds,
        })
    }

    /// Whether each request brings its own user.
    pub(super) fn has_no_user(&self) -> bool {
        !self.has_user
    }

    /// Who is asked as whom for `query`.
    pub(super) fn target(&self, query: &QuerySpec, password: Option<Secret>) -> Result<Target, SourceError> {
        let name = || query.connection.clone();
        let refused = |reason: String| SourceError::Refused { name: name(), reason };
        for (what, text) in [("the database", &query.database), ("the user", &query.user)] {
            if let Some(text) = text {
                check_name(what, text).map_err(refused)?;
            }
        }
        if let (Some(reaches), Some(asked)) = (&self.database, &query.database)
            && reaches != asked
        {
            return Err(SourceError::OtherDatabase {
                name: name(),
                reaches: reaches.clone(),
                asked: asked.clone(),
            });
        }
        let mut options = self.options.clone();
        if !self.has_user {
            let Some(password) = password else {
                return Err(SourceError::NoPassword { name: name() });
            };
            let Some(user) = &query.user else {
                return Err(refused("no user is given".to_owned()));
            };
            options = options.credentials(user, &password);
        }
        Ok(Target {
            options: options.database(self.database.as_ref().or(query.database.as_ref())),
            seconds: self.seconds,
        })
    }
}

/// Refuses what is not known: drivers pass over it, or write it into the log. Files must be there.
fn check_parameters(parameters: &str) -> Result<(), String> {
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !PARAMETERS.contains(&name) {
            let name: String = name.chars().take(40).collect();
            return Err(format!(
                "the address has the parameter `{name}`; those that may be used are {}",
                PARAMETERS.join(", ")
            ));
        }
        let is_file = name.starts_with("ssl") && !name.ends_with("mode");
        if is_file && !value.contains('%') && !Path::new(value).is_file() {
            return Err(format!("`{name}` names `{value}`, and there is no such file"));
        }
    }
    Ok(())
}

impl Options {
    /// Reads an address. What drivers would take from the environment instead (users, passwords, names of databases)
    /// is set here.
    fn read(scheme: &str, text: &str, password: Option<&Secret>) -> Result<Self, String> {
        let unreadable = |error: sqlx::Error| format!("the address cannot be read: {error}");
        match scheme {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(text).map_err(unreadable)?;
                let has_password = text.rsplit_once('@').is_some_and(|(user, _)| {
                    user.split_once("://").is_some_and(|(_, user)| user.contains(':'))
                });
                let options = match (password, has_password) {
                    (Some(secret), _) => options.password(secret.expose()),
                    (None, false) => options.password(""),
                    (None, true) => options,
                };
                // Redshift and poolers know no extra digits; servers of today give all that a number has.
                let options = options.extra_float_digits(None).application_name("yosoku");
                Ok(Options::Postgres(Box::new(options.disable_statement_logging())))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(text).map_err(unreadable)?;
                let options = match password {
                    Some(secret) => options.password(secret.expose()),
                    None => options,
                };
                // Queries mean what they mean in any other client.
                let options = options.pipes_as_concat(false).no_engine_substitution(false);
                Ok(Options::MySql(Box::new(options.disable_statement_logging())))
            }
            _ => Err("the address must begin with `postgres://` or `mysql://`".to_owned()),
        }
    }

    fn named_database(&self) -> Option<String> {
        match self {
            Options::Postgres(options) => options.get_database(),
            Options::MySql(options) => options.get_database(),
        }
        .map(str::to_owned)
    }

    /// Asks the database `name`; without one, that of the user's name (PostgreSQL) or none (MySQL).
    fn database(self, name: Option<&String>) -> Self {
        match self {
            Options::Postgres(options) => {
                let name = name.cloned().unwrap_or_else(|| options.get_username().to_owned());
                Options::Postgres(Box::new(options.database(&name)))
            }
            Options::MySql(options) => Options::MySql(Box::new(match name {
                Some(name) => options.database(name),
                None => *options,
            })),
        }
    }

    fn credentials(self, user: &str, password: &Secret) -> Self {
        let password = password.expose();
        match self {
            Options::Postgres(options) => {
                Options::Postgres(Box::new(options.username(user).password(password)))
            }
            Options::MySql(options) => Options::MySql(Box::new(options.username(user).password(password))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str, password: Option<&str>) -> Result<Address, String> {
        Address::new(&Secret::new(url), password.map(Secret::new).as_ref(), 9)
    }

    #[test]
    fn addresses_are_read_or_refused_without_being_shown() {
        let own = address("postgres://reader:hush@db:5433/shop?sslmode=disable", None).unwrap();
        assert_eq!((own.has_user, own.database.as_deref()), (true, Some("shop")));
        let shared = address("mysql://db", None).unwrap();
        assert!(shared.has_no_user() && shared.database.is_none());
        assert!(address("postgresql:///shop?host=/var/run/postgresql", None).is_ok());
        for (url, password, part) in [
            ("postgres:///shop", None, "names no host"),
            ("mysql://db/x", Some("hush"), "no user"),
            ("sqlite://hush", None, "must begin"),
            ("postgres://u:hush@db:port/x", None, "cannot be read"),
            ("hush", None, "no `://`"),
            ("postgres://db/x?user=a&password=hush", None, "parameter `user`"),
            (
                "postgres://u@db/x?sslpassword=hush",
                None,
                "parameter `sslpassword`",
            ),
            ("postgres://u@db?dbname=x", None, "parameter `dbname`"),
            ("mysql://u@db/x?ssl_mode=REQUIRED", None, "parameter `ssl_mode`"),
            ("postgres://u@db/x?sslrootcert=/no/such", None, "no such file"),
        ] {
            let told = address(url, password).unwrap_err();
            assert!(told.contains(part) && !told.contains("hush"), "{url}: {told}");
        }
    }

    #[test]
    fn a_query_reaches_what_its_connection_is_for() {
        let query = |database: Option<&str>| QuerySpec {
            connection: "sales".into(),
            database: database.map(str::to_owned),
            user: Some("ana".into()),
            sql: "SELECT 1".into(),
            token: String::new(),
            staging: None,
            types_decide: false,
        };
        let own = address("postgres://reader@db/shop", Some("hush")).unwrap();
        assert!(own.target(&query(None), None).is_ok());
        assert!(own.target(&query(Some("shop")), None).is_ok());
        let other = own.target(&query(Some("stock")), None).unwrap_err();
        assert_eq!(other.code(), "database_unknown");
        // A name that would end early, and go on as something else.
        let open = address("postgres://reader@db", Some("hush")).unwrap();
        let sly = open
            .target(&query(Some("test\0user\0postgres")), None)
            .unwrap_err();
        assert_eq!(sly.code(), "database_refused");
        let encoded = address("postgres://reader@db/my%20shop", None).unwrap();
        assert_eq!(encoded.database.as_deref(), Some("my shop"));
        let shared = address("mysql://db", None).unwrap();
        let none = shared.target(&query(Some("stock")), None).unwrap_err();
        assert_eq!(none.code(), "database_refused");
        let target = shared
            .target(&query(Some("stock")), Some(Secret::new("hush")))
            .unwrap();
        let Options::MySql(options) = target.options else {
            panic!("another kind of database")
        };
        assert_eq!(
            (options.get_username(), options.get_database()),
            ("ana", Some("stock"))
        );
    }
}
