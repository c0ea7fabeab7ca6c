//! Names and types of the attributes of a table, in the schema format of Amazon ML.
//!
//! Our extensions are two keys of an attribute: `missingValues`, words that stand for "missing" in it, and
//! `dateFormat`, how its dates are written.

mod error;
pub mod shape;

use serde::{Deserialize, Serialize};

use super::date::DateFormat;

pub use error::{SchemaError, nearest, undeclared};

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
    /// The attribute that says how much a row counts in training: numbers of 0 or more. Never learned from.
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

impl Schema {
    /// Reads a schema from its JSON text and checks it.
    pub fn from_json(text: &str) -> Result<Self, SchemaError> {
        let unreadable = |error: serde_json::Error| SchemaError::Unreadable(error.to_string());
        let problems = shape::problems(&serde_json::from_str(text).map_err(unreadable)?);
        if !problems.is_empty() {
            let told: Vec<String> = problems.into_iter().map(|(_, message)| message).collect();
            return Err(SchemaError::Unreadable(told.join("; ")));
        }
        let schema: Schema = serde_json::from_str(text).map_err(unreadable)?;
        schema.check()?;
        Ok(schema)
    }

    /// Checks that names are unique, that target, row id and excluded names are declared, and that formats
    /// of dates are usable. Tells all that is wrong.
    pub fn check(&self) -> Result<(), SchemaError> {
        let mut problems: Vec<SchemaError> = self.repeated().map(SchemaError::Duplicate).collect();
        if !self.data_format.eq_ignore_ascii_case("csv") {
            problems.push(SchemaError::Unsupported(format!(
                "dataFormat `{}` is not supported; use CSV",
                self.data_format
            )));
        }
        let named = [
            ("target", &self.target),
            ("rowId", &self.row_id),
            ("rowWeight", &self.row_weight),
        ];
        let roles = named
            .into_iter()
            .filter_map(|(role, name)| name.as_ref().map(|name| (role, name)));
        let excluded = self.excluded.iter().map(|name| ("excluded attribute", name));
        let formats = self.attributes.iter().map(check_date_format);
        let names = roles.chain(excluded).map(|(role, name)| self.require(role, name));
        let weight = std::iter::once(self.check_row_weight());
        problems.extend(formats.chain(names).chain(weight).filter_map(Result::err));
        match problems.len() {
            0 | 1 => problems.pop().map_or(Ok(()), Err),
            _ => Err(SchemaError::Several(problems)),
        }
    }

    /// Names that more than one attribute has, each once.
    fn repeated(&self) -> impl Iterator<Item = String> {
        let mut names: Vec<&str> = self.attributes.iter().map(|a| a.name.as_str()).collect();
        names.sort_unstable();
        let mut repeated: Vec<String> = names
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0].to_string())
            .collect();
        repeated.dedup();
        repeated.into_iter()
    }

    /// A weight is a number, and no other part of the row.
    fn check_row_weight(&self) -> Result<(), SchemaError> {
        let Some(index) = self.row_weight_index() else {
            return Ok(());
        };
        let Attribute { name, kind, .. } = &self.attributes[index];
        let refused = |why: String| Err(SchemaError::Unsupported(format!("rowWeight `{name}` {why}")));
        if Some(name) == self.target.as_ref() || Some(name) == self.row_id.as_ref() {
            return refused("is the target or the rowId as well; name another attribute".into());
        }
        if *kind != AttributeType::Numeric {
            return refused(format!(
                "is {}; weights are numbers, declare it NUMERIC",
                kind.as_str()
            ));
        }
        Ok(())
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

    /// Position of the attribute that says how much a row counts.
    pub fn row_weight_index(&self) -> Option<usize> {
        self.row_weight.as_deref().and_then(|name| self.index_of(name))
    }

    /// True when the attribute at `index` may be learned from: not the target, the row id, the row weight or excluded.
    pub fn is_input(&self, index: usize) -> bool {
        let Some(attribute) = self.attributes.get(index) else {
            return false;
        };
        let name = Some(attribute.name.as_str());
        name != self.target.as_deref()
            && name != self.row_id.as_deref()
            && name != self.row_weight.as_deref()
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

#[cfg(test)]
mod tests;
