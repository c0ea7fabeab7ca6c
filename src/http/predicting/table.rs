//! Records written as CSV: one a line, with or without a header.

use super::reader::{At, Reader, Stopped, wrong_count};
use crate::ml::draft::Written;
use crate::ml::ingest::{DELIMITERS, Rows, column_name, rows_of};
use crate::ml::value::{Number, number};
use crate::service::Error;

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// It does when it names attributes that the model learned from, half of these or half of its own fields at least,
    /// and holds no number that is no name.
    Auto,
    /// It does.
    Present,
    /// It is the first record.
    Absent,
}

impl Header {
    /// The parameter `header` of a media type such as `text/csv; header=absent` (RFC 4180).
    pub fn of(media_type: &str) -> Result<Self, Error> {
        let parameters = media_type.split(';').skip(1);
        let mut parameters = parameters.filter_map(|parameter| parameter.trim().split_once('='));
        match parameters.find(|(name, _)| name.eq_ignore_ascii_case("header")) {
            None => Ok(Header::Auto),
            Some((_, value)) if value.eq_ignore_ascii_case("present") => Ok(Header::Present),
            Some((_, value)) if value.eq_ignore_ascii_case("absent") => Ok(Header::Absent),
            Some((_, value)) => {
                let message = format!("`header={value}` in Content-Type is neither `present` nor `absent`");
                Err(Error::invalid("invalid_parameter", message))
            }
        }
    }
}

/// Where each column goes: an attribute, or nowhere under this name.
type Columns = Vec<Result<usize, String>>;

/// Has every record of the table scored. Rows, fields and names are those that a file with this text has.
pub fn read(reader: &mut Reader<'_>, header: Header) -> Result<(), Error> {
    let rows = cut(reader, header)?;
    if let Some(&(row, field)) = rows.mended().first() {
        let (line, field) = (rows.line(row), field + 1);
        let message = format!("line {line}, field {field}: the text is not valid UTF-8; send UTF-8");
        return Err(Error::invalid("not_text", message));
    }
    let columns = is_header(reader, header, &rows).then(|| named(reader, &rows));
    for (index, row) in (usize::from(columns.is_some())..rows.len()).enumerate() {
        let at = At {
            base: "",
            index: Some(index),
        };
        if take(reader, &rows, row, columns.as_ref(), at).is_err() {
            break;
        }
    }
    Ok(())
}

/// Cuts the body by the first delimiter whose first row fits the model, else by commas.
fn cut(reader: &mut Reader<'_>, header: Header) -> Result<Rows, Error> {
    let by = |reader: &mut Reader<'_>, delimiter| rows_of(reader.work().body, delimiter);
    let [comma, others @ ..] = DELIMITERS;
    let rows = by(reader, comma);
    if rows
        .as_ref()
        .is_ok_and(|rows| !rows.is_empty() && !fits(reader, header, rows))
    {
        for delimiter in others {
            if let Ok(rows) = by(reader, delimiter)
                && fits(reader, header, &rows)
            {
                return Ok(rows);
            }
        }
    }
    rows.map_err(|line| {
        let message = format!("the quote that is opened in line {line} is never closed; close or double it");
        Error::invalid("unclosed_quote", message)
    })
}

fn fits(reader: &mut Reader<'_>, header: Header, rows: &Rows) -> bool {
    let schema = reader.work().model.predictor().schema();
    let (attributes, has_target) = (schema.attributes.len(), schema.target.is_some());
    let width = rows.width(0);
    let by_place = width == attributes || (has_target && width + 1 == attributes);
    by_place || (header != Header::Absent && names(reader, rows).0 > 0)
}

fn is_header(reader: &mut Reader<'_>, header: Header, rows: &Rows) -> bool {
    match header {
        Header::Absent => false,
        Header::Present => !rows.is_empty(),
        Header::Auto if rows.is_empty() => false,
        Header::Auto => {
            let (inputs, fields) = names(reader, rows);
            let all = reader.work().model.predictor().inputs().len();
            // A value may be the name of a column by chance; numbers that are no names are values.
            let is_value = |field: &str| matches!(number(field), Number::Value(_));
            let has_value = rows
                .fields(0)
                .enumerate()
                .any(|(place, field)| is_value(field) && reader.find(field.trim(), place).is_none());
            inputs > 0 && !has_value && (2 * fields >= rows.width(0) || 2 * inputs >= all)
        }
    }
}

/// How many fields of the first row name inputs of the model, and how many name any attribute.
fn names(reader: &mut Reader<'_>, rows: &Rows) -> (usize, usize) {
    let predictor = reader.work().model.predictor();
    let (mut inputs, mut attributes) = (0, 0);
    for (place, field) in rows.fields(0).enumerate() {
        if let Some(attribute) = predictor.lookup().find(&column_name(place, field), place) {
            attributes += 1;
            inputs += usize::from(predictor.inputs().binary_search(&attribute).is_ok());
        }
    }
    (inputs, attributes)
}

/// The attributes that the columns of a header are.
fn named(reader: &Reader<'_>, rows: &Rows) -> Columns {
    let found = |(place, field)| {
        let name = column_name(place, field);
        reader.find(&name, place).ok_or_else(|| name.into_owned())
    };
    rows.fields(0).enumerate().map(found).collect()
}

fn take(
    reader: &mut Reader<'_>,
    rows: &Rows,
    row: usize,
    columns: Option<&Columns>,
    at: At,
) -> Result<(), Stopped> {
    reader.begin()?;
    let (found, line) = (rows.width(row), rows.line(row));
    match columns {
        None => {
            rows.fields(row)
                .try_for_each(|value| reader.push(value, Written::Plain))?;
            let schema = reader.work().model.predictor().schema();
            let (attributes, target) = (schema.attributes.len(), schema.target.as_deref());
            let fits = found == attributes || (target.is_some() && found + 1 == attributes);
            if !fits {
                let detail = wrong_count(found, attributes, target);
                return reader.problem(at.record(), "ragged_row", &format!("line {line}: {detail}"));
            }
            reader.arrange(at)?;
        }
        Some(columns) if columns.len() != found => {
            let expected = columns.len();
            let detail = format!("line {line} has {found} fields where the header names {expected}");
            return reader.problem(at.record(), "ragged_row", &detail);
        }
        Some(columns) => {
            for (column, value) in columns.iter().zip(rows.fields(row)) {
                match column {
                    Ok(attribute) => reader.set(*attribute, value, Written::Plain, at)?,
                    Err(name) => reader.set_unknown(name, value, at)?,
                }
            }
        }
    }
    reader.end(at);
    Ok(())
}
