//! Tags of entities: names with values, for people to find and sort things by.

use super::Service;
use super::entities::at;
use super::error::Error;
use crate::domain::ids::EntityKind;

/// A name and its value.
pub type Tag = (String, String);

/// Tags that an entity may have.
pub const MOST_TAGS: usize = 50;

impl Service {
    /// Sets tags; those of the same name are replaced. All or none of them.
    pub async fn tags_set(&self, kind: EntityKind, id: &str, tags: &[Tag]) -> Result<(), Error> {
        let at = at(kind, id)?;
        match self.0.catalog.tags_set(&at, tags, MOST_TAGS).await? {
            Ok(()) => Ok(()),
            Err(count) => Err(Error::LimitExceeded {
                code: "too_many_tags",
                message: format!("{at} would have {count} tags; it may have {MOST_TAGS}"),
            }),
        }
    }

    /// Removes tags; names that are not there are passed over.
    pub async fn tags_remove(&self, kind: EntityKind, id: &str, names: &[String]) -> Result<(), Error> {
        Ok(self.0.catalog.tags_remove(&at(kind, id)?, names).await?)
    }

    /// All tags in the order of their names.
    pub async fn tags_of(&self, kind: EntityKind, id: &str) -> Result<Vec<Tag>, Error> {
        Ok(self.0.catalog.tags_of(&at(kind, id)?).await?)
    }
}
