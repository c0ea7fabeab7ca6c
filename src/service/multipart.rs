//! Files of buckets that arrive in parts. Parts wait in files that nobody sees; the last word makes them one file. What
//! is not ended goes after a day, and with the process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::Service;
use super::answers::Stored;
use super::creation::random;
use super::error::Error;
use super::objects::missing;
use crate::blob::{Staged, key};
use crate::domain::ids::random_text;
use crate::domain::location::Location;

/// Unfinished files at a time.
const MOST: usize = 1000;

/// The highest number of a part.
pub const MOST_PARTS: u16 = 10_000;

/// The least that each part but the last has, in bytes.
const LEAST: u64 = 5 << 20;

/// Files that were finished last, whose last word may be said again.
const REMEMBERED: usize = 1000;

/// Nobody goes on with what has not been touched for so long, in microseconds.
const PATIENCE: i64 = 24 * 3600 * 1_000_000;

/// Sums of bytes as their senders know them, by the names of the headers that carry them.
pub type Sums = BTreeMap<&'static str, String>;

/// The files that arrive in parts.
#[derive(Debug, Default)]
pub struct Unfinished(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: HashMap<String, Parts>,
    /// Name, place and file of what was finished, the last one last.
    finished: VecDeque<(String, Location, Stored)>,
}

/// What there is of one.
#[derive(Debug)]
struct Parts {
    at: Location,
    parts: BTreeMap<u16, Arc<Part>>,
    touched: i64,
    /// Held by whoever makes it one file.
    turn: Arc<tokio::sync::Mutex<()>>,
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
    /// The sums that its sender promised, and that were right.
    pub sums: Sums,
    staged: Staged,
}

/// A part as whoever finishes a file names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub number: u16,
    /// The name of its content, where that is told.
    pub tag: Option<String>,
    /// Its sums, as far as they are told.
    pub sums: Sums,
}

/// Bytes on their way into a file that say at their end whether they are what was promised.
pub trait Promise: Stream<Item = Result<Bytes, Error>> + Send + Unpin {
    /// The sums that were promised and found, once the last byte has passed.
    fn sums(&self) -> Sums;
}

/// Judges the bytes of a whole file that is put together from parts.
pub trait Judge: Send + 'static {
    /// The next bytes.
    fn see(&mut self, bytes: &Bytes);
    /// What there is to say against them, after the last.
    fn judge(&mut self) -> Result<(), Error>;
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
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The unfinished file `id`, if it will be at `at`.
    fn at<T>(&self, id: &str, at: &Location, work: impl FnOnce(&mut Parts) -> T) -> Result<T, Error> {
        self.with(|all| match all.open.get_mut(id).filter(|parts| parts.at == *at) {
            Some(parts) => Ok(work(parts)),
            None => Err(Error::not_found("multipart upload", id)),
        })
    }

    /// What the upload `id` has become.
    fn made(&self, id: &str, at: &Location) -> Option<Stored> {
        self.with(|all| {
            let found = all
                .finished
                .iter()
                .find(|(made, place, _)| made == id && place == at);
            found.map(|(_, _, stored)| stored.clone())
        })
    }

    /// Gives the upload `id` up; its parts are removed.
    fn remove(&self, id: &str) {
        // Parts are removed where nobody waits for the lock.
        drop(self.with(|all| all.open.remove(id)));
    }

    /// Gives everything up that would come into the bucket `name`.
    pub(super) fn leave(&self, name: &str) {
        let gone: Vec<Parts> = self.with(|all| {
            let of_bucket = all.open.extract_if(|_, parts| parts.at.bucket() == name);
            of_bucket.map(|(_, parts)| parts).collect()
        });
        drop(gone);
    }

    fn finish(&self, id: &str, at: &Location, stored: &Stored) {
        let ended = self.with(|all| {
            if all.finished.len() == REMEMBERED {
                all.finished.pop_front();
            }
            all.finished
                .push_back((id.to_owned(), at.clone(), stored.clone()));
            all.open.remove(id)
        });
        drop(ended);
    }
}

impl State {
    /// Makes room for one more: what nobody goes on with goes, and of those without any part the one that waits longest.
    fn make_room(&mut self, now: i64) -> Result<Vec<Parts>, Error> {
        let late: Vec<String> = self
            .open
            .iter()
            .filter(|(_, parts)| now - parts.touched >= PATIENCE)
            .map(|(id, _)| id.clone())
            .collect();
        let mut gone: Vec<Parts> = late.iter().filter_map(|id| self.open.remove(id)).collect();
        if self.open.len() >= MOST {
            let empty = self.open.iter().filter(|(_, parts)| parts.parts.is_empty());
            let oldest = empty.min_by_key(|(id, parts)| (parts.touched, id.as_str()));
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                return Err(Error::LimitExceeded {
                    code: "limit_exceeded",
                    message: format!("{MOST} multipart uploads are open; complete or abort one first"),
                });
            };
            gone.extend(self.open.remove(&oldest));
        }
        Ok(gone)
    }
}

