//! The entity: one header for all kinds, and the steps of its life.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::canonical_json;
use super::ids::{EntityId, EntityKind, EntityRef};
use super::spec::{
    BatchPredictionResult, BatchPredictionSpec, Body, DataSourceResult, DataSourceSpec, EvaluationResult,
    EvaluationSpec, ModelResult, ModelSpec, Produced, Work, WrongResult,
};
use super::status::{IllegalTransition, Status, transition};
use crate::ml::observe::Stage;

/// Why something failed, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// A stable lower_snake code.
    pub code: String,
    /// What happened and where.
    pub message: String,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The same facts for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl Problem {
    /// A problem without hint or details.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: without_nul(message.into()),
            hint: None,
            details: None,
        }
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(without_nul(hint.into()));
        self
    }

    /// Adds facts for programs.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The user asked for a stop.
    pub fn cancelled() -> Self {
        Self::new("cancelled", "cancelled on request")
    }
}

/// Data may put a NUL into a message, and not every database stores one.
fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "")
    } else {
        text
    }
}

/// How far the work is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// From 0 to 1; never falls during one attempt.
    pub fraction: f64,
    /// What is being done now.
    pub stage: Option<Stage>,
    /// Rows handled so far, where known.
    pub rows: Option<u64>,
    /// Estimated seconds left, where known.
    pub eta_seconds: Option<u64>,
}

/// A data source, model, evaluation or batch prediction. Times are microseconds UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Unique within its kind, never reused.
    pub id: EntityId,
    /// Free text of the user.
    pub name: String,
    /// How far it is.
    pub status: Status,
    /// The latest thing to know, in one sentence.
    pub message: Option<String>,
    /// Why it FAILED.
    pub error: Option<Problem>,
    /// How far the work is.
    pub progress: Progress,
    /// When it was asked for.
    pub created_at: i64,
    /// When its status, name or settings last changed.
    pub updated_at: i64,
    /// When the work first began.
    pub started_at: Option<i64>,
    /// When the work ended.
    pub finished_at: Option<i64>,
    /// What all attempts at the work took together, in microseconds; none before the first ended.
    pub worked: Option<i64>,
    /// The creation parameters as canonical JSON: a repeat must match them.
    pub request: String,
    /// Counts stored changes; that of the progress alone is none, so that others can be made while
    /// work runs.
    pub revision: i64,
    /// A stop was asked for and not yet carried out.
    pub cancel_requested: bool,
    /// Who made it: the name of a key; empty on a server without keys.
    pub owner: String,
    /// The identifier of that key; empty on a server without keys.
    pub key: String,
    /// Where the data lie that it is made from, as a location in object storage; empty where that is not known.
    pub location: String,
    /// What was asked for and what came out.
    pub body: Body,
}

/// A step that the entity cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// Its status does not allow it.
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    /// The result is of another kind.
    #[error(transparent)]
    Result(#[from] WrongResult),
}

impl Entity {
    /// A new PENDING entity; `request` is what the caller sent, as received.
    pub fn new(id: EntityId, name: String, request: &Value, body: impl Into<Body>, now: i64) -> Self {
        Self {
            id,
            name,
            status: Status::Pending,
            message: None,
            error: None,
            progress: Progress::default(),
            created_at: now,
            updated_at: now,
            started_at: None,
            finished_at: None,
            worked: None,
            request: canonical_json(request),
            revision: 1,
            cancel_requested: false,
            owner: String::new(),
            key: String::new(),
            location: String::new(),
            body: body.into(),
        }
    }

    /// The same, made by the holder of the key `key` that is called `owner`, from data at `location`.
    #[must_use]
    pub fn made_by(mut self, (owner, key): (&str, &str), location: impl Into<String>) -> Self {
        self.owner = owner.to_owned();
        self.key = key.to_owned();
        self.location = location.into();
        self
    }

    /// How long was worked on it, in microseconds; waiting between attempts is none. None before the work ended.
    pub fn work_micros(&self) -> Option<i64> {
        // Older entities know when the work began and ended only.
        let whole = || Some(self.finished_at? - self.started_at?);
        self.worked.or_else(whole).map(|micros| micros.max(0))
    }

    /// What it is.
    pub fn kind(&self) -> EntityKind {
        self.body.kind()
    }

    /// Its kind and identifier.
    pub fn at(&self) -> EntityRef {
        EntityRef::new(self.kind(), self.id.clone())
    }

