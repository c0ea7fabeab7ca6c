//! Links that open one log for a while, without a key: whoever has the key gets them and may hand them on.
//!
//! A link is signed with a secret of the home. Servers with homes of their own know each other's links once they have
//! the same file.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::keys::{hex, unhex};
use super::rest::extract::Path as InPath;
use super::rest::problem::ApiError;
use crate::clock::{Clock, SystemClock};
use crate::domain::ids::EntityKind;
use crate::service::{Error, Service};

/// The name of the secret's file in a home folder.
pub const SECRET_FILE: &str = "link-secret";

/// How long a link opens, in seconds.
const LASTING: i64 = 3600;

/// Makes links and knows those that it made.
pub struct Links {
    secret: [u8; 32],
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Links")
    }
}

impl Links {
    /// Reads the secret of a home, or makes one. Of those that make one at the same time, all use the first.
    pub fn open(home: &Path) -> io::Result<Self> {
        let path = home.join(SECRET_FILE);
        if !path.exists() {
            let mut secret = [0_u8; 32];
            getrandom::fill(&mut secret).map_err(io::Error::other)?;
            // The temporary file is readable by its owner only, and so is what it becomes, as a whole or not at all.
            let mut file = tempfile::NamedTempFile::new_in(home)?;
            writeln!(file, "{}", hex(&secret))?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(&path) {
                Ok(_) => {}
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.error),
            }
        }
        let text = fs::read_to_string(&path)?;
        let damaged = || {
            let message = format!(
                "`{SECRET_FILE}` does not hold 64 hexadecimal digits; remove it, and a new one is made"
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        let secret = unhex(text.trim()).ok_or_else(damaged)?;
        Ok(Self { secret })
    }

    /// The address of an entity's log on this server, which opens for an hour from `now` on, in seconds UTC.
    pub fn to_log(&self, kind: EntityKind, id: &str, now: i64) -> String {
        let path = format!("/logs/{}/{id}", kind.plural());
        let until = now.saturating_add(LASTING);
        format!(
            "{path}?expires={until}&signature={}",
            hex(&self.code(&path, until))
        )
    }

    /// Whether the link with this path and query opens at `now`, in seconds UTC.
    pub fn check(&self, path: &str, query: &str, now: i64) -> Result<(), Error> {
        let refuse = |code, message: &str| {
            Err(Error::Forbidden {
                code,
                message: message.to_owned(),
            })
        };
        let given = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let until = given("expires").and_then(|text| i64::from_str(text).ok());
        let signature = given("signature").and_then(unhex);
        let (Some(until), Some(signature)) = (until, signature) else {
            return refuse(
                "invalid_link",
                "the link lacks `expires` or `signature`, or they are damaged",
            );
        };
        if !bool::from(self.code(path, until).ct_eq(&signature)) {
            return refuse(
                "invalid_link",
                "the link was not made by this server, or was changed since",
            );
        }
        match now <= until {
            true => Ok(()),
            false => refuse("link_expired", "the link has expired: it opened for an hour"),
        }
    }

    fn code(&self, path: &str, until: i64) -> [u8; 32] {
        // A key of any length is taken; without a code, no link would be known.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return [0; 32];
        };
        mac.update(format!("GET\n{path}\n{until}").as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The time, as links know it: seconds UTC.
pub fn now() -> i64 {
    SystemClock.now_micros().div_euclid(1_000_000)
}

/// The addresses that links lead to.
pub fn routes(service: Service, links: Arc<Links>) -> Router {
    Router::new()
        .route("/logs/{kind}/{id}", get(log))
        .with_state((service, links))
}

/// The log of what the link names.
async fn log(
    State((service, links)): State<(Service, Arc<Links>)>,
    OriginalUri(uri): OriginalUri,
    InPath((kind, id)): InPath<(String, String)>,
) -> Result<Response, ApiError> {
    links.check(uri.path(), uri.query().unwrap_or_default(), now())?;
    let known = EntityKind::ALL.into_iter().find(|known| known.plural() == kind);
    let kind = known.ok_or_else(|| Error::not_found("log", &kind))?;
    let text = service.entity_log(kind, &id).await?;
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn code(result: Result<(), Error>) -> String {
        result.map_or_else(|error| error.code().to_owned(), |()| "opens".to_owned())
    }

    #[test]
    fn a_link_opens_one_log_for_an_hour() {
        let home = tempfile::tempdir().unwrap();
        let links = Links::open(home.path()).unwrap();
        let link = links.to_log(EntityKind::Model, "ml", NOW);
        let (path, query) = link.split_once('?').unwrap();
        assert_eq!(path, "/logs/models/ml");
        let at = |path: &str, query: &str, now: i64| code(links.check(path, query, now));
        assert_eq!(at(path, query, NOW), "opens");
        assert_eq!(at(path, query, NOW + LASTING), "opens");
        assert_eq!(at(path, query, NOW + LASTING + 1), "link_expired");
        for (path, query) in [
            ("/logs/models/ml2", query.to_owned()),
            ("/logs/evaluations/ml", query.to_owned()),
            (path, query.replace(&(NOW + LASTING).to_string(), "1900000000")),
            (path, query.replace("signature=", "signature=0")),
            (path, query.replace("expires", "expired")),
            (path, format!("signature={}&expires={}", "0".repeat(64), NOW + 9)),
            (path, String::new()),
        ] {
            assert_eq!(at(path, &query, NOW), "invalid_link", "{path}?{query}");
        }
        // A program that is started again knows it still, and another installation does not.
        let again = Links::open(home.path()).unwrap();
        assert_eq!(code(again.check(path, query, NOW)), "opens");
        let other = Links::open(tempfile::tempdir().unwrap().path()).unwrap();
        assert_eq!(code(other.check(path, query, NOW)), "invalid_link");
    }

    #[test]
    fn the_secret_is_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let links = Links::open(home.path()).unwrap();
        let path = home.path().join(SECRET_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!format!("{links:?}").contains(text.trim()));
        fs::write(&path, "short").unwrap();
        let error = Links::open(home.path()).unwrap_err();
        assert!(error.to_string().contains("link-secret"), "{error}");
    }

    #[test]
    fn those_who_begin_at_once_have_one_secret() {
        let home = tempfile::tempdir().unwrap();
        let links: Vec<String> = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        Links::open(home.path())
                            .unwrap()
                            .to_log(EntityKind::Model, "m", NOW)
                    })
                })
                .collect();
            begun.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(links.iter().all(|link| *link == links[0]), "{links:?}");
    }
}
