//! Files on their way out: whole or in part, with a name, a type and an entity tag.
//!
//! One range is served; a request for several gets the whole file, as RFC 9110 allows.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::conditional::{is_known, not_modified, tagged};
use super::problem::{ApiError, Problem};
use crate::service::Error;
use crate::service::answers::Reading;
use crate::service::requests::ByteRange;

/// How a file presents itself.
#[derive(Debug)]
pub struct File {
    /// The name it is saved under: plain characters only.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its entity tag, with quotes.
    pub etag: String,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// Which part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// One part, which lies in the file.
    Part(ByteRange),
    /// A part that lies outside.
    Nothing,
}

/// Answers a request for `file`: 304, 416, a part, or all of it. `open` says once more what the
/// file is, because another one may be there by then.
pub async fn answer<O>(file: File, headers: &HeaderMap, open: O) -> Result<Response, ApiError>
where
    O: AsyncFnOnce(Option<ByteRange>) -> Result<(File, Reading), Error>,
{
    if is_known(headers, &file.etag) {
        return Ok(not_modified(&file.etag));
    }
    let wanted = file.wanted(headers);
    let range = match wanted {
        Wanted::Nothing => return Ok(file.refuse()),
        Wanted::Whole => None,
        Wanted::Part(range) => Some(range),
    };
    let (file, reading) = open(range).await?;
    Ok(file.send(&wanted, reading))
}

impl File {
    /// Reads the range headers. Only a range that fits and is meant for this very content counts.
    pub fn wanted(&self, headers: &HeaderMap) -> Wanted {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if text(IF_RANGE).is_some_and(|tag| tag != self.etag) {
            return Wanted::Whole;
        }
        match text(RANGE).and_then(parse) {
            None => Wanted::Whole,
            Some(range) if range.resolve(self.size_bytes).is_some() => Wanted::Part(range),
            Some(_) => Wanted::Nothing,
        }
    }

    /// The answer with the bytes of `reading`.
    pub fn send(&self, wanted: &Wanted, reading: Reading) -> Response {
        let range = reading.range.clone();
        let mut response = Response::new(Body::from_stream(reading.stream));
        let headers = response.headers_mut();
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        for (name, text) in [
            (CONTENT_TYPE, &self.media_type),
            (CONTENT_DISPOSITION, &disposition),
        ] {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
        if let Wanted::Part(_) = wanted {
            let last = range.end.saturating_sub(1);
            let value = format!("bytes {}-{last}/{}", range.start, reading.size_bytes);
            content_range(headers, &value);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        tagged(response, &self.etag)
    }

    /// The answer to a range that lies outside.
    pub fn refuse(&self) -> Response {
        let detail = format!(
            "the file has {} bytes, none of which are asked for",
            self.size_bytes
        );
        let error = Problem::protocol("range_not_satisfiable", detail);
        let mut response = ApiError::from(error).into_response();
        content_range(response.headers_mut(), &format!("bytes */{}", self.size_bytes));
        response
    }
}

fn content_range(headers: &mut HeaderMap, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(CONTENT_RANGE, value);
    }
}

/// One range of bytes; none for several, for other units and for anything that cannot be read.
fn parse(header: &str) -> Option<ByteRange> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    match (first.trim(), last.trim()) {
        ("", suffix) => number(suffix).map(ByteRange::Suffix),
        (first, "") => number(first).map(|first| ByteRange::Slice { first, last: None }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(ByteRange::Slice {
                first,
                last: Some(last),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pairs: &[(&'static str, &str)]) -> Wanted {
        let file = File {
            name: "x.csv".to_owned(),
            media_type: "text/csv".to_owned(),
            etag: "\"abc\"".to_owned(),
            size_bytes: 10,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        file.wanted(&headers)
    }

    fn slice(first: u64, last: Option<u64>) -> Wanted {
        Wanted::Part(ByteRange::Slice { first, last })
    }

    #[test]
    fn one_range_in_any_of_its_forms_is_served() {
        assert_eq!(wanted(&[("range", "bytes=0-3")]), slice(0, Some(3)));
        assert_eq!(wanted(&[("range", "bytes=9-")]), slice(9, None));
        assert_eq!(
            wanted(&[("range", "bytes=-4")]),
            Wanted::Part(ByteRange::Suffix(4))
        );
        assert_eq!(wanted(&[("range", "bytes=5-999")]), slice(5, Some(999)));
    }

    #[test]
    fn a_range_outside_is_refused() {
        for outside in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(wanted(&[("range", outside)]), Wanted::Nothing, "{outside}");
        }
    }

    #[test]
    fn what_is_no_single_range_means_everything() {
        for odd in [
            "",
            "bytes=",
            "bytes=-",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=a-b",
        ] {
            assert_eq!(wanted(&[("range", odd)]), Wanted::Whole, "{odd}");
        }
    }

    #[test]
    fn a_range_of_an_older_content_means_everything() {
        let range = ("range", "bytes=0-3");
        assert_eq!(wanted(&[range, ("if-range", "\"abc\"")]), slice(0, Some(3)));
        assert_eq!(wanted(&[range, ("if-range", "\"old\"")]), Wanted::Whole);
        assert_eq!(wanted(&[range, ("if-range", "W/\"abc\"")]), Wanted::Whole);
    }
}
