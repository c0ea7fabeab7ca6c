//! A look through the footer before the crate parses it: it makes room for as many columns as a footer claims and
//! follows nested columns as deep as they go, which a hostile file could use to end the process.

/// How deep structures of a footer may lie in each other; real ones need 7.
const DEEPEST: u32 = 24;

/// What a footer says of its columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Footer {
    /// Columns.
    pub(super) columns: u64,
    /// The first column that is not flat.
    pub(super) nested: Option<String>,
    /// Whether columns are encrypted.
    pub(super) encrypted: bool,
}

/// Kinds of values of the Thrift compact protocol.
mod wire {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const UUID: u8 = 13;
}

/// Looks through the bytes of a footer; none when they are not one.
pub(super) fn look(bytes: &[u8]) -> Option<Footer> {
    let mut at = Compact { rest: bytes };
    let mut footer = Footer::default();
    let mut seen_schema = false;
    let mut last = 0;
    while let Some((id, kind)) = at.field(&mut last)? {
        match (id, kind) {
            (2, wire::LIST) if !seen_schema => {
                seen_schema = true;
                at.schema(&mut footer)?;
            }
            (8, _) => {
                footer.encrypted = true;
                at.skip(kind, DEEPEST)?;
            }
            // A second schema would not be looked through.
            (2, _) => return None,
            _ => at.skip(kind, DEEPEST)?,
        }
    }
    seen_schema.then_some(footer)
}

/// Reads the Thrift compact protocol; none at what is not it.
struct Compact<'a> {
    rest: &'a [u8],
}

impl<'a> Compact<'a> {
    fn schema(&mut self, footer: &mut Footer) -> Option<()> {
        let (count, kind) = self.list()?;
        if kind != wire::STRUCT || count == 0 {
            return None;
        }
        footer.columns = count - 1;
        for index in 0..count {
            let (mut name, mut children, mut repeats, mut last) = (Vec::new(), 0, false, 0);
            while let Some((id, kind)) = self.field(&mut last)? {
                match (id, kind) {
                    (3, wire::I32) => repeats = self.signed()? == 2,
                    (4, wire::BINARY) => name = self.binary()?.to_vec(),
                    (5, wire::I32) => children = self.signed()?,
                    // Fields that matter under another type would not be looked at.
                    (3..=5, _) => return None,
                    _ => self.skip(kind, DEEPEST)?,
                }
            }
            match index {
                0 if children < 0 => return None,
                0 => {}
                _ if (children > 0 || repeats) && footer.nested.is_none() => {
                    footer.nested = Some(String::from_utf8_lossy(&name).into_owned());
                }
                _ => {}
            }
            if index == 0 && children as u64 > count - 1 {
                return None;
            }
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(usize::try_from(count).ok()?)?;
        self.rest = rest;
        Some(bytes)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (value, rest) = unsigned(self.rest)?;
        self.rest = rest;
        Some(value)
    }

    fn signed(&mut self) -> Option<i64> {
        self.unsigned().map(signed)
    }

    fn binary(&mut self) -> Option<&'a [u8]> {
        let length = self.unsigned()?;
        self.bytes(length)
    }

    /// The number and kind of the next field of a structure; `Some(None)` at its end.
    #[expect(
        clippy::option_option,
        reason = "the end of a structure is no end of the bytes"
    )]
    fn field(&mut self, last: &mut i64) -> Option<Option<(i64, u8)>> {
        let head = self.byte()?;
        let kind = head & 0x0f;
        if kind == wire::STOP {
            return Some(None);
        }
        *last = match head >> 4 {
            0 => self.signed()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some(Some((*last, kind)))
    }

    /// The number of elements of a list and their kind.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        // An element takes a byte at least.
        (count <= self.rest.len() as u64).then_some((count, head & 0x0f))
    }

    fn skip(&mut self, kind: u8, deep: u32) -> Option<()> {
        let deeper = deep.checked_sub(1)?;
        match kind {
            wire::TRUE | wire::FALSE => {}
            wire::BYTE => drop(self.byte()?),
            wire::I16 | wire::I32 | wire::I64 => drop(self.unsigned()?),
            wire::DOUBLE => drop(self.bytes(8)?),
            wire::UUID => drop(self.bytes(16)?),
            wire::BINARY => drop(self.binary()?),
            wire::LIST | wire::SET => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    self.element(kind, deeper)?;
                }
            }
            wire::MAP => {
                let count = self.unsigned()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                for _ in 0..count {
                    self.element(kinds >> 4, deeper)?;
                    self.element(kinds & 0x0f, deeper)?;
                }
            }
            wire::STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, deeper)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Truths have a byte of their own within lists.
    fn element(&mut self, kind: u8, deep: u32) -> Option<()> {
        match kind {
            wire::TRUE | wire::FALSE => self.byte().map(drop),
            kind => self.skip(kind, deep),
        }
    }
}

