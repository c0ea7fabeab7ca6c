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
use crate::domain::query::QuerySpec;
use crate::domain::secret::Secret;

/// The databases that queries may be sent to, by name; cheap to clone.
#[derive(Debug, Clone)]
pub struct Databases {
    listed: Arc<BTreeMap<String, Address>>,
    passwords: Passwords,
    asks_here: bool,
    runtime: Handle,
}

impl Databases {
    /// Those in `listed`, reached from the threads of `runtime`. `asks_here` says whether this process does the jobs that
    /// ask them.
    pub fn new(listed: BTreeMap<String, Address>, asks_here: bool, runtime: Handle) -> Self {
        Self {
            listed: Arc::new(listed),
            passwords: Passwords::default(),
            asks_here,
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

    /// Whether this process does the jobs that ask, so that it can keep passwords for them.
    pub fn asks_here(&self) -> bool {
        self.asks_here
    }

    /// Keeps the password of a query in memory until it is forgotten, for a day at most; false when too many are
    /// waiting. `token` is the random name that the query has.
    #[must_use]
    pub fn keep_password(&self, token: &str, password: Secret) -> bool {
        if !self.passwords.keep(token, password) {
            return false;
        }
        let (passwords, token) = (self.passwords.clone(), token.to_owned());
        self.runtime.spawn(async move {
            tokio::time::sleep(passwords::LONGEST).await;
            passwords.forget(&token);
        });
        true
    }

    /// Forgets the password of a query that has run or never will.
    pub fn forget_password(&self, token: &str) {
        self.passwords.forget(token);
    }

    /// Begins to ask. Nothing is awaited here: the answer comes piece by piece.
    pub fn ask(&self, query: &QuerySpec) -> Result<Answer, SourceError> {
        let Some(address) = self.listed.get(&query.connection) else {
            return Err(SourceError::Unknown {
                name: query.connection.clone(),
            });
        };
        let target = address.target(query, self.passwords.of(&query.token))?;
        Ok(asking::begin(
            &self.runtime,
            &query.connection,
            target,
            query.sql.clone(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_that_holds_a_password_shows_it() {
        let address = |url: &str| Address::new(&Secret::new(url), None, 9).unwrap();
        let listed = [
            ("a".to_owned(), address("postgres://reader:hush@db/shop")),
            ("b".to_owned(), address("mysql://reader:hush@db/shop")),
        ];
        let databases = Databases::new(listed.into(), true, Handle::current());
        assert!(databases.keep_password("t", Secret::new("hush")));
        assert!(!format!("{databases:?}").contains("hush"));
    }
}
