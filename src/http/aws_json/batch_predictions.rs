//! Batch predictions: answers for all records of a data source, left in object storage.

use serde_json::{Value, json};

use super::call::{Call, wrong_kind};
use super::error::Refusal;
use super::evaluations::VARIABLES;
use super::listing;
use super::output::{Output, common};
use super::words::Words;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::location::Location;
use crate::service::requests::NewBatchPrediction;

const KIND: EntityKind = EntityKind::BatchPrediction;
const ID: &str = "BatchPredictionId";

pub(super) async fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    if call.is_repeat(KIND, &id).await? {
        return Ok(json!({ID: id}));
    }
    let new = NewBatchPrediction {
        id: Some(id.clone()),
        name: call.input.name("BatchPredictionName")?,
        model: call.input.id("MLModelId")?,
        datasource: Some(call.input.id("BatchPredictionDataSourceId")?),
        output: Some(output(call)?),
        asked: call.asked(),
        ..NewBatchPrediction::default()
    };
    call.service.batch_prediction_create(new).await?;
    Ok(json!({ID: id}))
}

fn output(call: &Call<'_>) -> Result<Location, Refusal> {
    let refuse = |why: String| Err(Refusal::invalid(format!("`OutputUri`: {why}")));
    let Some(location) = call.input.location("OutputUri")? else {
        return Err(Refusal::missing("OutputUri"));
    };
    if location.key().contains(':') {
        return refuse(format!("the key of `{location}` has a `:`; leave it out"));
    }
    if location.upload().is_some() {
        return refuse(format!(
            "the bucket `{}` is for uploaded datasets; choose another one",
            location.bucket()
        ));
    }
    Ok(location)
}

pub(super) async fn get(call: &Call<'_>) -> Result<Value, Refusal> {
    let entity = call.entity(KIND, ID).await?;
    let mut output = shown(&entity)?;
    output.put("LogUri", call.log_of(&entity));
    Ok(output.whole())
}

fn shown(entity: &Entity) -> Result<Output, Refusal> {
    let work = entity.batch_prediction().ok_or_else(|| wrong_kind(entity))?;
    let mut output = common(entity, ID, true);
    let result = work.result.as_ref();
    output
        .put("MLModelId", &work.spec.model)
        .put("BatchPredictionDataSourceId", &work.spec.datasource)
        .put("InputDataLocationS3", &entity.location)
        .put("OutputUri", Words::from(entity).text(&["OutputUri"]))
        .put("TotalRecordCount", result.map(|result| result.rows))
        .put("InvalidRecordCount", result.map(|result| result.invalid_rows));
    Ok(output)
}

pub(super) async fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.renamed(KIND, ID, "BatchPredictionName").await
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.deleted(KIND, ID).await
}

pub(super) async fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    listing::describe(call, KIND, VARIABLES, shown).await
}
