//! The OpenAPI document: its head, and what all operations have in common.
//!
//! Addresses, parameters and types come from the handlers. Errors, examples and response headers
//! are the same everywhere, so one pass over the finished document adds them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder,
};

use super::problem::{self, PROBLEM_JSON, PROTOCOL_CODES, Problem};
use super::resource::Head;
use crate::service::codes::CODES;

/// The head of the OpenAPI document; the paths come from the routes themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Yosoku",
        description = "Bring a CSV, get a trained and evaluated model that answers in batch and in real time.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "Datasets", description = "Files of rows, kept by name and by the hash of their content."),
        (name = "Data sources", description = "A dataset, or a part of its rows, with schema and statistics."),
        (name = "Models", description = "What is learned from a data source."),
        (name = "Families", description = "Versions of a model under one name, and aliases such as `production`."),
        (name = "Evaluations", description = "How good a model is on rows it has not seen."),
        (name = "Batch predictions", description = "A model's answers for a whole file."),
        (name = "Usage", description = "What was used, and what it would have cost elsewhere.")
    ),
    components(schemas(problem::Problem, problem::ProblemEntry, Head))
)]
struct DocumentHead;

/// What stands for a type in examples: a request that works, or what the server really answers.
const EXAMPLES: &[(&str, &str)] = &[
    ("Dataset", include_str!("examples/dataset.json")),
    ("NewDataSource", include_str!("examples/new_datasource.json")),
    ("DataSource", include_str!("examples/datasource.json")),
    ("Statistics", include_str!("examples/statistics.json")),
    ("NewModel", include_str!("examples/new_model.json")),
    ("Model", include_str!("examples/model.json")),
    ("ModelWeights", include_str!("examples/model_weights.json")),
    ("NewEvaluation", include_str!("examples/new_evaluation.json")),
    ("Evaluation", include_str!("examples/evaluation.json")),
    ("ThresholdAdvice", include_str!("examples/threshold_advice.json")),
    (
        "NewBatchPrediction",
        include_str!("examples/new_batch_prediction.json"),
    ),
    ("BatchPrediction", include_str!("examples/batch_prediction.json")),
    ("NewTraining", include_str!("examples/new_training.json")),
    ("Training", include_str!("examples/training.json")),
    ("PredictRequest", include_str!("examples/predict_request.json")),
    ("PredictAnswer", include_str!("examples/predict_answer.json")),
    ("UsageReport", include_str!("examples/usage_report.json")),
    ("Family", include_str!("examples/family.json")),
    ("NewVersion", r#"{"model": "cancer"}"#),
    ("NewAlias", r#"{"version": 1}"#),
    ("Change", r#"{"name": "second try"}"#),
    ("ModelChange", r#"{"name": "second try", "threshold": 0.35}"#),
];

/// The big members that list items leave out.
const NOT_IN_LISTS: &[&str] = &[
    "schema",
    "statistics",
    "insights",
    "recipe",
    "solver",
    "report",
    "summary",
];

/// What a resource shows from the beginning, before any work is done.
const FROM_THE_BEGINNING: &[&str] = &[
    "id",
    "name",
    "status",
    "progress",
    "created_at",
    "updated_at",
    "dataset",
    "dataset_version",
    "split",
    "datasource",
    "evaluation_datasource",
    "parameters",
    "model",
    "evaluation",
    "columns",
    "explain",
];

/// The error statuses that an operation can answer with, by the name of their component.
const ERRORS: &[(u16, &str)] = &[
    (400, "InvalidInput"),
    (401, "Unauthenticated"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (409, "Conflict"),
    (412, "PreconditionFailed"),
    (413, "TooLarge"),
    (415, "UnsupportedMedia"),
    (416, "RangeNotSatisfiable"),
    (429, "TooManyRequests"),
    (500, "Internal"),
    (503, "Unavailable"),
];

/// The document of this program.
pub fn document() -> utoipa::openapi::OpenApi {
    let table = super::table();
    let small = table.ordinary.merge(table.predicting);
    complete(small.merge(table.streaming).into_openapi())
}

/// The document for these paths, with everything that the operations have in common.
pub fn complete(paths: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let mut document = DocumentHead::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.merge(paths);
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new::<_, [String; 0], String>("key", []),
    ]);
    let components = document.components.get_or_insert_with(Components::new);
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "Needed by a server that has keys; `yosoku key new` makes one.",
        ))
        .build();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    for (status, name) in ERRORS {
        components
            .responses
            .insert((*name).to_owned(), error(*status).into());
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            finish(path, method, operation);
        }
    }
    document
}

/// The operations of one address with their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, slot)| slot.as_mut().map(|operation| (method, operation)))
}

fn finish(path: &str, method: &str, operation: &mut Operation) {
    let errors = errors(path, method, operation);
    for (status, name) in ERRORS.iter().filter(|(status, _)| errors.contains(status)) {
        let reference = RefOr::Ref(Ref::from_response_name(*name));
        operation
            .responses
            .responses
            .insert(status.to_string(), reference);
    }
    if has_parameter(operation, "If-None-Match") {
        let known = Response::new("The caller already has it");
        operation
            .responses
            .responses
            .insert("304".to_owned(), known.into());
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        add_examples(body.content.values_mut(), example);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            let of_type = if status == "202" {
                example_at_first
            } else {
                example
            };
            add_examples(response.content.values_mut(), of_type);
            add_headers(status, path, response);
        }
    }
}

