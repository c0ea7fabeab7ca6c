//! Counts the tokens of terms that read one field each, column by column: straight into the counts of their dictionary,
//! and texts that repeat themselves are cut into words once.

use rayon::prelude::*;

use super::count::TokenCounts;
use super::kept::KeptTerm;
use super::plan::Plan;
use super::step::TokenStep;
use super::words::push_lowercase;
use super::workspace::Workspace;
use crate::ml::record::Record;

/// Distinct texts that are kept before their words are counted.
pub const MOST_TEXTS: usize = 1 << 15;
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
    /// Tokens met.
    pub active: u64,
    scratch: String,
}

impl FieldCounts {
    /// Counts what `step` gives on some rows, and keeps it where it is to be kept. False when that is of no use any more.
    pub fn add(
        &mut self,
        (step, plan): (&TokenStep, &Plan),
        rows: &[&Record],
        counts: &mut TokenCounts,
        mut kept: Option<&mut KeptTerm>,
    ) -> bool {
        let mut keep = |number: u32| {
            if let Some(kept) = &mut kept {
                kept.stream.push_one(number);
            }
        };
        if let TokenStep::Level { attribute, lowercase } = step {
            self.active += rows.len() as u64;
            for record in rows {
                let field = plan.read_text(record, *attribute);
                self.rows = self.rows.wrapping_add(1);
                if *lowercase {
                    self.scratch.clear();
                    push_lowercase(&mut self.scratch, field);
                    keep(counts.add(&self.scratch, self.rows));
                } else {
                    keep(counts.add(field, self.rows));
                }
            }
            return true;
        }
        for text in rows.iter().filter_map(|record| plan.whole_text(step, record)) {
            self.rows = self.rows.wrapping_add(1);
            keep(self.texts.add(text, self.rows));
        }
        let is_full = self.texts.len() > MOST_TEXTS
            || self.texts.bytes() > MOST_BYTES
            || self.texts.forgotten.tokens > 0;
        if is_full {
            let texts = std::mem::take(&mut self.texts);
            let all: Vec<(&str, u32)> = texts.iter().collect();
            self.count(&cut(step, plan, &all, &mut Workspace::default()), counts);
        }
        !is_full
    }

    /// Bytes of memory it takes, about.
    pub fn bytes(&self) -> usize {
        self.texts.bytes()
    }

    /// Counts the words of the texts that were kept, on all threads. Gives the texts, and how many tokens they have.
    pub fn settle(
        &mut self,
        step: &TokenStep,
        plan: &Plan,
        counts: &mut TokenCounts,
    ) -> (TokenCounts, usize) {
        let texts = std::mem::take(&mut self.texts);
        let all: Vec<(&str, u32)> = texts.iter().collect();
        let parts: Vec<Words> = all
            .par_chunks(CHUNK_TEXTS)
            .map_init(Workspace::default, |workspace, some| {
                cut(step, plan, some, workspace)
            })
            .collect();
        parts.iter().for_each(|part| self.count(part, counts));
        let tokens = parts.iter().map(|part| part.tokens).sum();
        (texts, tokens)
    }

    fn count(&mut self, words: &Words, counts: &mut TokenCounts) {
        counts.merge(&words.counts, |_, _| {});
        self.active += words.active;
    }
}

/// The words of some texts.
#[derive(Default)]
struct Words {
    counts: TokenCounts,
    /// How many tokens the texts have.
    tokens: usize,
    /// How many all rows with them have.
    active: u64,
}

fn cut(step: &TokenStep, plan: &Plan, texts: &[(&str, u32)], workspace: &mut Workspace) -> Words {
    let mut words = Words::default();
    for (number, &(text, rows)) in texts.iter().enumerate() {
        plan.for_each_token_of(step, text, workspace, |token| {
            words.tokens += 1;
            words.active += u64::from(rows);
            words.counts.add_many(token, number as u32, rows);
        });
    }
    words
}
