//! Reads bundles of every format version there ever was: one step for each older version, in order.

use serde_json::{Value, json};

/// The version this program writes.
pub const CURRENT: u32 = 2;

/// Turns a document of one version into the next. The list is in order of versions; the step at
/// position i upgrades version i + 1.
const STEPS: [fn(Value) -> Value; CURRENT as usize - 1] = [share_terms];

/// Brings a document of `version` up to [`CURRENT`]. `None` when the version is newer or unknown.
pub fn to_current(version: u32, document: Value) -> Option<Value> {
    if version == 0 || version > CURRENT {
        return None;
    }
    Some(
        STEPS
            .iter()
            .skip(version as usize - 1)
            .fold(document, |document, step| step(document)),
    )
}

/// From 1 to 2: terms may read the same number or words, so bins moved to a list of their own, and what gives
/// tokens is described by its own value.
fn share_terms(mut document: Value) -> Value {
    let mut cuts: Vec<Value> = Vec::new();
    let terms = document.pointer_mut("/featurizer/terms").map(Value::take);
    let Some(Value::Array(terms)) = terms else {
        return document;
    };
    let range_of = |attribute: &Value| {
        let number = terms
            .iter()
            .find(|term| term["term"] == "number" && term["attribute"] == *attribute);
        number.map_or((json!(f64::MIN), json!(f64::MAX)), |term| {
            (term["min"].clone(), term["max"].clone())
        })
    };
    let upgrade = |term: &Value| {
        let attribute = &term["attribute"];
        let tokens = |tokens: Value| {
            let dictionary = &term["dictionary"];
            json!({
                "term": "tokens",
                "tokens": tokens,
                "dictionary": {"entries": dictionary["entries"], "rows": dictionary["rows"]},
            })
        };
        match term["term"].as_str().unwrap_or_default() {
            "number" => json!({
                "term": "number",
                "source": {"attribute": attribute},
                "mean": term["mean"],
                "scale": term["scale"],
                "min": term["min"],
                "max": term["max"],
            }),
            "quantile_bin" => {
                let (min, max) = range_of(attribute);
                cuts.push(json!({
                    "source": {"attribute": attribute},
                    "bins": term["bins"],
                    "bounds": term["bounds"],
                    "min": min,
                    "max": max,
                }));
                json!({"term": "bin", "cut": cuts.len() - 1})
            }
            "binary" => json!({"term": "truth", "attribute": attribute}),
            "level" => tokens(json!({"level": {"attribute": attribute, "lowercase": false}})),
            "words" => {
                tokens(json!({"words": {"attribute": attribute, "lowercase": false, "no_punct": false}}))
            }
            _ => json!({"term": "missing", "attribute": attribute, "seen": term["seen"]}),
        }
    };
    let upgraded: Vec<Value> = terms.iter().map(upgrade).collect();
    let space = json!({
        "allowed": 0, "tokens": 0, "occurrences": 0, "dropped": 0, "dropped_occurrences": 0,
        "hashed": 0, "hashed_occurrences": 0, "buckets": 0, "collided": 0,
    });
    document["featurizer"] = json!({"cuts": cuts, "terms": upgraded, "space": space});
    document
}
