//! What mends an error, in the words of Amazon ML. The table of our own codes speaks of REST and its answers, where a hint
//! stands beside the message; here both are one text, which says nothing twice.

use crate::service::codes;

/// Codes whose hint names what only REST has, with the same in the words of this protocol; nothing where the message
/// itself says what to do.
const OWN: &[(&str, &str)] = &[
    ("invalid_input", ""),
    ("missing_field", ""),
    ("unknown_field", ""),
    ("invalid_value", ""),
    ("invalid_parameter", ""),
    ("unknown_parameter", ""),
    ("limit_exceeded", ""),
    ("in_use", ""),
    ("disk_full", ""),
    ("storage_unavailable", ""),
    ("throttled", ""),
    ("overloaded", "repeat in a moment"),
    (
        "not_found",
        "the operation Describe… of its kind lists what exists",
    ),
    ("already_exists", "choose another identifier"),
    ("wrong_state", "read its `Status` and `Message` first"),
    ("too_large", "send less at once"),
    (
        "invalid_cursor",
        "send `NextToken` of the page before with the same filter and order, or begin again without it",
    ),
    ("unknown_reference", "make it first"),
    ("too_many_bad_rows", "`LogUri` leads to the first of them"),
    (
        "invalid_location",
        "name a file, or a folder, in a bucket of this server",
    ),
    ("dataset_replaced", "choose another identifier"),
    (
        "unauthenticated",
        "sign with a key that `yosoku key new --amazon` makes, or send `Authorization: Bearer KEY`",
    ),
    ("too_many_tags", "remove some with DeleteTags first"),
];

/// What usually mends errors of a code.
pub fn of(code: &str) -> Option<&'static str> {
    let own = OWN.iter().find(|(known, _)| *known == code);
    let hint = own.map_or_else(|| codes::find(code).map(|row| row.hint), |(_, hint)| Some(*hint));
    hint.filter(|hint| !hint.is_empty())
}

/// A message with what mends it behind it, unless it says so itself.
pub fn joined(message: &str, hint: Option<&str>) -> String {
    let is_said = |hint: &str| {
        let is_repeat = hint.starts_with("repeat") || hint.starts_with("send it again");
        message.contains(hint) || (is_repeat && (message.contains("again") || message.contains("repeat")))
    };
    match hint.filter(|hint| !is_said(hint)) {
        Some(hint) => format!("{message}; {hint}"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_nothing_that_only_rest_has() {
        let foreign = [
            "`errors`",
            "next_cursor",
            "cursor",
            "/docs",
            "`status`",
            "Retry-After",
            "query parameter",
            "a dataset",
            "the resource",
            "leave it out to get",
            "where the server is started",
        ];
        for row in codes::CODES {
            let hint = of(row.code).unwrap_or_default();
            let found = foreign.iter().find(|word| hint.contains(**word));
            assert_eq!(found, None, "{}: {hint}", row.code);
        }
        for (code, _) in OWN {
            assert!(codes::find(code).is_some(), "{code}");
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        for (message, hint, expected) in [
            ("a is b", None, "a is b"),
            ("a is b", Some("mend it"), "a is b; mend it"),
            ("a: mend it, or else", Some("mend it"), "a: mend it, or else"),
            (
                "a is busy; try again",
                Some("repeat in a moment"),
                "a is busy; try again",
            ),
            (
                "a is busy",
                Some("repeat in a moment"),
                "a is busy; repeat in a moment",
            ),
        ] {
            assert_eq!(joined(message, hint), expected);
        }
    }
}
