//! Requests of MLflow's scoring protocol: one table in one of four forms, and parameters beside it.
//!
//! Members may come in any order. Each is cut out as it is written and read once it is known which one counts.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::http::predicting::columns::{Arrays, Members, Table, Values, columns};
use crate::http::predicting::json::{self, Records};
use crate::http::predicting::reader::Reader;
use crate::service::Error;

/// The members of a request, as they are written.
#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    #[serde(borrow)]
    dataframe_split: Option<&'a RawValue>,
    #[serde(borrow)]
    dataframe_records: Option<&'a RawValue>,
    #[serde(borrow)]
    instances: Option<&'a RawValue>,
    #[serde(borrow)]
    inputs: Option<&'a RawValue>,
    params: Option<Params>,
    /// What Vertex AI calls them.
    parameters: Option<Params>,
    signature_name: Option<IgnoredAny>,
}

/// How to predict; what is not known here is passed over, as MLflow does.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Params {
    #[serde(default)]
    explain: bool,
}

/// A data frame as pandas writes it with `orient="split"`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Split<'a> {
    #[serde(borrow)]
    columns: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(rename = "index")]
    _index: Option<IgnoredAny>,
}

/// Records in one of the forms.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a> {
    /// Names of columns, and rows of values.
    Split(&'a RawValue),
    /// Records, in the member of this pointer.
    Records(&'static str, &'a RawValue),
    /// A list of values for each column, or records.
    Inputs(&'a RawValue),
}

const ONE_OF: &str = "give exactly one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`";

impl<'a> Body<'a> {
    /// Reads the members of a body.
    pub fn read(text: &'a str) -> Result<Self, Error> {
        let body: Body = json::read_object(text)?;
        if body.signature_name.is_some() {
            let message = "`signature_name` is not supported; leave it out";
            return Err(Error::field("/signature_name", "invalid_input", message));
        }
        if body.params.is_some() && body.parameters.is_some() {
            let message = "`parameters` means the same as `params`; give one of them";
            return Err(Error::field("/parameters", "invalid_input", message));
        }
        Ok(body)
    }

    /// Whether to say why each record got its score.
    pub fn explain(&self) -> bool {
        self.params.or(self.parameters).unwrap_or_default().explain
    }

    /// The one form that records are given in.
    pub fn form(&self) -> Result<Form<'a>, Error> {
        let given = [
            self.dataframe_split.map(Form::Split),
            self.dataframe_records
                .map(|list| Form::Records("/dataframe_records", list)),
            self.instances.map(|list| Form::Records("/instances", list)),
            self.inputs.map(Form::Inputs),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(form), None) => Ok(form),
            _ => Err(Error::invalid("invalid_input", ONE_OF)),
        }
    }
}

impl Form<'_> {
    /// Has every record scored; the error is why reading ended early, unless the reader knows.
    pub fn read(self, reader: &mut Reader<'_>) -> Result<(), Error> {
        match self {
            Form::Split(raw) => split(reader, raw),
            Form::Inputs(raw) if raw.get().starts_with('{') => lists(reader, raw),
            Form::Inputs(raw) => records(reader, "/inputs", raw),
            Form::Records(base, raw) => records(reader, base, raw),
        }
    }
}

fn records(reader: &mut Reader<'_>, base: &'static str, raw: &RawValue) -> Result<(), Error> {
    json::read(raw.get(), Records { reader, base })
}

