//! Rows on their way to a Parquet file: made by many threads, kept in order in one piece.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers that are always there.
    Count,
    /// Texts; an empty one is missing.
    Text,
    /// Numbers of 64 bits.
    Number,
}

/// A column to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What begins a field.
const MISSING: u8 = 0;
const PRESENT: u8 = 1;

/// Appends the fields of one row, in the order of the columns.
pub struct PackedRow<'a>(pub &'a mut Vec<u8>);

impl PackedRow<'_> {
    /// A whole number.
    pub fn count(&mut self, value: u64) {
        self.0.push(PRESENT);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A number.
    pub fn number(&mut self, value: f64) {
        self.count(value.to_bits());
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        // A record is never longer than 1 GiB.
        match u32::try_from(text.len()) {
            Err(_) | Ok(0) => self.missing(),
            Ok(length) => {
                self.0.push(PRESENT);
                self.0.extend_from_slice(&length.to_le_bytes());
                self.0.extend_from_slice(text.as_bytes());
            }
        }
    }

    /// No value.
    pub fn missing(&mut self) {
        self.0.push(MISSING);
    }
}

/// Rows in one piece.
#[derive(Debug, Default)]
pub struct Packed {
    bytes: Vec<u8>,
    /// Where each row begins.
    rows: Vec<usize>,
}

/// A field of a packed row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field<'a> {
    Missing,
    /// A whole number, or the bits of one with a fraction.
    Bits(u64),
    Text(&'a [u8]),
}

impl Packed {
    /// Appends packed rows of `columns`.
    pub fn append(&mut self, bytes: &[u8], columns: &[OutColumn]) {
        let mut at = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        while at < self.bytes.len() {
            self.rows.push(at);
            for column in columns {
                at = field(&self.bytes, at, column.kind).1;
            }
            if columns.is_empty() {
                return;
            }
        }
    }

    /// Bytes of the rows.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }

    /// The field of a row at which its cursor stands. `cursors` begin as a copy of where rows begin.
    pub(super) fn take(&self, cursor: &mut usize, kind: Kind) -> Field<'_> {
        let (found, next) = field(&self.bytes, *cursor, kind);
        *cursor = next;
        found
    }

    pub(super) fn cursors(&self) -> Vec<usize> {
        self.rows.clone()
    }
}

/// The field at a place and where the next one begins. What is not there is missing.
fn field(bytes: &[u8], at: usize, kind: Kind) -> (Field<'_>, usize) {
    let number = |at: usize| bytes.get(at..)?.first_chunk::<8>().copied();
    let length = |at: usize| bytes.get(at..)?.first_chunk::<4>().copied();
    if bytes.get(at) != Some(&PRESENT) {
        return (Field::Missing, at + 1);
    }
    match kind {
        Kind::Count | Kind::Number => {
            let value = number(at + 1).map(u64::from_le_bytes);
            (Field::Bits(value.unwrap_or_default()), at + 9)
        }
        Kind::Text => {
            let length = length(at + 1).map_or(0, u32::from_le_bytes) as usize;
            let text = bytes.get(at + 5..at + 5 + length).unwrap_or_default();
            (Field::Text(text), at + 5 + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let columns = [Kind::Count, Kind::Text, Kind::Number].map(|kind| OutColumn {
            name: String::new(),
            kind,
        });
        let mut bytes = Vec::new();
        for (count, text, number) in [(1, "ä,\n", 0.5), (2, "", -0.0)] {
            let mut row = PackedRow(&mut bytes);
            row.count(count);
            row.text(text);
            row.number(number);
        }
        let mut row = PackedRow(&mut bytes);
        row.count(3);
        row.missing();
        row.missing();
        let mut packed = Packed::default();
        packed.append(&bytes, &columns);
        packed.append(&[], &columns);
        assert_eq!(packed.rows.len(), 3);
        let mut cursors = packed.cursors();
        let mut taken = |kind| -> Vec<Field> {
            let cursors = cursors.iter_mut();
            cursors.map(|cursor| packed.take(cursor, kind)).collect()
        };
        assert_eq!(taken(Kind::Count), [1, 2, 3].map(Field::Bits));
        assert_eq!(
            taken(Kind::Text),
            [Field::Text("ä,\n".as_bytes()), Field::Missing, Field::Missing]
        );
        let numbers = [
            Field::Bits(0.5f64.to_bits()),
            Field::Bits((-0.0f64).to_bits()),
            Field::Missing,
        ];
        assert_eq!(taken(Kind::Number), numbers);
    }
}
