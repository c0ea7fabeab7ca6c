//! Signature Version 4: what a request was signed with, and whether that is so.
//!
//! The parser is tolerant, because old clients write the parts of the header with bare commas and sign fewer headers.
//! What must be signed is what decides a request: the host, the time, the operation and the body.

use axum::http::header::{AUTHORIZATION, DATE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};
use chrono::{DateTime, NaiveDateTime};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How requests are signed.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The service that a signature must be for.
const SERVICE: &str = "machinelearning";

/// How every scope ends.
const TERMINATOR: &str = "aws4_request";

/// How far the clocks of client and server may be apart, in seconds.
const SKEW: i64 = 15 * 60;

/// Headers that a request may sign, at most.
const MOST_HEADERS: usize = 100;

const TIME: HeaderName = HeaderName::from_static("x-amz-date");

/// Headers that must be signed where they are there.
const DECISIVE: [&str; 2] = ["host", "x-amz-target"];

/// What the Authorization header of a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Which key.
    pub key: String,
    day: String,
    region: String,
    time: String,
    headers: Vec<String>,
    signature: Vec<u8>,
}

/// Whether a request is signed this way.
pub fn is_signed(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.trim_start().starts_with(ALGORITHM))
}

impl Signature {
    /// Reads what a request says of its signature at the time `now`, in seconds UTC. The error says what is wrong.
    pub fn of(headers: &HeaderMap, now: i64) -> Result<Self, String> {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let value = value.and_then(|value| value.trim().strip_prefix(ALGORITHM));
        let value =
            value.ok_or_else(|| format!("the Authorization header does not begin with {ALGORITHM}"))?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in value
            .split([',', ' '])
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match part.split_once('=') {
                Some(("Credential", text)) => credential = Some(text),
                Some(("SignedHeaders", text)) => signed = Some(text),
                Some(("Signature", text)) => signature = Some(text),
                _ => {}
            }
        }
        let (Some(credential), Some(signed), Some(signature)) = (credential, signed, signature) else {
            return Err("the Authorization header needs Credential, SignedHeaders and Signature".into());
        };
        let (key, scope) = credential
            .split_once('/')
            .ok_or("the Credential names no scope")?;
        let [day, region, SERVICE, TERMINATOR] = scope.split('/').collect::<Vec<_>>()[..] else {
            return Err(format!(
                "the scope of the Credential must be DATE/REGION/{SERVICE}/aws4_request"
            ));
        };
        let headers_signed: Vec<String> = signed.split(';').map(str::to_ascii_lowercase).collect();
        check_signed(&headers_signed, headers)?;
        let time = time_of(headers, now)?;
        if !time.starts_with(day) {
            return Err("the day of the Credential is not that of X-Amz-Date".into());
        }
        Ok(Self {
            key: key.to_owned(),
            day: day.to_owned(),
            region: region.to_owned(),
            time,
            headers: headers_signed,
            signature: unhex(signature).ok_or("the Signature is not 64 hexadecimal digits")?,
        })
    }

    /// Whether the holder of `secret` has signed this request. Takes the same time whatever was signed.
    pub fn is_by(&self, secret: &str, request: &Parts, body: &[u8]) -> bool {
        let scope = Scope {
            day: &self.day,
            region: &self.region,
            service: SERVICE,
        };
        let made = sign(secret, &scope, &self.time, &self.canonical(request, body));
        bool::from(made.as_slice().ct_eq(&self.signature))
    }

    /// The request in the one spelling that is signed.
    fn canonical(&self, request: &Parts, body: &[u8]) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            request.method,
            path(&request.uri),
            query(&request.uri)
        );
        for name in &self.headers {
            text.push_str(name);
            text.push(':');
            text.push_str(&header(request, name));
            text.push('\n');
        }
        format!(
            "{text}\n{}\n{}",
            self.headers.join(";"),
            hex(&Sha256::digest(body))
        )
    }
}

/// Where and when a signature counts.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'s> {
    /// The day, such as `20260131`.
    pub day: &'s str,
    /// The region.
    pub region: &'s str,
    /// The service.
    pub service: &'s str,
}

impl Scope<'_> {
    /// The scope as it stands in requests.
    pub fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.day, self.region, self.service)
    }
}

