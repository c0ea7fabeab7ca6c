//! What is to be told of the work on an entity, in lines of text for people.

use std::fmt::Display;

use serde_json::Value;

use super::Service;
use super::error::Error;
use crate::clock::rfc3339;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::Body;

impl Service {
    /// The log of an entity: what became of it and when, and what its work has to tell. Whatever its status, there is
    /// something to tell.
    pub async fn entity_log(&self, kind: EntityKind, id: &str) -> Result<String, Error> {
        Ok(told(&self.entity_get(kind, id).await?))
    }
}

fn told(entity: &Entity) -> String {
    let mut lines = vec![format!("{}: {}", entity.at(), entity.status)];
    for (what, at) in [
        ("asked for", Some(entity.created_at)),
        ("begun", entity.started_at),
        ("ended", entity.finished_at),
    ] {
        lines.extend(at.map(|at| format!("{} {what}", rfc3339(at))));
    }
    if let Some(micros) = entity.worked {
        lines.push(format!("worked for {:.3} s", micros as f64 / 1e6));
    }
    match &entity.error {
        Some(problem) => {
            lines.push(format!("{}: {}", problem.code, problem.message));
            lines.extend(problem.hint.clone());
        }
        None => lines.extend(entity.message.clone()),
    }
    let mut text = lines.join("\n");
    text.push('\n');
    let more = result(entity);
    if !more.is_empty() {
        text.push('\n');
        text.push_str(&more);
    }
    text
}

/// What came out of the work.
fn result(entity: &Entity) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &dyn Display| text.push_str(&format!("{what}: {value}\n"));
    match &entity.body {
        Body::DataSource(work) => {
            let Some(made) = &work.result else { return text };
            line("rows", &made.rows);
            line("bytes", &made.size_bytes);
            for file in &made.files {
                line("file", &format!("{} ({} bytes)", file.key, file.size_bytes));
            }
        }
        Body::Model(work) => {
            let log = work
                .result
                .as_ref()
                .and_then(|made| made.document.get("log")?.as_str());
            text.push_str(log.unwrap_or_default());
        }
        Body::Evaluation(work) => {
            let Some(made) = &work.result else { return text };
            if let Some(records) = made.report.get("records") {
                line("records", records);
            }
            let metrics = made.report.get("metrics").and_then(Value::as_object);
            for (name, metric) in metrics.into_iter().flatten() {
                line(name, metric.get("value").unwrap_or(metric));
            }
        }
        Body::BatchPrediction(work) => {
            let Some(made) = &work.result else { return text };
            line("records", &made.rows);
            line("records that could not be answered", &made.invalid_rows);
            let counts = made
                .document
                .pointer("/problems/counts")
                .and_then(Value::as_object);
            for (code, count) in counts.into_iter().flatten() {
                line(&format!("problem {code}"), count);
            }
            let files = made.document.get("files").and_then(Value::as_array);
            for file in files.into_iter().flatten() {
                line("file", file);
            }
        }
    }
    text
}
