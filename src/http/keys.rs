//! The file of API keys: who may call, by a hash of each secret.
//!
//! A key is `ysk_<id>_<secret>`. The secret is 256 random bits, shown once when it is made; the
//! file keeps its SHA-256, which is enough because nobody can guess 256 bits. The file is replaced
//! as a whole, so that a reader sees either the old or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The name of the key file in a home folder.
pub const KEYS_FILE: &str = "keys.json";

const PREFIX: &str = "ysk_";
const VERSION: u32 = 1;

/// What can go wrong with a key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{doing} key file `{}`: {source}", path.display())]
    Io {
        /// `reading` or `writing`.
        doing: &'static str,
        /// The key file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not a key file.
    #[error("`{}` is not a key file: {reason}", path.display())]
    Format {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no key of that identifier.
    #[error("there is no key `{0}`; `yosoku key list` shows all")]
    Unknown(String),
    /// The system has no random numbers to give.
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
}

/// One key as the file keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The public part of the key, also in the log.
    pub id: String,
    /// What the key is for, in its maker's words.
    pub name: String,
    /// SHA-256 of the secret part, in hexadecimal digits.
    pub sha256: String,
    /// When the key was made (RFC 3339, UTC).
    pub created_at: String,
    /// The secret with which Amazon's clients sign; absent where it was not asked for. Who checks a signature must
    /// know the secret itself, so that it is as good as the key where requests may be signed, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
    /// When the key was revoked; absent while it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    keys: Vec<Key>,
}

/// Makes a key, adds it to the file (which is created if need be) and returns it with the token to
/// hand out. `now` is in microseconds UTC.
pub fn new(path: &Path, name: &str, now: i64) -> Result<(Key, String), KeyError> {
    make(path, name, false, now)
}

/// The same with a secret for Amazon's clients, which sign their requests.
pub fn new_signing(path: &Path, name: &str, now: i64) -> Result<(Key, String), KeyError> {
    make(path, name, true, now)
}

fn make(path: &Path, name: &str, is_signing: bool, now: i64) -> Result<(Key, String), KeyError> {
    let signing_secret = match is_signing {
        true => {
            let mut secret = [0_u8; 20];
            getrandom::fill(&mut secret).map_err(KeyError::Random)?;
            Some(hex(&secret))
        }
        false => None,
    };
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).map_err(KeyError::Random)?;
    let id = getrandom::u64().map_err(KeyError::Random)? & 0xff_ffff_ffff;
    let (id, secret) = (format!("{id:010x}"), hex(&secret));
    let token = format!("{PREFIX}{id}_{secret}");
    let key = Key {
        id,
        name: name.to_owned(),
        sha256: hex(&digest(&secret)),
        created_at: rfc3339(now),
        signing_secret,
        revoked_at: None,
    };
    change(path, |keys| {
        keys.push(key.clone());
        Ok(())
    })?;
    Ok((key, token))
}

/// The key file to use: the one given, else the one in the home folder if there is one.
pub fn locate(given: Option<&Path>, home: &Path) -> Option<PathBuf> {
    let own = home.join(KEYS_FILE);
    given.map(Path::to_owned).or_else(|| own.exists().then_some(own))
}

