//! Remarks on odd fields of a record.

use serde::Serialize;

/// What was odd about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The field is empty or stands for missing.
    Missing,
    /// The field of a number, binary literal or date is neither.
    Invalid,
    /// The number lies outside what was seen in training.
    OutOfRange,
    /// The category was not seen in training.
    UnknownCategory,
    /// None of the words was seen in training.
    UnknownWords,
}

impl NoteKind {
    /// All of them; each stands at the place that it is as a number.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Invalid,
        Self::OutOfRange,
        Self::UnknownCategory,
        Self::UnknownWords,
    ];

    /// The name used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::Missing => "missing",
            NoteKind::Invalid => "invalid",
            NoteKind::OutOfRange => "out_of_range",
            NoteKind::UnknownCategory => "unknown_category",
            NoteKind::UnknownWords => "unknown_words",
        }
    }
}

const _: () = assert!(NoteKind::UnknownWords as usize + 1 == NoteKind::ALL.len());

/// A remark on one field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldNote {
    /// Position of the attribute in the schema.
    pub attribute: usize,
    /// What was odd.
    pub kind: NoteKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_at_their_numbers() {
        for (at, kind) in NoteKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at, "{}", kind.as_str());
        }
    }
}
