//! Buckets in the file of connections: where the files of `s3://NAME/…` lie, and what may be done with them.
//!
//! ```toml
//! [buckets.clicks]
//! url = "s3://real-bucket/prefix"
//! endpoint = "http://127.0.0.1:9000"
//! access_key = "…"
//! secret_key_env = "CLICKS_SECRET"
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Secret;
use super::connections::Secrets;

/// The name that stands for every bucket that is not named.
pub const OTHERS: &str = "*";

/// The bucket of uploaded datasets, which is ours.
const UPLOADS: &str = "uploads";

/// The region that requests are signed for unless something else is said.
const REGION: &str = "us-east-1";

/// What holds for one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Where its files lie.
    pub place: BucketPlace,
    /// Whether nothing may be written there.
    pub read_only: bool,
}

/// Where the files of a bucket lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketPlace {
    /// Below `datasets/` in the home.
    Home,
    /// In another folder.
    Folder(PathBuf),
    /// In a store that speaks S3.
    Store(BucketStore),
    /// Nobody may use it.
    Refused,
}

/// A bucket in a store that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketStore {
    /// The bucket as the store calls it.
    pub bucket: String,
    /// What comes before every key, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The address of the store; none for Amazon's own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket is part of the path and not of the host's name; so where `endpoint` is given.
    pub path_style: bool,
    /// With what requests are signed; none where everybody may ask.
    pub keys: Option<BucketKeys>,
}

/// With what requests are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketKeys {
    /// The name of the key.
    pub access_key: Secret,
    /// Its secret.
    pub secret_key: Secret,
    /// The token of a key that is lent for a time.
    pub session_token: Option<Secret>,
}

/// A bucket as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenBucket {
    url: Option<String>,
    folder: Option<PathBuf>,
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    read_only: bool,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    #[serde(default)]
    anonymous: bool,
    access_key: Option<String>,
    access_key_env: Option<String>,
    access_key_file: Option<PathBuf>,
    secret_key: Option<String>,
    secret_key_env: Option<String>,
    secret_key_file: Option<PathBuf>,
    session_token: Option<String>,
    session_token_env: Option<String>,
    session_token_file: Option<PathBuf>,
}

impl WrittenBucket {
    /// The first setting that only means something beside `url`.
    fn of_stores(&self) -> Option<&'static str> {
        let given = [
            (self.endpoint.is_some(), "endpoint"),
            (self.region.is_some(), "region"),
            (self.path_style.is_some(), "path_style"),
            (self.anonymous, "anonymous"),
            (self.has_keys(), "access_key, secret_key or session_token"),
        ];
        given
            .iter()
            .find(|(is_given, _)| *is_given)
            .map(|(_, name)| *name)
    }

    fn has_keys(&self) -> bool {
        let texts = [
            &self.access_key,
            &self.access_key_env,
            &self.secret_key,
            &self.secret_key_env,
            &self.session_token,
            &self.session_token_env,
        ];
        let files = [
            &self.access_key_file,
            &self.secret_key_file,
            &self.session_token_file,
        ];
        texts.iter().any(|text| text.is_some()) || files.iter().any(|file| file.is_some())
    }
}

/// Checks every bucket; each mistake is a problem of `secrets`.
pub(super) fn read(
    written: BTreeMap<String, WrittenBucket>,
    secrets: &mut Secrets<'_>,
) -> BTreeMap<String, Bucket> {
    let buckets = written.into_iter();
    buckets
        .filter_map(|(name, bucket)| Some((name.clone(), checked(&name, bucket, secrets)?)))
        .collect()
}

