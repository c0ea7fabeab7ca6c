//! The rows that jobs read as one table: a version of a dataset, or the files at a location.

use std::sync::Arc;

use super::chain::Chain;
use super::context::JobContext;
use super::files::{self, Checked};
use super::runner::JobError;
use crate::blob::{BlobError, Blobs, Listed, RandomReader};
use crate::domain::dataset::{ContentHash, DatasetVersion};
use crate::domain::entity::Entity;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::{DataSourceSpec, SourceFile};
use crate::ml::ingest::decompress::{Source, read_prefix};
use crate::ml::ingest::{HeaderMode, Options};
use crate::ml::parquet::{Files, ReadAt, TELLING, is_parquet};
use crate::ml::pipeline::{PipelineError, Table};

/// One version of a dataset, or files one after the other, as a table.
#[derive(Debug)]
pub struct BlobTable {
    blobs: Blobs,
    files: Vec<Listed>,
    name: String,
    bytes: u64,
    header: HeaderMode,
    /// How files of a location are read; none for an upload, which is handed on as it is.
    located: Option<Located>,
}

/// How the files of a location are put together.
#[derive(Debug, Clone)]
struct Located {
    /// Whether each file begins with the names of the columns.
    named: bool,
    /// The names of the columns as a line of CSV, where the files do not have it.
    line: Vec<u8>,
    /// Whether they are Parquet, which has names of its own.
    columnar: bool,
}

impl BlobTable {
    /// The dataset version that `entity` pins, or the files that its data source was made from. Fails for good
    /// when they are not there any more, or not the same.
    pub fn of(
        blobs: &Blobs,
        job: &ClaimedJob,
        entity: &Entity,
        header: HeaderMode,
        context: &JobContext,
    ) -> Result<Self, JobError> {
        if let Some(work) = entity.data_source()
            && (work.spec.location.is_some() || work.spec.query.is_some())
        {
            let files = work.result.as_ref().map(|result| result.files.clone());
            let checked = Checked::again(blobs, files.unwrap_or_default(), context)?;
            return Self::located(blobs, &work.spec, &checked.files);
        }
        let Some(DatasetVersion { blob, size_bytes, .. }) = job.dataset_of(entity) else {
            return Err(files::changed(
                "the dataset version this was made for does not exist any more",
            ));
        };
        let file = match blobs.look_blocking(blob) {
            Ok(found) if found.size_bytes == *size_bytes => found,
            Ok(_) => {
                return Err(files::changed(
                    "the dataset version this was made for was changed in the store",
                ));
            }
            Err(BlobError::NotFound { .. }) => {
                return Err(files::changed(
                    "the dataset version this was made for is missing in the store",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        let pin = entity.body.dataset();
        Ok(Self {
            blobs: blobs.clone(),
            files: vec![file],
            name: pin.map_or_else(String::new, |pin| pin.name.as_str().to_string()),
            bytes: *size_bytes,
            header,
            located: None,
        })
    }

    /// Some files of the data source `spec`, one after the other.
    pub fn located(blobs: &Blobs, spec: &DataSourceSpec, files: &[SourceFile]) -> Result<Self, JobError> {
        let columnar = match files {
            [first, ..] => is_columnar(blobs, &pinned(first))?,
            [] => false,
        };
        let named = columnar || spec.header.as_deref() == Some("yes");
        let names = files::declared(spec)?;
        let line = match named {
            true => Vec::new(),
            false => files::line_of(&names),
        };
        let name = match files {
            [only] => only.key.as_str().rsplit('/').next().unwrap_or_default(),
            _ => "",
        };
        Ok(Self {
            blobs: blobs.clone(),
            files: files.iter().map(pinned).collect(),
            name: name.to_owned(),
            bytes: files.iter().map(|file| file.size_bytes).sum(),
            header: HeaderMode::Yes,
            located: Some(Located {
                named,
                line,
                columnar,
            }),
        })
    }

    /// Names the bytes and how they are read: the key of an upload belongs to one content.
    pub fn identity(&self, files: &[SourceFile]) -> String {
        let keys: Vec<&str> = self.files.iter().map(|file| file.key.as_str()).collect();
        let hashes: String = files.iter().map(|file| format!(" {}", file.hash)).collect();
        format!("{} {} {:?}{hashes}", keys.join(" "), self.bytes, self.header)
    }
}

/// A file as the job that reads it expects it.
fn pinned(file: &SourceFile) -> Listed {
    Listed {
        key: file.key.clone(),
        size_bytes: file.size_bytes,
        stamp: file.stamp.clone(),
        changed_micros: None,
    }
}

/// The hash that names all bytes of a data source: that of its only file, or of the list of hashes.
pub fn data_hash(entity: &Entity) -> String {
    if let Some(pin) = entity.body.dataset() {
        return pin.version.as_str().to_string();
    }
    let work = entity.data_source();
    let files = work
        .and_then(|work| work.result.as_ref())
        .map(|result| result.files.as_slice());
    match files.unwrap_or_default() {
        [] => String::new(),
        [only] => only.hash.to_string(),
        all => {
            let list: String = all.iter().map(|file| format!("{}\n", file.hash)).collect();
            ContentHash::of(list.as_bytes()).to_string()
        }
    }
}

impl Table for BlobTable {
    fn open(&self) -> std::io::Result<Source> {
        if let Some(located) = &self.located {
            let chain = Chain::new(
                &self.blobs,
                self.files.clone(),
                located.named,
                located.line.clone(),
            );
            return Ok(Box::new(chain));
        }
        let Some(file) = self.files.first() else {
            return Err(std::io::Error::other("there is no file"));
        };
        // One that has changed by now is found by the next attempt before it begins.
        Ok(Box::new(self.blobs.open_listed(file)?))
    }

    fn any_place(&self, _begun: Source) -> std::io::Result<Arc<dyn ReadAt>> {
        match self.files.as_slice() {
            [only] => Ok(Arc::new(Anywhere(self.blobs.open_random(only)?))),
            _ => Err(std::io::Error::other("several files have no places in common")),
        }
    }

    fn column_files(&self) -> Option<Files> {
        self.located.as_ref().filter(|located| located.columnar)?;
        let blobs = self.blobs.clone();
        let files = self.files.clone().into_iter().map(move |file| {
            let opened = blobs.open_random(&file).map_err(std::io::Error::from);
            let bytes = opened.map(|reader| Arc::new(Anywhere(reader)) as Arc<dyn ReadAt>);
            (files::named(&file.key), bytes)
        });
        Some(Box::new(files))
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn header(&self) -> HeaderMode {
        self.header
    }

    fn options(&self) -> Options {
        let added = self
            .located
            .as_ref()
            .is_some_and(|located| !located.line.is_empty());
        let usual = Options {
            header: self.header,
            ..Options::default()
        };
        match &self.located {
            // The line of names is ours, so the first line of the file is still the first.
            Some(_) => Options {
                delimiter: Some(b','),
                first_line: if added { 0 } else { 1 },
                ..usual
            },
            None => usual,
        }
    }
}

/// Whether a file is Parquet, by its first bytes.
fn is_columnar(blobs: &Blobs, file: &Listed) -> Result<bool, JobError> {
    let mut file = blobs.open_listed(file)?;
    let first = read_prefix(&mut file, TELLING).map_err(PipelineError::Write)?;
    Ok(is_parquet(&first))
}

/// A stored file as the core reads it at any place.
struct Anywhere(RandomReader);

impl ReadAt for Anywhere {
    fn size(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> std::io::Result<()> {
        self.0.read_at(at, into)
    }
}
