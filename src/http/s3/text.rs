//! What a document can carry of a text. Some characters have no place in XML 1.0, not even escaped; a document with one
//! of them is no XML to its reader, and nothing else in it counts.

use s3s::{S3Result, s3_error};

use crate::service::objects::is_carried;

/// A text as it stands in a document.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c if is_carried(c) => escaped.push(c),
            _ => escaped.push(char::REPLACEMENT_CHARACTER),
        }
    }
    escaped
}

/// A document of the library without what it may not carry: signs of the same length stand for it. None if it is as it
/// should be.
pub(super) fn mended(document: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(document).ok()?;
    if text.chars().all(is_carried) {
        return None;
    }
    let signs = text.chars().map(|c| match c {
        c if is_carried(c) => c,
        c if c.is_ascii() => '?',
        _ => char::REPLACEMENT_CHARACTER,
    });
    Some(signs.collect::<String>().into_bytes())
}

/// Fails if the parameter `name` has what an answer that repeats it cannot carry.
pub(super) fn repeatable(name: &str, text: Option<&String>) -> S3Result<()> {
    match text.and_then(|text| text.chars().find(|c| !is_carried(*c))) {
        None => Ok(()),
        Some(c) => Err(s3_error!(
            InvalidArgument,
            "`{}` has the character U+{:04X}, which XML cannot carry; ask with encoding-type=url",
            name,
            u32::from(c)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_cannot_carry_is_replaced_by_as_many_bytes() {
        assert_eq!(
            escaped("a<b>&\u{1}\u{ffff}\u{e9}"),
            "a&lt;b&gt;&amp;\u{fffd}\u{fffd}\u{e9}"
        );
        let document = "<Key>a\u{1}\u{fffe}\u{e4}\t\r\n</Key>";
        let mended = mended(document.as_bytes()).unwrap();
        assert_eq!(mended.len(), document.len());
        assert_eq!(mended, "<Key>a?\u{fffd}\u{e4}\t\r\n</Key>".as_bytes());
        assert_eq!(super::mended("<Key>\u{1f600}\u{7f}</Key>".as_bytes()), None);
    }
}
