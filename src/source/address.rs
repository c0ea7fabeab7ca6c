//! Where a database is and who asks it.

use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::error::SourceError;
use crate::domain::query::QuerySpec;
use crate::domain::secret::Secret;

/// A database as the operator has listed it.
#[derive(Debug, Clone)]
pub struct Address {
    options: Options,
    /// The user in the address.
    user: Option<String>,
    database: Option<String>,
    seconds: u64,
}

/// The two kinds of databases.
#[derive(Debug, Clone)]
pub(super) enum Options {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
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
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let user = user.map(|user| user.split(':').next().unwrap_or_default().to_owned());
        let database = path.split('?').next().unwrap_or_default().to_owned();
        if authority.is_empty() && !text.contains("?host=") && !text.contains("&host=") {
            return Err(
                "the address names no host; write it as postgres://user@host:port/database".to_owned(),
            );
        }
        if user.is_none() && password.is_some() {
            return Err("there is a password, but no user; put the user into the address".to_owned());
        }
        let secret = password.map(Secret::expose);
        let unreadable = |error: sqlx::Error| format!("the address cannot be read: {error}");
        let options = match scheme {
            "postgres" | "postgresql" => {
                let mut options = PgConnectOptions::from_str(text).map_err(unreadable)?;
                if let Some(secret) = secret {
                    options = options.password(secret);
                }
                Options::Postgres(Box::new(
                    options.application_name("yosoku").disable_statement_logging(),
                ))
            }
            "mysql" | "mariadb" => {
                let mut options = MySqlConnectOptions::from_str(text).map_err(unreadable)?;
                if let Some(secret) = secret {
                    options = options.password(secret);
                }
                // Queries mean what they mean in any other client.
                Options::MySql(Box::new(
                    options
                        .pipes_as_concat(false)
                        .no_engine_substitution(false)
                        .disable_statement_logging(),
                ))
            }
            _ => return Err("the address must begin with `postgres://` or `mysql://`".to_owned()),
        };
        Ok(Self {
            options,
            user: user.filter(|user| !user.is_empty()),
            database: Some(database).filter(|name| !name.is_empty()),
            seconds,
        })
    }

    /// Whether each request brings its own user.
    pub(super) fn has_no_user(&self) -> bool {
        self.user.is_none()
    }

    /// Who is asked as whom for `query`.
    pub(super) fn target(&self, query: &QuerySpec, password: Option<Secret>) -> Result<Target, SourceError> {
        let name = || query.connection.clone();
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
        if let (None, Some(database)) = (&self.database, &query.database) {
            options = options.database(database);
        }
        if self.user.is_none() {
            let Some(password) = password else {
                return Err(SourceError::NoPassword { name: name() });
            };
            options = options.credentials(query.user.as_deref().unwrap_or_default(), &password);
        }
        Ok(Target {
            options,
            seconds: self.seconds,
        })
    }
}

impl Options {
    fn database(self, name: &str) -> Self {
        match self {
            Options::Postgres(options) => Options::Postgres(Box::new(options.database(name))),
            Options::MySql(options) => Options::MySql(Box::new(options.database(name))),
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
        assert_eq!(
            (own.user.as_deref(), own.database.as_deref()),
            (Some("reader"), Some("shop"))
        );
        let shared = address("mysql://db", None).unwrap();
        assert!(shared.has_no_user() && shared.database.is_none());
        assert!(address("postgresql:///shop?host=/var/run/postgresql", None).is_ok());
        for (url, password, part) in [
            ("postgres:///shop", None, "names no host"),
            ("mysql://db/x", Some("hush"), "no user"),
            ("sqlite://hush", None, "must begin"),
            ("postgres://u:hush@db:port/x", None, "cannot be read"),
            ("hush", None, "no `://`"),
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
            staging: None,
            types_decide: false,
        };
        let own = address("postgres://reader@db/shop", Some("hush")).unwrap();
        assert!(own.target(&query(None), None).is_ok());
        assert!(own.target(&query(Some("shop")), None).is_ok());
        let other = own.target(&query(Some("stock")), None).unwrap_err();
        assert_eq!(other.code(), "database_unknown");
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
