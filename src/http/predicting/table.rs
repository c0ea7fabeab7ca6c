//! Records written as CSV: one a line, with or without a header.

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::reader::{At, Reader, Stopped, wrong_count};
use crate::ml::draft::Written;
use crate::service::Error;

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// It does when one of its fields is the name of an attribute that the model learned from.
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

/// Has every record of the table scored.
pub fn read(reader: &mut Reader<'_>, header: Header) -> Result<(), Error> {
    let body = reader.work().body;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut lines = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(body);
    let mut record = StringRecord::new();
    let mut columns: Option<Columns> = None;
    let mut is_first = true;
    let mut index = 0;
    while lines
        .read_record(&mut record)
        .map_err(|error| unreadable(&error))?
    {
        if std::mem::take(&mut is_first) && is_header(reader, header, &record) {
            columns = Some(named(reader, &record));
            continue;
        }
        let at = At {
            base: "",
            index: Some(index),
        };
        let line = record.position().map_or(0, csv::Position::line);
        if take(reader, &record, columns.as_ref(), at, line).is_err() {
            return Ok(());
        }
        index += 1;
    }
    Ok(())
}

fn is_header(reader: &mut Reader<'_>, header: Header, first: &StringRecord) -> bool {
    let predictor = reader.work().model.predictor();
    let is_input = |name: &str| {
        let found = predictor.lookup().find(name, 0);
        found.is_some_and(|attribute| predictor.inputs().binary_search(&attribute).is_ok())
    };
    match header {
        Header::Auto => first.iter().any(is_input),
        Header::Present => true,
        Header::Absent => false,
    }
}

/// The attributes that the columns of a header are.
fn named(reader: &Reader<'_>, header: &StringRecord) -> Columns {
    let found = |(place, name): (usize, &str)| reader.find(name, place).ok_or_else(|| name.to_owned());
    header.iter().enumerate().map(found).collect()
}

fn take(
    reader: &mut Reader<'_>,
    record: &StringRecord,
    columns: Option<&Columns>,
    at: At,
    line: u64,
) -> Result<(), Stopped> {
    reader.begin()?;
    match columns {
        None => {
            record
                .iter()
                .try_for_each(|value| reader.push(value, Written::Plain))?;
            let schema = reader.work().model.predictor().schema();
            let (attributes, target) = (schema.attributes.len(), schema.target.as_deref());
            let fits = record.len() == attributes || (target.is_some() && record.len() + 1 == attributes);
            if !fits {
                let detail = wrong_count(record.len(), attributes, target);
                return reader.problem(at.record(), "ragged_row", &format!("line {line}: {detail}"));
            }
            reader.arrange(at)?;
        }
        Some(columns) if columns.len() != record.len() => {
            let (found, expected) = (record.len(), columns.len());
            let detail = format!("line {line} has {found} fields where the header names {expected}");
            return reader.problem(at.record(), "ragged_row", &detail);
        }
        Some(columns) => {
            for (column, value) in columns.iter().zip(record) {
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

fn unreadable(error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    let message = match error.kind() {
        ErrorKind::Utf8 { err, .. } => format!(
            "line {line}, field {}: the text is not valid UTF-8; send UTF-8",
            err.field() + 1
        ),
        _ => format!("line {line} cannot be read: {error}"),
    };
    Error::invalid("not_text", message)
}
