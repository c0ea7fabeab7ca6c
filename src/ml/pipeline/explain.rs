//! What a recipe makes of a table: for each term its features, the most frequent tokens, and some rows.

use serde::Serialize;

use super::error::PipelineError;
use super::table::Table;
use crate::ml::columns::ColumnMap;
use crate::ml::features::{Featurizer, FeaturizerFit, MOST_FEATURES, TermState, Workspace};
use crate::ml::ingest::for_each_batch;
use crate::ml::observe::{Observer, Stage};
use crate::ml::recipe::Term;
use crate::ml::record::Record;
use crate::ml::schema::Schema;

/// Rows shown of each term.
const EXAMPLES: usize = 3;
/// Rows at the beginning of the table among which they are looked for.
const LOOKED_AT: usize = 2000;
/// Most frequent tokens shown.
const MOST_FREQUENT: usize = 5;

/// What one term makes of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermSample {
    /// Features it becomes.
    pub features: usize,
    /// The most frequent tokens with the number of rows that hold them.
    pub frequent: Vec<(String, u32)>,
    /// Some rows for which it gives different values.
    pub examples: Vec<RowSample>,
}

/// What one term makes of one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowSample {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// The fields that the term reads.
    pub fields: Vec<String>,
    /// Tokens, bin, or scaled number.
    pub values: Vec<String>,
    /// Values that are not listed because there are many.
    pub more: usize,
}

/// Fits `terms` on every row of `table` and shows what each of them becomes, in their order.
pub fn explain(
    table: &dyn Table,
    schema: &Schema,
    terms: &[Term],
    observer: &mut dyn Observer,
) -> Result<Vec<TermSample>, PipelineError> {
    let mut fit = FeaturizerFit::new(terms, schema, MOST_FEATURES);
    let mut first: Vec<Record> = Vec::new();
    let mut is_first_pass = true;
    loop {
        let reader = table.records()?;
        let inputs: Vec<usize> = schema.inputs().collect();
        let columns = ColumnMap::new(schema, reader.columns(), reader.has_header(), &inputs)?;
        for_each_batch(reader, table.bytes(), Stage::Featurize, observer, |batch| {
            let aligned: Vec<Record> = batch
                .good_records()
                .map(|(_, record)| columns.align(record, &mut Record::new()).clone())
                .collect();
            if is_first_pass {
                let left = LOOKED_AT.saturating_sub(first.len());
                first.extend(aligned.iter().take(left).cloned());
            }
            fit.add(&aligned.iter().collect::<Vec<_>>());
            Ok::<(), PipelineError>(())
        })?;
        is_first_pass = false;
        if !fit.next_pass() {
            break;
        }
    }
    let featurizer = Featurizer::new(fit.freeze(), schema);
    let mut samples: Vec<TermSample> = featurizer
        .state()
        .terms
        .iter()
        .map(|state| TermSample {
            features: featurizer.state().dense_of(state) + featurizer.state().sparse_of(state),
            frequent: frequent(state),
            examples: Vec::new(),
        })
        .collect();
    add_examples(&featurizer, terms, &first, &mut samples);
    Ok(samples)
}

fn frequent(state: &TermState) -> Vec<(String, u32)> {
    let TermState::Tokens { dictionary, .. } = state else {
        return Vec::new();
    };
    let counted = dictionary
        .entries
        .iter()
        .zip(&dictionary.rows)
        .take(MOST_FREQUENT);
    counted.map(|(entry, rows)| (entry.to_string(), *rows)).collect()
}

fn add_examples(featurizer: &Featurizer, terms: &[Term], rows: &[Record], samples: &mut [TermSample]) {
    let mut workspace = Workspace::default();
    for row in rows {
        if samples.iter().all(|sample| sample.examples.len() >= EXAMPLES) {
            return;
        }
        for shown in featurizer.show(row, &mut workspace) {
            let sample = &mut samples[shown.term];
            let is_new = sample.examples.iter().all(|known| known.values != shown.values);
            if sample.examples.len() < EXAMPLES && !shown.values.is_empty() && is_new {
                let attributes = terms[shown.term].attributes();
                sample.examples.push(RowSample {
                    line: row.position.line,
                    fields: attributes.iter().map(|&at| row.get(at).to_string()).collect(),
                    values: shown.values,
                    more: shown.more,
                });
            }
        }
    }
}
