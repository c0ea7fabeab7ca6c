//! Names and types of the attributes of a table, in the schema format of Amazon ML.
//!
//! Our extensions are two keys of an attribute: `missingValues`, words that stand for "missing" in it, and
//! `dateFormat`, how its dates are written.

use serde::{Deserialize, Serialize};

use super::date::{DateFormat, DateFormatError};

/// The type of an attribute, which decides what its text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AttributeType {
    /// Two states, written as binary literals.
    Binary,
    /// The whole text is one value.
    Categorical,
    /// A quantity.
    Numeric,
    /// Words between white space.
    Text,
}

impl AttributeType {
    /// The name used in schema files.
    pub fn as_str(self) -> &'static str {
        match self {
            AttributeType::Binary => "BINARY",
            AttributeType::Categorical => "CATEGORICAL",
            AttributeType::Numeric => "NUMERIC",
            AttributeType::Text => "TEXT",
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name, as in the header.
    #[serde(rename = "attributeName", alias = "fieldName")]
    pub name: String,
    /// The type.
    #[serde(rename = "attributeType", alias = "fieldType")]
    pub kind: AttributeType,
    /// Words that stand for "missing", compared after trimming.
    #[serde(rename = "missingValues", default, skip_serializing_if = "Vec::is_empty")]
    pub missing_values: Vec<String>,
    /// How dates are written, if the values are dates: a [`DateFormat`] such as `%Y-%m-%d`.
    #[serde(rename = "dateFormat", default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
}

/// The attributes of a table and the part some of them play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// Always `1.0`.
    #[serde(default = "version")]
    pub version: String,
    /// The attribute that identifies a row; copied into batch output, never learned from.
    #[serde(default, alias = "recordAnnotationFieldName")]
    pub row_id: Option<String>,
    /// Reserved; only null is accepted.
    #[serde(default, alias = "recordWeightFieldName")]
    pub row_weight: Option<String>,
    /// The attribute to predict.
    #[serde(default, alias = "targetFieldName", rename = "targetAttributeName")]
    pub target: Option<String>,
    /// Always `CSV`.
    #[serde(default = "csv_format")]
    pub data_format: String,
    /// Whether the first line of each file names the columns.
    #[serde(default)]
    pub data_file_contains_header: bool,
    /// One entry for each column, in column order.
    pub attributes: Vec<Attribute>,
    /// Attributes that are not learned from.
    #[serde(default, alias = "excludedVariableNames", rename = "excludedAttributeNames")]
    pub excluded: Vec<String>,
}

fn version() -> String {
    "1.0".into()
}

fn csv_format() -> String {
    "CSV".into()
}

/// A schema that contradicts itself or the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not a schema.
    #[error("the schema cannot be read: {0}; see the example under `schema` in the documentation")]
    Unreadable(String),
    /// Two attributes have the same name.
    #[error("the schema declares attribute `{0}` twice; remove one")]
    Duplicate(String),
    /// A name is used that no attribute has.
    #[error("`{name}` is given as the {role}, but no column is called that{suggestion}")]
    Undeclared {
        /// `target`, `rowId` or `excluded attribute`.
        role: &'static str,
        /// The name that was used.
        name: String,
        /// The nearest declared name as `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// A feature of the format that is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// A `dateFormat` that no date can be read by.
    #[error("attribute `{attribute}` has the dateFormat `{format}`, which is unusable: {source}")]
    DateFormat {
        /// The attribute.
        attribute: String,
        /// Its format.
        format: String,
        /// What is wrong with it.
        source: DateFormatError,
    },
    /// The file's columns are not those of the schema.
    #[error(
        "the data lacks attribute `{missing}` of the schema (its columns are {found}); rename the column or change the schema"
    )]
    MissingColumn {
        /// The attribute that no column has.
        missing: String,
        /// The columns that there are, shortened.
        found: String,
    },
    /// The file has no column that the model learns from.
    #[error(
        "the data have none of the columns the model learns from, such as `{example}` (their columns are {found}); give the data the model is meant for, or say whether they have a header"
    )]
    NoInputColumn {
        /// One of the attributes looked for.
        example: String,
        /// The columns that there are, shortened.
        found: String,
    },
    /// A file without header has another number of columns than the schema.
    #[error(
        "the data has {found} columns and no header, but the schema declares {expected} attributes; the two must agree"
    )]
    ColumnCount {
        /// Columns of the data.
        found: usize,
        /// Attributes of the schema.
        expected: usize,
    },
}

