//! Amazon ML's DataRearrangement: a JSON text that selects part of the records.
//!
//! ```json
//! {"splitting": {"percentBegin": 0, "percentEnd": 80, "complement": false,
//!                "strategy": "random", "strategyParams": {"randomSeed": "s3://bucket/key"}}}
//! ```
//!
//! Without text, without `splitting` and without both percentages it means every record, whatever else
//! it says. Keys that are not known are passed over.

use serde_json::{Map, Value};

use super::json::boolean;
use super::{Seed, Split, SplitError, Strategy};

/// Reads the text of a DataRearrangement. Nothing and white space are every record.
pub fn rearrangement(text: &str) -> Result<Split, SplitError> {
    if text.trim().is_empty() {
        return Ok(Split::all());
    }
    let document: Value = serde_json::from_str(text).map_err(|error| {
        SplitError::invalid(
            "",
            format!(
                "the data rearrangement is not JSON: {error}; give a text such as {{\"splitting\": {{\"percentBegin\": 0, \"percentEnd\": 70}}}}"
            ),
        )
    })?;
    from_json(&document)
}

/// Reads a DataRearrangement that is JSON already.
pub fn from_json(document: &Value) -> Result<Split, SplitError> {
    let Some(document) = document.as_object() else {
        let problem = "the data rearrangement is no JSON object; give one with the member `splitting`";
        return Err(SplitError::invalid("", problem));
    };
    let fields = match document.get("splitting") {
        None | Some(Value::Null) => return Ok(Split::all()),
        Some(Value::Object(fields)) => fields,
        Some(_) => {
            let problem = "`splitting` is no JSON object; give one with percentBegin and percentEnd";
            return Err(SplitError::invalid("/splitting", problem));
        }
    };
    let (begin, end) = (percent(fields, "percentBegin")?, percent(fields, "percentEnd")?);
    let (strategy, seed) = strategy(fields)?;
    let complement = complement(fields)?;
    let split = Split {
        strategy,
        percent_begin: begin.unwrap_or(0.0),
        percent_end: end.unwrap_or(100.0),
        // Without percentages there is nothing to leave out, and nothing that the complement could be.
        complement: complement && (begin.is_some() || end.is_some()),
        seed,
        column: None,
    };
    if split.percent_begin > split.percent_end {
        let problem = format!(
            "percentEnd {} is less than percentBegin {}; let the part end at or after its beginning",
            split.percent_end, split.percent_begin
        );
        return Err(SplitError::invalid("/splitting/percentEnd", problem));
    }
    Ok(split)
}

/// A member that is there and not null.
fn given<'v>(fields: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    fields.get(key).filter(|value| !value.is_null())
}

fn percent(fields: &Map<String, Value>, key: &str) -> Result<Option<f64>, SplitError> {
    let Some(value) = given(fields, key) else {
        return Ok(None);
    };
    match value.as_f64() {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Some(percent)),
        _ => Err(SplitError::invalid(
            format!("/splitting/{key}"),
            format!("{key} is {value}; give a number from 0 to 100"),
        )),
    }
}

fn complement(fields: &Map<String, Value>) -> Result<bool, SplitError> {
    let Some(value) = given(fields, "complement") else {
        return Ok(false);
    };
    boolean(value).ok_or_else(|| {
        let problem = format!("complement is {value}; give true or false");
        SplitError::invalid("/splitting/complement", problem)
    })
}

fn strategy(fields: &Map<String, Value>) -> Result<(Strategy, Seed), SplitError> {
    // Without meaning here, and part of nothing that is compared.
    let unused = Seed::Number(1);
    match given(fields, "strategy") {
        None => Ok((Strategy::Sequential, unused)),
        Some(Value::String(name)) if name == "sequential" => Ok((Strategy::Sequential, unused)),
        Some(Value::String(name)) if name == "random" => Ok((Strategy::Random, Seed::Text(seed(fields)?))),
        Some(other) => Err(SplitError::invalid(
            "/splitting/strategy",
            format!("strategy is {other}; give `sequential` or `random`"),
        )),
    }
}

/// The seed: under `strategyParams`, or right under `splitting`, where one text of the API shows it.
fn seed(fields: &Map<String, Value>) -> Result<String, SplitError> {
    let params = match given(fields, "strategyParams") {
        None => None,
        Some(Value::Object(params)) => given(params, "randomSeed"),
        Some(other) => {
            let problem = format!("strategyParams is {other}; give an object with randomSeed");
            return Err(SplitError::invalid("/splitting/strategyParams", problem));
        }
    };
    let (value, place) = match (params, given(fields, "randomSeed")) {
        (Some(value), _) => (value, "/splitting/strategyParams/randomSeed"),
        (None, Some(value)) => (value, "/splitting/randomSeed"),
        (None, None) => return Ok(String::new()),
    };
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(SplitError::invalid(
            place,
            format!("randomSeed is {other}; give a text"),
        )),
    }
}
