//! Models: what they are trained with, and what is told of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Call, wrong_kind};
use super::data_sources::{has_statistics, schema_of};
use super::endpoints;
use super::error::Refusal;
use super::input::LONGEST_DOCUMENT;
use super::listing;
use super::output::{Output, common, seconds};
use super::words::Words;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::search::Variable;
use crate::domain::status::Status;
use crate::ml::Task;
use crate::ml::schema::Schema;
use crate::ml::target::kind_of;
use crate::service::requests::{Changes, NewModel};

const KIND: EntityKind = EntityKind::Model;
const ID: &str = "MLModelId";

const VARIABLES: &[(&str, Variable)] = &[
    ("CreatedAt", Variable::CreatedAt),
    ("LastUpdatedAt", Variable::UpdatedAt),
    ("Status", Variable::Status),
    ("Name", Variable::Name),
    ("IAMUser", Variable::Owner),
    ("TrainingDataSourceId", Variable::DataSource),
    ("RealtimeEndpointStatus", Variable::Endpoint),
    ("MLModelType", Variable::Task),
    ("TrainingDataURI", Variable::Location),
];

const L1: &str = "sgd.l1RegularizationAmount";
const L2: &str = "sgd.l2RegularizationAmount";

/// Parameters in force unless they are given, and names of ours that mean the same.
const DEFAULTS: [(&str, &str, &str); 3] = [
    ("sgd.maxMLModelSizeInBytes", "33554432", "max_features"),
    ("sgd.maxPasses", "10", "max_passes"),
    ("sgd.shuffleType", "none", ""),
];

pub(super) async fn create(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    if call.is_repeat(KIND, &id).await? {
        return Ok(json!({ID: id}));
    }
    let name = call.input.name("MLModelName")?;
    let task = task(&call.input.required("MLModelType")?)?;
    let datasource = call.input.id("TrainingDataSourceId")?;
    let parameters = parameters(call.input.texts("Parameters")?)?;
    let recipe = recipe(call).await?;
    let new = NewModel {
        id: Some(id.clone()),
        name,
        datasource: datasource.clone(),
        task: Some(task),
        recipe,
        parameters,
        asked: call.asked(),
        ..NewModel::default()
    };
    fits(call, &datasource, task).await?;
    call.service.model_create(new).await?;
    Ok(json!({ID: id}))
}

/// The data source must have statistics, and a target of the type that the question needs.
async fn fits(call: &Call<'_>, datasource: &str, task: Task) -> Result<(), Refusal> {
    let Ok(source) = call.service.entity_get(EntityKind::DataSource, datasource).await else {
        // Told of where it is looked up.
        return Ok(());
    };
    if !has_statistics(&source) {
        return Err(Refusal::invalid(format!(
            "data source `{datasource}` has no statistics; create one with ComputeStatistics true"
        )));
    }
    fits_target(&source, task)
}

/// Where the schema was given here, the type of its target decides which question can be asked.
fn fits_target(source: &Entity, task: Task) -> Result<(), Refusal> {
    let declared = source.data_source().and_then(|work| work.spec.schema.clone());
    let declared: Option<Schema> = declared.and_then(|schema| serde_json::from_value(schema).ok());
    let Some(schema) = declared.filter(|_| Words::from(source).are_ours()) else {
        return Ok(());
    };
    let target = schema
        .target_index()
        .and_then(|index| schema.attributes.get(index));
    match target {
        Some(target) if target.kind != kind_of(task) => Err(Refusal::invalid(format!(
            "`MLModelType` is {} and the target `{}` is {}; BINARY goes with BINARY, MULTICLASS with CATEGORICAL, \
             REGRESSION with NUMERIC",
            told(task),
            target.name,
            target.kind.as_str()
        ))),
        _ => Ok(()),
    }
}

fn task(text: &str) -> Result<Task, Refusal> {
    let tasks = [Task::Binary, Task::Multiclass, Task::Regression];
    let found = tasks.into_iter().find(|task| told(*task) == text);
    found.ok_or_else(|| {
        Refusal::invalid(format!(
            "`MLModelType` is `{text}`; give REGRESSION, BINARY or MULTICLASS"
        ))
    })
}

fn told(task: Task) -> &'static str {
    match task {
        Task::Binary => "BINARY",
        Task::Multiclass => "MULTICLASS",
        Task::Regression => "REGRESSION",
    }
}