impl SchemaError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            SchemaError::Unreadable(_) | SchemaError::Unsupported(_) | SchemaError::DateFormat { .. } => {
                "invalid_schema"
            }
            SchemaError::Duplicate(_) => "duplicate_column",
            SchemaError::Undeclared { role: "target", .. } => "unknown_target",
            SchemaError::Undeclared { .. } => "invalid_schema",
            SchemaError::MissingColumn { .. }
            | SchemaError::NoInputColumn { .. }
            | SchemaError::ColumnCount { .. } => "schema_mismatch",
        }
    }
}

impl Schema {
    /// Reads a schema from its JSON text and checks it.
    pub fn from_json(text: &str) -> Result<Self, SchemaError> {
        let schema: Schema =
            serde_json::from_str(text).map_err(|error| SchemaError::Unreadable(error.to_string()))?;
        schema.check()?;
        Ok(schema)
    }

    /// Checks that names are unique, that target, row id and excluded names are declared, and that formats
    /// of dates are usable.
    pub fn check(&self) -> Result<(), SchemaError> {
        let mut names: Vec<&str> = self
            .attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
            .collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SchemaError::Duplicate(pair[0].to_string()));
        }
        if let Some(weight) = &self.row_weight {
            return Err(SchemaError::Unsupported(format!(
                "rowWeight `{weight}` is not supported; set it to null"
            )));
        }
        if !self.data_format.eq_ignore_ascii_case("csv") {
            return Err(SchemaError::Unsupported(format!(
                "dataFormat `{}` is not supported; use CSV",
                self.data_format
            )));
        }
        self.attributes.iter().try_for_each(check_date_format)?;
        let named = [("target", &self.target), ("rowId", &self.row_id)];
        let roles = named
            .into_iter()
            .filter_map(|(role, name)| name.as_ref().map(|name| (role, name)));
        let excluded = self.excluded.iter().map(|name| ("excluded attribute", name));
        roles
            .chain(excluded)
            .try_for_each(|(role, name)| self.require(role, name))
    }

    fn require(&self, role: &'static str, name: &str) -> Result<(), SchemaError> {
        if self.index_of(name).is_some() {
            return Ok(());
        }
        Err(undeclared(
            role,
            name,
            self.attributes.iter().map(|attribute| attribute.name.as_str()),
        ))
    }

    /// Position of the attribute called `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.attributes
            .iter()
            .position(|attribute| attribute.name == name)
    }

    /// Position of the target.
    pub fn target_index(&self) -> Option<usize> {
        self.target.as_deref().and_then(|name| self.index_of(name))
    }

    /// True when the attribute at `index` may be learned from: not the target, the row id or excluded.
    pub fn is_input(&self, index: usize) -> bool {
        let Some(attribute) = self.attributes.get(index) else {
            return false;
        };
        let name = Some(attribute.name.as_str());
        name != self.target.as_deref()
            && name != self.row_id.as_deref()
            && !self
                .excluded
                .iter()
                .any(|excluded| Some(excluded.as_str()) == name)
    }

    /// Positions of the attributes that may be learned from.
    pub fn inputs(&self) -> impl Iterator<Item = usize> {
        (0..self.attributes.len()).filter(|&index| self.is_input(index))
    }
}

/// A format must be readable, and fit the type: a number is a date only when it counts from 1970.
fn check_date_format(attribute: &Attribute) -> Result<(), SchemaError> {
    let Some(text) = &attribute.date_format else {
        return Ok(());
    };
    let format = DateFormat::new(text).map_err(|source| SchemaError::DateFormat {
        attribute: attribute.name.clone(),
        format: text.clone(),
        source,
    })?;
    let advice = match attribute.kind {
        AttributeType::Categorical | AttributeType::Text => return Ok(()),
        AttributeType::Numeric if format.is_epoch() => return Ok(()),
        AttributeType::Numeric => {
            "only epoch_seconds and epoch_milliseconds go with numbers; declare it CATEGORICAL"
        }
        AttributeType::Binary => "declare it CATEGORICAL or remove the dateFormat",
    };
    Err(SchemaError::Unsupported(format!(
        "attribute `{}` is {} and has the dateFormat `{text}`; {advice}",
        attribute.name,
        attribute.kind.as_str()
    )))
}

