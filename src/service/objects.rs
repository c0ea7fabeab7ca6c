//! Files of buckets, as those who speak S3 ask for them. The bucket of uploads is no business of theirs: its files have
//! names and versions in the catalogue.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::Service;
use super::answers::{ObjectPage, Reading, Stored};
use super::error::Error;
use super::requests::{ByteRange, ObjectQuery};
use crate::blob::folders::{Folder, Standing};
use crate::blob::{BlobError, Listed, Staged, key};
use crate::domain::ids::BlobKey;
use crate::domain::location::{Location, UPLOADS};

/// The most files that one page of a list has.
pub const PAGE: usize = 1000;

/// How often a file is looked at that is replaced while it is opened.
const AGAIN: usize = 3;

/// Whether a list can show the character: XML 1.0 has no place for some, not even escaped.
pub fn is_carried(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The place of a file, or of a folder if the key ends in `/`, in a bucket that is open to those who speak S3.
pub fn place(bucket: &str, key: &str) -> Result<Location, Error> {
    if bucket == UPLOADS {
        return Err(Error::not_found("bucket", bucket));
    }
    let mut odd = key.chars().enumerate();
    if let Some((place, c)) = odd.find(|(_, c)| c.is_control() || !is_carried(*c)) {
        let message = format!(
            "character {} of the key is U+{:04X}, which a list could not show; leave it out",
            place + 1,
            u32::from(c)
        );
        return Err(Error::invalid("invalid_location", message));
    }
    let at = Location::new(format!("s3://{bucket}/{key}"));
    let at = at.map_err(|error| Error::invalid("invalid_location", error.to_string()))?;
    match at.bucket() == bucket && !at.key().is_empty() {
        true => Ok(at),
        false => Err(Error::invalid(
            "invalid_location",
            format!("`{at}` names no file: a key must not be empty"),
        )),
    }
}

/// The tag of a folder: the MD5 of no bytes, which others have there.
const NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// What is known of a folder, which stands for the empty file that others keep under a name that ends in `/`.
fn folder(changed_micros: i64) -> Stored {
    Stored {
        size_bytes: 0,
        stamp: Some(NOTHING.to_owned()),
        changed_micros: Some(changed_micros),
    }
}

impl Service {
    /// The buckets on this machine.
    pub async fn buckets(&self) -> Result<Vec<Folder>, Error> {
        Ok(self.0.blobs.folders().await?)
    }

    /// The bucket `name`, which must be on this machine.
    pub async fn bucket(&self, name: &str) -> Result<Folder, Error> {
        match self.0.blobs.standing(name).await? {
            Standing::Folder(folder) => Ok(folder),
            Standing::Missing => Err(Error::not_found("bucket", name)),
            Standing::Elsewhere => Err(Error::Forbidden {
                code: "bucket_refused",
                message: format!("the bucket `{name}` lies in another store; ask there"),
            }),
        }
    }

    /// Makes the bucket `name`; false if it is there already.
    pub async fn bucket_make(&self, name: &str) -> Result<bool, Error> {
        let at = Location::new(format!("s3://{name}"));
        let at = at.map_err(|error| Error::invalid("invalid_location", error.to_string()))?;
        if at.bucket() != name {
            let message = format!("`{name}` is no name of a bucket");
            return Err(Error::invalid("invalid_location", message));
        }
        match self.0.blobs.standing(name).await? {
            Standing::Folder(_) => Ok(false),
            Standing::Missing if name != UPLOADS => Ok(self.0.blobs.make_folder(name).await?),
            Standing::Missing | Standing::Elsewhere => Err(Error::Forbidden {
                code: "bucket_refused",
                message: format!("the bucket `{name}` is not to be made here; choose another name"),
            }),
        }
    }

    /// Removes the bucket `name`, which must be empty; false if it is not.
    pub async fn bucket_remove(&self, name: &str) -> Result<bool, Error> {
        self.bucket(name).await?;
        if self.0.blobs.is_chosen(name) {
            return Err(Error::Forbidden {
                code: "bucket_refused",
                message: format!(
                    "the bucket `{name}` is a folder that whoever runs the server chose; it stays"
                ),
            });
        }
        let is_removed = self.0.blobs.remove_folder(name).await?;
        if is_removed {
            self.0.unfinished.leave(name);
        }
        Ok(is_removed)
    }

    /// What is known of a file.
    pub async fn object(&self, at: &Location) -> Result<Stored, Error> {
        self.bucket(at.bucket()).await?;
        let place = key::located(at);
        if at.is_folder() {
            let found = self.0.blobs.look_path(&place).await;
            let found = found.map_err(|error| missing(at, error))?;
            return found
                .map(folder)
                .ok_or_else(|| Error::not_found("file", at.key()));
        }
        let found = self.0.blobs.look(&place).await;
        found.map(stored).map_err(|error| missing(at, error))
    }

    /// Opens a file of a bucket, or a part of it, and says what it is.
    pub async fn object_read(
        &self,
        at: &Location,
        range: Option<ByteRange>,
    ) -> Result<(Stored, Reading), Error> {
        let mut file = self.object(at).await?;
        if at.is_folder() {
            if range.is_some() {
                return Err(Error::invalid("empty_range", "a folder has no bytes"));
            }
            let reading = Reading {
                size_bytes: 0,
                range: 0..0,
                stream: futures_util::stream::empty().boxed(),
            };
            return Ok((file, reading));
        }
        let place = key::located(at);
        for _ in 0..AGAIN {
            let wanted = range.map(|range| {
                let message = format!(
                    "the file has {} bytes, none of which are asked for",
                    file.size_bytes
                );
                let found = range.resolve(file.size_bytes);
                found.ok_or_else(|| Error::invalid("empty_range", message))
            });
            let read = self.0.blobs.read(&place, wanted.transpose()?).await;
            let reading = read.map_err(|error| missing(at, error))?;
            if reading.stamp == file.stamp {
                let reading = Reading {
                    size_bytes: reading.size_bytes,
                    range: reading.range,
                    stream: reading.stream.map_err(Error::from).boxed(),
                };
                return Ok((file, reading));
            }
            file = self.object(at).await?;
        }
        let message = format!("`{at}` is replaced again and again; try again when it is quiet");
        Err(Error::unavailable("unavailable", message))
    }

    /// Receives a file of a bucket, of at most `limit` bytes. Until everything has arrived and is on disk, nothing is to
    /// be seen of it.
    pub async fn object_put(
        &self,
        at: &Location,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
        limit: u64,
    ) -> Result<Stored, Error> {
        let staged = self.object_receive(at, body, limit).await?;
        self.object_publish(at, staged).await
    }

    pub(super) async fn object_receive(
        &self,
        at: &Location,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
        limit: u64,
    ) -> Result<Staged, Error> {
        self.bucket(at.bucket()).await?;
        let body = std::pin::pin!(body);
        let limit = limit.min(self.0.limits.upload_bytes);
        let received = self.0.blobs.receive_at(&key::located(at), body, limit).await;
        received.map_err(|error| missing(at, error))
    }

    pub(super) async fn object_publish(&self, at: &Location, staged: Staged) -> Result<Stored, Error> {
        // Whoever removed the bucket while the file arrived does not want to see it again.
        self.bucket(at.bucket()).await?;
        let to = key::located(at);
        // On a task of its own: a caller who goes away now must not leave the file without a name.
        let kept = tokio::spawn(async move { staged.publish(&to).await });
        let kept = kept
            .await
            .map_err(|e| Error::internal("keeping a file of a bucket", e))?;
        let kept = kept.map_err(|error| missing(at, error))?;
        Ok(Stored {
            size_bytes: kept.size_bytes,
            stamp: kept.stamp,
            changed_micros: kept.changed_micros,
        })
    }

    /// Removes a file of a bucket, or an empty folder in it; what is not there is no error. Folders that are empty then go
    /// too: they are there for what is in them, and would be listed without it.
    pub async fn object_delete(&self, at: &Location) -> Result<(), Error> {
        self.bucket(at.bucket()).await?;
        let place = key::located(at);
        let blobs = &self.0.blobs;
        let is_removed = match at.is_folder() {
            true => blobs.remove_path(&place).await,
            false => blobs.remove(&place).await,
        };
        match is_removed {
            Ok(true) => Ok(blobs.remove_around(&place, at.bucket()).await?),
            Ok(false) | Err(BlobError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a folder in a bucket.
    pub async fn object_folder(&self, at: &Location) -> Result<Stored, Error> {
        self.bucket(at.bucket()).await?;
        let made = self.0.blobs.make_path(&key::located(at)).await;
        made.map_err(|error| missing(at, error))?;
        self.object(at).await
    }

    /// One page of the files of the bucket `name`, and of the folders with nothing in them, in the order of their keys.
    pub async fn object_list(&self, name: &str, query: &ObjectQuery) -> Result<ObjectPage, Error> {
        self.bucket(name).await?;
        let all = format!("{}/{name}", key::DATASETS);
        // Only the folder that the prefix leads to is looked through.
        let folder = query
            .prefix
            .rsplit_once('/')
            .map(|(folder, _)| format!("{all}/{folder}"));
        let folder = folder.filter(|folder| BlobKey::new(folder.as_str()).is_ok());
        let below = format!("{all}/");
        let found = self.0.blobs.contents(folder.as_deref().unwrap_or(&all)).await?;
        let in_bucket = |key: &BlobKey| {
            let key = key.as_str().strip_prefix(&below)?;
            key.chars().all(is_carried).then(|| key.to_owned())
        };
        let files = found.files.into_iter();
        let files = files.filter_map(|file| Some((in_bucket(&file.key)?, stored(file))));
        let folders = found.empty.into_iter();
        let folders =
            folders.filter_map(|(key, changed)| Some((in_bucket(&key)? + "/", self::folder(changed))));
        let mut listed: Vec<(String, Stored)> = files.chain(folders).collect();
        // With its slash a folder has another place than without.
        listed.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(page(listed.into_iter(), query))
    }
}

/// One page of `files`, which come in the order of their keys.
fn page(files: impl Iterator<Item = (String, Stored)>, query: &ObjectQuery) -> ObjectPage {
    let mut page = ObjectPage::default();
    let mut last = String::new();
    for (key, file) in files {
        let Some(rest) = key.strip_prefix(&query.prefix) else {
            continue;
        };
        let beginning = match rest.split_once(query.delimiter.as_str()) {
            Some((name, _)) if !query.delimiter.is_empty() => {
                Some(format!("{}{name}{}", query.prefix, query.delimiter))
            }
            _ => None,
        };
        // What comes after a common beginning has another one.
        let is_told = beginning
            .as_ref()
            .is_some_and(|beginning| *beginning == query.after || page.beginnings.last() == Some(beginning));
        if key <= query.after || is_told {
            continue;
        }
        let entry = beginning.as_ref().unwrap_or(&key);
        if page.files.len() + page.beginnings.len() == query.limit {
            page.next = (query.limit > 0).then_some(last);
            return page;
        }
        last.clone_from(entry);
        match beginning {
            Some(beginning) => page.beginnings.push(beginning),
            None => page.files.push((key, file)),
        }
    }
    page
}

fn stored(file: Listed) -> Stored {
    Stored {
        size_bytes: file.size_bytes,
        stamp: file.stamp,
        changed_micros: file.changed_micros,
    }
}

/// Errors of the store in the words of those who asked for the file.
pub(super) fn missing(at: &Location, error: BlobError) -> Error {
    match error {
        BlobError::NotFound { .. } => Error::not_found("file", at.key()),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(keys: &[&str], query: ObjectQuery) -> (Vec<String>, Vec<String>, Option<String>) {
        let file = Stored {
            size_bytes: 1,
            stamp: None,
            changed_micros: None,
        };
        let files = keys.iter().map(|key| ((*key).to_owned(), file.clone()));
        let page = page(files, &query);
        let files = page.files.into_iter().map(|(key, _)| key).collect();
        (files, page.beginnings, page.next)
    }

    #[test]
    fn pages_follow_one_another_and_say_nothing_twice() {
        let keys = ["a", "a/1", "a/2", "a/b/3", "b/4", "c", "d/5"];
        for limit in 1..9 {
            for delimiter in ["", "/"] {
                let (mut files, mut beginnings, mut after) = (Vec::new(), Vec::new(), String::new());
                loop {
                    let query = ObjectQuery {
                        delimiter: delimiter.into(),
                        after: after.clone(),
                        limit,
                        ..ObjectQuery::default()
                    };
                    let page = listed(&keys, query);
                    assert!(page.0.len() + page.1.len() <= limit);
                    files.extend(page.0);
                    beginnings.extend(page.1);
                    match page.2 {
                        Some(next) => after = next,
                        None => break,
                    }
                }
                match delimiter {
                    "" => assert_eq!(
                        (files, beginnings),
                        (keys.map(str::to_owned).to_vec(), Vec::new())
                    ),
                    _ => assert_eq!(
                        (files, beginnings),
                        (
                            ["a", "c"].map(str::to_owned).to_vec(),
                            ["a/", "b/", "d/"].map(str::to_owned).to_vec()
                        )
                    ),
                }
            }
        }
        let nothing = ObjectQuery::default();
        assert_eq!(listed(&keys, nothing), (Vec::new(), Vec::new(), None));
    }

    #[test]
    fn prefixes_need_not_end_at_a_slash() {
        let keys = ["day1/x", "day2/x", "day2/y/z", "night"];
        let query = |prefix: &str| ObjectQuery {
            prefix: prefix.into(),
            delimiter: "/".into(),
            limit: 10,
            ..ObjectQuery::default()
        };
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            listed(&keys, query("day")),
            (Vec::new(), owned(&["day1/", "day2/"]), None)
        );
        assert_eq!(
            listed(&keys, query("day2/")),
            (owned(&["day2/x"]), owned(&["day2/y/"]), None)
        );
    }
}
