//! Evaluations: one number for each.

use serde_json::{Map, Value, json};

use super::call::{Call, wrong_kind};
use super::error::Refusal;
use super::listing;
use super::output::{Output, common};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::search::Variable;
use crate::service::requests::NewEvaluation;

const KIND: EntityKind = EntityKind::Evaluation;
const ID: &str = "EvaluationId";

/// What evaluations and batch predictions are filtered by.
pub(super) const VARIABLES: &[(&str, Variable)] = &[
    ("CreatedAt", Variable::CreatedAt),
    ("LastUpdatedAt", Variable::UpdatedAt),
    ("Status", Variable::Status),
    ("Name", Variable::Name),
    ("IAMUser", Variable::Owner),
    ("MLModelId", Variable::Model),
    ("DataSourceId", Variable::DataSource),
    ("DataURI", Variable::Location),
];

/// The metric of each kind of report, by its name there and ours.
const METRICS: [(&str, &str); 3] = [
    ("BinaryAUC", "auc"),
    ("MulticlassAvgFScore", "macro_f1"),
    ("RegressionRMSE", "rmse"),
];

pub(super) async fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    if call.is_repeat(KIND, &id).await? {
        return Ok(json!({ID: id}));
    }
    let new = NewEvaluation {
        id: Some(id.clone()),
        name: call.input.name("EvaluationName")?,
        model: call.input.id("MLModelId")?,
        datasource: call.input.id("EvaluationDataSourceId")?,
        asked: call.asked(),
    };
    call.service.evaluation_create(new).await?;
    Ok(json!({ID: id}))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Value, Refusal> {
    let entity = call.entity(KIND, ID).await?;
    let mut output = shown(&entity)?;
    output.put("LogUri", call.log_of(&entity));
    Ok(output.whole())
}

fn shown(entity: &Entity) -> Result<Output, Refusal> {
    let work = entity.evaluation().ok_or_else(|| wrong_kind(entity))?;
    let mut output = common(entity, ID, true);
    let report = work.result.as_ref().map(|result| &result.report);
    output
        .put("MLModelId", &work.spec.model)
        .put("EvaluationDataSourceId", &work.spec.datasource)
        .put("InputDataLocationS3", &entity.location)
        .put(
            "PerformanceMetrics",
            report.map(|report| json!({"Properties": metric(report)})),
        );
    Ok(output)
}

/// The metric of a report; texts are all that there is room for. Where the rows do not define it (the AUC of rows of one
/// class) it is `NaN`, which programs can read as a number.
fn metric(report: &Value) -> Map<String, Value> {
    let value = |ours: &str| report.get("metrics")?.get(ours)?.get("value");
    let found = METRICS.iter().find_map(|(theirs, ours)| {
        let text = match value(ours)? {
            Value::Null => "NaN".to_owned(),
            value => value.to_string(),
        };
        Some(((*theirs).to_owned(), Value::from(text)))
    });
    found.into_iter().collect()
}

pub(super) async fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.renamed(KIND, ID, "EvaluationName").await
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.deleted(KIND, ID).await
}

pub(super) async fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    listing::describe(call, KIND, VARIABLES, shown).await
}