/// All parameters in force: those given, and the defaults of the others.
fn parameters(mut given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    if let Some(algorithm) = given.remove("algorithm").filter(|algorithm| algorithm != "sgd") {
        return Err(Refusal::invalid(format!(
            "the parameter `algorithm` is `{algorithm}`; there is `sgd` only"
        )));
    }
    for (name, value, ours) in DEFAULTS {
        if !given.contains_key(ours) {
            given.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    let is_penalised = [L1, L2, "l1", "l2"].iter().any(|name| given.contains_key(*name));
    for (name, ours, value) in [
        (L1, "l1", "0.0"),
        (L2, "l2", if is_penalised { "0.0" } else { "1e-6" }),
    ] {
        if !given.contains_key(ours) {
            given.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    Ok(given)
}

/// The recipe, as given or from where it is said to be; none for the suggested one.
async fn recipe(call: &Call<'_>) -> Result<Option<Value>, Refusal> {
    let given = call.input.document("Recipe")?;
    let (text, place) = match (given, call.input.location("RecipeUri")?) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid(
                "`Recipe` and `RecipeUri` are both given; give one of them",
            ));
        }
        (Some(text), None) => (text, "Recipe".to_owned()),
        (None, Some(at)) => {
            let text = call.service.text_at(&at, 4 * LONGEST_DOCUMENT as u64).await?;
            let text = text.ok_or_else(|| Refusal::invalid(format!("there is no recipe at `{at}`")))?;
            (text, at.to_string())
        }
        (None, None) => return Ok(None),
    };
    let recipe = serde_json::from_str(&text);
    recipe
        .map(Some)
        .map_err(|error| Refusal::invalid(format!("the recipe in `{place}` is not JSON: {error}")))
}

pub(super) async fn get(call: &Call<'_>) -> Result<Value, Refusal> {
    let entity = call.entity(KIND, ID).await?;
    let mut output = shown(&entity, &call.endpoint)?;
    output.put("LogUri", call.log_of(&entity));
    if call.input.flag("Verbose")? {
        output.put("Recipe", recipe_of(&entity));
        output.put("Schema", schema_of_model(call, &entity).await?);
    }
    Ok(output.whole())
}

/// The text of the recipe: as given, or as it was suggested.
fn recipe_of(entity: &Entity) -> Option<String> {
    if let Some(text) = Words::from(entity).text(&["Recipe"]) {
        return Some(text.to_owned());
    }
    let work = entity.model()?;
    let made = || work.result.as_ref()?.document.get("recipe").cloned();
    work.spec
        .recipe
        .clone()
        .or_else(made)
        .map(|recipe| recipe.to_string())
}

async fn schema_of_model(call: &Call<'_>, entity: &Entity) -> Result<Option<String>, Refusal> {
    let work = entity.model().ok_or_else(|| wrong_kind(entity))?;
    let learned = work
        .result
        .as_ref()
        .and_then(|result| result.document.get("schema"));
    if let Some(schema) = learned {
        return Ok(Some(schema.to_string()));
    }
    let source = call
        .service
        .entity_get(EntityKind::DataSource, work.spec.datasource.as_str())
        .await?;
    Ok(schema_of(&source))
}

fn shown(entity: &Entity, base: &str) -> Result<Output, Refusal> {
    let work = entity.model().ok_or_else(|| wrong_kind(entity))?;
    let mut output = common(entity, ID, true);
    let result = work.result.as_ref();
    let mut parameters = work.spec.parameters.clone();
    parameters.insert("algorithm".to_owned(), "sgd".to_owned());
    let threshold = result.and_then(|result| result.threshold);
    let threshold_at = result
        .and_then(|result| result.threshold_at)
        .or(entity.finished_at);
    output
        .put("TrainingDataSourceId", &work.spec.datasource)
        .put("InputDataLocationS3", &entity.location)
        .put("MLModelType", entity.body.task().map(told))
        .put("SizeInBytes", result.map(|result| result.size_bytes))
        .put("EndpointInfo", endpoints::info(entity, base))
        .put("TrainingParameters", parameters)
        .put("ScoreThreshold", threshold)
        .put(
            "ScoreThresholdLastUpdatedAt",
            threshold.and(threshold_at).map(seconds),
        );
    Ok(output)
}

pub(super) async fn update(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    let changes = Changes {
        name: call.input.name("MLModelName")?,
        threshold: call.input.number("ScoreThreshold")?,
    };
    if changes.threshold.is_some() {
        without_endpoint(call, &id, Some(changes)).await?;
    } else if changes != Changes::default() {
        call.service.entity_update(KIND, &id, None, changes).await?;
    } else {
        call.service.entity_get(KIND, &id).await?;
    }
    Ok(json!({ID: id}))
}

/// Changes a model that has no endpoint, or deletes it if there are no changes. Who makes an endpoint between the look
/// and the change makes another revision, so that we look again.
async fn without_endpoint(call: &Call<'_>, id: &str, changes: Option<Changes>) -> Result<(), Refusal> {
    loop {
        let model = call.service.entity_get(KIND, id).await?;
        if model.body.endpoint().is_some() && model.status != Status::Deleted {
            return Err(Refusal::invalid(format!(
                "MLModel `{id}` has a real-time endpoint, under which it neither goes nor changes its threshold; delete \
                 the endpoint first"
            )));
        }
        let seen = Some(model.revision);
        let done = match &changes {
            Some(changes) => call.service.entity_update(KIND, id, seen, changes.clone()).await,
            None => call.service.entity_delete(KIND, id, seen).await,
        };
        match done {
            Err(error) if error.code() == "revision_mismatch" => {}
            done => return done.map(drop).map_err(Refusal::from),
        }
    }
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    without_endpoint(call, &id, None).await?;
    Ok(json!({ID: id}))
}

pub(super) async fn describe(call: &Call<'_>) -> Result<Value, Refusal> {
    let shown = |entity: &Entity| {
        let mut output = shown(entity, &call.endpoint)?;
        output.put("Algorithm", "sgd");
        Ok(output)
    };
    if call.input.text("FilterVariable")?.as_deref() == Some("Algorithm") {
        return listing::describe_constant(call, KIND, "sgd", shown).await;
    }
    listing::describe(call, KIND, VARIABLES, shown).await
}
