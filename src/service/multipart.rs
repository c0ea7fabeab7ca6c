//! Files of buckets that arrive in parts. Parts wait in files that nobody sees; the last word makes them one file. What
//! is not ended goes after a day, and with the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::Service;
use super::answers::Stored;
use super::creation::random;
use super::error::Error;
use crate::blob::Staged;
use crate::domain::ids::random_text;
use crate::domain::location::Location;

/// Unfinished files at a time.
const MOST: usize = 1000;

/// The highest number of a part.
pub const MOST_PARTS: u16 = 10_000;

/// The least that each part but the last has, in bytes.
const LEAST: u64 = 5 << 20;

/// Nobody goes on with what has not been touched for so long, in microseconds.
const PATIENCE: i64 = 24 * 3600 * 1_000_000;

/// The files that arrive in parts.
#[derive(Debug, Default)]
pub struct Unfinished(Mutex<HashMap<String, Parts>>);

/// What there is of one.
#[derive(Debug)]
struct Parts {
    at: Location,
    parts: BTreeMap<u16, Arc<Part>>,
    touched: i64,
}

/// One part.
#[derive(Debug)]
pub struct Part {
    /// The name of its content.
    pub tag: String,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it had arrived, in microseconds UTC.
    pub at_micros: i64,
    staged: Staged,
}

/// A file that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its name.
    pub id: String,
    /// What it will be.
    pub at: Location,
    /// When it was touched last, in microseconds UTC.
    pub touched_micros: i64,
}

impl Unfinished {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Parts>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The unfinished file `id`, if it will be at `at`.
    fn at<T>(&self, id: &str, at: &Location, work: impl FnOnce(&mut Parts) -> T) -> Result<T, Error> {
        self.with(|all| match all.get_mut(id).filter(|parts| parts.at == *at) {
            Some(parts) => Ok(work(parts)),
            None => Err(Error::not_found("multipart upload", id)),
        })
    }
}

impl Service {
    /// Begins a file of a bucket that will arrive in parts; returns the name under which they come.
    pub async fn multipart_begin(&self, at: &Location) -> Result<String, Error> {
        self.bucket(at.bucket()).await?;
        self.0.blobs.allows(&crate::blob::key::located(at), true)?;
        let id = random_text(&random::<16>()?);
        let (now, at) = (self.now(), at.clone());
        self.0.unfinished.with(|all| {
            all.retain(|_, parts| now - parts.touched < PATIENCE);
            if all.len() >= MOST {
                return Err(Error::LimitExceeded {
                    code: "limit_exceeded",
                    message: format!("{MOST} multipart uploads are open; complete or abort one first"),
                });
            }
            let parts = BTreeMap::new();
            all.insert(
                id.clone(),
                Parts {
                    at,
                    parts,
                    touched: now,
                },
            );
            Ok(id)
        })
    }

    /// Receives the part of the number `number`, which takes the place of one that had the number before.
    pub async fn multipart_part(
        &self,
        (id, at): (&str, &Location),
        number: u16,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
        limit: u64,
    ) -> Result<String, Error> {
        let others = self.0.unfinished.at(id, at, |parts| {
            let others = parts.parts.iter().filter(|(other, _)| **other != number);
            others.map(|(_, part)| part.size_bytes).sum::<u64>()
        })?;
        // All parts together are bounded as one file is.
        let staged = self
            .object_receive(at, body, limit.saturating_sub(others))
            .await?;
        let hash = staged.hash.as_str();
        // Whoever takes a tag without a dash for an MD5 would find it wrong.
        let tag = format!("{}-{number}", hash.get(..32).unwrap_or(hash));
        let now = self.now();
        let part = Part {
            tag: tag.clone(),
            size_bytes: staged.size_bytes,
            at_micros: now,
            staged,
        };
        let replaced = self.0.unfinished.at(id, at, |parts| {
            parts.touched = now;
            parts.parts.insert(number, Arc::new(part))
        })?;
        drop(replaced);
        Ok(tag)
    }

    /// The parts that have arrived, by their numbers.
    pub fn multipart_parts(&self, id: &str, at: &Location) -> Result<BTreeMap<u16, Arc<Part>>, Error> {
        self.0.unfinished.at(id, at, |parts| parts.parts.clone())
    }

    /// The unfinished files of the bucket `name`, in the order of their keys.
    pub async fn multipart_list(&self, name: &str) -> Result<Vec<Begun>, Error> {
        self.bucket(name).await?;
        let mut begun: Vec<Begun> = self.0.unfinished.with(|all| {
            let of_bucket = all.iter().filter(|(_, parts)| parts.at.bucket() == name);
            let begun = of_bucket.map(|(id, parts)| Begun {
                id: id.clone(),
                at: parts.at.clone(),
                touched_micros: parts.touched,
            });
            begun.collect()
        });
        begun.sort_by(|a, b| (a.at.key(), &a.id).cmp(&(b.at.key(), &b.id)));
        Ok(begun)
    }

    /// Gives an unfinished file up.
    pub fn multipart_abort(&self, id: &str, at: &Location) -> Result<(), Error> {
        self.0.unfinished.at(id, at, |_| ())?;
        let given_up = self.0.unfinished.with(|all| all.remove(id));
        drop(given_up);
        Ok(())
    }

    /// Makes the parts `wanted`, by number and tag, one file of at most `limit` bytes.
    pub async fn multipart_complete(
        &self,
        id: &str,
        at: &Location,
        wanted: &[(u16, Option<String>)],
        limit: u64,
    ) -> Result<Stored, Error> {
        let there = self.multipart_parts(id, at)?;
        let chosen = chosen(&there, wanted)?;
        let pieces = stream::iter(chosen.clone())
            .then(|part| async move { part.staged.read().await })
            .map_ok(|reading| reading.stream)
            .try_flatten()
            .map_err(Error::from);
        let staged = self.object_receive(at, pieces, limit).await?;
        let made = self.object_publish(at, staged).await?;
        drop(self.0.unfinished.with(|all| all.remove(id)));
        Ok(made)
    }
}

/// The parts that are to become a file, in order.
fn chosen(
    there: &BTreeMap<u16, Arc<Part>>,
    wanted: &[(u16, Option<String>)],
) -> Result<Vec<Arc<Part>>, Error> {
    if wanted.is_empty() {
        return Err(Error::invalid(
            "invalid_part",
            "no parts are named; name at least one",
        ));
    }
    if wanted
        .windows(2)
        .any(|pair| matches!(pair, [(a, _), (b, _)] if a >= b))
    {
        let message = "the parts are not in the order of their numbers";
        return Err(Error::invalid("invalid_part_order", message));
    }
    let mut chosen = Vec::with_capacity(wanted.len());
    for (place, (number, tag)) in wanted.iter().enumerate() {
        let part = there
            .get(number)
            .filter(|part| tag.as_ref().is_none_or(|tag| *tag == part.tag));
        let Some(part) = part else {
            let message = format!("part {number} has not arrived, or with another content");
            return Err(Error::invalid("invalid_part", message));
        };
        if part.size_bytes < LEAST && place + 1 < wanted.len() {
            let message = format!(
                "part {number} has {} bytes; all but the last have at least {LEAST}",
                part.size_bytes
            );
            return Err(Error::invalid("part_too_small", message));
        }
        chosen.push(part.clone());
    }
    Ok(chosen)
}
