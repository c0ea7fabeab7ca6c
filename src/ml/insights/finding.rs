//! What a finding is, and how the findings of one code become one insight.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::material::Material;

/// Columns that an insight names and gives evidence for.
const MOST_COLUMNS: usize = 5;

/// What was found, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A column is the target in another coding.
    TargetCopy,
    /// A column nearly decides the target.
    TargetLeakage,
    /// Rows of the other part are copies of rows of this part.
    DuplicateRowsAcrossSplit,
    /// A column that names rows is learned from.
    IdentifierAsFeature,
    /// A column differs strongly between the parts.
    PartDrift,
    /// Some classes have hardly any rows.
    FewRowsInClass,
    /// Nearly all rows belong to one class.
    ClassImbalance,
    /// Rows are copies of each other.
    DuplicateRows,
    /// Letters could not be read.
    NotUtf8,
    /// A few values do not fit the others.
    MixedTypes,
    /// Numbers are written for people and read as words.
    FormattedNumbers,
    /// A word or number seems to stand for missing, but is not treated so.
    SuspiciousMissingWord,
    /// Dates are read as categories.
    DatesAsCategories,
    /// Two columns hold the same.
    DuplicateColumns,
    /// Most rows have no value.
    ManyMissing,
    /// All but a few rows have the same value.
    NearConstantColumn,
    /// All rows have the same value.
    ConstantColumn,
    /// No row has a value.
    EmptyColumn,
    /// The schema does not know the column.
    NotInSchema,
}

impl Code {
    /// Every code, the most important first.
    pub const ALL: [Code; 19] = [
        Code::TargetCopy,
        Code::TargetLeakage,
        Code::DuplicateRowsAcrossSplit,
        Code::IdentifierAsFeature,
        Code::PartDrift,
        Code::FewRowsInClass,
        Code::ClassImbalance,
        Code::DuplicateRows,
        Code::NotUtf8,
        Code::MixedTypes,
        Code::FormattedNumbers,
        Code::SuspiciousMissingWord,
        Code::DatesAsCategories,
        Code::DuplicateColumns,
        Code::ManyMissing,
        Code::NearConstantColumn,
        Code::ConstantColumn,
        Code::EmptyColumn,
        Code::NotInSchema,
    ];

    /// The name used in JSON and in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::TargetCopy => "target_copy",
            Code::TargetLeakage => "target_leakage",
            Code::DuplicateRowsAcrossSplit => "duplicate_rows_across_split",
            Code::IdentifierAsFeature => "identifier_as_feature",
            Code::PartDrift => "part_drift",
            Code::FewRowsInClass => "few_rows_in_class",
            Code::ClassImbalance => "class_imbalance",
            Code::DuplicateRows => "duplicate_rows",
            Code::NotUtf8 => "not_utf8",
            Code::MixedTypes => "mixed_types",
            Code::FormattedNumbers => "formatted_numbers",
            Code::SuspiciousMissingWord => "suspicious_missing_word",
            Code::DatesAsCategories => "dates_as_categories",
            Code::DuplicateColumns => "duplicate_columns",
            Code::ManyMissing => "many_missing",
            Code::NearConstantColumn => "near_constant_column",
            Code::ConstantColumn => "constant_column",
            Code::EmptyColumn => "empty_column",
            Code::NotInSchema => "not_in_schema",
        }
    }

    /// What a person can do about it.
    fn suggestion(self) -> &'static str {
        match self {
            Code::TargetCopy => {
                "leave the column out (excludedAttributeNames of a schema); it will not be known when predictions are wanted"
            }
            Code::TargetLeakage => {
                "ask whether the value is known before the answer is; if not, leave the column out (excludedAttributeNames of a schema)"
            }
            Code::DuplicateRowsAcrossSplit => {
                "remove the copies before splitting; the evaluation looks better than new rows will show"
            }
            Code::IdentifierAsFeature => {
                "make it the rowId of the schema, or leave it out; what is learned about one row's name helps with no other row"
            }
            Code::PartDrift => {
                "if both parts were meant to be alike, split at random; if the difference is real, trust the evaluation of the newer part"
            }
            Code::FewRowsInClass => {
                "collect more rows of these classes, merge them, or leave them out; neither learning nor evaluation says much about them"
            }
            Code::ClassImbalance => {
                "judge by auc, precision and recall instead of accuracy, and set the threshold by what an error costs"
            }
            Code::DuplicateRows => {
                "find out how the copies came about, and remove them if they are not separate events"
            }
            Code::NotUtf8 => {
                "save the file as UTF-8 (Excel: `CSV UTF-8`), or convert it: `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`, where it comes from Windows"
            }
            Code::MixedTypes => {
                "mend the values, list words for missing under missingValues, or correct the type in a schema"
            }
            Code::FormattedNumbers => {
                "write them with digits and a decimal point only, such as 17036 or -0.05, or declare the column CATEGORICAL in a schema if it is meant so"
            }
            Code::SuspiciousMissingWord => {
                "if it stands for missing, list it under missingValues in a schema"
            }
            Code::DatesAsCategories => {
                "give the dateFormat of the column in a schema, or split it into parts such as month and weekday"
            }
            Code::DuplicateColumns => "leave one of them out; the model shares the effect between both",
            Code::ManyMissing => {
                "check whether the values were lost on the way; a column that is filled after the event must be left out"
            }
            Code::NearConstantColumn => "leave it out unless the few other rows matter; so few teach little",
            Code::ConstantColumn => {
                "nothing can be learned from it; leave it out, or check why it never changes"
            }
            Code::EmptyColumn => "nothing can be learned from it; leave it out, or check why it is empty",
            Code::NotInSchema => "add it to the schema if it should be used",
        }
    }
}

