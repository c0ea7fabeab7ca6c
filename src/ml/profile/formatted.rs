//! Numbers written for people: `17,036`, `$52.50`, `22%`, `-0,05`. They are read as words; this counts them, so that
//! somebody can be told.

use super::examples::Examples;

/// Signs of money before or behind a number.
const MONEY: [&str; 13] = [
    "$", "€", "£", "¥", "₹", "₽", "₩", "USD", "EUR", "GBP", "CHF", "JPY", "CAD",
];
/// What stands between groups of three digits, besides the comma: a point, apostrophes, narrow and hard spaces, a blank.
const SEPARATORS: [char; 6] = ['.', '\'', '’', '\u{a0}', '\u{202f}', ' '];

/// The numbers written for people in one column.
#[derive(Debug, Clone, Default)]
pub struct Formatted {
    /// Values that are such numbers.
    pub count: u64,
    /// Those that can hardly be anything else; a `1,250` may also be a list of two codes.
    pub sure: u64,
    /// Whether a comma can only stand before decimals in some of them.
    pub has_decimal_comma: bool,
    /// Where the first of them stand.
    pub places: Examples,
}

impl Formatted {
    /// Adds a trimmed value, found `times` times, first at `line`, that is no number by our rules.
    #[inline]
    pub fn add_many(&mut self, line: u64, text: &str, times: u64) {
        if let Some(found) = read(text) {
            self.count += times;
            self.sure += if found.is_sure { times } else { 0 };
            self.has_decimal_comma |= found.comma == Comma::Decimal;
            self.places.offer(line, text);
        }
    }

    /// Adds what another part of the table holds.
    pub fn merge(&mut self, other: Formatted) {
        self.count += other.count;
        self.sure += other.sure;
        self.has_decimal_comma |= other.has_decimal_comma;
        self.places.merge(other.places);
    }

    /// A value of the column as it has to be written.
    pub fn plain(&self, text: &str) -> Option<String> {
        let found = read(text)?;
        Some(match found.comma {
            Comma::Either if self.has_decimal_comma => found.text.replace(',', "."),
            _ => found.text.replace(',', ""),
        })
    }
}

/// What the only comma of a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comma {
    /// There is none left, or it parts groups of digits.
    Group,
    /// Decimals follow; it is a point in the text already.
    Decimal,
    /// Three digits follow: a group, or decimals.
    Either,
}

/// A value read as a number.
struct Reading {
    /// The number; with its comma where that may mean two things.
    text: String,
    comma: Comma,
    is_sure: bool,
}

/// Reads a value that is a number but for a sign of money or percent, grouped digits or a decimal comma.
fn read(text: &str) -> Option<Reading> {
    if !may_be(text) {
        return None;
    }
    let (negative, rest) = sign(text);
    let (marked, rest) = unmarked(rest);
    let (inner_negative, digits) = if negative { (false, rest) } else { sign(rest) };
    let signed = negative || inner_negative;
    let body = body(digits)?;
    if !marked && body.is_plain {
        return None;
    }
    let text = format!("{}{}", if signed { "-" } else { "" }, body.text);
    let is_sure = marked || body.is_sure || (signed && digits.contains(','));
    Some(Reading {
        text,
        comma: body.comma,
        is_sure,
    })
}

