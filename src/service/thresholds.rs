//! Thresholds that reach a goal, from what an evaluation has counted.

use super::Service;
use super::convert::wrong_state;
use super::error::Error;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::status::Status;
use crate::ml::evaluate::Report;
use crate::ml::evaluate::threshold::{Outcome, ThresholdError, Wish};

/// A threshold beside the one that the evaluation was made with.
pub struct Advice {
    /// The evaluation.
    pub evaluation: Entity,
    /// The model that was evaluated.
    pub model: String,
    /// Records evaluated.
    pub records: u64,
    /// Positives among them.
    pub positives: u64,
    /// The label that counts as positive; not known of evaluations made before it was kept.
    pub positive: Option<String>,
    /// What reaches the goal.
    pub outcome: Outcome,
    /// What the threshold does that the evaluation was made with.
    pub as_it_is: Outcome,
}

impl Service {
    /// The threshold of a binary model that reaches a goal best on the records of an evaluation.
    pub async fn threshold_for(&self, evaluation: &str, wish: Wish) -> Result<Advice, Error> {
        let goal = wish.goal()?;
        let entity = self.entity_get(EntityKind::Evaluation, evaluation).await?;
        let work = entity.evaluation();
        let result = work.and_then(|work| work.result.as_ref());
        let (Some(work), Some(result), Status::Completed) = (work, result, entity.status) else {
            let reason = "it can advise once it is COMPLETED";
            return Err(wrong_state(&entity.at(), entity.status, reason));
        };
        let model = work.spec.model.to_string();
        let report: Report = serde_json::from_value(result.report.clone())
            .map_err(|error| Error::internal("reading the report of an evaluation", error))?;
        let Report::Binary(report) = report else {
            let message = format!(
                "evaluation `{}` is of a model that is not binary; only binary models answer by a threshold",
                entity.id
            );
            return Err(Error::invalid("invalid_parameter", message));
        };
        let outcome = report.threshold_for(goal)?;
        Ok(Advice {
            model,
            records: report.records,
            positives: report.positives,
            positive: result.report["positive"].as_str().map(str::to_string),
            as_it_is: report.as_it_is(goal),
            outcome,
            evaluation: entity,
        })
    }
}

impl From<ThresholdError> for Error {
    fn from(error: ThresholdError) -> Self {
        let code = match error {
            ThresholdError::OneClass(_)
            | ThresholdError::Crowded { .. }
            | ThresholdError::Unreachable { .. } => "goal_unreachable",
            _ => "invalid_parameter",
        };
        Error::invalid(code, error.to_string())
    }
}
