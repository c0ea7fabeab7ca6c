//! Data sources: made from files in object storage.

use serde_json::{Value, json};

use super::call::{Call, wrong_kind};
use super::databases;
use super::error::Refusal;
use super::input::{Input, LONGEST_DOCUMENT};
use super::listing;
use super::output::{Output, common};
use super::words::Words;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::location::Location;
use crate::domain::search::Variable;
use crate::ml::split::{Split, rearrangement};
use crate::service::requests::NewDataSource;

const KIND: EntityKind = EntityKind::DataSource;
const ID: &str = "DataSourceId";

const VARIABLES: &[(&str, Variable)] = &[
    ("CreatedAt", Variable::CreatedAt),
    ("LastUpdatedAt", Variable::UpdatedAt),
    ("Status", Variable::Status),
    ("Name", Variable::Name),
    ("DataLocationS3", Variable::Location),
    ("IAMUser", Variable::Owner),
];

/// What the data are called in requests: of files and Redshift, and of RDS.
const MEMBERS: [&str; 2] = ["DataSpec", "RDSData"];

/// Bytes that a schema may have in object storage.
const MOST_BYTES: u64 = 4 * LONGEST_DOCUMENT as u64;

pub(super) async fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    if call.is_repeat(KIND, &id).await? {
        return Ok(json!({ID: id}));
    }
    let data = call.input.object("DataSpec")?;
    let location = located(&data)?;
    let schema = match given_schema(call, &data, "DataSchemaLocationS3").await? {
        Some(schema) => schema,
        None => schema_beside(call, &location).await?,
    };
    let new = NewDataSource {
        id: Some(id.clone()),
        name: call.input.name("DataSourceName")?,
        location: Some(location),
        header: Some(header(&schema).to_owned()),
        schema: Some(schema),
        split: rearranged(&data)?,
        without_statistics: !call.input.flag("ComputeStatistics")?,
        asked: call.asked(),
        ..NewDataSource::default()
    };
    call.service.data_source_create(new).await?;
    Ok(json!({ID: id}))
}

fn located(data: &Input) -> Result<Location, Refusal> {
    let location = data.location("DataLocationS3")?;
    location.ok_or_else(|| Refusal::missing("DataLocationS3"))
}

/// Whether files begin with names of columns: only where the schema says so.
pub(super) fn header(schema: &Value) -> &'static str {
    match schema.get("dataFileContainsHeader").and_then(Value::as_bool) {
        Some(true) => "yes",
        _ => "no",
    }
}

/// The part of the records that is asked for; none for all.
pub(super) fn rearranged(data: &Input) -> Result<Option<Value>, Refusal> {
    let Some(text) = data.document("DataRearrangement")? else {
        return Ok(None);
    };
    let split: Split =
        rearrangement(&text).map_err(|error| Refusal::invalid(format!("`DataRearrangement`: {error}")))?;
    Ok((!split.is_all()).then(|| json!(split)))
}

/// The schema that a request gives: its text, or where that lies, which the member `place` says.
pub(super) async fn given_schema(
    call: &Call<'_>,
    data: &Input,
    place: &str,
) -> Result<Option<Value>, Refusal> {
    if let Some(text) = data.document("DataSchema")? {
        return read_schema(&text, "DataSchema").map(Some);
    }
    match data.location(place)? {
        Some(at) => schema_at(call, &at).await.map(Some),
        None => Ok(None),
    }
}

/// The schema that lies beside the data.
async fn schema_beside(call: &Call<'_>, location: &Location) -> Result<Value, Refusal> {
    match location.with(".schema") {
        Ok(beside) => schema_at(call, &beside).await,
        Err(error) => Err(Refusal::invalid(format!("`DataLocationS3`: {error}"))),
    }
}

/// The schema in a file.
async fn schema_at(call: &Call<'_>, at: &Location) -> Result<Value, Refusal> {
    match call.service.text_at(at, MOST_BYTES).await? {
        Some(text) => read_schema(&text, at.as_str()),
        None => Err(Refusal::invalid(format!(
            "there is no schema at `{at}`; give it as `DataSchema`, or put it there"
        ))),
    }
}

fn read_schema(text: &str, place: &str) -> Result<Value, Refusal> {
    serde_json::from_str(text)
        .map_err(|error| Refusal::invalid(format!("the schema in `{place}` is not JSON: {error}")))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Value, Refusal> {
    let entity = call.entity(KIND, ID).await?;
    let verbose = call.input.flag("Verbose")?;
    let mut output = shown(&entity)?;
    databases::put_query(&mut output, &entity, verbose);
    output.put("LogUri", call.log_of(&entity));
    if verbose {
        output.put("DataSourceSchema", schema_of(&entity));
    }
    Ok(output.whole())
}

/// The text of the schema: as given, or as it was found.
pub(super) fn schema_of(entity: &Entity) -> Option<String> {
    let words = Words::from(entity);
    if let Some(text) = MEMBERS.iter().find_map(|data| words.text(&[data, "DataSchema"])) {
        return Some(text.to_owned());
    }
    let work = entity.data_source()?;
    let found = || work.result.as_ref()?.document.get("schema").cloned();
    work.spec
        .schema
        .clone()
        .or_else(found)
        .map(|schema| schema.to_string())
}

/// Whether it has statistics: all that REST makes have.
pub(super) fn has_statistics(entity: &Entity) -> bool {
    let words = Words::from(entity);
    !words.are_ours() || words.flag("ComputeStatistics")
}

fn shown(entity: &Entity) -> Result<Output, Refusal> {
    let work = entity.data_source().ok_or_else(|| wrong_kind(entity))?;
    let statistics = has_statistics(entity);
    let mut output = common(entity, ID, statistics);
    let rearrangement = match Words::from(entity) {
        words if words.are_ours() => MEMBERS
            .iter()
            .find_map(|data| words.text(&[data, "DataRearrangement"]))
            .map(str::to_owned),
        _ => work.spec.split.as_ref().map(Value::to_string),
    };
    let result = work.result.as_ref();
    databases::put_query(&mut output, entity, false);
    let location = Some(&entity.location).filter(|location| !location.is_empty());
    output
        .put("DataLocationS3", location)
        .put("DataRearrangement", rearrangement)
        .put("DataSizeInBytes", result.map(|result| result.size_bytes))
        .put("NumberOfFiles", result.map(|result| result.files.len().max(1)))
        .put("ComputeStatistics", statistics);
    Ok(output)
}

pub(super) async fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    call.renamed(KIND, ID, "DataSourceName").await
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    call.deleted(KIND, ID).await
}

pub(super) async fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    listing::describe(call, KIND, VARIABLES, shown).await
}
