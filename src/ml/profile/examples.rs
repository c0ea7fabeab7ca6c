//! The first few places where something was found: line and value.

use serde::{Deserialize, Serialize};

/// Places kept.
pub const MOST_EXAMPLES: usize = 5;
/// Characters of a value that are kept.
const LONGEST: usize = 60;

/// One place in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Example {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// What stands there, cut at 60 characters.
    pub value: String,
}

/// The places on the smallest lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examples {
    places: Vec<Example>,
}

impl Examples {
    /// Offers a place; lines come in ascending order, so that the first ones stay.
    #[inline]
    pub fn add(&mut self, line: impl FnOnce() -> u64, value: &str) {
        if self.places.len() < MOST_EXAMPLES {
            self.offer(line(), value);
        }
    }

    /// Offers a place, in any order of lines. A place that is known is not kept twice.
    #[inline]
    pub fn offer(&mut self, line: u64, value: &str) {
        // Most lines come too late.
        let is_late = |last: &Example| last.line <= line;
        if !self.places.get(MOST_EXAMPLES - 1).is_some_and(is_late) {
            self.insert(line, value);
        }
    }

    fn insert(&mut self, line: u64, value: &str) {
        let at = self.places.partition_point(|place| place.line < line);
        let is_known = self.places.get(at).is_some_and(|place| place.line == line);
        if at < MOST_EXAMPLES && !is_known {
            let value = shortened(value);
            self.places.insert(at, Example { line, value });
            self.places.truncate(MOST_EXAMPLES);
        }
    }

    /// Adds the places that another part of the table gave.
    pub fn merge(&mut self, other: Examples) {
        self.places.extend(other.places);
        self.places.sort_unstable();
        self.places.truncate(MOST_EXAMPLES);
    }

    /// The first place.
    pub fn first(&self) -> Option<&Example> {
        self.places.first()
    }

    /// The places, by line.
    pub fn places(&self) -> &[Example] {
        &self.places
    }
}

/// A value as it is shown to people: at most 60 characters.
pub fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_five_of_all_parts_stay() {
        let (mut left, mut right) = (Examples::default(), Examples::default());
        (0..20)
            .filter(|line| (19 - line) % 3 != 0)
            .for_each(|line| left.offer(19 - line, "a"));
        (0..20)
            .filter(|line| line % 3 == 0)
            .for_each(|line| right.add(|| line, &"b".repeat(100)));
        left.merge(right);
        let lines: Vec<u64> = left.places().iter().map(|place| place.line).collect();
        assert_eq!(lines, [0, 1, 2, 3, 4]);
        assert_eq!(left.places()[0].value.chars().count(), 61);
    }
}
