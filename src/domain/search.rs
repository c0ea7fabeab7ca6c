//! Searches: lists that are filtered and ordered by one variable, with comparisons, as Amazon ML has them.

use super::listing::{ListingError, Page, Position, from_hex, to_hex};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

/// What entities are filtered and ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Variable {
    /// Time of creation.
    CreatedAt,
    /// Time of the last change.
    UpdatedAt,
    /// How far it is.
    Status,
    /// Free text of the user.
    Name,
    /// Who made it.
    Owner,
    /// Where the data lie.
    Location,
    /// The data source that it is made from.
    DataSource,
    /// The model that it is made from.
    Model,
    /// The question of a model, in capitals.
    Task,
    /// How far the endpoint of a model is; NONE without one.
    Endpoint,
}

impl Variable {
    /// Whether values are times.
    pub fn is_time(self) -> bool {
        matches!(self, Variable::CreatedAt | Variable::UpdatedAt)
    }
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Another.
    NotEqual,
    /// Greater.
    Greater,
    /// Greater or the same.
    NotLess,
    /// Less.
    Less,
    /// Less or the same.
    NotGreater,
    /// Begins with it; texts only.
    Prefix,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Operand {
    /// A time, in milliseconds UTC.
    Time(i64),
    /// A text, compared byte by byte.
    Text(String),
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What to filter and order by.
    pub by: Variable,
    /// Comparisons that must all hold.
    pub tests: Vec<(Comparison, Operand)>,
    /// Largest first; ties are broken by identifier, ascending.
    pub descending: bool,
    /// Items on a page.
    pub limit: usize,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Search {
    /// Whether DELETED entities are looked at: only where statuses are compared.
    pub fn sees_deleted(&self) -> bool {
        self.by == Variable::Status && !self.tests.is_empty()
    }

    /// Reads the cursor, if there is one; `scope` names the collection.
    pub fn position(&self, scope: &str) -> Result<Option<Position>, ListingError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let bytes = from_hex(cursor).ok_or(ListingError::CursorUnreadable)?;
        let (query, position): (u64, Position) =
            serde_json::from_slice(&bytes).map_err(|_| ListingError::CursorUnreadable)?;
        if query != self.fingerprint(scope) {
            return Err(ListingError::CursorOfAnotherQuery);
        }
        match position.text.contains('\0') || position.id.contains('\0') {
            true => Err(ListingError::CursorUnreadable),
            false => Ok(Some(position)),
        }
    }

    /// Cuts `items`, of which one more than the limit was asked for, to a page.
    pub fn page<T>(&self, scope: &str, mut items: Vec<(T, Position)>) -> Page<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| more).map(|(_, position)| position);
        let next_cursor = last.map(|p| to_hex(&serde_json::json!([self.fingerprint(scope), p]).to_string()));
        let items = items.into_iter().map(|(item, _)| item).collect();
        Page { items, next_cursor }
    }

    /// Everything that decides which items follow which; the page size does not.
    fn fingerprint(&self, scope: &str) -> u64 {
        let query = serde_json::json!([scope, self.by, self.tests, self.descending]);
        xxh3_64(query.to_string().as_bytes())
    }
}