/// A quick look, where nearly every value ends: besides digits there are only signs, what parts digits, and the capitals
/// of money; a dash stands in front.
fn may_be(text: &str) -> bool {
    let is_part = |(at, byte): (usize, u8)| match byte {
        b'-' => at <= 4,
        b'0'..=b'9' | b'+' | b',' | b'.' | b'\'' | b' ' | b'%' | b'$' | b'A'..=b'Z' => true,
        other => !other.is_ascii(),
    };
    text.len() <= 40
        && text.bytes().enumerate().all(is_part)
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether the value is negative, and the rest. A `+` says nothing.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Whether the value has a sign of money or percent, and the rest.
fn unmarked(text: &str) -> (bool, &str) {
    if let Some(rest) = text.strip_suffix('%') {
        return (true, rest.trim_end());
    }
    MONEY
        .iter()
        .find_map(|money| {
            let rest = text.strip_prefix(money).map(str::trim_start);
            rest.or_else(|| text.strip_suffix(money).map(str::trim_end))
        })
        .map_or((false, text), |rest| (true, rest))
}

struct Body {
    text: String,
    comma: Comma,
    is_plain: bool,
    is_sure: bool,
}

fn body(text: &str) -> Option<Body> {
    let sure = |text: String, comma: Comma| {
        Some(Body {
            text,
            comma,
            is_plain: false,
            is_sure: true,
        })
    };
    if let Some((whole, decimals)) = text.split_once(',').filter(|(_, rest)| is_digits(rest)) {
        // One comma, and only digits behind it.
        if !is_digits(whole) {
            let separator = *SEPARATORS.iter().find(|separator| whole.contains(**separator))?;
            let whole = ungrouped(whole, separator)?;
            return sure(format!("{whole}.{decimals}"), Comma::Decimal);
        }
        let is_group = decimals.len() == 3 && whole.len() <= 3 && !whole.starts_with('0');
        let begins_with_zero = whole == "0";
        if !begins_with_zero && whole.starts_with('0') {
            return None;
        }
        return Some(Body {
            text: if is_group {
                text.to_string()
            } else {
                format!("{whole}.{decimals}")
            },
            comma: if is_group { Comma::Either } else { Comma::Decimal },
            is_plain: false,
            is_sure: begins_with_zero,
        });
    }
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if is_digits(decimals) => (whole, Some(decimals)),
        Some(_) => return None,
        None => (text, None),
    };
    let with = |whole: String| match decimals {
        Some(decimals) => format!("{whole}.{decimals}"),
        None => whole,
    };
    if is_digits(whole) {
        return Some(Body {
            text: text.to_string(),
            comma: Comma::Group,
            is_plain: true,
            is_sure: false,
        });
    }
    if whole.contains(',') {
        return sure(with(ungrouped(whole, ',')?), Comma::Group);
    }
    // Blanks and points part the digits of telephone numbers and versions too; apostrophes do not.
    let separator = ['\'', '’']
        .into_iter()
        .find(|separator| whole.contains(*separator))?;
    sure(with(ungrouped(whole, separator)?), Comma::Group)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits without what parts them into groups of three.
fn ungrouped(text: &str, separator: char) -> Option<String> {
    let mut groups = text.split(separator);
    let first = groups
        .next()
        .filter(|first| is_digits(first) && first.len() <= 3)?;
    if first.starts_with('0') {
        return None;
    }
    let mut whole = first.to_string();
    for group in groups {
        if group.len() != 3 || !is_digits(group) {
            return None;
        }
        whole.push_str(group);
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people_and_what_is_none() {
        for (text, expected) in [
            ("17,036", "17036"),
            ("1,234,567.5", "1234567.5"),
            ("$52.50", "52.50"),
            ("-$5", "-5"),
            ("$-1,250", "-1250"),
            ("12 €", "12"),
            ("EUR 1.250,75", "1250.75"),
            ("22%", "22"),
            ("-3.5 %", "-3.5"),
            ("0,05", "0.05"),
            ("−12,5", "-12.5"),
            ("1'250.50", "1250.50"),
            ("1\u{202f}250,5", "1250.5"),
        ] {
            let plain = Formatted::default().plain(text);
            assert_eq!(plain.as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "12",
            "-3.5",
            "12-34",
            "555-1234",
            "+1 555 123 456",
            "555 123 456",
            "1.2.3",
            "1.234.567",
            "10:30",
            "10.0.0.1",
            "01234",
            "01,5",
            "1,2,3",
            "12,3456,7",
            "$",
            "%",
            "x%",
            "5 km",
            "A1,200",
            "1,",
            ",5",
            "2024-01-31",
            "01/02/2024",
            "1e5%",
            "10-20%",
            "(555) 123",
        ] {
            assert_eq!(Formatted::default().plain(text), None, "{text}");
        }
    }

    #[test]
    fn a_comma_before_three_digits_is_read_as_the_others_are() {
        let mut column = Formatted::default();
        column.add_many(2, "1,250", 1);
        assert_eq!(column.plain("1,250").as_deref(), Some("1250"));
        assert_eq!((column.count, column.sure), (1, 0));
        column.add_many(3, "0,5", 2);
        assert_eq!(column.plain("1,250").as_deref(), Some("1.250"));
        assert_eq!((column.count, column.sure), (3, 2));
    }
}