impl Service {
    /// Begins a file of a bucket that will arrive in parts; returns the name under which they come.
    pub async fn multipart_begin(&self, at: &Location) -> Result<String, Error> {
        self.bucket(at.bucket()).await?;
        if at.is_folder() {
            let message = format!("`{at}` is a folder, which has no parts");
            return Err(Error::invalid("invalid_location", message));
        }
        let allowed = self.0.blobs.allows(&key::located(at), true);
        allowed.map_err(|error| missing(at, error))?;
        let id = random_text(&random::<16>()?);
        let begun = Parts {
            at: at.clone(),
            parts: BTreeMap::new(),
            touched: self.now(),
            turn: Arc::default(),
        };
        let gone = self.0.unfinished.with(|all| {
            let gone = all.make_room(begun.touched)?;
            all.open.insert(id.clone(), begun);
            Ok::<_, Error>(gone)
        });
        drop(gone?);
        Ok(id)
    }

    /// Receives the part of the number `number`, which takes the place of one that had the number before.
    pub async fn multipart_part(
        &self,
        (id, at): (&str, &Location),
        number: u16,
        mut body: impl Promise,
        limit: u64,
    ) -> Result<Arc<Part>, Error> {
        let rest = |parts: &mut Parts| {
            let others = parts.parts.iter().filter(|(other, _)| **other != number);
            let others: u64 = others.map(|(_, part)| part.size_bytes).sum();
            limit.min(self.0.limits.upload_bytes).saturating_sub(others)
        };
        // All parts together are bounded as one file is.
        let room = self.0.unfinished.at(id, at, rest)?;
        let staged = self.object_receive(at, &mut body, room).await?;
        let hash = staged.hash.as_str();
        let now = self.now();
        let part = Arc::new(Part {
            // Whoever takes a tag without a dash for an MD5 would find it wrong.
            tag: format!("{}-{number}", hash.get(..32).unwrap_or(hash)),
            size_bytes: staged.size_bytes,
            at_micros: now,
            sums: body.sums(),
            staged,
        });
        let replaced = self.0.unfinished.at(id, at, |parts| {
            // Others may have arrived meanwhile.
            if part.size_bytes > rest(parts) {
                let what = "the multipart upload";
                return Err(Error::TooLarge { what, limit });
            }
            parts.touched = now;
            Ok(parts.parts.insert(number, part.clone()))
        })?;
        drop(replaced?);
        Ok(part)
    }

    /// The parts that have arrived, by their numbers.
    pub fn multipart_parts(&self, id: &str, at: &Location) -> Result<BTreeMap<u16, Arc<Part>>, Error> {
        self.0.unfinished.at(id, at, |parts| parts.parts.clone())
    }

