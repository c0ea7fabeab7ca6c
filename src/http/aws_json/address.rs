//! Where a client finds this server: what addresses in answers begin with.

use std::net::SocketAddr;

use axum::http::header::{HOST, USER_AGENT};
use axum::http::{HeaderMap, Uri};

/// How this server is reached.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    /// `http` or `https`, as clients see it.
    pub scheme: &'static str,
    /// The address that is listened on.
    pub listening: SocketAddr,
}

impl Reached {
    /// Scheme, host and port by which whoever sent this request came here.
    ///
    /// Python's SDK of version 2 leaves the port out, and may send the name of Amazon's own host: what it is told would
    /// lead to another server.
    pub(super) fn base(self, uri: &Uri, headers: &HeaderMap) -> String {
        let text = |name| headers.get(name)?.to_str().ok();
        // In HTTP/2 the host is part of the address, and a header beside it means nothing.
        let host = uri.authority().map(|authority| authority.as_str());
        let host = host.or_else(|| text(HOST)).unwrap_or("localhost");
        let is_version_2 = text(USER_AGENT).is_some_and(|agent| agent.starts_with("Boto/2"));
        let port = self.listening.port();
        let host = match is_amazons(host) {
            true if self.listening.ip().is_unspecified() => format!("localhost:{port}"),
            true => self.listening.to_string(),
            false if is_version_2 && !has_port(host) => format!("{host}:{port}"),
            false => host.to_owned(),
        };
        format!("{}://{host}", self.scheme)
    }
}

/// Whether a host is the service's at Amazon, which nobody else can let point to this machine.
pub fn is_amazons(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    let region = name
        .strip_prefix("machinelearning.")
        .and_then(|rest| rest.strip_suffix(".amazonaws.com"));
    let is_part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    region.is_some_and(|region| !region.is_empty() && region.bytes().all(is_part))
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && !port.contains(']') && port.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(host: &str, agent: &str, listening: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        headers.insert(USER_AGENT, agent.parse().unwrap());
        let reached = Reached {
            scheme: "http",
            listening: listening.parse().unwrap(),
        };
        reached.base(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn a_host_is_taken_at_its_word_unless_it_leads_elsewhere() {
        const OLD: &str = "Boto/2.49.0 Python/3.11.7 Linux/6.1";
        const NEW: &str = "Boto3/1.44.8 md/Botocore#1.44.8";
        const HERE: &str = "127.0.0.1:8080";
        // A proxy at the usual port passes such names on.
        assert_eq!(base("ml.example.com", NEW, HERE), "http://ml.example.com");
        assert_eq!(base("127.0.0.1:9", NEW, HERE), "http://127.0.0.1:9");
        assert_eq!(base("127.0.0.1", OLD, HERE), "http://127.0.0.1:8080");
        assert_eq!(base("[::1]", OLD, "[::1]:8080"), "http://[::1]:8080");
        assert_eq!(base("127.0.0.1:8080", OLD, HERE), "http://127.0.0.1:8080");
        let amazon = "machinelearning.us-east-1.amazonaws.com";
        assert_eq!(base(amazon, OLD, HERE), "http://127.0.0.1:8080");
        assert_eq!(base(amazon, NEW, "0.0.0.0:81"), "http://localhost:81");
    }

    #[test]
    fn amazons_host_is_known_by_its_whole_name() {
        assert!(is_amazons("machinelearning.eu-west-1.amazonaws.com"));
        assert!(is_amazons("machinelearning.us-east-1.amazonaws.com:8080"));
        for other in [
            "amazonaws.com",
            "machinelearning..amazonaws.com",
            "machinelearning.a.b.amazonaws.com",
            "machinelearning.us-east-1.amazonaws.com.evil.example",
            "evil.example",
        ] {
            assert!(!is_amazons(other), "{other}");
        }
    }
}
