//! Lists: filter, order, and the cursor from page to page.
//!
//! A cursor holds the sort key of the last item seen, never a count, so that pages stay stable
//! while other items come and go. It is bound to its query: with another filter or order it is
//! refused.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ids::EntityRef;
use super::status::Status;

/// Items on a page when the caller does not say.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

/// The largest page; a larger wish is cut down to it.
pub const MAX_PAGE_SIZE: u32 = 1000;

/// What a list is ordered by; ties are broken by identifier, ascending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// Time of creation.
    #[default]
    CreatedAt,
    /// Name, byte by byte.
    Name,
    /// Identifier, byte by byte.
    Id,
}

/// Order of a list; written `name`, or `-name` for descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// What to order by.
    pub key: SortKey,
    /// Largest first.
    pub descending: bool,
}

impl Default for Sort {
    /// Newest first.
    fn default() -> Self {
        Self {
            key: SortKey::CreatedAt,
            descending: true,
        }
    }
}

impl std::str::FromStr for Sort {
    type Err = ListingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (descending, key) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let key = match key {
            "created_at" => SortKey::CreatedAt,
            "name" => SortKey::Name,
            "id" => SortKey::Id,
            _ => {
                return Err(ListingError::Sort {
                    given: text.to_owned(),
                });
            }
        };
        Ok(Self { key, descending })
    }
}

/// A list that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// The order is unknown.
    #[error("unknown order `{given}`; use created_at, name or id, with a `-` before it for descending")]
    Sort {
        /// What was given.
        given: String,
    },
    /// The cursor is not one of ours, or damaged.
    #[error("the cursor cannot be read")]
    CursorUnreadable,
    /// The cursor comes from a list with another filter or order.
    #[error("the cursor belongs to a list with another filter or order")]
    CursorOfAnotherQuery,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only this status; without it everything but DELETED.
    pub status: Option<Status>,
    /// Only names that begin with this.
    pub name_prefix: Option<String>,
    /// Only entities that depend on this one.
    pub depends_on: Option<EntityRef>,
    /// The order.
    pub sort: Sort,
    /// Items on a page; none or 0 means [`DEFAULT_PAGE_SIZE`].
    pub page_size: Option<u32>,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

/// The place of an item in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The time of creation, when ordered by it; else 0.
    pub time: i64,
    /// The name or identifier, when ordered by it; else empty.
    pub text: String,
    /// The identifier, which breaks ties.
    pub id: String,
}

impl Listing {
    /// The page size that applies.
    pub fn limit(&self) -> usize {
        let size = self.page_size.filter(|&n| n > 0).unwrap_or(DEFAULT_PAGE_SIZE);
        size.min(MAX_PAGE_SIZE) as usize
    }

    /// Reads the cursor, if there is one; `scope` names the collection.
    pub fn position(&self, scope: &str) -> Result<Option<Position>, ListingError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let bytes = from_hex(cursor).ok_or(ListingError::CursorUnreadable)?;
        let (query, position): (u64, Position) =
            serde_json::from_slice(&bytes).map_err(|_| ListingError::CursorUnreadable)?;
        if position
            .text
            .chars()
            .chain(position.id.chars())
            .any(char::is_control)
        {
            return Err(ListingError::CursorUnreadable);
        }
        if query == self.fingerprint(scope) {
            Ok(Some(position))
        } else {
            Err(ListingError::CursorOfAnotherQuery)
        }
    }

    /// Cuts `items`, of which one more than [`Listing::limit`] was asked for, to a page.
    pub fn page<T>(&self, scope: &str, mut items: Vec<T>, position: impl Fn(&T) -> Position) -> Page<T> {
        let more = items.len() > self.limit();
        items.truncate(self.limit());
        let last = items.last().filter(|_| more).map(position);
        let next_cursor = last.map(|p| to_hex(&serde_json::json!([self.fingerprint(scope), p]).to_string()));
        Page { items, next_cursor }
    }

    /// The place of an item with these keys in this order.
    pub fn position_of(&self, created_at: i64, name: &str, id: &str) -> Position {
        let (time, text) = match self.sort.key {
            SortKey::CreatedAt => (created_at, ""),
            SortKey::Name => (0, name),
            SortKey::Id => (0, id),
        };
        Position {
            time,
            text: text.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Everything that decides which items follow which; the page size does not.
    fn fingerprint(&self, scope: &str) -> u64 {
        let query = serde_json::json!([scope, self.status, self.name_prefix, self.depends_on, self.sort]);
        xxh3_64(query.to_string().as_bytes())
    }
}

pub(super) fn to_hex(text: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(sort: &str) -> Listing {
        Listing {
            sort: sort.parse().unwrap(),
            page_size: Some(2),
            ..Listing::default()
        }
    }

    #[test]
    fn a_cursor_carries_the_last_item_and_ends() {
        let mut list = listing("-created_at");
        let position = |n: &i64| list.position_of(*n, "", &format!("id{n}"));
        let page = list.page("models", vec![9, 8, 7], position);
        assert_eq!(page.items, [9, 8]);
        let last = list.page("models", vec![7, 6], position);
        assert_eq!(last.next_cursor, None);
        list.cursor = page.next_cursor;
        let found = list.position("models").unwrap().unwrap();
        assert_eq!(
            found,
            Position {
                time: 8,
                text: String::new(),
                id: "id8".to_owned()
            }
        );
    }

    #[test]
    fn a_cursor_is_bound_to_its_query_but_not_to_the_page_size() {
        let first = listing("name");
        let page = first.page("models", vec![1, 2, 3], |n| first.position_of(*n, "é", "x"));
        let next = Listing {
            cursor: page.next_cursor,
            ..listing("name")
        };
        assert!(next.position("models").is_ok());
        assert!(
            Listing {
                page_size: Some(7),
                ..next.clone()
            }
            .position("models")
            .is_ok()
        );
        assert_eq!(
            next.position("evaluations"),
            Err(ListingError::CursorOfAnotherQuery)
        );
        let filtered = Listing {
            status: Some(Status::Failed),
            ..next.clone()
        };
        assert_eq!(
            filtered.position("models"),
            Err(ListingError::CursorOfAnotherQuery)
        );
        let odd = Position {
            time: 0,
            text: "a\0".to_owned(),
            id: "x".to_owned(),
        };
        let odd = to_hex(&serde_json::json!([listing("name").fingerprint("models"), odd]).to_string());
        for bad in ["", "zz", "7b7d", "é", "123", &odd] {
            let list = Listing {
                cursor: Some(bad.to_owned()),
                ..listing("name")
            };
            assert_eq!(
                list.position("models"),
                Err(ListingError::CursorUnreadable),
                "{bad}"
            );
        }
    }

    #[test]
    fn page_sizes_and_orders_have_defaults_and_limits() {
        let limit = |n| {
            Listing {
                page_size: n,
                ..Listing::default()
            }
            .limit()
        };
        assert_eq!(
            [limit(None), limit(Some(0)), limit(Some(7)), limit(Some(5000))],
            [50, 50, 7, 1000]
        );
        assert_eq!(
            "-id".parse::<Sort>(),
            Ok(Sort {
                key: SortKey::Id,
                descending: true
            })
        );
        assert!("size".parse::<Sort>().is_err());
        assert!("--id".parse::<Sort>().is_err());
    }
}
