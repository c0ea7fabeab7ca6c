//! Insights as warnings, each with what it rests on and what to do.

use serde_json::Value;

use super::super::show::short;
use super::text::{cut, wrapped};
use crate::ml::insights::Insight;

/// Characters of a value.
const VALUE: usize = 60;
/// Columns for which the evidence is shown.
const SHOWN: usize = 3;

/// All warnings; nothing when there are none.
pub fn all(insights: &[Insight], width: usize) -> String {
    let one = |insight: &Insight| {
        let message = format!("{} [{}]", insight.message, insight.code.as_str());
        let mut out = wrapped("  ", &message, width);
        for evidence in insight.evidence.iter().take(SHOWN) {
            out.push_str(&wrapped("    evidence: ", &told(evidence), width));
        }
        out.push_str(&wrapped("    what to do: ", &insight.suggestion, width));
        out
    };
    match insights {
        [] => String::new(),
        _ => format!("\nwarnings\n{}", insights.iter().map(one).collect::<String>()),
    }
}

/// Evidence as words: `column age, examples (line 3, value x; line 5, value y)`.
fn told(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let known = members.iter().filter(|(_, value)| !is_nothing(value));
            let parts: Vec<String> = known
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), told(value)))
                .collect();
            parts.join(", ")
        }
        Value::Array(values) => {
            let parts: Vec<String> = values.iter().map(told).collect();
            format!("({})", parts.join("; "))
        }
        Value::String(text) => format!("`{}`", cut(text, VALUE)),
        Value::Number(number) if number.is_f64() => decimal(number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// Small shares are easier to read without an exponent.
fn decimal(value: f64) -> String {
    match value.abs() {
        0.0001..0.01 => format!("{value:.4}"),
        _ => short(value),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_shares_have_no_exponent() {
        assert_eq!(
            told(&json!({"share": 0.0048, "low": 1e-9})),
            "share 0.0048, low 1.000e-9"
        );
    }

    #[test]
    fn evidence_reads_as_words() {
        let evidence = json!({"column": "age", "share": 0.25, "exact": true, "examples": [{"line": 3, "value": "x\u{1b}"}], "left_out": []});
        assert_eq!(
            told(&evidence),
            "column `age`, share 0.2500, exact true, examples (line 3, value `x `)"
        );
    }
}
