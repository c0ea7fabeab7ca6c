//! What goes in each column of the output, and in each member of its JSON lines.

use std::collections::HashSet;

use super::form::Format;
use super::lines::{CsvLine, JsonLine, json_text};
use super::{BatchOptions, Style};
use crate::ml::Task;
use crate::ml::columns::ColumnMap;
use crate::ml::ingest::RowReader;
use crate::ml::parquet::{Kind, OutColumn, PackedRow};
use crate::ml::pipeline::PipelineError;
use crate::ml::predict::{Explanation, Predictor, Scratch};
use crate::ml::record::Record;
use crate::ml::schema::nearest;
use crate::ml::target::Truth;

/// Two labels by number.
const ZERO_OR_ONE: [&str; 2] = ["0", "1"];

/// Where everything in the output comes from.
pub struct Layout<'a> {
    /// The model.
    pub predictor: &'a Predictor,
    /// File columns in the order of the schema.
    pub columns: ColumnMap,
    /// The column of the target, where the input has it.
    pub truth: Option<usize>,
    /// What a line looks like.
    pub format: Format,
    /// The columns of the output.
    pub outputs: Vec<OutColumn>,
    tag: Option<usize>,
    passed: Vec<usize>,
    names: Vec<String>,
    row_number: bool,
    explain: bool,
    is_amazon: bool,
    keys: Keys,
}

/// Names of JSON members that are texts of the user, quoted and escaped once.
#[derive(Default)]
struct Keys {
    labels: Vec<String>,
    passed: Vec<String>,
    inputs: Vec<String>,
}

/// Why a record got no answer, and the number that its line has in the output.
pub struct Unread<'a> {
    /// Number of the record, from 1.
    pub row: u64,
    /// Line of the source.
    pub line: u64,
    /// What is wrong.
    pub detail: &'a str,
}

impl<'a> Layout<'a> {
    /// Finds the columns in what `reader` reads.
    pub fn new(
        predictor: &'a Predictor,
        reader: &RowReader,
        options: &BatchOptions,
    ) -> Result<Self, PipelineError> {
        let schema = predictor.schema();
        let columns = ColumnMap::new(schema, reader.columns(), reader.has_header(), &[])?;
        let found = reader.found_names();
        ColumnMap::new(schema, &found, reader.has_header(), &[])?.require_any_input(schema, &found)?;
        let names = reader.columns().to_vec();
        let passed = options
            .columns
            .iter()
            .map(|name| find(name, &names))
            .collect::<Result<Vec<_>, _>>()?;
        let tag = match &options.style {
            Style::Own => {
                let index = schema.row_id.as_ref().and_then(|name| schema.index_of(name));
                index.and_then(|index| columns.column_of(index))
            }
            Style::Amazon { tag } => names.iter().position(|name| Some(name) == tag.as_ref()),
        };
        let tag = tag.filter(|&column| reader.has_column(column));
        let truth = schema
            .target_index()
            .and_then(|index| columns.column_of(index))
            .filter(|&column| reader.has_column(column));
        let quoted = |names: Vec<&str>| names.into_iter().map(json_text).collect();
        let inputs = schema
            .inputs()
            .map(|index| schema.attributes[index].name.as_str());
        let keys = match options.form.format {
            Format::Csv | Format::Parquet => Keys::default(),
            Format::Jsonl => Keys {
                labels: quoted(predictor.target().labels()),
                passed: quoted(passed.iter().map(|&column| names[column].as_str()).collect()),
                inputs: quoted(inputs.collect()),
            },
        };
        let mut layout = Self {
            predictor,
            columns,
            truth,
            format: options.form.format,
            outputs: Vec::new(),
            tag,
            passed,
            names,
            row_number: options.row_number,
            explain: options.explain,
            is_amazon: options.style != Style::Own,
            keys,
        };
        layout.outputs = layout.named_outputs();
        if layout.format == Format::Parquet {
            check_names(&layout.outputs)?;
        }
        Ok(layout)
    }

    /// Appends the header; JSON lines and Parquet have none.
    pub fn header(&self, bytes: &mut Vec<u8>) {
        if self.format == Format::Csv {
            let mut line = CsvLine::new(bytes);
            self.outputs.iter().for_each(|column| line.text(&column.name));
            line.end();
        }
    }

