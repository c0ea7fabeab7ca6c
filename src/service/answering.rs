//! Models that answer now: what the catalogue says of each, kept for a moment, and its predictor.
//!
//! A request in real time should not wait for the catalogue, nor fail with it. What was read of a model counts for
//! a second; changes made by this process count at once. Another process' change of a threshold or an alias is
//! therefore seen within that time. While the catalogue cannot be reached, what was known goes on counting.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::convert::wrong_state;
use super::error::{Error, chain};
use super::{Service, check};
use crate::domain::dataset::ContentHash;
use crate::domain::entity::Entity;
use crate::domain::family::{Family, Reference, Version};
use crate::domain::ids::{BlobKey, EntityId, EntityKind, FamilyName};
use crate::domain::spec::EndpointStatus;
use crate::domain::status::Status;
use crate::ml::Task;
use crate::ml::predict::Predictor;

/// How long a description counts, in microseconds.
const FRESH: i64 = 1_000_000;

/// Descriptions that are kept at most; more than that are read anew.
const MOST_KNOWN: usize = 4096;

/// What the catalogue says of a trained model, as far as predicting needs it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Described {
    pub(super) id: EntityId,
    pub(super) bundle: BlobKey,
    pub(super) bundle_hash: ContentHash,
    pub(super) size_bytes: u64,
    pub(super) threshold: Option<f64>,
    pub(super) endpoint: Option<EndpointStatus>,
    pub(super) member: Option<Member>,
}

/// A model as a version of a family, where it was asked for as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The family.
    pub family: FamilyName,
    /// The number of the version.
    pub version: u64,
    /// The model that answers the same requests unseen, to be compared.
    pub shadow: Option<EntityId>,
}

/// A loaded model that answers; cheap to clone.
#[derive(Debug, Clone)]
pub struct Answering {
    described: Arc<Described>,
    predictor: Arc<Predictor>,
}

impl Answering {
    /// The model.
    pub fn id(&self) -> &str {
        self.described.id.as_str()
    }

    /// The version of a family that it is, if it was asked for as such.
    pub fn member(&self) -> Option<&Member> {
        self.described.member.as_ref()
    }

    /// Whether it has an endpoint that answers.
    pub fn is_mounted(&self) -> bool {
        self.described.endpoint == Some(EndpointStatus::Ready)
    }

    /// The only way to a score.
    pub fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// The question it answers.
    pub fn task(&self) -> Task {
        self.predictor.task()
    }

    /// The threshold in force: scores of at least this are answered with the positive label; binary models only.
    pub fn threshold(&self) -> Option<f64> {
        let own = || self.described.threshold.unwrap_or(self.predictor.threshold());
        (self.task() == Task::Binary).then(own)
    }

    /// The class answered for scores, as an index into the labels; none for a number.
    pub fn class_of(&self, scores: &[f64]) -> Option<usize> {
        let threshold = self.threshold().unwrap_or_default();
        (self.task() != Task::Regression).then(|| self.predictor.class_at(scores, threshold))
    }
}

impl Service {
    /// The model of that name, ready to answer: an identifier, or a family's version or alias as `fraud@3`,
    /// `fraud@latest` or `fraud@production`. With nothing after the `@` it is either: the model with that identifier,
    /// else the family's `production`, else its newest version. Versions whose models were deleted are never the newest.
    pub async fn answering(&self, name: &str) -> Result<Answering, Error> {
        let described = self.described(name).await?;
        let predictor = self.0.predictors.get(&described).await?;
        Ok(Answering { described, predictor })
    }

    async fn described(&self, name: &str) -> Result<Arc<Described>, Error> {
        let known = &self.0.known;
        if let Some(described) = known.fresh(name, self.now()) {
            return Ok(described);
        }
        let epoch = known.epoch();
        match self.read_description(name).await {
            Ok(described) => {
                let described = Arc::new(described);
                known.learn(name, &described, self.now(), epoch);
                Ok(described)
            }
            Err(error @ Error::Unavailable { .. }) => match known.any(name) {
                Some(described) => {
                    tracing::warn!(
                        model = name,
                        error = chain(&error),
                        "predicting with what was known"
                    );
                    Ok(described)
                }
                None => Err(error),
            },
            Err(error) => {
                known.forget(name);
                Err(error)
            }
        }
    }

