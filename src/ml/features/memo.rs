//! What texts came to before. Free text repeats itself in many tables (user agents, product names), and to find a text
//! again costs a fraction of cutting it into words and looking each of them up.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::ml::text_hash::hash_of;

/// Texts remembered at most, by all terms of one memory together: seven eighths of a power of two, which is how full a
/// table of them may be.
const MOST_KEPT: usize = 7 << 12;
/// Bytes of a table with so many texts; twice as many where several share the room, because each is a power of two.
const TABLE_BYTES: usize = 2 * (MOST_KEPT / 7 * 8) * (size_of::<u32>() + 1);
/// Bytes of all these texts.
const MOST_TEXT: usize = 4 << 20;
/// Their ids.
const MOST_IDS: usize = 1 << 19;
/// Longer texts hardly come twice.
const LONGEST: usize = 2 << 10;
/// Bytes that come from memory at once.
const LINE: usize = 64;
/// After so many texts it is judged whether remembering pays.
const TRIAL: u32 = 1 << 12;
/// It does where one in so many was known.
const KNOWN_SHARE: u32 = 4;

/// Bytes that remembering takes at most for each thread.
pub const MOST_BYTES: usize =
    MOST_KEPT * size_of::<Kept>() + TABLE_BYTES + MOST_TEXT + MOST_IDS * size_of::<u32>();

/// How many tokens a text gave, and how many of them are known.
pub type FoundCounts = (u32, u32);

/// For each term what its texts came to under one featurizer.
#[derive(Debug)]
pub struct Memo {
    /// The featurizer that the ids belong to.
    of: Arc<()>,
    terms: Vec<Recollection>,
}

impl Memo {
    /// An empty memory for so many terms of a featurizer, `reading` of which read words and share its room.
    pub fn new(of: &Arc<()>, terms: usize, reading: usize) -> Self {
        let terms = (0..terms).map(|_| Recollection::sharing(reading)).collect();
        Self {
            of: Arc::clone(of),
            terms,
        }
    }

    /// What is remembered for a term; nothing where the memory belongs to another featurizer.
    pub fn term(&mut self, of: &Arc<()>, term: usize) -> Option<&mut Recollection> {
        Arc::ptr_eq(of, &self.of)
            .then(|| self.terms.get_mut(term))
            .flatten()
    }

    /// The same, to look at.
    pub fn look_at(&self, of: &Arc<()>, term: usize) -> Option<&Recollection> {
        Arc::ptr_eq(of, &self.of).then(|| self.terms.get(term)).flatten()
    }

    /// Bytes of all buffers, about.
    pub fn capacity(&self) -> usize {
        self.terms.iter().map(Recollection::capacity).sum()
    }
}

/// One text.
#[derive(Debug, Clone, Copy)]
struct Kept {
    hash: u64,
    start: u32,
    length: u32,
    first_id: u32,
    ids: u32,
    found: FoundCounts,
}

/// The texts of one term. When there is no room for one more, all are forgotten: those that come often are soon known
/// again. More texts than there is room for, each as often as all others, are never known.
#[derive(Debug)]
pub struct Recollection {
    /// How many share the room.
    sharing: usize,
    /// Finds a text among those that are kept.
    places: HashTable<u32>,
    kept: Vec<Kept>,
    text: String,
    ids: Vec<u32>,
    asked: u32,
    known: u32,
    /// Texts hardly repeat themselves here.
    given_up: bool,
}

impl Recollection {
    /// Knows nothing, and takes no memory yet.
    fn sharing(sharing: usize) -> Self {
        Self {
            sharing: sharing.max(1),
            places: HashTable::new(),
            kept: Vec::new(),
            text: String::new(),
            ids: Vec::new(),
            asked: 0,
            known: 0,
            given_up: false,
        }
    }

    /// The ids of a text, ascending, each once, and how many tokens that came from.
    pub fn recall(&mut self, text: &str) -> Option<(&[u32], FoundCounts)> {
        if self.given_up {
            return None;
        }
        self.asked += 1;
        if self.asked >= TRIAL {
            self.judge();
        }
        let hash = hash_of(text.as_bytes());
        let text_at = |kept: &Kept| {
            let start = kept.start as usize;
            self.text.get(start..start + kept.length as usize)
        };
        let is_it = |&place: &u32| {
            let kept = self.kept.get(place as usize);
            kept.is_some_and(|kept| kept.hash == hash && text_at(kept) == Some(text))
        };
        let place = *self.places.find(hash, is_it)?;
        let kept = self.kept.get(place as usize)?;
        let first = kept.first_id as usize;
        self.known += 1;
        Some((self.ids.get(first..first + kept.ids as usize)?, kept.found))
    }

    /// The place of the text that is probably this one. With [`Recollection::start_of`] and [`Recollection::byte_at`]: the
    /// steps of [`Recollection::recall`], each of which waits for memory, one by one and without deciding anything.
    #[inline]
    pub fn likely(&self, text: &str) -> Option<u32> {
        if self.places.is_empty() || text.len() > LONGEST {
            return None;
        }
        let hash = hash_of(text.as_bytes());
        self.places.find(hash, |_| true).copied()
    }