fn unsigned(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

/// The end of a stream of differences of whole numbers, which claims how many it has; none when these are more than
/// `most`, or when the bytes are no such stream.
pub(super) fn end_of_differences(bytes: &[u8], most: u64) -> Option<usize> {
    let mut at = Compact { rest: bytes };
    let (block, parts, count) = (at.unsigned()?, at.unsigned()?, at.unsigned()?);
    at.unsigned()?;
    let values = block.checked_div(parts).filter(|values| *values > 0)?;
    if count > most || parts > bytes.len() as u64 {
        return None;
    }
    let mut left = count.saturating_sub(1);
    while left > 0 {
        at.unsigned()?;
        for width in at.bytes(parts)? {
            if left == 0 {
                break;
            }
            at.bytes(values.checked_mul(u64::from(*width))? / 8)?;
            left = left.saturating_sub(values);
        }
    }
    Some(bytes.len() - at.rest.len())
}

/// Small numbers of either sign are small.
fn signed(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// What the header of a page says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageSizes {
    /// Whether it is a dictionary.
    pub(super) is_dictionary: bool,
    /// Bytes in memory.
    pub(super) plain: u64,
    /// Bytes in the file.
    pub(super) stored: u64,
}

/// Kind and sizes of a page from the first bytes of its header; every writer puts them first.
pub(super) fn page_sizes(head: &[u8]) -> Option<PageSizes> {
    let mut at = Compact { rest: head };
    let mut values = [0; 3];
    for value in &mut values {
        if at.byte()? != 0x10 | wire::I32 {
            return None;
        }
        *value = at.signed()?;
    }
    Some(PageSizes {
        is_dictionary: values[0] == 2,
        plain: u64::try_from(values[1]).ok()?,
        stored: u64::try_from(values[2]).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer with a schema of a root and these elements: name, repetition, children.
    fn footer(elements: &[(&str, u8, u8)], tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, ((elements.len() as u8) << 4) | wire::STRUCT];
        for (name, repetition, children) in elements {
            bytes.extend([0x35, repetition * 2, 0x18, name.len() as u8]);
            bytes.extend(name.as_bytes());
            bytes.extend([0x15, children * 2, 0]);
        }
        bytes.extend(tail);
        bytes
    }

    #[test]
    fn columns_are_counted_and_nested_ones_named() {
        let flat = look(&footer(&[("root", 0, 2), ("a", 1, 0), ("b", 0, 0)], &[0])).unwrap();
        assert_eq!((flat.columns, flat.nested, flat.encrypted), (2, None, false));
        let nested = look(&footer(&[("root", 0, 1), ("g", 1, 1), ("x", 0, 0)], &[0])).unwrap();
        assert_eq!(nested.nested.as_deref(), Some("g"));
        let repeated = look(&footer(&[("root", 0, 1), ("r", 2, 0)], &[0])).unwrap();
        assert_eq!(repeated.nested.as_deref(), Some("r"));
        let encrypted = look(&footer(&[("root", 0, 0)], &[0x6c, 0, 0])).unwrap();
        assert!(encrypted.encrypted);
    }

    #[test]
    fn what_would_make_room_for_too_much_is_none() {
        assert_eq!(look(&footer(&[("root", 0, 60), ("a", 0, 0)], &[0])), None);
        assert_eq!(look(&[]), None);
        assert_eq!(look(&[0]), None);
        // A list that claims more elements than there are bytes.
        assert_eq!(look(&[0x15, 2, 0x19, 0xfc, 0xff, 0xff, 0xff, 0x0f]), None);
        // Structures in structures without end.
        assert_eq!(look(&[0x1c; 100_000]), None);
    }

    #[test]
    fn differences_are_bounded_by_what_the_page_has() {
        // Blocks of 128 in 4 parts, three values, the first 7; the others take 2 bits each.
        let mut bytes = vec![0x80, 1, 4, 3, 14, 0, 2, 0, 0, 0];
        bytes.extend([0; 8]);
        bytes.push(99);
        assert_eq!(end_of_differences(&bytes, 3), Some(18));
        assert_eq!(end_of_differences(&bytes, 2), None);
        assert_eq!(end_of_differences(&bytes[..17], 3), None);
        assert_eq!(end_of_differences(&[0x80, 1, 0, 3, 14], 3), None);
        assert_eq!(end_of_differences(&[0x80, 1, 4, 1, 14], 3), Some(5));
    }

    #[test]
    fn sizes_of_a_page_are_its_first_fields() {
        let sizes = page_sizes(&[0x15, 4, 0x15, 0xc8, 1, 0x15, 40, 0x1c]).unwrap();
        let expected = PageSizes {
            is_dictionary: true,
            plain: 100,
            stored: 20,
        };
        assert_eq!(sizes, expected);
        for bad in [&[0x15, 4, 0x15, 1, 0x15, 40][..], &[0x25, 4], &[], &[0x15, 0x80]] {
            assert_eq!(page_sizes(bad), None, "{bad:?}");
        }
    }
}