    fn named_outputs(&self) -> Vec<OutColumn> {
        let mut outputs = Vec::new();
        let mut named = |is_there: bool, name: &str, kind| {
            if is_there {
                let name = name.to_string();
                outputs.push(OutColumn { name, kind });
            }
        };
        named(self.row_number, "row", Kind::Count);
        named(self.tag.is_some(), "tag", Kind::Text);
        named(self.truth.is_some(), "trueLabel", Kind::Text);
        match self.predictor.task() {
            Task::Binary => {
                named(true, "bestAnswer", Kind::Text);
                named(true, "score", Kind::Number);
            }
            Task::Multiclass => {
                let labels = self.predictor.target().labels();
                labels.iter().for_each(|label| named(true, label, Kind::Number));
            }
            Task::Regression => named(true, "score", Kind::Number),
        }
        for &column in &self.passed {
            named(true, &self.names[column], Kind::Text);
        }
        if self.explain {
            let schema = self.predictor.schema();
            named(true, "baseline", Kind::Number);
            for index in schema.inputs() {
                let name = format!("contribution_{}", schema.attributes[index].name);
                named(true, &name, Kind::Number);
            }
        }
        outputs
    }

    /// Appends the line of a record that was scored last with `scratch`. `record` is as it stands in the file.
    pub fn answer(&self, row: u64, record: &Record, scratch: &mut Scratch, bytes: &mut Vec<u8>) {
        if self.explain {
            self.predictor.explain(scratch);
        }
        let explanation = self.explain.then_some(&scratch.explanation);
        match self.format {
            Format::Csv => self.csv(row, record, &scratch.scores, explanation, bytes),
            Format::Jsonl => self.json(row, record, &scratch.scores, explanation, bytes),
            Format::Parquet => self.packed(row, record, &scratch.scores, explanation, bytes),
        }
    }

    /// Appends the line of a record that could not be read: a blank one, a row of nulls, or an object that says why.
    pub fn unread(&self, unread: &Unread, bytes: &mut Vec<u8>) {
        match self.format {
            Format::Csv => return bytes.push(b'\n'),
            Format::Parquet => return self.nulls(unread.row, bytes),
            Format::Jsonl => {}
        }
        let mut line = JsonLine::new(bytes);
        if self.row_number {
            line.count("\"row\"", unread.row);
        }
        line.text("\"error\"", unread.detail);
        line.count("\"line\"", unread.line);
        line.end();
    }

    fn csv(
        &self,
        row: u64,
        record: &Record,
        scores: &[f64],
        explanation: Option<&Explanation>,
        bytes: &mut Vec<u8>,
    ) {
        let mut line = CsvLine::new(bytes);
        if self.row_number {
            line.count(row);
        }
        if let Some(column) = self.tag {
            line.text(record.get(column));
        }
        if let Some(column) = self.truth {
            line.text(self.truth(record.get(column)));
        }
        if self.predictor.task() == Task::Binary {
            let class = self.predictor.class_of(scores);
            match self.is_amazon {
                true => line.text(ZERO_OR_ONE[class.min(1)]),
                false => line.text(self.predictor.target().label(class)),
            }
        }
        match self.is_amazon {
            true => scores.iter().for_each(|&score| line.scientific(score)),
            false => scores.iter().for_each(|&score| line.number(score)),
        }
        self.passed
            .iter()
            .for_each(|&column| line.text(record.get(column)));
        if let Some(explanation) = explanation {
            line.number(explanation.baseline);
            for (_, amount) in &explanation.contributions {
                line.number(*amount);
            }
        }
        line.end();
    }

    fn packed(
        &self,
        row: u64,
        record: &Record,
        scores: &[f64],
        explanation: Option<&Explanation>,
        bytes: &mut Vec<u8>,
    ) {
        let mut fields = PackedRow(bytes);
        if self.row_number {
            fields.count(row);
        }
        for column in [self.tag, self.truth].into_iter().flatten() {
            fields.text(record.get(column));
        }
        if self.predictor.task() == Task::Binary {
            fields.text(self.answered(scores));
        }
        scores.iter().for_each(|&score| fields.number(score));
        for &column in &self.passed {
            fields.text(record.get(column));
        }
        if let Some(explanation) = explanation {
            fields.number(explanation.baseline);
            for (_, amount) in &explanation.contributions {
                fields.number(*amount);
            }
        }
    }

