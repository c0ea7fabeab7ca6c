//! One problem from upload to prediction, step by step.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::client::Client;
use super::samples::Sample;
use crate::cli::error::CliError;
use crate::cli::show;

/// What came out of one story.
pub struct Outcome {
    /// Name of the problem.
    pub name: &'static str,
    /// Type of the model.
    pub question: String,
    /// Rows learned from.
    pub rows: u64,
    /// Features of the model.
    pub features: u64,
    /// Seconds from upload to the last answer.
    pub seconds: f64,
    /// Name of the metric.
    pub metric: String,
    /// Its value with the interval.
    pub value: String,
    /// What answering without looking gives.
    pub baseline: String,
}

/// Tells the story of one sample.
pub fn tell(client: &Client, sample: &Sample) -> Result<Outcome, CliError> {
    let begun = Instant::now();
    let Sample {
        name,
        file,
        bytes,
        target,
        ..
    } = sample;
    show::print(&format!("\n=== {name}: {}\n", sample.question))?;
    client.upload(&format!("/v1/datasets/{file}"), file, bytes)?;
    for (id, complement) in [("training", false), ("held-out", true)] {
        let split = json!({"percent_begin": 0, "percent_end": 70, "seed": 1, "complement": complement});
        let source = json!({"id": format!("{name}-{id}"), "dataset": file, "target": target, "split": split});
        client.post("/v1/datasources", &source)?;
    }
    client.wait(
        &format!("/v1/datasources/{name}-training"),
        &["status", "rows", "schema"],
    )?;
    client.post(
        "/v1/models",
        &json!({"id": name, "datasource": format!("{name}-training")}),
    )?;
    let model = client.wait(
        &format!("/v1/models/{name}"),
        &["status", "type", "reason", "features", "rows", "solver"],
    )?;
    let evaluation = json!({"id": name, "model": name, "datasource": format!("{name}-held-out")});
    client.post("/v1/evaluations", &evaluation)?;
    let evaluation = client.wait(
        &format!("/v1/evaluations/{name}"),
        &["status", "metrics", "baseline"],
    )?;
    client.post(
        "/v1/batch-predictions",
        &json!({"id": name, "model": name, "dataset": file}),
    )?;
    client.wait(
        &format!("/v1/batch-predictions/{name}"),
        &["status", "rows", "invalid_rows", "output"],
    )?;
    client.download(&format!("/v1/batch-predictions/{name}/output"))?;
    let record = json!({"record": first_record(sample)});
    client.post(&format!("/v1/models/{name}/predict?explain=true"), &record)?;
    Ok(outcome(
        sample,
        &model,
        &evaluation,
        begun.elapsed().as_secs_f64(),
    ))
}

/// The first row of the table without its target, as a client would send it.
fn first_record(sample: &Sample) -> Value {
    let text = String::from_utf8_lossy(sample.bytes);
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default().split(',');
    let values = lines.next().unwrap_or_default().split(',');
    let fields: Map<String, Value> = names
        .zip(values)
        .filter(|(name, _)| *name != sample.target)
        .map(|(name, value)| {
            (
                name.to_string(),
                serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
            )
        })
        .collect();
    Value::Object(fields)
}

fn outcome(sample: &Sample, model: &Value, evaluation: &Value, seconds: f64) -> Outcome {
    let question = model["type"].as_str().unwrap_or_default().to_string();
    let metric = match question.as_str() {
        "binary" => "auc",
        "multiclass" => "macro_f1",
        _ => "rmse",
    };
    let number = |value: &Value| {
        value
            .as_f64()
            .map_or_else(|| "not defined".to_string(), |value| format!("{value:.4}"))
    };
    let found = &evaluation["metrics"][metric];
    Outcome {
        name: sample.name,
        question,
        rows: model["rows"]["training"].as_u64().unwrap_or(0),
        features: model["features"].as_u64().unwrap_or(0),
        seconds,
        metric: metric.to_string(),
        value: format!(
            "{} ({} to {})",
            number(&found["value"]),
            number(&found["low"]),
            number(&found["high"])
        ),
        baseline: number(&evaluation["baseline"][metric]),
    }
}