/// Which errors an operation can answer with, decided by its shape.
fn errors(path: &str, method: &str, operation: &Operation) -> BTreeSet<u16> {
    let mut errors = BTreeSet::from([401, 403, 429, 500, 503]);
    let has_body = operation.request_body.is_some();
    let is_made = ["/output", "/bundle", "/statistics", "/weights", "/threshold"]
        .iter()
        .any(|end| path.ends_with(end));
    let cases: [(bool, &[u16]); 6] = [
        (operation.parameters.is_some() || has_body, &[400]),
        (path.contains('{') && method != "put", &[404]),
        (is_made || matches!(method, "post" | "patch" | "delete"), &[409]),
        (has_parameter(operation, "If-Match"), &[412]),
        (has_body, &[413, 415]),
        (has_parameter(operation, "Range"), &[416]),
    ];
    for (_, statuses) in cases.iter().filter(|(applies, _)| *applies) {
        errors.extend(*statuses);
    }
    errors
}

fn has_parameter(operation: &Operation, name: &str) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(&parameter.name),
            RefOr::Ref(_) => None,
        })
        .any(|found| found == name)
}

/// A status with all the codes it is used for.
fn error(status: u16) -> Response {
    let service = CODES
        .iter()
        .filter(|row| problem::status_of(row.code, row.class) == status);
    let protocol = PROTOCOL_CODES.iter().filter(|row| row.1 == status);
    let codes: Vec<&str> = service
        .map(|row| row.code)
        .chain(protocol.map(|row| row.0))
        .collect();
    let listed: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let example = codes.first().map(|code| example_problem(code));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(example)
        .build();
    ResponseBuilder::new()
        .description(format!("One of the codes {}", listed.join(", ")))
        .content(PROBLEM_JSON, content)
        .build()
}

fn example_problem(code: &str) -> Value {
    let is_ours = CODES.iter().any(|row| row.code == code);
    let protocol = PROTOCOL_CODES.iter().find(|row| row.0 == code && !is_ours);
    let problem = match protocol {
        Some(row) => Problem::protocol(row.0, row.2),
        None => {
            let title = CODES
                .iter()
                .find(|row| row.code == code)
                .map_or("error", |row| row.title);
            Problem::of_job(code, title)
        }
    };
    serde_json::to_value(problem).unwrap_or_default()
}

fn add_examples<'c>(
    contents: impl Iterator<Item = &'c mut RefOr<Content>>,
    of_type: fn(&str) -> Option<Value>,
) {
    for content in contents {
        if let RefOr::T(content) = content
            && content.example.is_none()
        {
            content.example = schema_name(content).and_then(of_type);
        }
    }
}

fn schema_name(content: &Content) -> Option<&str> {
    match content.schema.as_ref()? {
        RefOr::Ref(reference) => reference.ref_location.strip_prefix("#/components/schemas/"),
        RefOr::T(_) => None,
    }
}

/// The example of a type; a page has one item.
fn example(name: &str) -> Option<Value> {
    if let Some(item) = name.strip_prefix("Page_") {
        let mut item = example(item)?;
        if let Some(members) = item.as_object_mut() {
            NOT_IN_LISTS
                .iter()
                .for_each(|big| drop(members.shift_remove(*big)));
        }
        return Some(json!({"items": [item], "next_cursor": null}));
    }
    let (_, text) = EXAMPLES.iter().find(|(known, _)| *known == name)?;
    serde_json::from_str(text).ok()
}

/// The example of a type as it is when the work on it has not begun.
fn example_at_first(name: &str) -> Option<Value> {
    let mut example = example(name)?;
    if let Some(members) = example.as_object_mut() {
        members.retain(|member, _| FROM_THE_BEGINNING.contains(&member.as_str()));
        if members.contains_key("status") {
            members["status"] = json!("PENDING");
            members["updated_at"] = members["created_at"].clone();
            members["progress"] = json!({"fraction": 0.0, "stage": null, "rows": null, "eta_seconds": null});
        }
    }
    Some(example)
}

/// The headers that come with a status.
fn add_headers(status: &str, path: &str, response: &mut Response) {
    let is_json = response.content.contains_key("application/json");
    let mut add = |name: &str, what: &str| {
        let header = HeaderBuilder::new().description(Some(what)).build();
        response.headers.insert(name.to_owned(), header.into());
    };
    match status {
        "202" => {
            add("Location", "Where to follow it");
            add("Retry-After", "Seconds after which to look again");
        }
        "206" => add("Content-Range", "Which bytes these are"),
        _ => {}
    }
    if is_json && path.contains('{') && !path.ends_with("/predict") {
        add("ETag", "Names this state, for If-Match and If-None-Match");
    }
}

#[cfg(test)]
mod tests;
