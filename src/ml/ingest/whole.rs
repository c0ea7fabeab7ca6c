//! Cuts a text that is in memory as a whole, by the rules of files.

use super::opening::BYTE_ORDER_MARK;
use super::rows::Rows;
use super::scan::{Cut, Place, Rules};

/// The rows of a text; offsets in it must fit 32 bits. Fails with the line of a quote that is never closed.
pub fn rows_of(text: &[u8], delimiter: u8) -> Result<Rows, u64> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text);
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    let mut place = Place {
        line: 1,
        after_return: false,
    };
    let rules = Rules {
        delimiter,
        longest: bytes.len(),
        rows: usize::MAX,
    };
    let mut cut = Cut::default();
    cut.rows(&bytes, 0, &mut place, rules);
    let (rest, mut last) = (bytes.get(cut.consumed..).unwrap_or_default(), Cut::default());
    if last.unclosed_row(rest, 0, &mut place, rules) {
        return Err(last.heads.first().map_or(1, |head| head.line));
    }
    Ok(Rows::new(bytes, cut, 0, 0, delimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<Vec<String>> {
        let rows = rows_of(text.as_bytes(), b',').unwrap();
        let fields = |row| rows.fields(row).map(String::from).collect();
        (0..rows.len()).map(fields).collect()
    }

    #[test]
    fn all_rows_come_with_and_without_a_last_line_feed() {
        let expected = [["a", "b c"], ["1", "x\ny\"z"], ["", ""]];
        let text = "\u{feff}a,b c\r\n\n1,\"x\ny\"\"z\"\n,";
        assert_eq!(fields(text), expected);
        assert_eq!(fields(&format!("{text}\n\n")), expected);
        assert!(fields("").is_empty() && fields("\n\n").is_empty());
        let rows = rows_of(text.as_bytes(), b',').unwrap();
        assert_eq!([rows.line(1), rows.line(2)], [3, 5]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_told_by_its_line() {
        for (text, line) in [("\"a", 1), ("a,b\n\n1,\"2\n3,4\n", 3), ("a\n1\n\"", 3)] {
            assert_eq!(rows_of(text.as_bytes(), b',').err(), Some(line), "{text:?}");
        }
    }
}
