//! The whole way from a dataset to an evaluated model in one request.

use serde_json::json;

use super::answers::StartedTraining;
use super::creation::{Wanted, random};
use super::error::Error;
use super::requests::{Asked, NewTraining};
use super::{Service, check, models};
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityKind, EntityRef, random_text};
use crate::domain::location::Location;
use crate::domain::spec::{DataSourceSpec, EvaluationSpec, ModelSpec};
use crate::ml::split::{Seed, Split};

/// The longest base of identifiers: the longest ending still has to fit.
const LONGEST_BASE: usize = 56;

/// The four things that are asked for, whether or not something is held out.
struct Parts {
    training_source: Wanted,
    evaluation_source: Wanted,
    model: Wanted,
    evaluation: Wanted,
}

impl Service {
    /// Makes a data source with the training rows, one with the rows held out, a model on the first
    /// and its evaluation on the second: all or none of them. With nothing held out there are only
    /// the first data source, with all rows, and the model.
    ///
    /// With `id` `x` they are called `x-train`, `x-holdout`, `x` and `x`.
    pub async fn train(&self, request: NewTraining) -> Result<StartedTraining, Error> {
        let parts = Parts::new(&request)?;
        let split = training_split(&request);
        // A request that was accepted before had a split that can be read.
        let held_out = split.as_ref().is_ok_and(Option::is_some);
        if let Some(before) = self.training_repeated(&parts, held_out, &request.asked).await? {
            return Ok(before);
        }
        let entities = self.training_entities(&parts, request, split?).await?;
        let created = self.0.catalog.entity_create_all(entities).await?;
        let fresh = created.iter().all(|created| created.fresh);
        assembled(created.into_iter().map(|created| created.entity), fresh)
    }

    async fn training_repeated(
        &self,
        parts: &Parts,
        held_out: bool,
        asked: &Asked,
    ) -> Result<Option<StartedTraining>, Error> {
        let mut found = Vec::new();
        for wanted in parts.in_order(held_out) {
            found.extend(self.repeated_on(wanted, asked).await?);
        }
        if found.len() < parts.in_order(held_out).len() {
            return Ok(None);
        }
        assembled(found.into_iter(), false).map(Some)
    }

    async fn training_entities(
        &self,
        parts: &Parts,
        request: NewTraining,
        split: Option<Split>,
    ) -> Result<Vec<Entity>, Error> {
        let name = check::name(request.name.as_ref())?;
        self.check_training(&request)?;
        let now = self.now();
        let (asked, place) = (request.asked, Location::of_upload(&request.dataset));
        let source = DataSourceSpec {
            dataset: Some(self.pinned("/dataset", &request.dataset).await?),
            location: None,
            query: None,
            schema: request.schema,
            split: split.as_ref().map(|split| json!(split)),
            header: request.header,
            target: request.target,
            without_statistics: false,
        };
        let model = ModelSpec {
            datasource: parts.training_source.at.id.clone(),
            task: request.task,
            recipe: request.recipe,
            parameters: request.parameters,
            positive: request.positive,
            earlier: None,
        };
        let made = |entity: Entity| entity.made_by(asked.maker(), place.clone());
        let training = made(parts.training_source.entity(name.clone(), source.clone(), now));
        let model = made(parts.model.entity(name.clone(), model, now));
        let Some(split) = split else {
            return Ok(vec![training, model]);
        };
        let rest = DataSourceSpec {
            split: Some(json!(split.others())),
            ..source
        };
        let evaluation = EvaluationSpec {
            model: parts.model.at.id.clone(),
            datasource: parts.evaluation_source.at.id.clone(),
        };
        let rest = made(parts.evaluation_source.entity(name.clone(), rest, now));
        let evaluation = made(parts.evaluation.entity(name, evaluation, now));
        Ok(vec![training, rest, model, evaluation])
    }

