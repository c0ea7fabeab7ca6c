//! Counts the tokens of terms that read one field each, column by column: straight into the counts of their dictionary,
//! and texts that repeat themselves are cut into words once.

use rayon::prelude::*;

use super::count::TokenCounts;
use super::plan::Plan;
use super::step::TokenStep;
use super::words::push_lowercase;
use super::workspace::Workspace;
use crate::ml::record::Record;

/// Distinct texts that are kept before their words are counted.
const MOST_TEXTS: usize = 1 << 15;
/// Bytes of these.
const MOST_BYTES: usize = 8 << 20;
/// Texts whose words one thread counts at a time.
const CHUNK_TEXTS: usize = 1 << 11;

/// What one term has met so far.
#[derive(Debug, Clone, Default)]
pub struct FieldCounts {
    /// Texts whose words are not counted yet, with the rows they are on.
    texts: TokenCounts,
    /// Rows read.
    rows: u32,
    /// Rows whose texts are not counted yet.
    waiting: u64,
    /// Tokens met.
    pub active: u64,
    /// Texts hardly repeat themselves, so rows are better shared among threads.
    pub given_up: bool,
    scratch: String,
}

impl FieldCounts {
    /// True for a step that can be counted here.
    pub fn reads(step: &TokenStep) -> bool {
        step.is_words() || matches!(step, TokenStep::Level { .. })
    }

    /// Counts what `step` gives on some rows.
    pub fn add(&mut self, step: &TokenStep, plan: &Plan, rows: &[&Record], counts: &mut TokenCounts) {
        if let TokenStep::Level { attribute, lowercase } = step {
            self.active += rows.len() as u64;
            for record in rows {
                let field = plan.read_text(record, *attribute);
                self.rows = self.rows.wrapping_add(1);
                if *lowercase {
                    self.scratch.clear();
                    push_lowercase(&mut self.scratch, field);
                    counts.add(&self.scratch, self.rows);
                } else {
                    counts.add(field, self.rows);
                }
            }
            return;
        }
        for text in rows.iter().filter_map(|record| plan.whole_text(step, record)) {
            self.rows = self.rows.wrapping_add(1);
            self.texts.add(text, self.rows);
        }
        self.waiting += rows.len() as u64;
        if self.texts.len() > MOST_TEXTS || self.texts.bytes() > MOST_BYTES {
            self.given_up = self.waiting < 2 * self.texts.len() as u64;
            self.settle(step, plan, counts);
        }
    }

    /// Counts the words of the texts that were kept.
    pub fn settle(&mut self, step: &TokenStep, plan: &Plan, counts: &mut TokenCounts) {
        let texts = std::mem::take(&mut self.texts);
        self.waiting = 0;
        let all: Vec<(&str, u32)> = texts.iter().collect();
        let parts: Vec<(TokenCounts, u64)> = all
            .par_chunks(CHUNK_TEXTS)
            .map_init(Workspace::default, |workspace, some| {
                let (mut words, mut active) = (TokenCounts::default(), 0);
                for (number, &(text, rows)) in some.iter().enumerate() {
                    plan.for_each_token_of(step, text, workspace, |token| {
                        active += u64::from(rows);
                        words.add_many(token, number as u32, rows);
                    });
                }
                (words, active)
            })
            .collect();
        for (words, active) in &parts {
            counts.merge(words);
            self.active += active;
        }
    }
}