    /// Where the text at a place begins, and its ids.
    #[inline]
    pub fn start_of(&self, place: u32) -> (u32, u32) {
        let kept = self.kept.get(place as usize);
        kept.map_or((0, 0), |kept| (kept.start, kept.first_id))
    }

    /// Something of both: of the text what lies on its first two lines of memory.
    #[inline]
    pub fn byte_at(&self, (start, first_id): (u32, u32)) -> u8 {
        let byte = |at: usize| self.text.as_bytes().get(at).copied().unwrap_or(0);
        let id = self.ids.get(first_id as usize).copied().unwrap_or(0);
        byte(start as usize) ^ byte(start as usize + LINE) ^ id as u8
    }

    /// Gives up where too few texts were known.
    fn judge(&mut self) {
        if self.known < self.asked / KNOWN_SHARE {
            *self = Self {
                given_up: true,
                ..Self::sharing(self.sharing)
            };
        }
        (self.asked, self.known) = (0, 0);
    }

    /// Remembers a text that was not known.
    pub fn keep(&mut self, text: &str, ids: &[u32], found: FoundCounts) {
        let (most, most_text, most_ids) = (
            MOST_KEPT / self.sharing,
            MOST_TEXT / self.sharing,
            MOST_IDS / self.sharing,
        );
        let is_long = text.len() > LONGEST.min(most_text) || ids.len() > LONGEST.min(most_ids);
        if self.given_up || text.is_empty() || is_long || most == 0 {
            return;
        }
        if self.kept.len() >= most
            || self.text.len() + text.len() > most_text
            || self.ids.len() + ids.len() > most_ids
        {
            self.text.clear();
            self.ids.clear();
            self.kept.clear();
            self.places.clear();
            // What is learned anew says nothing of how often texts come again.
            (self.asked, self.known) = (0, 0);
        }
        if self.kept.capacity() == 0 {
            // Room for all at once, so that it is never doubled.
            self.text.reserve_exact(most_text);
            self.ids.reserve_exact(most_ids);
            self.kept.reserve_exact(most);
            self.places = HashTable::with_capacity(most);
        }
        let hash = hash_of(text.as_bytes());
        let place = self.kept.len() as u32;
        self.kept.push(Kept {
            hash,
            start: self.text.len() as u32,
            length: text.len() as u32,
            first_id: self.ids.len() as u32,
            ids: ids.len() as u32,
            found,
        });
        self.text.push_str(text);
        self.ids.extend_from_slice(ids);
        let kept = &self.kept;
        let hash_at = |place: &u32| kept.get(*place as usize).map_or(0, |kept| kept.hash);
        self.places.insert_unique(hash, place, hash_at);
    }

    fn capacity(&self) -> usize {
        self.kept.capacity() * size_of::<Kept>()
            + self.places.allocation_size()
            + self.text.capacity()
            + self.ids.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_recalled_and_nothing_else() {
        let mut texts = Recollection::sharing(1);
        assert_eq!(texts.recall("a b"), None);
        texts.keep("a b", &[3, 7], (2, 2));
        texts.keep("z", &[], (1, 0));
        assert_eq!(texts.recall("a b"), Some((&[3, 7][..], (2, 2))));
        assert_eq!(texts.recall("z"), Some((&[][..], (1, 0))));
        assert_eq!(texts.recall("a c"), None);
        assert_eq!(texts.recall(""), None);
    }

    #[test]
    fn many_texts_stay_within_bounds_and_true() {
        for sharing in [1, 3] {
            let mut texts = Recollection::sharing(sharing);
            for number in (0..60_000u32).cycle().take(150_000) {
                let text = format!("{number} {}", "x".repeat(100));
                match texts.recall(&text) {
                    Some((ids, found)) => assert_eq!((ids, found), (&[number][..], (number, 1))),
                    None => texts.keep(&text, &[number], (number, 1)),
                }
                // Asked again at once, so that remembering seems to pay.
                assert!(texts.recall(&text).is_some());
            }
            assert!(texts.capacity() <= MOST_BYTES / sharing, "{}", texts.capacity());
        }
        let mut texts = Recollection::sharing(300);
        for number in 0..1000u32 {
            texts.keep(&format!("{number}"), &[number; 1800], (1, 1));
        }
        assert!(texts.capacity() <= MOST_BYTES / 300, "{}", texts.capacity());
    }

    #[test]
    fn texts_that_never_repeat_are_given_up() {
        let mut texts = Recollection::sharing(1);
        for number in 0..2 * TRIAL {
            let text = number.to_string();
            assert_eq!(texts.recall(&text), None);
            texts.keep(&text, &[], (0, 0));
        }
        assert!(texts.given_up);
        assert_eq!(texts.capacity(), 0);
    }

    #[test]
    fn a_memory_serves_one_featurizer() {
        let (one, other) = (Arc::new(()), Arc::new(()));
        let mut memo = Memo::new(&one, 2, 1);
        assert!(memo.term(&one, 1).is_some());
        assert!(memo.term(&one, 2).is_none());
        assert!(memo.term(&other, 1).is_none());
    }
}