    /// Everything that can be said about the request without data.
    fn check_training(&self, request: &NewTraining) -> Result<(), Error> {
        Split::check_holdout(request.holdout)
            .map_err(|error| Error::field("/holdout", "invalid_value", error.to_string()))?;
        let mut schema = check::schema(request.schema.as_ref())?;
        check::target(request.target.as_ref(), schema.as_ref())?;
        check::split(request.split.as_ref(), schema.as_ref(), request.target.as_ref())?;
        check::header(request.header.as_ref())?;
        models::learning(request.task, &request.parameters, request.positive.as_ref())?;
        if let (Some(schema), Some(target)) = (&mut schema, &request.target) {
            schema.target = Some(target.clone());
        }
        let named = schema.as_ref().and_then(|schema| schema.target.as_ref());
        if request.target.as_ref().or(named).is_none() {
            let message = "no target is given; name the column to predict";
            return Err(Error::field("/target", "no_target", message));
        }
        check::recipe(request.recipe.as_ref(), schema.as_ref())
    }
}

/// The rows to learn from; none when nothing is held out. Percentages and a seed that the split gives
/// itself count before those of the request.
fn training_split(request: &NewTraining) -> Result<Option<Split>, Error> {
    let Some(document) = &request.split else {
        return Ok((request.holdout != 0.0).then(|| Split::training(request.holdout, request.seed)));
    };
    let mut split = check::readable_split(document)?;
    if !Split::names_percentages(document) {
        if split.complement {
            let message =
                "`/split/complement`: without percentages there is nothing to turn round; leave it out";
            return Err(Error::field("/split/complement", "invalid_split", message));
        }
        split.percent_end = 100.0 - request.holdout;
    }
    if document.get("seed").is_none() && document.get("splitting").is_none() {
        split.seed = Seed::Number(request.seed);
    }
    Ok(Some(split).filter(|split| !split.is_all()))
}

impl Parts {
    fn new(request: &NewTraining) -> Result<Self, Error> {
        let base = match &request.id {
            Some(text) if text.len() > LONGEST_BASE => {
                let message = format!("id has {} characters; give at most {LONGEST_BASE}", text.len());
                return Err(Error::field("/id", "invalid_id", message));
            }
            Some(text) => Some(check::id("/id", text)?.to_string()),
            None => None,
        };
        let fresh = random_text(&random::<12>()?);
        let wanted = |kind: EntityKind, ending: &str, part: &str| {
            let text = match &base {
                Some(base) => format!("{base}{ending}"),
                None => format!("{}{fresh}{ending}", kind.prefix()),
            };
            let at = EntityRef::new(kind, check::id("/id", &text)?);
            Wanted::called(at, &json!({"train": request, "part": part}))
        };
        Ok(Self {
            training_source: wanted(EntityKind::DataSource, "-train", "training_source")?,
            evaluation_source: wanted(EntityKind::DataSource, "-holdout", "evaluation_source")?,
            model: wanted(EntityKind::Model, "", "model")?,
            evaluation: wanted(EntityKind::Evaluation, "", "evaluation")?,
        })
    }

    /// What is asked for, each after what it depends on.
    fn in_order(&self, held_out: bool) -> Vec<&Wanted> {
        if held_out {
            vec![
                &self.training_source,
                &self.evaluation_source,
                &self.model,
                &self.evaluation,
            ]
        } else {
            vec![&self.training_source, &self.model]
        }
    }
}

/// Entities in the order of [`Parts::in_order`] as an answer.
fn assembled(entities: impl ExactSizeIterator<Item = Entity>, fresh: bool) -> Result<StartedTraining, Error> {
    let held_out = entities.len() > 2;
    let mut rest = entities;
    let mut next = || {
        rest.next()
            .ok_or_else(|| Error::internal("starting a training", "an entity is missing"))
    };
    let training_source = next()?;
    let evaluation_source = if held_out { Some(next()?) } else { None };
    let model = next()?;
    let evaluation = if held_out { Some(next()?) } else { None };
    Ok(StartedTraining {
        training_source,
        evaluation_source,
        model,
        evaluation,
        fresh,
    })
}
