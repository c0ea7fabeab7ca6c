//! The page of error codes: status, cause and cure of each.

use super::causes::{self, RESERVED};
use super::{MADE, head, row};
use crate::http::rest::problem::{self, PROTOCOL_CODES};
use crate::service::codes::{CODES, Class};

/// What a class of errors asks of the caller, in the order of the page.
const CLASSES: &[(Class, &str)] = &[
    (Class::InvalidInput, "The request or the data are wrong"),
    (Class::NotFound, "Nothing of that name"),
    (Class::AlreadyExists, "The name is taken"),
    (Class::ParameterMismatch, "The identifier was used before"),
    (Class::WrongState, "The state of things does not allow it"),
    (Class::TooLarge, "Too large"),
    (Class::LimitExceeded, "A limit is reached"),
    (Class::Throttled, "Too much at once"),
    (Class::Unauthenticated, "Who is asking?"),
    (Class::Forbidden, "Not allowed"),
    (Class::Unavailable, "Not now"),
    (Class::Internal, "A fault of the server"),
];

/// The page.
pub fn page() -> String {
    let mut text = format!(
        "# Error codes\n\n{MADE}\nErrors of the REST interface are problems as RFC 9457 describes them: `status`, `code`, `title`, \
         `detail` with what happened this time, `errors` with the places in the request, `hint`, and `request_id`, under \
         which the server's log has more. Branch on `code`: codes are added, never renamed. The command line ends a message \
         about its input with the code in brackets. Jobs that fail have the same in their `error`.\n\n\
         A status of 429 or 503 comes with `Retry-After`: wait so many seconds, then repeat. [Other protocols](../protocols.md) \
         have the shapes of errors that their clients know.\n"
    );
    for (class, heading) in CLASSES {
        text += &table(*class, heading);
    }
    text += "\n## Codes of HTTP alone\n\n";
    text += &head(&["code", "status", "cause", "cure"]);
    for (code, status, _, hint) in PROTOCOL_CODES {
        text += &line(code, *status, hint);
    }
    text += &reserved();
    text
}

fn table(class: Class, heading: &str) -> String {
    let rows: String = CODES
        .iter()
        .filter(|row| row.class == class && causes::find(row.code) != Some(RESERVED))
        .map(|row| line(row.code, problem::status_of(row.code, class).as_u16(), row.hint))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "\n## {heading}\n\n{}{rows}",
        head(&["code", "status", "cause", "cure"])
    )
}

fn line(code: &str, status: u16, hint: &str) -> String {
    let cause = causes::find(code).unwrap_or_default();
    row([&format!("`{code}`"), &status.to_string(), cause, hint])
}

/// Codes that are only kept.
fn reserved() -> String {
    let kept = CODES
        .iter()
        .filter(|row| causes::find(row.code) == Some(RESERVED));
    let kept: Vec<String> = kept.map(|row| format!("`{}`", row.code)).collect();
    format!(
        "\n## Reserved\n\nNo part of this version answers with {}.\n",
        kept.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_on_the_page() {
        let page = page();
        let protocol = PROTOCOL_CODES.iter().map(|row| row.0);
        for code in CODES.iter().map(|row| row.code).chain(protocol) {
            assert!(page.contains(&format!("`{code}`")), "{code}");
        }
    }
}