fn split(reader: &mut Reader<'_>, raw: &RawValue) -> Result<(), Error> {
    let refused = |detail: &str| {
        let message = format!("`dataframe_split` must be an object with `columns` and `data`{detail}");
        Error::field("/dataframe_split", "invalid_input", message)
    };
    if !raw.get().starts_with('{') {
        return Err(refused(""));
    }
    let frame: Split = serde_json::from_str(raw.get()).map_err(|error| {
        let told = error.to_string();
        // Lines and columns would count from the start of this member.
        refused(&format!(
            ": {}",
            told.split(" at line ").next().unwrap_or_default()
        ))
    })?;
    let Some(named) = frame.columns else {
        return records(reader, "/dataframe_split/data", frame.data);
    };
    let names = named.iter().map(|name| match json::field(name.get()).value() {
        Ok((name, _)) => name,
        // Labels of several levels are no names that a model knows.
        Err(_) => Cow::from(name.get()),
    });
    let columns = columns(reader, names, |place| format!("/dataframe_split/columns/{place}"))?;
    let (width, values) = (columns.len(), Values::new(frame.data, columns.len()));
    let count = values.count();
    let wrong = |detail: String| {
        let message = format!("`dataframe_split` names {width} columns, but its data do not fit: {detail}");
        Error::field("/dataframe_split/data", "invalid_value", message)
    };
    let count = count.map_err(wrong)?;
    if width == 0 || count % width != 0 {
        return Err(wrong(format!("there are {count} values")));
    }
    let mut table = Table {
        columns,
        arrays: Arrays::All(values),
        records: count / width,
    };
    let pointer = |record, column| format!("/dataframe_split/data/{record}/{column}");
    table.read(reader, |_, _| None, pointer);
    Ok(())
}

fn lists(reader: &mut Reader<'_>, raw: &RawValue) -> Result<(), Error> {
    let Members(members) = json::read_object(raw.get())?;
    let names = members.iter().map(|(name, _)| name.clone());
    let escaped = |place: usize| {
        let name = members.get(place).map_or("", |(name, _)| name);
        format!("/inputs/{}", name.replace('~', "~0").replace('/', "~1"))
    };
    let columns = columns(reader, names, escaped)?;
    let mut arrays = Vec::with_capacity(members.len());
    let mut records = None;
    for (place, (_, list)) in members.iter().enumerate() {
        let refused = |detail: String| {
            let at = escaped(place);
            Error::field(&at, "invalid_value", format!("{detail} at `{at}`"))
        };
        let values = Values::new(list, 1);
        let count = values.count().map_err(refused)?;
        let expected = *records.get_or_insert(count);
        if count != expected {
            let detail = format!("a column of {count} values where the first has {expected}");
            return Err(refused(detail));
        }
        arrays.push(values);
    }
    let mut table = Table {
        columns,
        arrays: Arrays::Each(arrays),
        records: records.unwrap_or_default(),
    };
    let pointer = |record, column| format!("{}/{record}", escaped(column));
    table.read(reader, |_, _| None, pointer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Result<(&'static str, bool), String> {
        let told = |error: Error| error.to_string();
        let body = Body::read(body).map_err(told)?;
        let form = match body.form().map_err(told)? {
            Form::Split(_) => "split",
            Form::Records(base, _) => base,
            Form::Inputs(_) => "inputs",
        };
        Ok((form, body.explain()))
    }

    #[test]
    fn one_form_is_found_wherever_it_stands() {
        for (body, expected) in [
            (r#"{"dataframe_split": {}}"#, ("split", false)),
            (
                r#"{"params": {"explain": true, "x": 1}, "inputs": []}"#,
                ("inputs", true),
            ),
            (
                r#"{"instances": [], "parameters": {"explain": true}}"#,
                ("/instances", true),
            ),
            (
                r#"{"dataframe_records": [], "other": {"a": [1]}, "params": null}"#,
                ("/dataframe_records", false),
            ),
        ] {
            assert_eq!(form(body).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_request_is_told() {
        for (body, part) in [
            ("[[1]]", "must be a JSON object"),
            ("[]", "must be a JSON object"),
            ("3", "must be a JSON object"),
            ("", "not valid JSON"),
            ("[1", "not valid JSON"),
            ("{", "not valid JSON"),
            ("{}", "exactly one of"),
            (r#"{"inputs": [], "instances": []}"#, "exactly one of"),
            (r#"{"inputs": [], "inputs": []}"#, "duplicate field"),
            (r#"{"inputs": [], "signature_name": "x"}"#, "signature_name"),
            (
                r#"{"inputs": [], "params": {}, "parameters": {}}"#,
                "give one of them",
            ),
            (r#"{"inputs": [], "params": {"explain": "yes"}}"#, "boolean"),
            (r#"{"inputs": [Infinity]}"#, "JSON has no NaN and no infinity"),
        ] {
            let told = form(body).unwrap_err();
            assert!(told.contains(part), "{body}: {told}");
        }
    }
}
