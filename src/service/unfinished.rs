//! Files that are arriving in parts, and those that were finished last: what [`super::multipart`] keeps between requests.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::Stored;
use super::error::Error;
use super::multipart::{Begun, Named, Part};
use crate::domain::location::Location;

/// Unfinished files at a time.
const MOST: usize = 1000;

/// Files that were finished last, whose last word may be said again.
const REMEMBERED: usize = 1000;

/// Nobody goes on with what has not been touched for so long, in microseconds.
const PATIENCE: i64 = 24 * 3600 * 1_000_000;

/// Files that are put together at once. They are, even when nobody waits for them any more; each has some 10 MiB in memory
/// and the disk to itself as little as the others.
const COPIES: usize = 16;

/// The files that arrive in parts.
#[derive(Debug)]
pub struct Unfinished {
    state: Mutex<State>,
    copies: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<String, Parts>,
    /// What was finished, the last one last.
    finished: VecDeque<Finished>,
}

/// What there is of one.
#[derive(Debug)]
pub(super) struct Parts {
    at: Location,
    pub(super) parts: BTreeMap<u16, Arc<Part>>,
    pub(super) touched: i64,
    /// Held by whoever receives a part of it.
    pub(super) arriving: Arc<()>,
    /// Held by whoever makes it one file.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    /// Whether it is being given its name, which cannot be taken back.
    pub(super) is_published: bool,
}

/// One that has become a file.
#[derive(Debug)]
struct Finished {
    id: String,
    at: Location,
    /// Stands for the parts that were named.
    list: u64,
    stored: Stored,
}

impl Default for Unfinished {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            copies: Arc::new(Semaphore::new(COPIES)),
        }
    }
}

impl Unfinished {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins one that will be at `at`, under the name `id`.
    pub(super) fn begin(&self, id: &str, at: &Location, now: i64) -> Result<(), Error> {
        let begun = Parts::new(at.clone(), now);
        let gone = self.with(|all| {
            let gone = all.make_room(now)?;
            all.open.insert(id.to_owned(), begun);
            Ok::<_, Error>(gone)
        });
        // Parts are removed where nobody waits for the lock.
        gone.map(drop)
    }

    /// The unfinished file `id`, if it will be at `at`.
    pub(super) fn at<T>(
        &self,
        id: &str,
        at: &Location,
        work: impl FnOnce(&mut Parts) -> T,
    ) -> Result<T, Error> {
        self.with(|all| match all.open.get_mut(id).filter(|parts| parts.at == *at) {
            Some(parts) => Ok(work(parts)),
            None => Err(Error::not_found("multipart upload", id)),
        })
    }

    /// Those that will be in the bucket `name`, in the order of their keys.
    pub(super) fn of_bucket(&self, name: &str) -> Vec<Begun> {
        let mut begun: Vec<Begun> = self.with(|all| {
            let of_bucket = all.open.iter().filter(|(_, parts)| parts.at.bucket() == name);
            let begun = of_bucket.map(|(id, parts)| Begun {
                id: id.clone(),
                at: parts.at.clone(),
                touched_micros: parts.touched,
            });
            begun.collect()
        });
        begun.sort_by(|a, b| (a.at.key(), &a.id).cmp(&(b.at.key(), &b.id)));
        begun
    }

    /// A place among those that are put together at once.
    pub(super) fn copy(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = self.copies.clone().try_acquire_owned();
        place.map_err(|_| {
            let message =
                format!("{COPIES} multipart uploads are put together already; complete it again later");
            Error::unavailable("overloaded", message)
        })
    }

    /// What the upload `id` has become of the parts `wanted`; none if it is no file yet, or is not remembered.
    pub(super) fn made(&self, id: &str, at: &Location, wanted: &[Named]) -> Result<Option<Stored>, Error> {
        self.with(|all| {
            let found = all.finished.iter().find(|made| made.id == id && made.at == *at);
            match found {
                Some(made) if made.list != digest(wanted) => Err(Error::invalid(
                    "invalid_part",
                    "the upload was completed with other parts; send the same list, or begin another upload",
                )),
                found => Ok(found.map(|made| made.stored.clone())),
            }
        })
    }

    /// Gives the upload `id` up; its parts are removed. Where it is just becoming a file, whoever does that is waited for
    /// first, and nothing is given up if there is a file in the end.
    pub(super) async fn give_up(&self, id: &str, at: &Location) -> Result<(), Error> {
        let turn = self.with(|all| match all.open.get(id).filter(|parts| parts.at == *at) {
            Some(parts) if parts.is_published => Some(parts.turn.clone()),
            _ => None,
        });
        let _turn = match turn {
            Some(turn) => Some(turn.lock_owned().await),
            None => None,
        };
        self.at(id, at, |_| ())?;
        drop(self.with(|all| all.open.remove(id)));
        Ok(())
    }

    /// Forgets everything that would come into the bucket `name`, or has.
    pub(super) fn leave(&self, name: &str) {
        let gone: Vec<Parts> = self.with(|all| {
            all.finished.retain(|made| made.at.bucket() != name);
            let of_bucket = all.open.extract_if(|_, parts| parts.at.bucket() == name);
            of_bucket.map(|(_, parts)| parts).collect()
        });
        drop(gone);
    }

    /// Remembers what the upload `id` has become of the parts `wanted`.
    pub(super) fn finish(&self, id: &str, at: &Location, wanted: &[Named], stored: &Stored) {
        let made = Finished {
            id: id.to_owned(),
            at: at.clone(),
            list: digest(wanted),
            stored: stored.clone(),
        };
        let ended = self.with(|all| {
            if all.finished.len() == REMEMBERED {
                all.finished.pop_front();
            }
            all.finished.push_back(made);
            all.open.remove(id)
        });
        drop(ended);
    }
}

