//! Conditional requests (RFC 9110, section 13): entity tags in, verdicts out.

use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::entity::Entity;
use crate::service::Error;

/// The entity tags of a header that may be given several times.
fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Vec<String>> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    let texts = values.iter().filter_map(|value| value.to_str().ok());
    let tags = texts.flat_map(|text| text.split(',').map(|tag| tag.trim().to_owned()));
    (!values.is_empty()).then(|| tags.filter(|tag| !tag.is_empty()).collect())
}

/// Whether the caller already has what `etag` stands for.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let same = |tag: &String| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
    tags(headers, IF_NONE_MATCH).is_some_and(|tags| tags.iter().any(same))
}

/// The revision that a change must find: none when the caller does not care. Fails when the
/// caller means another state than the one given.
pub fn expected_revision(headers: &HeaderMap, entity: &Entity) -> Result<Option<i64>, Error> {
    let Some(tags) = tags(headers, IF_MATCH) else {
        return Ok(None);
    };
    if tags.iter().any(|tag| tag == "*") {
        return Ok(None);
    }
    let etag = entity.etag();
    if tags.contains(&etag) {
        return Ok(Some(entity.revision));
    }
    Err(Error::WrongState {
        code: "revision_mismatch",
        kind: entity.kind().noun(),
        id: entity.id.to_string(),
        state: format!("at {etag} now"),
        reason: "which is not in If-Match: read it again and repeat the change".to_owned(),
    })
}

/// Whether a change may be made of a thing whose entity tag is `etag`, or that does not exist yet.
/// If-Match wants one of its tags there, If-None-Match none of them; `*` stands for any.
pub fn check(headers: &HeaderMap, etag: Option<&str>, kind: &'static str, id: &str) -> Result<(), Error> {
    let names = |tags: Vec<String>| etag.is_some_and(|etag| tags.iter().any(|tag| tag == "*" || tag == etag));
    let wanted = tags(headers, IF_MATCH).is_none_or(&names);
    let unwanted = tags(headers, IF_NONE_MATCH).is_some_and(&names);
    if wanted && !unwanted {
        return Ok(());
    }
    let header = if wanted {
        "If-None-Match rules out"
    } else {
        "If-Match does not name"
    };
    Err(Error::WrongState {
        code: "revision_mismatch",
        kind,
        id: id.to_owned(),
        state: etag.map_or_else(|| "not there".to_owned(), |etag| format!("at {etag} now")),
        reason: format!("which {header}: read it again and repeat the change"),
    })
}

/// The answer to someone who already has it.
pub fn not_modified(etag: &str) -> Response {
    tagged(StatusCode::NOT_MODIFIED.into_response(), etag)
}

/// Adds the entity tag.
pub fn tagged(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.append(IF_NONE_MATCH, value.parse().unwrap());
        is_known(&headers, "\"7\"")
    }

    #[test]
    fn changes_heed_both_headers() {
        let allowed = |name: HeaderName, value: &str, etag: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.append(name, value.parse().unwrap());
            check(&headers, etag, "dataset", "d").is_ok()
        };
        let there = Some("\"7\"");
        assert!(allowed(IF_MATCH, "\"7\"", there) && allowed(IF_MATCH, "*", there));
        assert!(!allowed(IF_MATCH, "\"6\"", there) && !allowed(IF_MATCH, "*", None));
        assert!(allowed(IF_NONE_MATCH, "*", None) && allowed(IF_NONE_MATCH, "\"6\"", there));
        assert!(!allowed(IF_NONE_MATCH, "*", there) && !allowed(IF_NONE_MATCH, "\"7\"", there));
        assert!(check(&HeaderMap::new(), None, "dataset", "d").is_ok());
    }

    #[test]
    fn any_of_the_callers_tags_counts_weak_or_strong() {
        for yes in ["\"7\"", "W/\"7\"", "\"6\", \"7\"", "*"] {
            assert!(known(yes), "{yes}");
        }
        for no in ["\"6\"", "7", "", "\"77\""] {
            assert!(!known(no), "{no}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"7\""));
    }
}
