//! Users' own databases: runs one query that only reads, and hands its rows on as lines of CSV.
//!
//! Only databases that the operator has listed are reached. The text of a query is prepared first, which the database
//! refuses if it holds more than one statement; then it runs in a transaction that may not write.

mod address;
mod answer;
mod asking;
mod dialect;
mod error;
mod passwords;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;

pub use self::address::Address;
pub use self::answer::{Answer, Column, ColumnKind, Piece};
pub use self::error::SourceError;
use self::passwords::Passwords;
use crate::domain::ids::EntityRef;
use crate::domain::query::QuerySpec;
use crate::domain::secret::Secret;

/// The databases that queries may be sent to, by name; cheap to clone.
#[derive(Debug, Clone)]
pub struct Databases {
    listed: Arc<BTreeMap<String, Address>>,
    passwords: Passwords,
    runtime: Handle,
}

impl Databases {
    /// Those in `listed`, reached from the threads of `runtime`.
    pub fn new(listed: BTreeMap<String, Address>, runtime: Handle) -> Self {
        Self {
            listed: Arc::new(listed),
            passwords: Passwords::default(),
            runtime,
        }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.listed.keys().map(String::as_str)
    }

    /// Whether there is one called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.listed.contains_key(name)
    }

    /// Whether queries to the database `name` run as the user that asks, whose password is needed.
    pub fn asks_for_user(&self, name: &str) -> bool {
        self.listed.get(name).is_some_and(Address::has_no_user)
    }

    /// Keeps the password for the query of `at` in memory until it is forgotten, for a day at most; false when too
    /// many are waiting.
    #[must_use]
    pub fn keep_password(&self, at: EntityRef, password: Secret) -> bool {
        self.passwords.keep(at, password)
    }

    /// Forgets the password for the query of `at`, which has run or never will.
    pub fn forget_password(&self, at: &EntityRef) {
        self.passwords.forget(at);
    }

    /// Begins to ask the query of `at`. Nothing is awaited here: the answer comes piece by piece.
    pub fn ask(&self, at: &EntityRef, query: &QuerySpec) -> Result<Answer, SourceError> {
        let Some(address) = self.listed.get(&query.connection) else {
            return Err(SourceError::Unknown {
                name: query.connection.clone(),
            });
        };
        let target = address.target(query, self.passwords.of(at))?;
        Ok(asking::begin(
            &self.runtime,
            &query.connection,
            target,
            query.sql.clone(),
        ))
    }
}