    fn nulls(&self, row: u64, bytes: &mut Vec<u8>) {
        let mut fields = PackedRow(bytes);
        for column in &self.outputs {
            match column.kind {
                Kind::Count => fields.count(row),
                Kind::Text | Kind::Number => fields.missing(),
            }
        }
    }

    /// The truth as it is written: as it stands in the file, or, where two labels have numbers, as the number.
    fn truth<'f>(&self, field: &'f str) -> &'f str {
        let (schema, target) = (self.predictor.schema(), self.predictor.target());
        if !self.is_amazon || target.task() != Task::Binary {
            return field;
        }
        let attribute = schema
            .target_index()
            .and_then(|index| schema.attributes.get(index));
        let missing_values = attribute.map_or(&[][..], |attribute| &attribute.missing_values);
        match target.read(field, missing_values) {
            Truth::Class(class) => ZERO_OR_ONE[class.min(1)],
            Truth::UnseenClass(_) | Truth::Value(_) | Truth::Unknown => field,
        }
    }

    fn json(
        &self,
        row: u64,
        record: &Record,
        scores: &[f64],
        explanation: Option<&Explanation>,
        bytes: &mut Vec<u8>,
    ) {
        let mut line = JsonLine::new(bytes);
        if self.row_number {
            line.count("\"row\"", row);
        }
        for (name, column) in [("\"tag\"", self.tag), ("\"true_label\"", self.truth)] {
            if let Some(column) = column {
                line.text(name, record.get(column));
            }
        }
        let first = scores.first().copied().unwrap_or_default();
        match self.predictor.task() {
            Task::Regression => line.number("\"value\"", first),
            Task::Binary => self.json_label(&mut line, scores, first, &[1.0 - first, first]),
            Task::Multiclass => {
                let score = scores.get(self.predictor.class_of(scores)).copied();
                self.json_label(&mut line, scores, score.unwrap_or_default(), scores);
            }
        }
        if !self.passed.is_empty() {
            line.object("\"columns\"", |inner| {
                for (name, &column) in self.keys.passed.iter().zip(&self.passed) {
                    inner.text(name, record.get(column));
                }
            });
        }
        if let Some(explanation) = explanation {
            line.number("\"baseline\"", explanation.baseline);
            line.object("\"contributions\"", |inner| {
                for (name, (_, amount)) in self.keys.inputs.iter().zip(&explanation.contributions) {
                    inner.number(name, *amount);
                }
            });
        }
        line.end();
    }

    fn json_label(&self, line: &mut JsonLine, scores: &[f64], score: f64, probabilities: &[f64]) {
        line.text("\"label\"", self.answered(scores));
        line.number("\"score\"", score);
        line.object("\"probabilities\"", |inner| {
            for (label, probability) in self.keys.labels.iter().zip(probabilities) {
                inner.number(label, *probability);
            }
        });
    }

    fn answered(&self, scores: &[f64]) -> &str {
        self.predictor.target().label(self.predictor.class_of(scores))
    }
}

/// Columns of CSV and members of JSON may share a name, columns of Parquet may not: other programs could not name them.
fn check_names(columns: &[OutColumn]) -> Result<(), PipelineError> {
    let mut seen = HashSet::new();
    match columns.iter().find(|column| !seen.insert(column.name.as_str())) {
        Some(column) => Err(PipelineError::RepeatedColumn {
            name: column.name.clone(),
        }),
        None => Ok(()),
    }
}

fn find(name: &str, columns: &[String]) -> Result<usize, PipelineError> {
    let found = columns.iter().position(|column| column == name);
    found.ok_or_else(|| {
        let near = nearest(name, columns.iter().map(String::as_str));
        let suggestion = near
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        PipelineError::UnknownColumn {
            name: name.to_string(),
            suggestion,
        }
    })
}
