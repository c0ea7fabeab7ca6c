//! Files of buckets that arrive in parts. Parts wait in files that nobody sees; the last word makes them one file. What
//! is not ended goes after a day, and with the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::Service;
use super::answers::Stored;
use super::creation::random;
use super::error::Error;
use super::objects::missing;
use super::unfinished::Parts;
use crate::blob::{Staged, key};
use crate::domain::ids::random_text;
use crate::domain::location::Location;

/// The highest number of a part.
pub const MOST_PARTS: u16 = 10_000;

/// The least that each part but the last has, in bytes.
const LEAST: u64 = 5 << 20;

/// Sums of bytes as their senders know them, by the names of the headers that carry them.
pub type Sums = BTreeMap<&'static str, String>;

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
        self.0.unfinished.begin(&id, at, self.now())?;
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
        let begun = self.now();
        // All parts together are bounded as one file is. What is held says that nobody else may make room here.
        let (room, _arriving) = self.0.unfinished.at(id, at, |parts| {
            parts.touched = begun;
            (rest(parts), parts.arriving.clone())
        })?;
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
        Ok(self.0.unfinished.of_bucket(name))
    }

    /// Gives an unfinished file up. It is one or the other: after this there is no file, or there was one before and this
    /// says that there is no such upload.
    pub async fn multipart_abort(&self, id: &str, at: &Location) -> Result<(), Error> {
        self.0.unfinished.give_up(id, at).await
    }

    /// Makes the parts `wanted` one file of at most `limit` bytes, which `judge` must find right. Whoever says the last
    /// word again, because the answer was lost, gets the same answer for as long as there is a file.
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
        if self.0.unfinished.made(id, at, &wanted)?.is_none() {
            let right = self.0.unfinished.at(id, at, |parts| {
                parts.touched = now;
                chosen(&parts.parts, &wanted).map(|_| ())
            });
            right??;
        }
        let (service, id, at) = (self.clone(), id.to_owned(), at.clone());
        Ok(async move { service.put_together(id, at, wanted, limit, judge).await })
    }

    /// Waits for its turn, which ends with whoever waits, and has the parts copied, which does not.
    async fn put_together(
        self,
        id: String,
        at: Location,
        wanted: Vec<Named>,
        limit: u64,
        judge: impl Judge,
    ) -> Result<Stored, Error> {
        if let Some(made) = self.made(&id, &at, &wanted).await? {
            return Ok(made);
        }
        let turn = self.0.unfinished.at(&id, &at, |parts| parts.turn.clone())?;
        let turn = turn.lock_owned().await;
        // Whoever had the turn before may have done it.
        if let Some(made) = self.made(&id, &at, &wanted).await? {
            return Ok(made);
        }
        let place = self.0.unfinished.copy()?;
        let work = tokio::spawn(async move {
            let made = self.copied(&id, &at, &wanted, limit, judge).await;
            drop((turn, place));
            made
        });
        let made = work.await;
        made.map_err(|error| Error::internal("putting parts together", error))?
    }

    /// The file that was made before of the parts `wanted`, if it is there still.
    async fn made(&self, id: &str, at: &Location, wanted: &[Named]) -> Result<Option<Stored>, Error> {
        let Some(made) = self.0.unfinished.made(id, at, wanted)? else {
            return Ok(None);
        };
        match self.object(at).await {
            Ok(_) => Ok(Some(made)),
            Err(Error::NotFound { kind: "file", .. }) => Err(Error::not_found("multipart upload", id)),
            Err(error) => Err(error),
        }
    }

    async fn copied(
        &self,
        id: &str,
        at: &Location,
        wanted: &[Named],
        limit: u64,
        judge: impl Judge,
    ) -> Result<Stored, Error> {
        let unfinished = &self.0.unfinished;
        let chosen = chosen(&self.multipart_parts(id, at)?, wanted)?;
        let pieces = stream::iter(chosen)
            .then(|part| async move {
                // Whoever gave it up meanwhile does not want to see it.
                unfinished.at(id, at, |_| ())?;
                Ok::<_, Error>(part.staged.read().await?.stream.map_err(Error::from))
            })
            .try_flatten();
        let staged = self.object_receive(at, judged(pieces, judge), limit).await?;
        // Until here it can be given up; from here on whoever wants that waits for the end.
        unfinished.at(id, at, |parts| parts.is_published = true)?;
        let made = self.object_publish(at, staged).await;
        match &made {
            Ok(made) => unfinished.finish(id, at, wanted, made),
            // It can be tried again, or given up meanwhile.
            Err(_) => drop(unfinished.at(id, at, |parts| parts.is_published = false)),
        }
        made
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