/// What the holder of `secret` makes at `time` of a request in the one spelling that is signed.
pub fn sign(secret: &str, scope: &Scope<'_>, time: &str, canonical: &str) -> Vec<u8> {
    let hash = hex(&Sha256::digest(canonical));
    let text = format!("{ALGORITHM}\n{time}\n{}\n{hash}", scope.text());
    let first = format!("AWS4{secret}");
    let mut key = code(first.as_bytes(), scope.day.as_bytes());
    for part in [scope.region, scope.service, TERMINATOR] {
        key = code(&key, part.as_bytes());
    }
    code(&key, text.as_bytes())
}

fn check_signed(signed: &[String], headers: &HeaderMap) -> Result<(), String> {
    if signed.len() > MOST_HEADERS {
        return Err(format!("more than {MOST_HEADERS} headers are signed"));
    }
    let lacks = |name: &str| !signed.iter().any(|known| known == name);
    if let Some(name) = DECISIVE.iter().find(|name| lacks(name)) {
        return Err(format!("the header {name} is not signed"));
    }
    let time = if headers.contains_key(TIME) { TIME } else { DATE };
    match lacks(time.as_str()) {
        true => Err(format!("the header {time} is not signed")),
        false => Ok(()),
    }
}

/// The time at which a request says that it was signed, as it is signed. Refused when it is too far from `now`.
fn time_of(headers: &HeaderMap, now: i64) -> Result<String, String> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (text, seconds) = match (text(&TIME), text(&DATE)) {
        (Some(text), _) => (text.to_owned(), basic(text)),
        (None, Some(text)) => match basic(text) {
            Some(seconds) => (text.to_owned(), Some(seconds)),
            None => {
                let time = DateTime::parse_from_rfc2822(text).ok();
                let written = time.map(|time| time.to_utc().format("%Y%m%dT%H%M%SZ").to_string());
                (written.unwrap_or_default(), time.map(|time| time.timestamp()))
            }
        },
        (None, None) => return Err("the header X-Amz-Date is missing".into()),
    };
    let seconds = seconds.ok_or("X-Amz-Date must be written as 20260131T120000Z")?;
    match (seconds - now).abs() {
        0..=SKEW => Ok(text),
        off if seconds < now => Err(format!(
            "the signature has expired: it was made {off} seconds ago, and {SKEW} are allowed; check the clock"
        )),
        off => Err(format!(
            "the signature is from the future: it was made in {off} seconds, and {SKEW} are allowed; check the clock"
        )),
    }
}

fn basic(text: &str) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?;
    Some(time.and_utc().timestamp())
}

/// The values of a header, each without white space around it and with single blanks in it.
fn header(request: &Parts, name: &str) -> String {
    let values: Vec<String> = request
        .headers
        .get_all(name)
        .iter()
        .map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    // In HTTP/2 the host is part of the address.
    match (
        values.is_empty() && name == HOST.as_str(),
        request.uri.authority(),
    ) {
        (true, Some(authority)) => authority.to_string(),
        _ => values.join(","),
    }
}

