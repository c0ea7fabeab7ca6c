//! Parts of a batch among the files of its entity, so that any attempt can go on with them.

use std::io::{self, Write};

use crate::blob::{BlobError, Blobs, BlockingWriter, key};
use crate::domain::ids::EntityRef;
use crate::ml::ingest::decompress::Source;
use crate::ml::pipeline::batch::{PartFile, Parts};

/// The parts of one entity.
#[derive(Debug)]
pub struct BlobParts {
    blobs: Blobs,
    at: EntityRef,
}

impl BlobParts {
    /// The parts of the entity at `at`.
    pub fn of(blobs: &Blobs, at: EntityRef) -> Self {
        let blobs = blobs.clone();
        Self { blobs, at }
    }
}

impl Parts for BlobParts {
    fn fresh(&self) -> io::Result<String> {
        let word = getrandom::u64().map_err(io::Error::other)?;
        Ok(format!("{word:016x}"))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn PartFile>> {
        let writer = self.blobs.write_blocking(&key::part(&self.at, name))?;
        Ok(Box::new(BlobPart { writer }))
    }

    fn open(&self, name: &str) -> io::Result<Option<Source>> {
        match self.blobs.open_blocking(&key::part(&self.at, name)) {
            Ok(reader) => Ok(Some(Box::new(reader))),
            Err(BlobError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A part that is being written.
struct BlobPart {
    writer: BlockingWriter,
}

impl Write for BlobPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl PartFile for BlobPart {
    fn keep(self: Box<Self>) -> io::Result<()> {
        self.writer.publish()?;
        Ok(())
    }
}
