//! Who is calling: checks the key of a request against the key file.
//!
//! The file is looked at on every request (one `stat`), and read again when it changed, so that a
//! revoked key stops working without a restart. A file that cannot be read lets nobody in.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::keys::{self, KeyError};
use super::rest::problem::ApiError;
use crate::service::Error;

/// Who may call.
#[derive(Debug, Clone)]
pub enum Access {
    /// Anyone on this machine; web pages are kept out by `origin`.
    Open,
    /// Holders of a key.
    Keys(Arc<KeyRing>),
}

/// Who is calling; on every request and every answer.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The identifier of the key, or nothing on an open server.
    pub key_id: Option<Arc<str>>,
    /// What the key is called, or nothing on an open server.
    pub key_name: Option<Arc<str>>,
}

impl Caller {
    fn of(id: &str, key: &Valid) -> Self {
        Self {
            key_id: Some(id.into()),
            key_name: Some(key.name.clone()),
        }
    }

    /// The identifier of the key; empty on an open server.
    pub fn id(&self) -> &str {
        self.key_id.as_deref().unwrap_or_default()
    }

    /// Who owns what this caller makes: the name of the key, or its identifier if it has none; empty on an open server.
    pub fn name(&self) -> String {
        let name = self.key_name.as_deref().filter(|name| !name.trim().is_empty());
        name.or(self.key_id.as_deref()).unwrap_or_default().to_owned()
    }
}

/// The valid keys of one file, kept up to date.
#[derive(Debug)]
pub struct KeyRing {
    path: PathBuf,
    loaded: RwLock<Loaded>,
}

#[derive(Debug, Clone)]
struct Loaded {
    stamp: Stamp,
    valid: Arc<HashMap<String, Valid>>,
}

/// A key that is not revoked.
#[derive(Debug, Clone)]
struct Valid {
    hash: [u8; 32],
    name: Arc<str>,
    signing_secret: Option<Secret>,
}

/// A secret, which nothing prints.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What changes when a file is replaced or written to: inode, length, time.
type Stamp = (u64, u64, i64, i64);

impl KeyRing {
    /// Reads the file; it must exist and be well formed.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        Ok(KeyRing {
            path: path.to_owned(),
            loaded: RwLock::new(load(path)?),
        })
    }

    /// How many keys are valid now.
    pub fn len(&self) -> Result<usize, KeyError> {
        Ok(self.current()?.len())
    }

    /// Whether no key is valid now.
    pub fn is_empty(&self) -> Result<bool, KeyError> {
        Ok(self.len()? == 0)
    }

    /// Who holds the token, if it is valid.
    pub fn check(&self, token: &str) -> Result<Option<Caller>, KeyError> {
        let valid = self.current()?;
        let Some((id, secret)) = keys::split(token) else {
            return Ok(None);
        };
        let given = keys::digest(secret);
        // An unknown identifier costs the same comparison as a known one.
        let known = valid.get(id);
        let expected = known.map_or([0_u8; 32], |key| key.hash);
        let equal = bool::from(expected.ct_eq(&given));
        Ok(known.filter(|_| equal).map(|key| Caller::of(id, key)))
    }

    /// Who holds the key of that identifier, and the secret that they sign with; none if there is none.
    pub fn secret(&self, id: &str) -> Result<Option<(Caller, Secret)>, KeyError> {
        let valid = self.current()?;
        let signing = |key: &Valid| Some((Caller::of(id, key), key.signing_secret.clone()?));
        Ok(valid.get(id).and_then(signing))
    }

    fn current(&self) -> Result<Arc<HashMap<String, Valid>>, KeyError> {
        let stamp = stamp(&self.path)?;
        {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            if loaded.stamp == stamp {
                return Ok(loaded.valid.clone());
            }
        }
        let fresh = load(&self.path)?;
        let valid = fresh.valid.clone();
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        tracing::info!(keys.valid = valid.len(), "key file read again");
        Ok(valid)
    }
}

