//! Requests for inference: named tensors, one for each column or one for all of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::datatype::Datatype;
use crate::http::predicting::columns::{Arrays, Column, Table, Values, columns};
use crate::http::predicting::json;
use crate::http::predicting::reader::Reader;
use crate::ml::predict::Predictor;
use crate::service::Error;

/// A request; what is not known here is passed over.
#[derive(Debug, Deserialize)]
pub struct Infer<'a> {
    /// Repeated in the answer.
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    inputs: Vec<Tensor<'a>>,
    outputs: Option<Vec<Wanted>>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    explain: bool,
}

/// An output that is wanted.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// Its name.
    pub name: String,
}

#[derive(Debug, Deserialize)]
struct Tensor<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    shape: Vec<u64>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl<'a> Infer<'a> {
    /// Reads a body.
    pub fn read(body: &'a [u8]) -> Result<Self, Error> {
        json::read_object(json::text(body)?)
    }

    /// Whether to say why each record got its score.
    pub fn explain(&self) -> bool {
        self.parameters.unwrap_or_default().explain
    }

    /// The outputs that are wanted; none when that is left open.
    pub fn wanted(&self) -> Option<&[Wanted]> {
        let wanted = self.outputs.as_deref();
        wanted.filter(|wanted| !wanted.is_empty())
    }

    /// Has every record scored; the error is why that was not possible, unless the reader knows.
    pub fn score(&self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let datatypes = self
            .inputs
            .iter()
            .enumerate()
            .map(|(place, tensor)| tensor.datatype(place));
        let datatypes: Vec<Datatype> = datatypes.collect::<Result<_, _>>()?;
        let matrix = match self.inputs.as_slice() {
            [] => {
                return Err(Error::field(
                    "/inputs",
                    "missing_field",
                    "there are no inputs; give at least one",
                ));
            }
            [only] => only.matrix(reader)?,
            _ => None,
        };
        let is_matrix = matrix.is_some();
        let mut table = match matrix {
            Some(table) => table,
            None => self.by_column(reader)?,
        };
        let width = table.columns.len();
        let datatype = |column: usize| datatypes.get(if is_matrix { 0 } else { column });
        let check = |column: usize, value: &str| {
            let refused = datatype(column)?.refuses(value)?;
            Some(refused.to_owned())
        };
        let pointer = |record: usize, column: usize| match is_matrix {
            true => format!("/inputs/0/data/{}", record * width + column),
            false => format!("/inputs/{column}/data/{record}"),
        };
        table.read(reader, check, pointer);
        Ok(())
    }

    /// One input for each column.
    fn by_column(&self, reader: &Reader<'_>) -> Result<Table<'a>, Error> {
        let names = self.inputs.iter().map(|tensor| tensor.name.clone());
        let columns = columns(reader, names, |place| format!("/inputs/{place}/name"))?;
        let mut arrays = Vec::with_capacity(columns.len());
        let mut records = None;
        for (place, (tensor, column)) in self.inputs.iter().zip(&columns).enumerate() {
            let count = match *tensor.shape {
                [count] | [count, 1] if column.attribute.is_some() => count,
                _ if column.attribute.is_none() => {
                    let told = "is not an input of this model; its metadata lists them";
                    return Err(tensor.refused(place, "name", told));
                }
                _ => return Err(tensor.refused(place, "shape", "must have the shape [n] or [n,1]")),
            };
            let expected = *records.get_or_insert(count);
            if count != expected {
                let told = format!("has {count} records where the first input has {expected}");
                return Err(tensor.refused(place, "shape", &told));
            }
            arrays.push(tensor.values(place, 1, count)?);
        }
        Ok(Table {
            columns,
            arrays: Arrays::Each(arrays),
            records: usize::try_from(records.unwrap_or_default()).unwrap_or(usize::MAX),
        })
    }
}

impl<'a> Tensor<'a> {
    fn datatype(&self, place: usize) -> Result<Datatype, Error> {
        let told = || format!("has the datatype `{}`, which is not known", self.datatype);
        Datatype::named(&self.datatype).ok_or_else(|| self.refused(place, "datatype", &told()))
    }

    /// All columns in one input, if it is that and not a column of its own.
    fn matrix(&self, reader: &mut Reader<'_>) -> Result<Option<Table<'a>>, Error> {
        let predictor = reader.work().model.predictor();
        let [records, width] = *self.shape else {
            return Ok(None);
        };
        if width == 1 && predictor.lookup().find(&self.name, 0).is_some() {
            return Ok(None);
        }
        let Some(attributes) = in_order(predictor, width) else {
            let (inputs, found) = (predictor.inputs().len(), width);
            let told = format!(
                "has {found} columns where the model has {inputs} inputs, or one more with the target"
            );
            return Err(self.refused(0, "shape", &told));
        };
        let column = |&attribute: &usize| Column {
            name: Cow::Borrowed(""),
            attribute: Some(attribute),
        };
        let width = attributes.len();
        Ok(Some(Table {
            columns: attributes.iter().map(column).collect(),
            arrays: Arrays::All(self.values(0, width, records.saturating_mul(width as u64))?),
            records: usize::try_from(records).unwrap_or(usize::MAX),
        }))
    }

    /// The data, which must be as many values as the shape says.
    fn values(&self, place: usize, width: usize, expected: u64) -> Result<Values<'a>, Error> {
        let values = Values::new(self.data, width);
        let count = values.count();
        let count = count.map_err(|told| {
            self.refused(
                place,
                "data",
                &format!("has data that do not fit its shape: {told}"),
            )
        })?;
        if count as u64 != expected {
            let told = format!(
                "has {count} values where its shape {:?} has {expected}",
                self.shape
            );
            return Err(self.refused(place, "data", &told));
        }
        Ok(values)
    }

    fn refused(&self, place: usize, member: &str, told: &str) -> Error {
        let message = format!("the input `{}` {told}", self.name);
        Error::field(format!("/inputs/{place}/{member}"), "invalid_value", message)
    }
}

/// The attributes that so many columns are: the inputs in the order of the schema, without the target or with it.
fn in_order(predictor: &Predictor, width: u64) -> Option<Vec<usize>> {
    let mut attributes = predictor.inputs().to_vec();
    let inputs = attributes.len() as u64;
    if width == inputs {
        return Some(attributes);
    }
    let target = predictor
        .schema()
        .target_index()
        .filter(|_| width == inputs + 1)?;
    let before = attributes.partition_point(|&attribute| attribute < target);
    attributes.insert(before, target);
    Some(attributes)
}
