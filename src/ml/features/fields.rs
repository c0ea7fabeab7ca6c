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
        let is_full = self.texts.len() > MOST_TEXTS || self.texts.bytes() > MOST_BYTES;
        if is_full {
            let texts = std::mem::take(&mut self.texts);
            let all: Vec<(&str, u32)> = texts.iter().collect();
            self.count(cut(step, plan, &all, &mut Workspace::default()), counts);
        }
        !is_full
    }

    /// Counts the words of the texts that were kept, on all threads. Gives the texts.
    pub fn settle(&mut self, step: &TokenStep, plan: &Plan, counts: &mut TokenCounts) -> TokenCounts {
        let texts = std::mem::take(&mut self.texts);
        let all: Vec<(&str, u32)> = texts.iter().collect();
        let parts: Vec<(TokenCounts, u64)> = all
            .par_chunks(CHUNK_TEXTS)
            .map_init(Workspace::default, |workspace, some| {
                cut(step, plan, some, workspace)
            })
            .collect();
        parts.into_iter().for_each(|part| self.count(part, counts));
        texts
    }

    fn count(&mut self, (words, active): (TokenCounts, u64), counts: &mut TokenCounts) {
        counts.merge(&words, |_, _| {});
        self.active += active;
    }
}

/// The words of some texts, and how many tokens all rows with them have.
fn cut(
    step: &TokenStep,
    plan: &Plan,
    texts: &[(&str, u32)],
    workspace: &mut Workspace,
) -> (TokenCounts, u64) {
    let (mut words, mut active) = (TokenCounts::default(), 0);
    for (number, &(text, rows)) in texts.iter().enumerate() {
        plan.for_each_token_of(step, text, workspace, |token| {
            active += u64::from(rows);
            words.add_many(token, number as u32, rows);
        });
    }
    (words, active)
}