impl Parts {
    fn new(at: Location, now: i64) -> Self {
        Self {
            at,
            parts: BTreeMap::new(),
            touched: now,
            arriving: Arc::default(),
            turn: Arc::default(),
            is_published: false,
        }
    }

    /// Whether a part of it is just arriving, or all of them become a file.
    fn is_busy(&self) -> bool {
        Arc::strong_count(&self.arriving) > 1 || Arc::strong_count(&self.turn) > 1
    }
}

/// A list of parts may have 10,000 of them, so that a number stands for it. Who finds another list of the same number
/// deceives nobody but himself.
fn digest(wanted: &[Named]) -> u64 {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    hasher.finish()
}

impl State {
    /// Makes room for one more: what nobody goes on with goes, and of those without any part the one that waits longest.
    fn make_room(&mut self, now: i64) -> Result<Vec<Parts>, Error> {
        let idle = |parts: &Parts| !parts.is_busy();
        let late: Vec<String> = self
            .open
            .iter()
            .filter(|(_, parts)| now - parts.touched >= PATIENCE && idle(parts))
            .map(|(id, _)| id.clone())
            .collect();
        let mut gone: Vec<Parts> = late.iter().filter_map(|id| self.open.remove(id)).collect();
        if self.open.len() >= MOST {
            let mut empty: Vec<_> = self.open.iter().collect();
            empty.retain(|(_, parts)| parts.parts.is_empty() && idle(parts));
            let oldest = empty
                .iter()
                .min_by_key(|(id, parts)| (parts.touched, id.as_str()));
            let Some(oldest) = oldest.map(|(id, _)| (*id).clone()) else {
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn at() -> Location {
        Location::new("s3://b/k").unwrap()
    }

    fn stored() -> Stored {
        Stored {
            size_bytes: 1,
            stamp: None,
            changed_micros: None,
        }
    }

    fn named(number: u16) -> Vec<Named> {
        vec![Named {
            number,
            ..Named::default()
        }]
    }

    #[test]
    fn room_is_made_by_what_nobody_goes_on_with() {
        let mut state = State::default();
        for number in 0..MOST as i64 {
            state.open.insert(number.to_string(), Parts::new(at(), number));
        }
        // The oldest one without a part makes room, unless its first part is just arriving.
        let arriving = state.open["0"].arriving.clone();
        assert_eq!(state.make_room(MOST as i64).unwrap().len(), 1);
        assert!(state.open.contains_key("0") && !state.open.contains_key("1"));
        assert!(state.make_room(MOST as i64).unwrap().is_empty());
        // What is older than a day goes, parts or not.
        assert_eq!(state.make_room(PATIENCE + 10).unwrap().len(), 9);
        drop(arriving);
        assert_eq!(state.make_room(PATIENCE + 10).unwrap().len(), 1);
        // Where a part arrives of each there is no room.
        let held: Vec<_> = (0..MOST as i64)
            .map(|number| {
                let parts = Parts::new(at(), number);
                let arriving = parts.arriving.clone();
                state.open.insert(number.to_string(), parts);
                arriving
            })
            .collect();
        assert!(state.make_room(MOST as i64).is_err());
        drop(held);
    }

    #[test]
    fn the_last_word_is_remembered_for_some() {
        let unfinished = Unfinished::default();
        for number in 0..=REMEMBERED {
            unfinished.finish(&number.to_string(), &at(), &named(1), &stored());
        }
        assert!(unfinished.made("0", &at(), &named(1)).unwrap().is_none());
        assert!(unfinished.made("1", &at(), &named(1)).unwrap().is_some());
        let other = Location::new("s3://b/other").unwrap();
        assert!(unfinished.made("1", &other, &named(1)).unwrap().is_none());
        // Another last word is not the same.
        let error = unfinished.made("1", &at(), &named(2)).unwrap_err();
        assert_eq!(error.code(), "invalid_part");
        unfinished.leave("b");
        assert!(unfinished.made("1", &at(), &named(1)).unwrap().is_none());
    }

    #[test]
    fn copies_are_bounded() {
        let unfinished = Unfinished::default();
        let held: Vec<_> = (0..COPIES).map(|_| unfinished.copy().unwrap()).collect();
        assert_eq!(unfinished.copy().unwrap_err().code(), "overloaded");
        drop(held);
        assert!(unfinished.copy().is_ok());
    }

    #[tokio::test]
    async fn what_is_given_its_name_is_not_given_up_meanwhile() {
        let unfinished = Unfinished::default();
        for becomes_file in [true, false] {
            unfinished.begin("id", &at(), 0).unwrap();
            let turn = unfinished.at("id", &at(), |parts| parts.turn.clone()).unwrap();
            let held = turn.lock_owned().await;
            unfinished
                .at("id", &at(), |parts| parts.is_published = true)
                .unwrap();
            let (id, place) = ("id".to_owned(), at());
            let mut given_up = Box::pin(unfinished.give_up(&id, &place));
            assert!(given_up.as_mut().now_or_never().is_none());
            if becomes_file {
                unfinished.finish("id", &at(), &named(1), &stored());
            }
            drop(held);
            assert_eq!(given_up.await.is_err(), becomes_file);
            assert!(unfinished.at("id", &at(), |_| ()).is_err());
        }
    }
}
