//! Every operation says what it does, how it fails, and shows an example that works.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::super::{batch_predictions, datasources, evaluations, families, models, resource, train};
use super::*;

fn as_json() -> Value {
    serde_json::to_value(document()).unwrap()
}

fn each(check: impl Fn(&str, &Value)) {
    let document = as_json();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            check(&format!("{method} {path}"), operation);
            count += 1;
        }
    }
    assert!(count > 30, "{count} operations");
}

#[test]
fn every_operation_has_a_name_a_summary_and_a_tag() {
    let tags: BTreeSet<String> = as_json()["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap().to_owned())
        .collect();
    each(|place, operation| {
        assert!(operation["operationId"].is_string(), "{place}");
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.ends_with('.')),
            "{place}"
        );
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{place}");
    });
}

#[test]
fn every_operation_shows_what_goes_in_and_what_comes_out() {
    each(|place, operation| {
        if let Some(body) = operation.get("requestBody") {
            for (media, content) in body["content"].as_object().unwrap() {
                assert!(content.get("example").is_some(), "{place} takes {media}");
            }
        }
        let mut good = 0;
        for (status, response) in operation["responses"].as_object().unwrap() {
            if !status.starts_with('2') {
                continue;
            }
            good += 1;
            let content = response.get("content").and_then(Value::as_object);
            assert_eq!(content.is_none(), status == "204", "{place} {status}");
            for (media, content) in content.into_iter().flatten() {
                assert!(content.get("example").is_some(), "{place} {status} {media}");
            }
        }
        assert!(good > 0, "{place}");
    });
}

#[test]
fn every_operation_lists_its_errors() {
    let components = as_json()["components"]["responses"].clone();
    each(|place, operation| {
        let responses = operation["responses"].as_object().unwrap();
        for always in ["401", "403", "429", "500", "503"] {
            let name = responses[always]["$ref"].as_str().unwrap();
            let component = &components[name.rsplit('/').next().unwrap()];
            let example = &component["content"][PROBLEM_JSON]["example"];
            assert_eq!(example["status"], always.parse::<u16>().unwrap(), "{place}");
        }
        assert_eq!(
            responses.contains_key("413"),
            operation.get("requestBody").is_some(),
            "{place}"
        );
    });
    for (status, name) in ERRORS {
        let text = components[*name]["description"].as_str().unwrap();
        assert!(text.contains('`'), "{status} has no code: {text}");
    }
}

#[test]
fn every_code_of_the_table_is_under_one_status() {
    let components = as_json()["components"]["responses"].to_string();
    let listed = |code: &str| components.matches(&format!("`{code}`")).count();
    for row in CODES {
        assert_eq!(listed(row.code), 1, "{}", row.code);
    }
    // These two belong to addresses that the document does not have.
    for (code, ..) in PROTOCOL_CODES.iter().filter(|row| row.1 != 405) {
        assert_eq!(listed(code), 1, "{code}");
    }
}

fn reads<T: DeserializeOwned>(name: &str) {
    let example = example(name).unwrap_or_else(|| panic!("{name} has no example"));
    serde_json::from_value::<T>(example).unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn the_examples_of_requests_can_be_sent() {
    reads::<datasources::NewDataSource>("NewDataSource");
    reads::<models::NewModel>("NewModel");
    reads::<models::ModelChange>("ModelChange");
    reads::<evaluations::NewEvaluation>("NewEvaluation");
    reads::<batch_predictions::NewBatchPrediction>("NewBatchPrediction");
    reads::<train::NewTraining>("NewTraining");
    reads::<families::NewVersion>("NewVersion");
    reads::<families::NewAlias>("NewAlias");
    reads::<resource::Change>("Change");
}

#[test]
fn every_example_is_json_of_a_type_in_the_document() {
    let schemas = as_json()["components"]["schemas"].clone();
    for (name, text) in EXAMPLES {
        assert!(schemas.get(*name).is_some(), "{name}");
        serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = as_json();
    let text = document.to_string();
    let references: BTreeSet<&str> = text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[test]
fn openapi_yaml_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let generated = crate::http::openapi_yaml().unwrap();
    if let Some(line) = (1..)
        .zip(generated.lines().zip(committed.lines()))
        .find(|(_, (new, old))| new != old)
    {
        panic!("openapi.yaml differs from the handlers, first in line {line:?}; run `make openapi`");
    }
    assert!(
        generated == committed,
        "openapi.yaml has another length than the handlers give; run `make openapi`"
    );
}