    /// The validator of everything about it but its progress, with quotes.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// A worker begins, for the first time or again.
    pub fn start(&mut self, now: i64) -> Result<(), LifecycleError> {
        self.status = transition(self.status, Status::InProgress)?;
        self.started_at = self.started_at.or(Some(now));
        self.updated_at = now;
        self.progress = Progress::default();
        self.message = None;
        Ok(())
    }

    /// The work is done.
    pub fn complete(&mut self, produced: Produced, now: i64) -> Result<(), LifecycleError> {
        let status = transition(self.status, Status::Completed)?;
        self.body.accept(produced)?;
        self.end(status, now);
        self.progress = Progress {
            fraction: 1.0,
            stage: None,
            eta_seconds: Some(0),
            ..self.progress
        };
        Ok(())
    }

    /// The work ended without a result.
    pub fn fail(&mut self, problem: Problem, now: i64) -> Result<(), LifecycleError> {
        let status = transition(self.status, Status::Failed)?;
        self.end(status, now);
        self.progress.eta_seconds = None;
        self.message = Some(problem.message.clone());
        self.error = Some(problem);
        Ok(())
    }

    fn end(&mut self, status: Status, now: i64) {
        self.status = status;
        self.finished_at = Some(now);
        self.updated_at = now;
        self.cancel_requested = false;
        self.message = None;
    }

    /// Marks it deleted; everything else about it stays readable.
    pub fn delete(&mut self, now: i64) -> Result<(), LifecycleError> {
        self.status = transition(self.status, Status::Deleted)?;
        self.updated_at = now;
        Ok(())
    }

    /// The data source in it.
    pub fn data_source(&self) -> Option<&Work<DataSourceSpec, DataSourceResult>> {
        if let Body::DataSource(work) = &self.body {
            Some(work)
        } else {
            None
        }
    }

    /// The model in it.
    pub fn model(&self) -> Option<&Work<ModelSpec, ModelResult>> {
        if let Body::Model(work) = &self.body {
            Some(work)
        } else {
            None
        }
    }

    /// The evaluation in it.
    pub fn evaluation(&self) -> Option<&Work<EvaluationSpec, EvaluationResult>> {
        if let Body::Evaluation(work) = &self.body {
            Some(work)
        } else {
            None
        }
    }

    /// The batch prediction in it.
    pub fn batch_prediction(&self) -> Option<&Work<BatchPredictionSpec, BatchPredictionResult>> {
        if let Body::BatchPrediction(work) = &self.body {
            Some(work)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn evaluation() -> Entity {
        let spec = EvaluationSpec {
            model: EntityId::new("ml-1").unwrap(),
            datasource: EntityId::new("ds-1").unwrap(),
        };
        Entity::new(
            EntityId::new("ev-1").unwrap(),
            String::new(),
            &json!({"b": 1, "a": 2}),
            spec,
            10,
        )
    }

    #[test]
    fn a_life_without_trouble() {
        let mut entity = evaluation();
        assert_eq!(entity.request, r#"{"a":2,"b":1}"#);
        entity.start(20).unwrap();
        entity.start(25).unwrap();
        assert_eq!(entity.started_at, Some(20));
        entity
            .complete(
                Produced::Evaluation(EvaluationResult {
                    report: json!({"auc": 0.9}),
                }),
                30,
            )
            .unwrap();
        assert_eq!(
            (entity.status, entity.finished_at, entity.progress.fraction),
            (Status::Completed, Some(30), 1.0)
        );
        entity.delete(40).unwrap();
        assert!(entity.delete(50).is_err());
        assert!(entity.evaluation().unwrap().result.is_some());
    }

    #[test]
    fn a_result_of_another_kind_changes_nothing() {
        let mut entity = evaluation();
        entity.start(20).unwrap();
        let before = entity.clone();
        assert!(entity.complete(Produced::Nothing, 30).is_err());
        assert_eq!(entity, before);
    }

    #[test]
    fn failing_keeps_the_reason() {
        let mut entity = evaluation();
        entity.cancel_requested = true;
        entity.fail(Problem::cancelled(), 30).unwrap();
        assert_eq!(entity.error.as_ref().unwrap().code, "cancelled");
        assert_eq!(
            (entity.started_at, entity.finished_at, entity.cancel_requested),
            (None, Some(30), false)
        );
        assert!(entity.complete(Produced::Nothing, 40).is_err());
    }

    #[test]
    fn dependencies_follow_from_the_specification() {
        let needs: Vec<String> = evaluation()
            .body
            .depends_on()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(needs, ["data source ds-1", "model ml-1"]);
    }
}
