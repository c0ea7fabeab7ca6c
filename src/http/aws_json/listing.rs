//! Lists: one variable to filter and order by, comparisons, and pages.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Value, json};

use super::call::Call;
use super::error::Refusal;
use super::hints;
use super::output::{Output, owner};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::search::{Comparison, Operand, Search, Variable};
use crate::service::Error;

/// Items on a page.
const MOST: u64 = 100;

/// The longest text that is compared with, in characters.
const LONGEST: usize = 1024;

/// From here on a number counts milliseconds, not seconds.
const FIRST_MILLIS: f64 = 1e11;

const COMPARISONS: [(&str, Comparison); 7] = [
    ("EQ", Comparison::Equal),
    ("GT", Comparison::Greater),
    ("LT", Comparison::Less),
    ("GE", Comparison::NotLess),
    ("LE", Comparison::NotGreater),
    ("NE", Comparison::NotEqual),
    ("Prefix", Comparison::Prefix),
];

/// Answers with one page of the entities of `kind`. `variables` are what they may be filtered by.
pub(super) async fn describe(
    call: &Call<'_>,
    kind: EntityKind,
    variables: &[(&str, Variable)],
    shown: impl Fn(&Entity) -> Result<Output, Refusal>,
) -> Result<Value, Refusal> {
    let search = search(call, variables)?;
    answered(call, kind, &search, shown).await
}

/// The same for a variable that has the same value everywhere.
pub(super) async fn describe_constant(
    call: &Call<'_>,
    kind: EntityKind,
    value: &str,
    shown: impl Fn(&Entity) -> Result<Output, Refusal>,
) -> Result<Value, Refusal> {
    let mut search = ordered(call, Variable::CreatedAt)?;
    for (comparison, text) in operands(call)? {
        let holds = match comparison {
            Comparison::Equal => value == text,
            Comparison::NotEqual => value != text,
            Comparison::Prefix => value.starts_with(&text),
            Comparison::Greater | Comparison::NotLess | Comparison::Less | Comparison::NotGreater => {
                return Err(no_order("Algorithm"));
            }
        };
        if !holds {
            search.limit = 0;
        }
    }
    match search.limit {
        0 => Ok(json!({"Results": []})),
        _ => answered(call, kind, &search, shown).await,
    }
}

async fn answered(
    call: &Call<'_>,
    kind: EntityKind,
    search: &Search,
    shown: impl Fn(&Entity) -> Result<Output, Refusal>,
) -> Result<Value, Refusal> {
    let page = call.service.entity_search(kind, search).await.map_err(told)?;
    let results = page.items.iter().map(|entity| Ok(shown(entity)?.whole()));
    let mut output = Output::default();
    output
        .put("Results", results.collect::<Result<Vec<Value>, Refusal>>()?)
        .put("NextToken", page.next_cursor);
    Ok(output.whole())
}

/// An error of a list, whose place to go on from is called otherwise here.
fn told(error: Error) -> Refusal {
    match (error.code(), hints::of("invalid_cursor")) {
        ("invalid_cursor", Some(hint)) => Refusal::invalid(format!(
            "`NextToken` is none of a list with this filter and order; {hint}"
        )),
        _ => error.into(),
    }
}

fn search(call: &Call<'_>, variables: &[(&str, Variable)]) -> Result<Search, Refusal> {
    let operands = operands(call)?;
    let Some(name) = call.input.text("FilterVariable")? else {
        if let Some((comparison, _)) = operands.first() {
            let operator = COMPARISONS.iter().find(|(_, known)| known == comparison);
            let operator = operator.map_or("EQ", |(name, _)| name);
            return Err(Refusal::invalid(format!(
                "`{operator}` is given without `FilterVariable`; say what is compared with it"
            )));
        }
        return ordered(call, Variable::CreatedAt);
    };
    let Some((_, by)) = variables.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        return Err(Refusal::invalid(format!(
            "`FilterVariable` is `{name}`; give one of {}",
            known.join(", ")
        )));
    };
    let mut search = ordered(call, *by)?;
    for (comparison, text) in operands {
        search
            .tests
            .push((comparison, operand(&name, *by, comparison, text)?));
    }
    Ok(search)
}

/// A search without comparisons.
fn ordered(call: &Call<'_>, by: Variable) -> Result<Search, Refusal> {
    let descending = match call.input.text("SortOrder")?.as_deref() {
        None | Some("dsc") => true,
        Some("asc") => false,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "`SortOrder` is `{other}`; give asc or dsc"
            )));
        }
    };
    let limit = call.input.count("Limit", 1, MOST)?.unwrap_or(MOST);
    Ok(Search {
        by,
        tests: Vec::new(),
        descending,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        cursor: call.input.text("NextToken")?.filter(|token| !token.is_empty()),
    })
}

/// The comparisons that are given, with their texts.
fn operands(call: &Call<'_>) -> Result<Vec<(Comparison, String)>, Refusal> {
    let mut found = Vec::new();
    for (name, comparison) in COMPARISONS {
        let Some(text) = call.input.text(name)? else {
            continue;
        };
        if text.chars().count() > LONGEST {
            return Err(Refusal::invalid(format!(
                "`{name}` has more than {LONGEST} characters"
            )));
        }
        if text.contains('\0') || (!text.is_empty() && text.trim().is_empty()) {
            return Err(Refusal::invalid(format!(
                "`{name}` is only white space, or has a NUL"
            )));
        }
        found.push((comparison, text));
    }
    Ok(found)
}

fn operand(name: &str, by: Variable, comparison: Comparison, text: String) -> Result<Operand, Refusal> {
    use Comparison::{Equal, NotEqual, Prefix};
    if by.is_time() {
        if comparison == Prefix {
            return Err(Refusal::invalid(format!(
                "`{name}` is a time; `Prefix` is for texts"
            )));
        }
        return match millis(&text) {
            Some(millis) => Ok(Operand::Time(millis)),
            None => Err(Refusal::invalid(format!(
                "`{text}` is no time; give seconds since 1970, or a date such as 2026-01-31T12:00:00Z"
            ))),
        };
    }
    let has_order = matches!(by, Variable::Name | Variable::Location);
    if !has_order && !matches!(comparison, Equal | NotEqual | Prefix) {
        return Err(no_order(name));
    }
    Ok(Operand::Text(match by {
        Variable::Owner => owner(&text).to_owned(),
        _ => text,
    }))
}

fn no_order(name: &str) -> Refusal {
    Refusal::invalid(format!("`{name}` has no order; compare it with EQ, NE or Prefix"))
}

/// A time in milliseconds: seconds or milliseconds since 1970, or a date as in ISO 8601, in UTC unless it says otherwise.
fn millis(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let millis = if number.abs() >= FIRST_MILLIS {
            number
        } else {
            number * 1000.0
        };
        return (millis.abs() < 1e15).then_some(millis.round() as i64);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let time = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let date = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    Some(time.or_else(date)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_several_forms() {
        for (text, expected) in [
            ("1494706299.462", 1_494_706_299_462),
            ("1494706299", 1_494_706_299_000),
            ("1494706299462", 1_494_706_299_462),
            ("2017-05-13T20:11:39.462Z", 1_494_706_299_462),
            ("2017-05-13T22:11:39.462+02:00", 1_494_706_299_462),
            ("2017-05-13T20:11:39", 1_494_706_299_000),
            ("2017-05-13 20:11:39.462", 1_494_706_299_462),
            ("2017-05-13", 1_494_633_600_000),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for bad in ["", "yesterday", "NaN", "inf", "1e300", "2017-13-01"] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }
}