/// One thing worth knowing before training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// What kind of thing.
    pub code: Code,
    /// The columns concerned, the first five.
    pub columns: Vec<String>,
    /// How many columns are concerned in all.
    pub count: u64,
    /// What was found, in one sentence.
    pub message: String,
    /// Numbers, lines and values behind it, one entry for each named column.
    pub evidence: Vec<Value>,
    /// What to do about it.
    pub suggestion: String,
}

/// Something found in one column, or in the table as a whole.
#[derive(Debug)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// The column, if it is about one.
    pub column: Option<usize>,
    /// Larger ones come first.
    pub weight: f64,
    /// What was found, in one sentence.
    pub message: String,
    /// Numbers, lines and values behind it.
    pub evidence: Map<String, Value>,
}

impl Finding {
    /// A finding about `column`; `evidence` is a JSON object.
    pub fn about(code: Code, column: usize, message: String, evidence: Value) -> Self {
        Self {
            code,
            column: Some(column),
            weight: 0.0,
            message,
            evidence: match evidence {
                Value::Object(members) => members,
                other => Map::from_iter([("value".to_string(), other)]),
            },
        }
    }

    /// A finding about the table.
    pub fn about_table(code: Code, message: String, evidence: Value) -> Self {
        Self {
            column: None,
            ..Self::about(code, 0, message, evidence)
        }
    }

    /// The same with a weight.
    pub fn weighing(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// One insight for each code, the most important first.
pub fn grouped(mut findings: Vec<Finding>, material: &Material) -> Vec<Insight> {
    findings.sort_by(|a, b| {
        let weights = || b.weight.total_cmp(&a.weight);
        a.code
            .cmp(&b.code)
            .then_with(weights)
            .then(a.column.cmp(&b.column))
    });
    findings
        .chunk_by(|a, b| a.code == b.code)
        .map(|group| insight(group, material))
        .collect()
}

fn insight(group: &[Finding], material: &Material) -> Insight {
    let code = group[0].code;
    let name = |finding: &Finding| finding.column.map(|column| material.names[column].clone());
    let columns: Vec<String> = group.iter().take(MOST_COLUMNS).filter_map(name).collect();
    let evidence = group.iter().take(MOST_COLUMNS).map(|finding| {
        let mut members = Map::new();
        if let Some(name) = name(finding) {
            members.insert("column".into(), Value::String(name));
        }
        members.extend(finding.evidence.clone());
        Value::Object(members)
    });
    Insight {
        code,
        count: group.iter().filter(|finding| finding.column.is_some()).count() as u64,
        message: message(group, &columns),
        evidence: evidence.collect(),
        suggestion: code.suggestion().to_string(),
        columns,
    }
}

/// The message of the first finding, and which other columns share it. Messages reach terminals and logs, so
/// control characters of values do not.
fn message(group: &[Finding], columns: &[String]) -> String {
    let whole = with_others(group, columns);
    whole
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn with_others(group: &[Finding], columns: &[String]) -> String {
    let first = &group[0].message;
    if group.len() == 1 || columns.len() < 2 {
        return first.clone();
    }
    let others: Vec<String> = columns[1..].iter().map(|name| format!("`{name}`")).collect();
    let more = match group.len() - columns.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{first}; likewise {}{more}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_in_json_and_in_the_order_of_importance() {
        assert!(Code::ALL.is_sorted());
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!(!code.suggestion().ends_with('.'));
        }
    }
}