/// All keys in the order they were made; none when there is no file.
pub fn list(path: &Path) -> Result<Vec<Key>, KeyError> {
    match fs::read(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(KeyError::Io {
            doing: "reading",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Marks a key as revoked; running servers notice at their next request. Revoking twice keeps the
/// first time.
pub fn revoke(path: &Path, id: &str, now: i64) -> Result<Key, KeyError> {
    let mut revoked = None;
    change(path, |keys| {
        let key = keys
            .iter_mut()
            .find(|key| key.id == id)
            .ok_or_else(|| KeyError::Unknown(id.to_owned()))?;
        key.revoked_at.get_or_insert_with(|| rfc3339(now));
        // Nobody signs with it any more, so nobody need be able to.
        key.signing_secret = None;
        revoked = Some(key.clone());
        Ok(())
    })?;
    revoked.ok_or_else(|| KeyError::Unknown(id.to_owned()))
}

/// Reads a key file that must exist.
pub fn read(path: &Path) -> Result<Vec<Key>, KeyError> {
    let bytes = fs::read(path).map_err(|source| KeyError::Io {
        doing: "reading",
        path: path.to_owned(),
        source,
    })?;
    parse(path, &bytes)
}

/// Splits a token into its identifier and its secret.
pub fn split(token: &str) -> Option<(&str, &str)> {
    token.strip_prefix(PREFIX)?.split_once('_')
}

/// SHA-256 of a secret.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The bytes behind 64 hexadecimal digits.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Key>, KeyError> {
    let wrong = |reason: String| KeyError::Format {
        path: path.to_owned(),
        reason,
    };
    let file: KeyFile = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    if file.version != VERSION {
        return Err(wrong(format!("version {} is not known here", file.version)));
    }
    if let Some(key) = file.keys.iter().find(|key| unhex(&key.sha256).is_none()) {
        return Err(wrong(format!(
            "the hash of key `{}` is not 64 hexadecimal digits",
            key.id
        )));
    }
    Ok(file.keys)
}

/// Reads, changes and replaces the file while holding a lock on its folder, so that two changes at
/// once cannot lose one.
fn change(path: &Path, edit: impl FnOnce(&mut Vec<Key>) -> Result<(), KeyError>) -> Result<(), KeyError> {
    let failed = |source| KeyError::Io {
        doing: "writing",
        path: path.to_owned(),
        source,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let lock = File::open(folder).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut keys = list(path)?;
    edit(&mut keys)?;
    let text = serde_json::to_vec_pretty(&KeyFile {
        version: VERSION,
        keys,
    })
    .map_err(|error| failed(error.into()))?;
    // The temporary file is readable by its owner only, and so is what it becomes.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(&text)
        .and_then(|()| file.write_all(b"\n"))
        .map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rfc3339(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_listed_and_revoked() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new-folder").join(KEYS_FILE);
        let (key, token) = new(&path, "laptop", 1_700_000_000_000_000).unwrap();
        assert_eq!(key.created_at, "2023-11-14T22:13:20Z");
        let (id, secret) = split(&token).unwrap();
        assert_eq!((id, secret.len()), (key.id.as_str(), 64));
        assert_eq!(unhex(&key.sha256), Some(digest(secret)));

        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(secret), "the secret is in the file");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        new(&path, "second", 0).unwrap();
        revoke(&path, &key.id, 1_700_000_001_000_000).unwrap();
        revoke(&path, &key.id, 1_800_000_000_000_000).unwrap();
        let keys = list(&path).unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].revoked_at.as_deref(), Some("2023-11-14T22:13:21Z"));
        assert_eq!(keys[1].revoked_at, None);
    }

    #[test]
    fn a_key_file_in_the_home_counts_unless_another_is_given() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(locate(None, home.path()), None);
        let own = home.path().join(KEYS_FILE);
        new(&own, "mine", 0).unwrap();
        assert_eq!(locate(None, home.path()), Some(own));
        assert_eq!(
            locate(Some(Path::new("other")), home.path()),
            Some(PathBuf::from("other"))
        );
    }

    #[test]
    fn two_keys_are_different() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(KEYS_FILE);
        let (a, b) = (new(&path, "a", 0).unwrap(), new(&path, "b", 0).unwrap());
        assert!(a.0.id != b.0.id && a.0.sha256 != b.0.sha256);
    }

    #[test]
    fn keys_made_at_once_are_all_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(KEYS_FILE);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| new(&path, "at once", 0).unwrap());
            }
        });
        assert_eq!(list(&path).unwrap().len(), 8);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(KEYS_FILE);
        for damaged in [
            "",
            "{\"version\":2,\"keys\":[]}",
            "{\"version\":1,\"keys\":[{\"id\":\"a\",\"name\":\"\",\"sha256\":\"00\",\"created_at\":\"\"}]}",
        ] {
            fs::write(&path, damaged).unwrap();
            assert!(
                new(&path, "x", 0)
                    .unwrap_err()
                    .to_string()
                    .contains("is not a key file"),
                "{damaged}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn an_unknown_key_cannot_be_revoked() {
        let home = tempfile::tempdir().unwrap();
        assert!(matches!(
            revoke(&home.path().join(KEYS_FILE), "nobody", 0),
            Err(KeyError::Unknown(_))
        ));
    }
}
