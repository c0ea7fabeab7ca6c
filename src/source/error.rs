//! What can go wrong between here and a database, told without secrets.

use sqlx::Error as Sqlx;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

/// Why there are no rows, or no more of them.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operator has listed no such database.
    #[error("this server knows no database `{name}`")]
    Unknown {
        /// The name in the request.
        name: String,
    },
    /// The connection is for another database.
    #[error("the connection `{name}` reaches the database `{reaches}`, not `{asked}`")]
    OtherDatabase {
        /// The connection.
        name: String,
        /// What it is for.
        reaches: String,
        /// What was asked for.
        asked: String,
    },
    /// The query runs as the user who asks, and the password is not there any more.
    #[error(
        "the password for `{name}` is not known here: it is kept in memory only, by the process that was asked"
    )]
    NoPassword {
        /// The connection.
        name: String,
    },
    /// The database refuses user, password or database.
    #[error("`{name}` refuses the connection: {reason}")]
    Refused {
        /// The connection.
        name: String,
        /// In the words of the database.
        reason: String,
    },
    /// The database ends the query, because it allows no longer ones or somebody there has ended it.
    #[error("`{name}` has ended the query: {reason}")]
    Ended {
        /// The connection.
        name: String,
        /// In the words of the database.
        reason: String,
    },
    /// The database does not answer, or stopped to answer.
    #[error("`{name}` cannot be reached: {reason}")]
    Unreachable {
        /// The connection.
        name: String,
        /// Why.
        reason: String,
    },
    /// The query is wrong, or may not do what it wants.
    #[error("`{name}` refuses the query: {reason}")]
    Query {
        /// The connection.
        name: String,
        /// In the words of the database, or ours.
        reason: String,
    },
    /// A value is no text, or too long.
    #[error("row {row}, column `{column}` cannot be read: {reason}")]
    Value {
        /// The row, counted from 1.
        row: u64,
        /// The column.
        column: String,
        /// Why.
        reason: String,
    },
    /// The query takes longer than the operator allows.
    #[error("the query to `{name}` took longer than {seconds} s")]
    Slow {
        /// The connection.
        name: String,
        /// The limit.
        seconds: u64,
    },
}

impl SourceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SourceError::Unknown { .. } | SourceError::OtherDatabase { .. } => "database_unknown",
            SourceError::NoPassword { .. } | SourceError::Refused { .. } => "database_refused",
            SourceError::Unreachable { .. } => "database_unreachable",
            SourceError::Query { .. } | SourceError::Value { .. } => "invalid_query",
            SourceError::Slow { .. } | SourceError::Ended { .. } => "query_too_slow",
        }
    }

    /// How it is mended.
    pub fn hint(&self) -> &'static str {
        match self {
            SourceError::Unknown { .. } => {
                "use a name from the server's `connections.toml`, or have its operator add the database there"
            }
            SourceError::OtherDatabase { .. } => {
                "leave the name of the database out, or use a connection that reaches it"
            }
            SourceError::NoPassword { .. } => {
                "make the data source again, or have the operator put user and password into `connections.toml`"
            }
            SourceError::Refused { .. } => {
                "check user, password, the name of the database, and what its address says of encryption"
            }
            SourceError::Ended { .. } => {
                "ask for fewer rows, add an index, or have whoever runs the database allow more time"
            }
            SourceError::Unreachable { .. } => {
                "check that the database runs and that this server may reach it"
            }
            SourceError::Query { .. } => "try the query in a client of the database first",
            SourceError::Value { .. } => "turn the column into text in the query, or leave it out",
            SourceError::Slow { .. } => {
                "ask for fewer rows, add an index, or have the operator raise `timeout_seconds` of the connection"
            }
        }
    }

    /// Whether it may go better another time.
    pub fn may_pass(&self) -> bool {
        matches!(self, SourceError::Unreachable { .. })
    }

    /// What a driver says while it connects.
    pub(super) fn connecting(name: &str, error: Sqlx) -> Self {
        match error {
            // The server answers, and will say the same again; but it may just be starting or full.
            Sqlx::Database(error) if !is_passing(error.code().as_deref()) => {
                Self::refused(name, error.message().to_owned())
            }
            Sqlx::Tls(error) => Self::refused(name, format!("encryption: {error}")),
            Sqlx::Configuration(error) => Self::refused(name, error.to_string()),
            error => Self::lost(name, &error),
        }
    }

    /// What a driver says while a query runs.
    pub(super) fn running(name: &str, error: Sqlx) -> Self {
        match error {
            Sqlx::Database(error) if is_ended(&*error) => SourceError::Ended {
                name: name.to_owned(),
                reason: error.message().to_owned(),
            },
            Sqlx::Database(error) if !is_passing(error.code().as_deref()) => SourceError::Query {
                name: name.to_owned(),
                reason: error.message().to_owned(),
            },
            error => Self::lost(name, &error),
        }
    }

    fn refused(name: &str, reason: String) -> Self {
        SourceError::Refused {
            name: name.to_owned(),
            reason,
        }
    }

    fn lost(name: &str, error: &Sqlx) -> Self {
        let reason = match error {
            Sqlx::Io(error) => error.to_string(),
            Sqlx::Database(error) => error.message().to_owned(),
            // What drivers say here is meant for those who write them.
            Sqlx::Protocol(_) => "what answers there does not speak the protocol of this database".to_owned(),
            error => error.to_string(),
        };
        SourceError::Unreachable {
            name: name.to_owned(),
            reason,
        }
    }
}

/// Codes for a server that is starting, stopping or full: classes 57P and 53 of PostgreSQL, and of MySQL 08 (too many
/// connections and the like), which PostgreSQL uses for broken connections too; and 40 for transactions that lost against
/// another.
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        ["57P", "53", "08", "40"]
            .iter()
            .any(|class| code.starts_with(class))
    })
}

/// Whether the database has ended a statement: by its limit of time, or because it was told to.
fn is_ended(error: &dyn DatabaseError) -> bool {
    match error.try_downcast_ref::<MySqlDatabaseError>() {
        Some(error) => [1317, 1969, 3024].contains(&error.number()),
        None => error.code().as_deref() == Some("57014"),
    }
}