/// Takes the stamp before reading: a change in between is noticed at the next look.
fn load(path: &Path) -> Result<Loaded, KeyError> {
    let stamp = stamp(path)?;
    let valid = keys::read(path)?
        .into_iter()
        .filter(|key| key.revoked_at.is_none());
    let valid = valid
        .filter_map(|key| {
            let valid = Valid {
                hash: keys::unhex(&key.sha256)?,
                name: key.name.into(),
                signing_secret: key.signing_secret.map(|secret| Secret(secret.into())),
            };
            Some((key.id, valid))
        })
        .collect();
    Ok(Loaded {
        stamp,
        valid: Arc::new(valid),
    })
}

fn stamp(path: &Path) -> Result<Stamp, KeyError> {
    let about = fs::metadata(path).map_err(|source| KeyError::Io {
        doing: "reading",
        path: path.to_owned(),
        source,
    })?;
    Ok((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
}

/// The layer that lets only callers with a valid key pass.
pub async fn require_key(State(ring): State<Arc<KeyRing>>, mut request: Request, next: Next) -> Response {
    match identify(&ring, request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(caller);
            response
        }
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// Who calls, by the token in the headers.
pub fn identify(ring: &KeyRing, headers: &HeaderMap) -> Result<Caller, Error> {
    let refuse = |code, message: &str| {
        Err(Error::Unauthenticated {
            code,
            message: message.to_owned(),
        })
    };
    let Some(value) = headers.get(AUTHORIZATION) else {
        return refuse("unauthenticated", "this server needs a key");
    };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    let Some((_, token)) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return refuse(
            "unauthenticated",
            "the Authorization header is not `Bearer <key>`",
        );
    };
    match ring.check(token.trim()) {
        Ok(Some(caller)) => Ok(caller),
        Ok(None) => refuse("invalid_key", "the key is unknown or revoked"),
        Err(error) => Err(error.into()),
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        tracing::error!(error = %error, "nobody can be let in");
        Error::unavailable("keys_unreadable", "keys cannot be checked at the moment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_right_wrong_or_revoked() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(keys::KEYS_FILE);
        let (key, token) = keys::new(&path, "laptop", 0).unwrap();
        let ring = KeyRing::open(&path).unwrap();
        let caller = ring.check(&token).unwrap().unwrap();
        assert_eq!(
            (caller.key_id.as_deref(), caller.name().as_str()),
            (Some(key.id.as_str()), "laptop")
        );

        let flip = |c: char| if c == '0' { '1' } else { '0' };
        let mut wrong = token.clone();
        let last = wrong.pop().unwrap();
        wrong.push(flip(last));
        let zero = format!("ysk_nobody_{}", "0".repeat(64));
        for bad in [
            wrong.as_str(),
            &token[..token.len() - 1],
            "",
            "ysk_",
            "ysk__",
            zero.as_str(),
        ] {
            assert!(ring.check(bad).unwrap().is_none(), "{bad}");
        }

        let (_, second) = keys::new(&path, "second", 0).unwrap();
        assert!(
            ring.check(&second).unwrap().is_some(),
            "a new key works without a restart"
        );
        keys::revoke(&path, &key.id, 0).unwrap();
        assert!(
            ring.check(&token).unwrap().is_none(),
            "a revoked key stops without a restart"
        );
        assert_eq!(ring.len().unwrap(), 1);

        let (third, _) = keys::new_signing(&path, "amazon", 0).unwrap();
        let (caller, secret) = ring.secret(&third.id).unwrap().unwrap();
        assert_eq!(
            (caller.name().as_str(), Some(secret.as_ref())),
            ("amazon", third.signing_secret.as_deref())
        );
        assert!(
            !format!("{ring:?}").contains(secret.as_ref()),
            "a secret is printed"
        );
        for other in [key.id.as_str(), "nobody", ""] {
            assert!(ring.secret(other).unwrap().is_none(), "{other}");
        }
    }

    #[test]
    fn a_file_that_is_gone_or_damaged_lets_nobody_in() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(keys::KEYS_FILE);
        let (_, token) = keys::new(&path, "laptop", 0).unwrap();
        let ring = KeyRing::open(&path).unwrap();
        fs::write(&path, "{").unwrap();
        assert!(ring.check(&token).is_err());
        fs::remove_file(&path).unwrap();
        assert!(ring.check(&token).is_err());
        assert!(KeyRing::open(&path).is_err());
    }
}