    /// The unfinished files of the bucket `name`, in the order of their keys.
    pub async fn multipart_list(&self, name: &str) -> Result<Vec<Begun>, Error> {
        self.bucket(name).await?;
        let mut begun: Vec<Begun> = self.0.unfinished.with(|all| {
            let of_bucket = all.open.iter().filter(|(_, parts)| parts.at.bucket() == name);
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
        self.0.unfinished.remove(id);
        Ok(())
    }

    /// Makes the parts `wanted` one file of at most `limit` bytes, which `judge` must find right. Whoever says the last
    /// word again, because the answer was lost, gets the same answer.
    ///
    /// What is wrong with the parts is said at once. The copy takes as long as it takes, and goes on when nobody waits
    /// for it any more.
    pub fn multipart_complete<J: Judge>(
        &self,
        id: &str,
        at: &Location,
        wanted: Vec<Named>,
        limit: u64,
        judge: J,
    ) -> Result<impl Future<Output = Result<Stored, Error>> + Send + use<J>, Error> {
        let now = self.now();
        if self.0.unfinished.made(id, at).is_none() {
            let right = self.0.unfinished.at(id, at, |parts| {
                parts.touched = now;
                chosen(&parts.parts, &wanted).map(|_| ())
            });
            right??;
        }
        let (service, id, at) = (self.clone(), id.to_owned(), at.clone());
        let work = async move { service.put_together(&id, &at, &wanted, limit, judge).await };
        let work = tokio::spawn(work);
        Ok(async move {
            let done = work.await;
            done.map_err(|error| Error::internal("putting parts together", error))?
        })
    }

    async fn put_together(
        &self,
        id: &str,
        at: &Location,
        wanted: &[Named],
        limit: u64,
        judge: impl Judge,
    ) -> Result<Stored, Error> {
        if let Some(made) = self.0.unfinished.made(id, at) {
            return Ok(made);
        }
        let turn = self.0.unfinished.at(id, at, |parts| parts.turn.clone())?;
        let _turn = turn.lock().await;
        // Whoever had the turn before may have done it.
        if let Some(made) = self.0.unfinished.made(id, at) {
            return Ok(made);
        }
        let chosen = chosen(&self.multipart_parts(id, at)?, wanted)?;
        let pieces = stream::iter(chosen)
            .then(|part| async move { part.staged.read().await })
            .map_ok(|reading| reading.stream)
            .try_flatten()
            .map_err(Error::from);
        let staged = self.object_receive(at, judged(pieces, judge), limit).await?;
        // Whoever gave it up meanwhile does not want to see it.
        self.multipart_parts(id, at)?;
        let made = self.object_publish(at, staged).await?;
        self.0.unfinished.finish(id, at, &made);
        Ok(made)
    }
}

/// The same bytes, and the judgement as the last of them.
fn judged(
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send,
    judge: impl Judge,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let start = Some((Box::pin(pieces), judge));
    stream::unfold(start, |state| async move {
        let (mut pieces, mut judge) = state?;
        match pieces.next().await {
            Some(Ok(bytes)) => {
                judge.see(&bytes);
                Some((Ok(bytes), Some((pieces, judge))))
            }
            Some(Err(error)) => Some((Err(error), None)),
            None => judge.judge().err().map(|error| (Err(error), None)),
        }
    })
}

/// The parts that are to become a file, in order.
fn chosen(there: &BTreeMap<u16, Arc<Part>>, wanted: &[Named]) -> Result<Vec<Arc<Part>>, Error> {
    let invalid = |message: String| Error::invalid("invalid_part", message);
    if wanted.is_empty() {
        return Err(invalid("no parts are named; name at least one".into()));
    }
    if wanted
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.number >= b.number))
    {
        let message = "the parts are not in the order of their numbers";
        return Err(Error::invalid("invalid_part_order", message));
    }
    let mut chosen = Vec::with_capacity(wanted.len());
    for (place, Named { number, tag, sums }) in wanted.iter().enumerate() {
        let part = there
            .get(number)
            .filter(|part| tag.as_ref().is_none_or(|tag| *tag == part.tag));
        let Some(part) = part else {
            return Err(invalid(format!(
                "part {number} has not arrived, or with another content"
            )));
        };
        if let Some((name, _)) = sums.iter().find(|(name, sum)| part.sums.get(*name) != Some(sum)) {
            return Err(invalid(format!(
                "{name} of part {number} is not the one that it was sent with"
            )));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(touched: i64) -> Parts {
        Parts {
            at: Location::new("s3://b/k").unwrap(),
            parts: BTreeMap::new(),
            touched,
            turn: Arc::default(),
        }
    }

    #[test]
    fn room_is_made_by_what_nobody_goes_on_with() {
        let mut state = State::default();
        for number in 0..MOST as i64 {
            state.open.insert(number.to_string(), parts(number));
        }
        // The oldest one without a part makes room.
        assert_eq!(state.make_room(MOST as i64).unwrap().len(), 1);
        assert!(!state.open.contains_key("0") && state.open.len() == MOST - 1);
        assert!(state.make_room(MOST as i64).unwrap().is_empty());
        // What is older than a day goes, parts or not.
        assert_eq!(state.make_room(PATIENCE + 10).unwrap().len(), 10);
    }

    #[test]
    fn the_last_word_is_remembered_for_some() {
        let unfinished = Unfinished::default();
        let at = Location::new("s3://b/k").unwrap();
        let stored = Stored {
            size_bytes: 1,
            stamp: None,
            changed_micros: None,
        };
        for number in 0..=REMEMBERED {
            unfinished.finish(&number.to_string(), &at, &stored);
        }
        assert!(unfinished.made("0", &at).is_none());
        assert!(unfinished.made("1", &at).is_some());
        assert!(
            unfinished
                .made("1", &Location::new("s3://b/other").unwrap())
                .is_none()
        );
    }
}
