//! Text that is not UTF-8, as old spreadsheets save it: letters that cannot be read become one and the same sign, so that
//! values which differ in them look alike.

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::Material;
use crate::ml::ingest::problems::NOT_UTF8;

/// The sign that takes the place of what cannot be read.
const SIGN: char = char::REPLACEMENT_CHARACTER;

/// What could not be read, in rows and in names of columns.
pub fn find(material: &Material) -> Vec<Finding> {
    let problems = &material.statistics.problems;
    let rows = problems.counts.get(NOT_UTF8).copied().unwrap_or_default();
    let names: Vec<&str> = material
        .mended_names
        .iter()
        .filter_map(|&column| Some(material.names.get(column)?.as_str()))
        .collect();
    let first = problems.examples.iter().find(|problem| problem.code == NOT_UTF8);
    let of_rows = (rows > 0).then(|| {
        let place = first.map_or_else(String::new, |first| {
            format!(" (the first is on line {})", first.line)
        });
        match rows {
            1 => format!("a row{place}"),
            _ => format!("{rows} rows{place}"),
        }
    });
    let of_names = match names.as_slice() {
        [] => None,
        [only] => Some(format!("the name of the column `{only}`")),
        [one, ..] => Some(format!("the names of {} columns, such as `{one}`,", names.len())),
    };
    let what = match (of_rows, of_names) {
        (None, None) => return Vec::new(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(rows), Some(names)) => format!("{names} and {rows}"),
    };
    let verb = if (rows == 1 && names.is_empty()) || (rows == 0 && names.len() == 1) {
        "holds"
    } else {
        "hold"
    };
    let message = format!(
        "{what} {verb} bytes that are not UTF-8; each was replaced by `{SIGN}`, so that words which differ there look alike"
    );
    let evidence = json!({"rows": rows, "line": first.map(|first| first.line), "names": names});
    vec![Finding::about_table(Code::NotUtf8, message, evidence)]
}
