//! Brings the columns of a file into the order of a schema.

use super::record::Record;
use super::schema::{Schema, SchemaError};

/// For each attribute of a schema, the column of the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    from: Vec<Option<usize>>,
    in_order: bool,
    /// Columns of the file that the schema does not know.
    pub extra: Vec<String>,
    /// Input attributes of the schema that the file does not have; they count as missing.
    pub absent: Vec<String>,
}

impl ColumnMap {
    /// Matches columns by name, or by position when the file has no header. Attributes that are not
    /// learned from may be absent.
    ///
    /// Fails when an attribute of `required` is not in the file.
    pub fn new(
        schema: &Schema,
        columns: &[String],
        has_header: bool,
        required: &[usize],
    ) -> Result<Self, SchemaError> {
        let from: Vec<Option<usize>> = if has_header {
            schema
                .attributes
                .iter()
                .map(|a| columns.iter().position(|column| *column == a.name))
                .collect()
        } else {
            Self::by_position(schema, columns.len())?
        };
        if let Some(&missing) = required.iter().find(|&&index| from[index].is_none()) {
            return Err(SchemaError::MissingColumn {
                missing: schema.attributes[missing].name.clone(),
                found: shorten(columns),
            });
        }
        let extra = (0..columns.len())
            .filter(|column| !from.contains(&Some(*column)))
            .map(|c| columns[c].clone())
            .collect();
        let absent = schema
            .inputs()
            .filter(|&index| from[index].is_none())
            .map(|i| schema.attributes[i].name.clone())
            .collect();
        let in_order =
            from.len() == columns.len() && from.iter().enumerate().all(|(i, column)| *column == Some(i));
        Ok(Self {
            from,
            in_order,
            extra,
            absent,
        })
    }

    /// A file without header has all attributes, or all but the target.
    fn by_position(schema: &Schema, columns: usize) -> Result<Vec<Option<usize>>, SchemaError> {
        let expected = schema.attributes.len();
        if columns == expected {
            return Ok((0..expected).map(Some).collect());
        }
        match schema.target_index() {
            Some(target) if columns + 1 == expected => Ok((0..expected)
                .map(|index| match index.cmp(&target) {
                    std::cmp::Ordering::Less => Some(index),
                    std::cmp::Ordering::Equal => None,
                    std::cmp::Ordering::Greater => Some(index - 1),
                })
                .collect()),
            _ => Err(SchemaError::ColumnCount {
                found: columns,
                expected,
            }),
        }
    }

    /// Fails when the file has none of the attributes that the model learns from: it is then most likely
    /// the wrong file.
    pub fn require_any_input(&self, schema: &Schema, columns: &[String]) -> Result<(), SchemaError> {
        let mut inputs = schema.inputs();
        match schema.inputs().next() {
            Some(first) if !inputs.any(|index| self.from[index].is_some()) => {
                Err(SchemaError::NoInputColumn {
                    example: schema.attributes[first].name.clone(),
                    found: shorten(columns),
                })
            }
            _ => Ok(()),
        }
    }

    /// The column that holds attribute `index`.
    pub fn column_of(&self, index: usize) -> Option<usize> {
        self.from.get(index).copied().flatten()
    }

    /// True when records are in schema order as they are.
    pub fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// The record in schema order. `buffer` is used only when the order differs.
    pub fn align<'a>(&self, record: &'a Record, buffer: &'a mut Record) -> &'a Record {
        if self.in_order {
            return record;
        }
        buffer.clear();
        buffer.position = record.position;
        self.from
            .iter()
            .for_each(|column| buffer.push(column.map_or("", |column| record.get(column))));
        buffer
    }
}

fn shorten(columns: &[String]) -> String {
    let shown = columns
        .iter()
        .take(10)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if columns.len() > 10 {
        format!("{shown}, … {} in all", columns.len())
    } else {
        shown
    }
}
