//! Keeps web pages from driving a server that has no keys.
//!
//! A browser on the same machine can reach loopback on behalf of any page. Three things give such
//! a page away: a `Host` that is not loopback (a foreign name that resolves to 127.0.0.1), an
//! `Origin` or `Sec-Fetch-Site` that is not our own, and a body type that browsers send without
//! asking first. No answer carries a CORS header, so a page cannot read what it gets either.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::aws_json::TARGET_HEADER;
use super::aws_json::address::is_amazons;
use super::rest::extract::{is_json, media_type};
use super::rest::problem::{ApiError, Problem};
use crate::service::Error;

/// The body types that an upload may declare; `curl -T` declares none.
pub const UPLOAD_TYPES: &[&str] = &[
    "text/csv",
    "text/tab-separated-values",
    "application/csv",
    "application/vnd.ms-excel",
    "application/octet-stream",
    "application/gzip",
    "application/x-gzip",
    "application/zstd",
];

/// The rule of a server without keys: only programs and our own pages on loopback.
pub fn own_pages_only(uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    // An absolute address in the request line overrides the header.
    let host = uri
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| text(HOST))
        .unwrap_or_default();
    // Old clients of Amazon's send the name of its host wherever they go. A page can neither send the header without
    // asking first nor have a name of Amazon's.
    let is_amazons = headers.contains_key(TARGET_HEADER) && is_amazons(host);
    if !is_loopback(host) && !is_amazons {
        let message = format!("`{host}` is not a name of this machine's loopback");
        return Err(Error::Forbidden {
            code: "foreign_host",
            message,
        });
    }
    if text(ORIGIN).is_some_and(|origin| !is_own(origin, host)) {
        let message = "the request comes from a page of another origin".to_owned();
        return Err(Error::Forbidden {
            code: "foreign_origin",
            message,
        });
    }
    if headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site")
    {
        let message = "the request was made by a page of another site".to_owned();
        return Err(Error::Forbidden {
            code: "foreign_origin",
            message,
        });
    }
    Ok(())
}

/// Whether `host`, with or without a port, names the loopback.
fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &host,
    };
    let v6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match v6 {
        Some(address) => address
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => {
            name == "localhost"
                || name
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

fn is_own(origin: &str, host: &str) -> bool {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// The layer of ordinary routes: a body that changes something must be declared as JSON.
pub async fn declared_json(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if changes(request.method()) && (has_body(headers) || media_type(headers).is_some()) && !is_json(headers)
    {
        return refused(headers, "application/json");
    }
    next.run(request).await
}

/// The layer of streaming routes: an upload is a table, perhaps compressed.
pub async fn declared_upload(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let declared = media_type(headers);
    let known = match declared.as_deref() {
        Some(kind) => UPLOAD_TYPES.contains(&kind),
        // Browsers cannot send PUT to another origin without asking first; POST they can.
        None => request.method() == Method::PUT || !has_body(headers),
    };
    if changes(request.method()) && !known {
        return refused(
            headers,
            "text/csv, text/tab-separated-values, application/gzip, application/zstd or application/octet-stream",
        );
    }
    next.run(request).await
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get("content-length");
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

fn refused(headers: &HeaderMap, expected: &str) -> Response {
    let given = media_type(headers).map_or_else(|| "no content type".to_owned(), |kind| format!("`{kind}`"));
    let detail = format!("the body is declared as {given}; this address takes {expected}");
    ApiError::from(Problem::protocol("unsupported_media", detail)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn verdict(pairs: &[(&'static str, &'static str)]) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        own_pages_only(&Uri::from_static("/v1/models"), &headers).map_err(|error| error.code().to_owned())
    }

    #[test]
    fn clients_of_amazon_may_name_its_host() {
        let amazon = ("host", "machinelearning.us-east-1.amazonaws.com");
        let target = ("x-amz-target", "AmazonML_20141212.GetMLModel");
        assert_eq!(verdict(&[amazon, target]), Ok(()));
        assert_eq!(verdict(&[amazon]), Err("foreign_host".into()));
        let page = ("origin", "http://evil.example");
        assert_eq!(verdict(&[amazon, target, page]), Err("foreign_origin".into()));
        assert_eq!(
            verdict(&[("host", "evil.example"), target]),
            Err("foreign_host".into())
        );
    }

    #[test]
    fn only_loopback_names_are_hosts() {
        for good in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "127.0.0.1",
            "[::1]",
            "[::1]:8080",
            "127.0.0.2:8080",
        ] {
            assert_eq!(verdict(&[("host", good)]), Ok(()), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "10.0.0.1",
            "[127.0.0.1]",
            "127.1",
            "[::2]",
            "",
            "[::1]x",
            "localhost:80:80",
            "::1",
        ] {
            assert_eq!(verdict(&[("host", bad)]), Err("foreign_host".into()), "{bad}");
        }
        assert_eq!(verdict(&[]), Err("foreign_host".into()));
    }

    #[test]
    fn an_absolute_address_overrides_the_host_header() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost".parse().unwrap());
        assert!(own_pages_only(&Uri::from_static("http://evil.example/v1/models"), &headers).is_err());
    }

    #[test]
    fn only_our_own_pages_are_origins() {
        let from = |origin| verdict(&[("host", "localhost:8080"), ("origin", origin)]);
        assert_eq!(from("http://localhost:8080"), Ok(()));
        for bad in [
            "null",
            "http://localhost:3000",
            "http://evil.example",
            "http://127.0.0.1:8080",
            "file://",
            "",
            "http://localhost:8080.evil.example",
        ] {
            assert_eq!(from(bad), Err("foreign_origin".into()), "{bad}");
        }
    }

    #[test]
    fn what_a_browser_calls_cross_site_is_refused() {
        let from = |site| verdict(&[("host", "localhost:8080"), ("sec-fetch-site", site)]);
        assert_eq!(from("same-origin"), Ok(()));
        assert_eq!(from("none"), Ok(()));
        assert_eq!(from("cross-site"), Err("foreign_origin".into()));
    }
}
