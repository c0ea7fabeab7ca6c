//! Families of models: versions, and the aliases under which programs ask for them.

use super::error::Error;
use super::requests::ListQuery;
use super::{Service, check};
use crate::domain::family::Family;
use crate::domain::ids::{AliasName, EntityId, EntityKind, FamilyName};
use crate::domain::listing::Page;
use crate::domain::status::Status;

/// What an alias shall mean.
#[derive(Debug, Clone, Default)]
pub struct Pointing {
    /// The number of a version; exactly one of this and `model` is given.
    pub version: Option<u64>,
    /// A model, which becomes the newest version if it is none yet.
    pub model: Option<String>,
    /// A model that answers the same requests unseen; it becomes a version as well.
    pub shadow: Option<String>,
}

/// Which version a change must find: none when the caller does not care.
pub type Expected = Option<i64>;

impl Service {
    /// Reads one family.
    pub async fn family_get(&self, name: &str) -> Result<Family, Error> {
        Ok(self.0.catalog.family_get(&family_name(name)?).await?)
    }

    /// One page of the families. They have no status and are made from nothing.
    pub async fn family_list(&self, query: ListQuery) -> Result<Page<Family>, Error> {
        for (parameter, given) in [
            ("status", query.status.is_some()),
            ("model", query.model.is_some()),
            ("datasource", query.datasource.is_some()),
        ] {
            if given {
                let message = format!("families cannot be listed by {parameter}; leave it out");
                return Err(Error::invalid("invalid_parameter", message));
            }
        }
        Ok(self.0.catalog.family_list(&query.listing()?).await?)
    }

    /// Adds a model as the newest version of a family, which is made if it is not there.
    pub async fn family_add(&self, name: &str, model: &str, expected: Expected) -> Result<Family, Error> {
        let now = self.now();
        let model = self.named(EntityKind::Model, "/model", model).await?.id;
        let add = |family: &mut Family| -> Result<Vec<EntityId>, Error> {
            family.add(model.clone(), now);
            Ok(vec![model])
        };
        self.family_change(name, true, expected, add).await
    }

    /// Lets an alias mean a version from now on. Requests that are being answered are answered by the version they
    /// found.
    pub async fn family_point(
        &self,
        name: &str,
        alias: &str,
        pointing: Pointing,
        expected: Expected,
    ) -> Result<Family, Error> {
        let (now, alias) = (self.now(), alias_name(alias)?);
        let model = self.model_named("/model", pointing.model.as_deref()).await?;
        let shadow = self.model_named("/shadow", pointing.shadow.as_deref()).await?;
        let point = |family: &mut Family| -> Result<Vec<EntityId>, Error> {
            let version = match (pointing.version, model) {
                (Some(number), None) => number,
                (None, Some(model)) => family.add(model, now),
                _ => {
                    let message = "give exactly one of `version` and `model`";
                    return Err(Error::field("/version", "invalid_value", message));
                }
            };
            let shadow = shadow.map(|model| family.add(model, now));
            family.point(alias.clone(), version, shadow, now)?;
            models_of(family, version, shadow)
        };
        self.family_change(name, true, expected, point).await
    }

    /// Lets an alias mean the version that it meant before; versions whose models were deleted are passed over.
    pub async fn family_roll_back(
        &self,
        name: &str,
        alias: &str,
        expected: Expected,
    ) -> Result<Family, Error> {
        let (now, alias) = (self.now(), alias_name(alias)?);
        let gone = self.gone_before(name, &alias).await?;
        let roll_back = |family: &mut Family| -> Result<Vec<EntityId>, Error> {
            family.roll_back(&alias, |model| gone.contains(model), now)?;
            let version = family.aliases.get(&alias).map_or(0, |alias| alias.version);
            models_of(family, version, None)
        };
        self.family_change(name, false, expected, roll_back).await
    }

    /// Takes an alias away.
    pub async fn family_forget(&self, name: &str, alias: &str, expected: Expected) -> Result<Family, Error> {
        let alias = alias_name(alias)?;
        let forget = |family: &mut Family| -> Result<Vec<EntityId>, Error> {
            family.forget(&alias)?;
            Ok(Vec::new())
        };
        self.family_change(name, false, expected, forget).await
    }

    /// Forgets a family and its aliases; the models stay.
    pub async fn family_delete(&self, name: &str) -> Result<(), Error> {
        let deleted = self.0.catalog.family_delete(&family_name(name)?).await;
        self.0.known.changed();
        Ok(deleted?)
    }

    /// The deleted models that a rollback of an alias has to pass over. What is deleted stays deleted, so that this still
    /// holds when the family is changed.
    async fn gone_before(&self, family: &str, alias: &AliasName) -> Result<Vec<EntityId>, Error> {
        let family = self.family_get(family).await?;
        let mut gone = Vec::new();
        for version in family.before(alias)? {
            let model = self.entity_get(EntityKind::Model, version.model.as_str()).await?;
            match model.status {
                Status::Deleted => gone.push(model.id),
                _ => break,
            }
        }
        Ok(gone)
    }

    async fn model_named(&self, pointer: &str, id: Option<&str>) -> Result<Option<EntityId>, Error> {
        match id {
            Some(id) => Ok(Some(self.named(EntityKind::Model, pointer, id).await?.id)),
            None => Ok(None),
        }
    }

    async fn family_change(
        &self,
        name: &str,
        make: bool,
        expected: Expected,
        change: impl FnOnce(&mut Family) -> Result<Vec<EntityId>, Error>,
    ) -> Result<Family, Error> {
        let name = family_name(name)?;
        let catalog = &self.0.catalog;
        let changed = catalog.family_update(&name, make, expected, self.now(), change);
        let changed = changed.await;
        self.0.known.changed();
        changed
    }
}

/// The models that an alias is about to mean.
fn models_of(family: &Family, version: u64, shadow: Option<u64>) -> Result<Vec<EntityId>, Error> {
    let mut models = vec![family.version(version)?.model.clone()];
    if let Some(shadow) = shadow {
        models.push(family.version(shadow)?.model.clone());
    }
    Ok(models)
}

fn family_name(name: &str) -> Result<FamilyName, Error> {
    FamilyName::new(name).map_err(|error| check::invalid_name("", &error))
}

fn alias_name(name: &str) -> Result<AliasName, Error> {
    AliasName::new(name).map_err(|error| check::invalid_name("", &error))
}
