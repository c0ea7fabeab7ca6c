//! Predictions now, for records in the request.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::Service;
use super::answers::{Explained, FieldWarning, Predictions, Scored};
use super::convert::wrong_state;
use super::error::Error;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::ModelResult;
use crate::domain::status::Status;
use crate::ml::Task;
use crate::ml::features::{FieldNote, NoteKind};
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::record::Record;

/// One record as it was sent.
type Fields = BTreeMap<String, String>;

/// How long a caller who is refused should wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Characters of a value that are repeated in a warning.
const SHOWN: usize = 80;

impl Service {
    /// Scores records, given as text by field name; an absent field is a missing value. Odd fields,
    /// unknown ones among them, are warnings and never errors.
    pub async fn predict(
        &self,
        model: &str,
        records: Vec<Fields>,
        explain: bool,
    ) -> Result<Predictions, Error> {
        let limits = &self.0.limits;
        check_count(records.len(), limits.records)?;
        let permit = self.permit()?;
        let entity = self.entity_get(EntityKind::Model, model).await?;
        let predictor = self.0.predictors.get(trained(&entity)?).await?;
        let work = Work {
            predictor: predictor.clone(),
            records,
            explain,
            most_warnings: limits.warnings,
        };
        let rows = if work.cells() <= limits.inline_cells {
            work.score()
        } else {
            // The permit goes with the work, which goes on when the caller has gone.
            let scored = spawn_blocking(move || {
                let rows = work.score();
                drop(permit);
                rows
            });
            scored.await.map_err(|e| Error::internal("scoring records", e))?
        };
        let target = predictor.target();
        Ok(Predictions {
            model: entity.id,
            model_hash: predictor.hash().to_owned(),
            task: predictor.task(),
            labels: target.labels().into_iter().map(str::to_owned).collect(),
            threshold: (predictor.task() == Task::Binary).then(|| predictor.threshold()),
            rows,
        })
    }
}

impl Service {
    /// A place among the requests that are worked on at once.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = self.0.permits.clone().try_acquire_owned();
        permit.map_err(|_| Error::Throttled {
            retry_after: RETRY_AFTER,
        })
    }
}

fn check_count(records: usize, most: usize) -> Result<(), Error> {
    if records == 0 {
        let message = "no records are given; give at least one";
        return Err(Error::field("/records", "missing_field", message));
    }
    if records > most {
        let message = format!("{records} records are more than the {most} allowed; use a batch prediction");
        return Err(Error::field("/records", "invalid_value", message));
    }
    Ok(())
}

/// What a model that can predict has become.
fn trained(entity: &Entity) -> Result<&ModelResult, Error> {
    let result = entity.model().and_then(|work| work.result.as_ref());
    match (result, entity.status) {
        (Some(result), Status::Completed) => Ok(result),
        (_, Status::Pending | Status::InProgress) => Err(wrong_state(
            &entity.at(),
            entity.status,
            "it can predict when it is COMPLETED: wait for that",
        )),
        _ => Err(wrong_state(&entity.at(), entity.status, "it cannot predict")),
    }
}

/// Records to score.
struct Work {
    predictor: Arc<Predictor>,
    records: Vec<Fields>,
    explain: bool,
    most_warnings: usize,
}

impl Work {
    /// The amount of work: fields that are looked at.
    fn cells(&self) -> usize {
        let attributes = self.predictor.schema().attributes.len();
        self.records.len().saturating_mul(attributes.max(1))
    }

    fn score(&self) -> Vec<Scored> {
        let (mut scratch, mut record) = (Scratch::default(), Record::new());
        let mut seen = HashSet::new();
        self.records
            .iter()
            .map(|fields| self.score_one(fields, &mut record, &mut scratch, &mut seen))
            .collect()
    }

    fn score_one(
        &self,
        fields: &Fields,
        record: &mut Record,
        scratch: &mut Scratch,
        seen: &mut HashSet<(usize, NoteKind)>,
    ) -> Scored {
        let predictor = &self.predictor;
        let unknown = predictor.record_from_map(fields, record);
        let mut notes: Vec<FieldNote> = Vec::new();
        seen.clear();
        predictor.score_noting(record, scratch, |note| {
            // An attribute may be read by several terms. What is not shown is only counted.
            if seen.insert((note.attribute, note.kind)) && notes.len() < self.most_warnings {
                notes.push(note);
            }
        });
        let found = unknown.len() + seen.len();
        let odd = notes.iter().map(|note| self.warning(*note, record));
        let unknown = unknown.into_iter().map(|name| FieldWarning {
            field: shortened(name),
            code: "unknown_field",
            value: fields.get(name).map(|value| shortened(value)),
        });
        let warnings: Vec<FieldWarning> = unknown.chain(odd).take(self.most_warnings).collect();
        let more_warnings = found.saturating_sub(warnings.len()) as u64;
        Scored {
            class: (predictor.task() != Task::Regression).then(|| predictor.class_of(&scratch.scores)),
            explanation: self.explain.then(|| self.explained(scratch)),
            scores: scratch.scores.clone(),
            warnings,
            more_warnings,
        }
    }

    fn warning(&self, note: FieldNote, record: &Record) -> FieldWarning {
        let value = record.get(note.attribute);
        FieldWarning {
            field: self.field(note.attribute),
            code: match note.kind {
                NoteKind::Missing => "missing",
                NoteKind::Invalid => "invalid",
                NoteKind::OutOfRange => "out_of_range",
                NoteKind::UnknownCategory => "unknown_category",
                NoteKind::UnknownWords => "unknown_words",
            },
            value: (!value.is_empty()).then(|| shortened(value)),
        }
    }

    fn explained(&self, scratch: &mut Scratch) -> Explained {
        let explanation = self.predictor.explain(scratch);
        let named = explanation.contributions.into_iter();
        Explained {
            baseline: explanation.baseline,
            contributions: named
                .map(|(attribute, amount)| (self.field(attribute), amount))
                .collect(),
            margin: explanation.margin,
        }
    }

    fn field(&self, attribute: usize) -> String {
        let attribute = self.predictor.schema().attributes.get(attribute);
        attribute.map(|a| a.name.clone()).unwrap_or_default()
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