    async fn read_description(&self, name: &str) -> Result<Described, Error> {
        let Some((family, reference)) = name.split_once('@') else {
            return described(&self.entity_get(EntityKind::Model, name).await?);
        };
        let family = match reference {
            "" => match self.entity_get(EntityKind::Model, family).await {
                Err(Error::NotFound { .. }) => self.family_or_none(family).await?,
                found => return described(&found?),
            },
            _ => self.family_get(family).await?,
        };
        let reference: Reference = match reference {
            "" => family.default_reference(),
            given => given.parse().map_err(|e| check::invalid_name("", &e))?,
        };
        let found = family.resolve(&reference);
        // What is asked for in an address is not there, rather than a wrong field.
        let (version, shadow) = found.map_err(|_| Error::not_found("model", name))?;
        let (version, model) = match reference {
            Reference::Latest => self.latest(&family, version).await?,
            _ => (version, self.model_of(version).await?),
        };
        let member = Member {
            family: family.name.clone(),
            version: version.number,
            shadow: shadow.map(|shadow| shadow.model.clone()),
        };
        Ok(Described {
            member: Some(member),
            ..described(&model)?
        })
    }

    /// The newest version whose model is not deleted, and the model; the newest of all when there is none.
    async fn latest<'f>(
        &self,
        family: &'f Family,
        newest: &'f Version,
    ) -> Result<(&'f Version, Entity), Error> {
        for version in family.versions.iter().rev() {
            let model = self.model_of(version).await?;
            if model.status != Status::Deleted {
                return Ok((version, model));
            }
        }
        Ok((newest, self.model_of(newest).await?))
    }

    async fn model_of(&self, version: &Version) -> Result<Entity, Error> {
        self.entity_get(EntityKind::Model, version.model.as_str()).await
    }

    /// The family of that name. It was looked for as a model before, so that is what is missing.
    async fn family_or_none(&self, name: &str) -> Result<Family, Error> {
        self.family_get(name).await.map_err(|error| match error {
            Error::NotFound { id, .. } => Error::not_found("model", id),
            error => error,
        })
    }
}

/// What a model that can predict has become.
fn described(entity: &Entity) -> Result<Described, Error> {
    let result = entity.model().and_then(|work| work.result.as_ref());
    match (result, entity.status) {
        (Some(result), Status::Completed) => Ok(Described {
            id: entity.id.clone(),
            bundle: result.bundle.clone(),
            bundle_hash: result.bundle_hash.clone(),
            size_bytes: result.size_bytes,
            threshold: result.threshold,
            endpoint: result.endpoint.as_ref().map(|endpoint| endpoint.status),
            member: None,
        }),
        (_, Status::Pending | Status::InProgress) => Err(wrong_state(
            &entity.at(),
            entity.status,
            "it can predict when it is COMPLETED: wait for that",
        )),
        _ => Err(wrong_state(&entity.at(), entity.status, "it cannot predict")),
    }
}

/// Whether what was read then counts now. The clock may have been set back since; how long ago it was is then not
/// known, and it is read anew.
fn is_fresh(read_at: i64, now: i64) -> bool {
    (0..FRESH).contains(&(now - read_at))
}

/// Descriptions by name.
#[derive(Debug, Default)]
pub(super) struct Known(RwLock<Descriptions>);

#[derive(Debug, Default)]
struct Descriptions {
    by_name: HashMap<String, (Arc<Described>, i64)>,
    /// Counts what this process changed, so that nothing read before a change is kept after it.
    epoch: u64,
}

impl Known {
    /// What counts now. Of those who come when it no longer does, the first gets nothing and reads it anew; the
    /// others go on with it meanwhile.
    fn fresh(&self, name: &str, now: i64) -> Option<Arc<Described>> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let (described, read_at) = known.by_name.get(name)?;
            if is_fresh(*read_at, now) {
                return Some(described.clone());
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (described, read_at) = known.by_name.get_mut(name)?;
        let is_first = !is_fresh(*read_at, now);
        *read_at = now;
        (!is_first).then(|| described.clone())
    }

    /// What was known, however long ago.
    fn any(&self, name: &str) -> Option<Arc<Described>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.by_name.get(name).map(|(described, _)| described.clone())
    }

    fn epoch(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).epoch
    }

    /// Keeps what was read since `epoch`, unless something has changed in the meantime.
    fn learn(&self, name: &str, described: &Arc<Described>, now: i64, epoch: u64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.epoch != epoch {
            return;
        }
        if known.by_name.len() >= MOST_KNOWN {
            known.by_name.clear();
        }
        known.by_name.insert(name.to_owned(), (described.clone(), now));
    }

    fn forget(&self, name: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.by_name.remove(name);
    }

    /// Forgets everything, because something has changed.
    pub(super) fn changed(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.by_name.clear();
        known.epoch += 1;
    }
}