/// The path without empty segments and those of dots; clients encode what is encoded already once more.
fn path(uri: &Uri) -> String {
    let path = uri.path();
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(encoded(segment)),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

/// A segment with everything encoded but letters, digits and four signs.
fn encoded(segment: &str) -> String {
    let mut text = String::new();
    for byte in segment.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The parameters in the order of their names and values.
fn query(uri: &Uri) -> String {
    let pairs = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(&str, &str)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn code(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length is taken, so that there is always a code.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..32).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok());
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// When the signed request below was made.
    const NOW: i64 = 1_767_323_045;
    const SECRET: &str = "secret-of-the-key";
    const BODY: &[u8] = b"{\"MLModelId\": \"ml\"}";
    /// What botocore 1.44.8 signs.
    const THEIRS: &str = "AWS4-HMAC-SHA256 Credential=0123456789/20260102/us-east-1/machinelearning/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
        Signature=1c5a0c05b438378254271ebf2ecae296b1b862b6c7d3ca39bb800aa28349acdd";
    const WITH_TOKEN: &str = "AWS4-HMAC-SHA256 Credential=0123456789/20260102/us-east-1/machinelearning/aws4_request, \
        SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
        Signature=18fc809a0c5df6492b9dc5d007324265858b8fb73f82fb5bc7b74de60a12c4ee";

    fn request(authorization: &str, more: &[(&str, &str)]) -> Parts {
        request_at("/", authorization, more)
    }

    fn request_at(path: &str, authorization: &str, more: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "127.0.0.1:8080")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "AmazonML_20141212.GetMLModel")
            .header("x-amz-date", "20260102T030405Z")
            .header("authorization", authorization);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn holds(parts: &Parts, secret: &str, body: &[u8]) -> bool {
        let signature = Signature::of(&parts.headers, NOW).unwrap();
        assert_eq!(signature.key, "0123456789");
        signature.is_by(secret, parts, body)
    }

    #[test]
    fn what_the_sdk_signs_holds_and_nothing_else() {
        assert!(holds(&request(THEIRS, &[]), SECRET, BODY));
        // Old clients leave the blanks out.
        assert!(holds(&request(&THEIRS.replace(", ", ","), &[]), SECRET, BODY));
        assert!(holds(
            &request(WITH_TOKEN, &[("x-amz-security-token", "tok/en")]),
            SECRET,
            BODY
        ));
        // Headers on the way that nobody signed change nothing.
        assert!(holds(&request(THEIRS, &[("user-agent", "x")]), SECRET, BODY));

        assert!(!holds(&request(THEIRS, &[]), "another", BODY));
        assert!(!holds(&request(THEIRS, &[]), SECRET, b"{\"MLModelId\": \"ml2\"}"));
        assert!(!holds(
            &request(WITH_TOKEN, &[("x-amz-security-token", "other")]),
            SECRET,
            BODY
        ));
        for (name, value) in [
            ("host", "127.0.0.1:8081"),
            ("x-amz-target", "AmazonML_20141212.DeleteMLModel"),
            ("x-amz-date", "20260102T030406Z"),
        ] {
            let mut forged = request(THEIRS, &[]);
            forged.headers.insert(name, value.parse().unwrap());
            assert!(!holds(&forged, SECRET, BODY), "{name}");
        }
    }

    #[test]
    fn the_path_is_signed_as_the_sdk_spells_it() {
        for (path, signature) in [
            (
                "/",
                "1c5a0c05b438378254271ebf2ecae296b1b862b6c7d3ca39bb800aa28349acdd",
            ),
            (
                "/base",
                "c3b9145202a1a7750f469abd844fe94724327df4ab15eea247d083d1e76b4251",
            ),
            (
                "/base/",
                "22b3bfe4c008157c7096647bdd9de8969a90b7c2486105c73a196cd57c4d9d6c",
            ),
            (
                "/a%20b/c:d@e//f/./g/../h",
                "ce80b07c4958501384c3e2a9dd31b4c8050dd5a10af0c776996220360d7fccfd",
            ),
        ] {
            let theirs = format!("{}{signature}", &THEIRS[..THEIRS.len() - 64]);
            assert!(holds(&request_at(path, &theirs, &[]), SECRET, BODY), "{path}");
            assert!(
                !holds(&request_at("/other", &theirs, &[]), SECRET, BODY),
                "{path}"
            );
        }
    }

    #[test]
    fn signatures_have_an_hour_and_a_place() {
        let parts = request(THEIRS, &[]);
        for (now, word) in [(NOW + SKEW + 1, "expired"), (NOW - SKEW - 1, "future")] {
            let error = Signature::of(&parts.headers, now).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(Signature::of(&parts.headers, NOW + SKEW).is_ok());
        for (from, to) in [
            ("machinelearning", "s3"),
            ("20260102/", "20260103/"),
            ("host;", ""),
            (";x-amz-target", ""),
            ("x-amz-date;", ""),
            ("Signature=1c", "Signature=zz"),
            ("Signature=1c", "Signature="),
            ("Credential=", "Cred="),
            ("/aws4_request", ""),
            ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
        ] {
            let parts = request(&THEIRS.replace(from, to), &[]);
            assert!(Signature::of(&parts.headers, NOW).is_err(), "{from} as {to}");
        }
        let mut timeless = request(THEIRS, &[]);
        timeless.headers.remove("x-amz-date");
        assert!(Signature::of(&timeless.headers, NOW).is_err());
    }
}
