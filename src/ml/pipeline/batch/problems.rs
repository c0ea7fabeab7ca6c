//! Lines of the side file: what was wrong with each record, as JSON lines.

use super::lines::JsonLine;
use crate::ml::features::{FieldNote, NoteKind};
use crate::ml::ingest::RowProblem;
use crate::ml::schema::Schema;

/// Problems that are listed; how many more there are is told at the end.
pub const MOST_LINES: u64 = 1_000_000;
/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// Appends the line of a record that could not be read, or not wholly.
pub fn of_row(bytes: &mut Vec<u8>, row: u64, problem: &RowProblem) {
    let mut line = JsonLine::new(bytes);
    line.count("\"row\"", row);
    line.count("\"line\"", problem.line);
    line.text("\"code\"", &problem.code);
    line.text("\"message\"", &problem.detail);
    line.end();
}

/// Appends the line of an odd field.
pub fn of_field(bytes: &mut Vec<u8>, (row, at): (u64, u64), schema: &Schema, note: FieldNote, value: &str) {
    let name = &schema.attributes[note.attribute].name;
    let mut line = JsonLine::new(bytes);
    line.count("\"row\"", row);
    line.count("\"line\"", at);
    line.text("\"field\"", name);
    line.text("\"code\"", note.kind.as_str());
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => line.text("\"value\"", &format!("{}…", &value[..end])),
        None => line.text("\"value\"", value),
    }
    line.text("\"message\"", message(note.kind));
    line.end();
}

/// The last line, if not all problems are listed.
pub fn of_rest(bytes: &mut Vec<u8>, more: u64) {
    if more > 0 {
        let mut line = JsonLine::new(bytes);
        line.text("\"code\"", "more_problems");
        line.count("\"more\"", more);
        line.text("\"message\"", "further problems are not listed");
        line.end();
    }
}

fn message(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Missing => "the field is empty",
        NoteKind::Invalid => "the value does not fit the type of the field and counts as missing",
        NoteKind::OutOfRange => "the number lies outside what was seen in training",
        NoteKind::UnknownCategory => "the category was not seen in training",
        NoteKind::UnknownWords => "none of the words was seen in training",
    }
}