fn checked(name: &str, written: WrittenBucket, secrets: &mut Secrets<'_>) -> Option<Bucket> {
    let key = format!("buckets.{name}");
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let is_name = (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain);
    if name == UPLOADS {
        secrets.problem(
            &key,
            "the bucket `uploads` holds uploaded datasets and stays in the home",
        );
    } else if name != OTHERS && !is_name {
        secrets.problem(
            &key,
            "a name has 1 to 128 letters, digits, `_`, `.` or `-` and does not start with a dot; `*` stands for all others",
        );
    }
    if written.url.is_none()
        && let Some(setting) = written.of_stores()
    {
        secrets.problem(&key, &format!("`{setting}` goes with `url`, which is missing"));
        return None;
    }
    let read_only = written.read_only;
    let place = match (&written.url, &written.folder, written.refused) {
        (Some(_), None, false) => BucketPlace::Store(store(&key, written, secrets)?),
        (None, Some(folder), false) => {
            if !folder.is_dir() {
                let what = format!("`folder`: `{}` is no folder; make it first", folder.display());
                secrets.problem(&key, &what);
            }
            BucketPlace::Folder(folder.clone())
        }
        (None, None, true) => BucketPlace::Refused,
        (None, None, false) if read_only => BucketPlace::Home,
        (None, None, false) => {
            secrets.problem(
                &key,
                "says nothing; give `url`, `folder`, `refused` or `read_only`",
            );
            return None;
        }
        _ => {
            secrets.problem(&key, "give one of `url`, `folder` and `refused`");
            return None;
        }
    };
    Some(Bucket { place, read_only })
}

fn store(key: &str, written: WrittenBucket, secrets: &mut Secrets<'_>) -> Option<BucketStore> {
    let url = written.url.clone().unwrap_or_default();
    let place = url.strip_prefix("s3://").unwrap_or_default();
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_segment = |text: &str| !text.is_empty() && text.bytes().any(|b| b != b'.');
    if bucket.is_empty() || !(prefix.is_empty() || prefix.split('/').all(is_segment)) {
        secrets.problem(key, "`url` must be written as s3://bucket or s3://bucket/prefix");
        return None;
    }
    if let Some(endpoint) = &written.endpoint
        && !is_address(endpoint)
    {
        let what = "`endpoint` must be written as https://host:port, with neither user nor path";
        secrets.problem(key, what);
    }
    let region = written.region.clone();
    let region = region
        .or_else(|| (secrets.env)("AWS_REGION"))
        .or_else(|| (secrets.env)("AWS_DEFAULT_REGION"));
    let endpoint = written.endpoint.as_ref();
    Some(BucketStore {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
        region: region.unwrap_or_else(|| REGION.to_owned()),
        path_style: written.path_style.unwrap_or(endpoint.is_some()),
        keys: keys(key, written, secrets),
    })
}

/// Whether a text is the address of a host and nothing else.
fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.trim_end_matches('/'));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']))
}

