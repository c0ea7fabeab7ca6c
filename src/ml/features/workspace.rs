//! What was read of one record, in buffers that are used again.

use super::memo::Memo;
use super::product::ProductBuffer;
use super::words::WordBuffer;
use crate::ml::date::Moment;
use crate::ml::value::Number;

/// What a record holds, read once; reuse it for many records to read without allocating.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The numbers, in the order of the plan.
    pub numbers: Vec<Number>,
    /// The dates.
    pub dates: Vec<Option<Moment>>,
    /// The binary literals.
    pub truths: Vec<Option<bool>>,
    /// For each term, how many tokens it gave and how many of them are known; kept by the featurizer.
    pub(super) found: Vec<(u32, u32)>,
    /// The words of the texts, and which of them are those of the record at hand.
    pub(super) texts: Vec<WordBuffer>,
    pub(super) is_cut: Vec<bool>,
    pub(super) scratch: String,
    pub(super) product: ProductBuffer,
    pub(super) memo: Option<Box<Memo>>,
}

impl Workspace {
    /// Bytes of all buffers, about.
    pub fn capacity(&self) -> usize {
        let words: usize = self.texts.iter().map(WordBuffer::capacity).sum();
        words
            + self.memo.as_ref().map_or(0, |memo| memo.capacity())
            + self.scratch.capacity()
            + self.product.capacity()
            + size_of::<Number>() * self.numbers.capacity()
            + size_of::<(u32, u32)>() * self.found.capacity()
    }
}