/// The error for a name that is none of `known`, with the nearest of them as a suggestion.
pub fn undeclared<'a>(role: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> SchemaError {
    let known: Vec<&str> = known.collect();
    let suggestion = match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.len() > 10 => format!(
            "; the columns are {}, … {} in all",
            known[..10].join(", "),
            known.len()
        ),
        None => format!("; the columns are {}", known.join(", ")),
    };
    SchemaError::Undeclared {
        role,
        name: name.to_string(),
        suggestion,
    }
}

/// The known name with the smallest edit distance to `name`, if it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3).max(1);
    known
        .map(|candidate| {
            (
                edit_distance(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over characters.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"version":"1.0","rowId":"order_no","rowWeight":null,"targetAttributeName":"late","dataFormat":"CSV",
        "dataFileContainsHeader":true,"attributes":[{"attributeName":"order_no","attributeType":"CATEGORICAL"},
        {"attributeName":"km","attributeType":"NUMERIC","missingValues":["NA"]},{"attributeName":"note","attributeType":"TEXT"},
        {"attributeName":"late","attributeType":"BINARY"}],"excludedAttributeNames":["note"]}"#;

    #[test]
    fn reads_and_writes_the_same_schema() {
        let schema = Schema::from_json(TEXT).unwrap();
        assert_eq!(schema.target_index(), Some(3));
        assert_eq!(schema.inputs().collect::<Vec<_>>(), [1]);
        let again = Schema::from_json(&serde_json::to_string(&schema).unwrap()).unwrap();
        assert_eq!(again, schema);
    }

    #[test]
    fn old_key_names_are_accepted() {
        let schema = Schema::from_json(
            r#"{"version":"1.0","targetFieldName":"y","dataFormat":"CSV","attributes":[{"fieldName":"y","fieldType":"BINARY"},
            {"fieldName":"x","fieldType":"NUMERIC"}],"excludedVariableNames":["x"]}"#,
        )
        .unwrap();
        assert_eq!(schema.target.as_deref(), Some("y"));
        assert_eq!(schema.excluded, ["x"]);
        assert!(!schema.data_file_contains_header);
    }

    #[test]
    fn formats_of_dates_are_checked() {
        let with = |kind: &str, format: &str| {
            let attribute = format!(r#""km","attributeType":"{kind}","dateFormat":"{format}""#);
            Schema::from_json(&TEXT.replace(r#""km","attributeType":"NUMERIC""#, &attribute))
        };
        for (kind, format) in [
            ("CATEGORICAL", "%d.%m.%Y"),
            ("TEXT", "%F %T"),
            ("NUMERIC", "epoch_seconds"),
            ("CATEGORICAL", "epoch_milliseconds"),
        ] {
            let schema = with(kind, format).unwrap();
            assert_eq!(schema.attributes[1].date_format.as_deref(), Some(format));
            let again = Schema::from_json(&serde_json::to_string(&schema).unwrap()).unwrap();
            assert_eq!(again, schema);
        }
        for (kind, format, expected) in [
            (
                "CATEGORICAL",
                "%d.%m",
                "attribute `km` has the dateFormat `%d.%m`, which is unusable: it lacks the year; write it like",
            ),
            ("CATEGORICAL", "", "it must have 1 to 64 bytes"),
            (
                "NUMERIC",
                "%Y%m%d",
                "attribute `km` is NUMERIC and has the dateFormat `%Y%m%d`; only epoch",
            ),
            ("BINARY", "%F", "attribute `km` is BINARY"),
            ("BINARY", "epoch_seconds", "attribute `km` is BINARY"),
        ] {
            let error = with(kind, format).unwrap_err();
            assert_eq!(error.code(), "invalid_schema");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let error = Schema::from_json(&TEXT.replace(
            "\"targetAttributeName\":\"late\"",
            "\"targetAttributeName\":\"lat\"",
        ))
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`lat` is given as the target, but no column is called that; did you mean `late`?"
        );
        assert_eq!(error.code(), "unknown_target");
        let twice = Schema::from_json(&TEXT.replace("\"km\"", "\"note\"")).unwrap_err();
        assert_eq!(twice, SchemaError::Duplicate("note".into()));
        assert!(
            Schema::from_json("{")
                .unwrap_err()
                .to_string()
                .contains("line 1 column")
        );
    }
}