/// The keys that are given, or those of Amazon's usual variables.
fn keys(key: &str, written: WrittenBucket, secrets: &mut Secrets<'_>) -> Option<BucketKeys> {
    let is_given = written.has_keys();
    if written.anonymous {
        if is_given {
            secrets.problem(key, "`anonymous` means without keys; leave one of both out");
        }
        return None;
    }
    let before = secrets.problems.len();
    let (access, secret, token) = if is_given {
        let WrittenBucket {
            access_key,
            access_key_env,
            access_key_file,
            secret_key,
            secret_key_env,
            secret_key_file,
            session_token,
            session_token_env,
            session_token_file,
            ..
        } = written;
        (
            secrets.secret(key, "access_key", access_key, access_key_env, access_key_file),
            secrets.secret(key, "secret_key", secret_key, secret_key_env, secret_key_file),
            secrets.secret(
                key,
                "session_token",
                session_token,
                session_token_env,
                session_token_file,
            ),
        )
    } else {
        let usual = |name| (secrets.env)(name).map(Secret::new);
        (
            usual("AWS_ACCESS_KEY_ID"),
            usual("AWS_SECRET_ACCESS_KEY"),
            usual("AWS_SESSION_TOKEN"),
        )
    };
    match (access, secret) {
        (Some(access_key), Some(secret_key)) => Some(BucketKeys {
            access_key,
            secret_key,
            session_token: token,
        }),
        // What is missing was told already.
        _ if secrets.problems.len() > before => None,
        _ => {
            let what = "needs `access_key` and `secret_key` (or `…_env`, `…_file`), or AWS_ACCESS_KEY_ID and \
                        AWS_SECRET_ACCESS_KEY in the environment; say `anonymous = true` where everybody may read";
            secrets.problem(key, what);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::Connections;
    use super::*;

    fn read(text: &str) -> (BTreeMap<String, Bucket>, Vec<String>) {
        let mut problems = Vec::new();
        let env = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("usual".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("usual secret".to_owned()),
            "AWS_DEFAULT_REGION" => Some("eu-north-1".to_owned()),
            "CLICKS" => Some("of clicks".to_owned()),
            _ => None,
        };
        let read = Connections::read(text, "c.toml", &env, &mut problems);
        (read.buckets, problems)
    }

    #[test]
    fn buckets_lie_where_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let (read, problems) = read(&format!(
            "[buckets.clicks]\nurl = \"s3://real/a/b/\"\nendpoint = \"http://127.0.0.1:9000/\"\nregion = \"x\"\n\
             access_key = \"id\"\nsecret_key_env = \"CLICKS\"\n\
             [buckets.amazon]\nurl = \"s3://theirs\"\nread_only = true\n\
             [buckets.open]\nurl = \"s3://open\"\nanonymous = true\npath_style = true\n\
             [buckets.archive]\nfolder = {:?}\nread_only = true\n\
             [buckets.private]\nrefused = true\n[buckets.fixed]\nread_only = true\n[buckets.\"*\"]\nrefused = true\n",
            folder.path().display().to_string()
        ));
        assert_eq!(problems, Vec::<String>::new());
        let store = |name: &str| match &read[name].place {
            BucketPlace::Store(store) => store.clone(),
            other => panic!("{other:?}"),
        };
        let clicks = store("clicks");
        assert_eq!((clicks.bucket.as_str(), clicks.prefix.as_str()), ("real", "a/b"));
        assert_eq!(clicks.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!((clicks.region.as_str(), clicks.path_style), ("x", true));
        let keys = clicks.keys.unwrap();
        assert_eq!(
            (keys.access_key.expose(), keys.secret_key.expose()),
            ("id", "of clicks")
        );
        let amazon = store("amazon");
        assert_eq!(
            (amazon.endpoint, amazon.region.as_str(), amazon.path_style),
            (None, "eu-north-1", false)
        );
        assert_eq!(amazon.keys.unwrap().secret_key.expose(), "usual secret");
        assert!(read["amazon"].read_only);
        assert_eq!((store("open").keys, store("open").path_style), (None, true));
        assert_eq!(
            read["archive"].place,
            BucketPlace::Folder(folder.path().to_owned())
        );
        assert_eq!(read["private"].place, BucketPlace::Refused);
        assert_eq!(read["fixed"].place, BucketPlace::Home);
        assert_eq!(read[OTHERS].place, BucketPlace::Refused);
        let printed = format!("{read:?}");
        assert!(
            !printed.contains("of clicks") && !printed.contains("usual secret"),
            "{printed}"
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_no_secret() {
        let (_, problems) = read(
            "[buckets.uploads]\nrefused = true\n[buckets.\"a/b\"]\nrefused = true\n[buckets.nothing]\n\
             [buckets.both]\nurl = \"s3://x\"\nrefused = true\n\
             [buckets.where]\nregion = \"x\"\n[buckets.gone]\nfolder = \"/no/such/folder\"\n\
             [buckets.url]\nurl = \"http://x\"\n[buckets.dots]\nurl = \"s3://x/../y\"\n\
             [buckets.path]\nurl = \"s3://x\"\nendpoint = \"http://u:hush@h/p\"\n\
             [buckets.half]\nurl = \"s3://x\"\nsecret_key = \"hush\"\n\
             [buckets.unset]\nurl = \"s3://x\"\naccess_key = \"a\"\nsecret_key_env = \"NO\"\n\
             [buckets.twice]\nurl = \"s3://x\"\naccess_key = \"a\"\nsecret_key = \"hush\"\nanonymous = true\n",
        );
        let all = problems.join("\n");
        for part in [
            "[buckets.uploads]: the bucket `uploads`",
            "[buckets.a/b]: a name has",
            "[buckets.nothing]: says nothing",
            "[buckets.both]: give one of `url`",
            "[buckets.where]: `region` goes with `url`",
            "[buckets.gone]: `folder`: `/no/such/folder` is no folder",
            "[buckets.url]: `url` must be",
            "[buckets.dots]: `url` must be",
            "[buckets.path]: `endpoint` must be",
            "[buckets.half]: needs `access_key` and `secret_key`",
            "[buckets.unset]: `secret_key_env` names `NO`",
            "[buckets.twice]: `anonymous` means",
        ] {
            assert!(all.contains(part), "{part} is not in:\n{all}");
        }
        assert_eq!(problems.len(), 12, "{all}");
        assert!(!all.contains("hush"), "{all}");
    }
}
