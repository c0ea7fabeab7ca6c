//! The files at a location: found and hashed when they are first read, and checked before each later use.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::context::JobContext;
use super::runner::JobError;
use crate::blob::{BlobError, Blobs, Listed, key};
use crate::domain::dataset::ContentHash;
use crate::domain::entity::Problem;
use crate::domain::ids::BlobKey;
use crate::domain::location::Location;
use crate::domain::spec::{DataSourceSpec, SourceFile};
use crate::ml::schema::Schema;

/// The end of the name of a schema, which lies beside the data.
pub const SCHEMA: &str = ".schema";

/// What writers of many Parquet files leave beside them: what is in these is in the files too.
const ABOUT: [&str; 2] = ["_metadata", "_common_metadata"];

/// Files that a data source may have.
const MOST_FILES: usize = 100_000;

/// Files that are looked at together.
const AT_ONCE: usize = 32;

/// Bytes that are hashed at once.
const PIECE: usize = 1 << 20;

/// Files that are there, with the contents that they are said to have.
#[derive(Debug)]
pub struct Checked {
    /// In the order in which they are read.
    pub files: Vec<SourceFile>,
}

impl Checked {
    /// Finds the files at `location` and hashes each.
    pub fn find(blobs: &Blobs, location: &Location, context: &JobContext) -> Result<Self, JobError> {
        let found = listed(blobs, location)?;
        let mut files = Vec::with_capacity(found.len());
        for file in found {
            let hash = hash(blobs, &file, context)?;
            files.push(SourceFile {
                key: file.key,
                size_bytes: file.size_bytes,
                stamp: file.stamp,
                hash,
            });
        }
        Ok(Self { files })
    }

    /// Fails for good unless each file is there and has the content that it had. What the store says of it is enough
    /// where nothing has changed; otherwise it is hashed again.
    pub fn again(blobs: &Blobs, mut files: Vec<SourceFile>, context: &JobContext) -> Result<Self, JobError> {
        for some in files.chunks_mut(AT_ONCE) {
            context.go_on()?;
            let found = blobs.look_all_blocking(some.iter().map(|file| &file.key));
            for (file, found) in some.iter_mut().zip(found) {
                compare(blobs, file, found, context)?;
            }
        }
        Ok(Self { files })
    }
}

/// Fails for good unless what was `found` is what was in `file`, which then has the stamp that it is read by.
fn compare(
    blobs: &Blobs,
    file: &mut SourceFile,
    found: Result<Listed, BlobError>,
    context: &JobContext,
) -> Result<(), JobError> {
    let name = named(&file.key);
    let now = match found {
        Ok(now) => now,
        Err(BlobError::NotFound { .. }) => return Err(changed(&format!("`{name}` is not there any more"))),
        Err(error) => return Err(error.into()),
    };
    let same_stamp = file.stamp.is_some() && file.stamp == now.stamp;
    if now.size_bytes != file.size_bytes || (!same_stamp && hash(blobs, &now, context)? != file.hash) {
        return Err(changed(&format!("`{name}` has another content than it had")));
    }
    file.stamp = now.stamp;
    Ok(())
}

/// What was read once is not there any more, or not the same.
pub fn changed(how: &str) -> JobError {
    let problem = Problem::new("source_changed", how);
    let hint = "bring it back, or create a new data source from what is there now";
    problem.with_hint(hint).into()
}

/// The one object that a location names, or all below it but empty ones and those beside data, in the order of their
/// keys.
fn listed(blobs: &Blobs, location: &Location) -> Result<Vec<Listed>, JobError> {
    let place = key::located(location);
    if !location.is_folder() {
        return match blobs.look_blocking(&place) {
            Ok(file) => Ok(vec![file]),
            Err(BlobError::NotFound { .. }) => Err(nothing(blobs, location, "there is no such file")),
            Err(error) => Err(error.into()),
        };
    }
    let mut found = blobs.list_blocking(place.as_str())?;
    found.retain(|file| file.size_bytes > 0 && !is_beside(file.key.as_str()));
    match found.len() {
        0 => Err(nothing(blobs, location, "there are no files with data below it")),
        1..=MOST_FILES => Ok(found),
        more => Err(nothing(
            blobs,
            location,
            &format!("{more} files are too many; join them to at most {MOST_FILES}"),
        )),
    }
}

/// Whether a file lies beside data and holds none.
fn is_beside(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    name.ends_with(SCHEMA) || ABOUT.contains(&name)
}

fn nothing(blobs: &Blobs, location: &Location, how: &str) -> JobError {
    let problem = Problem::new("data_not_found", format!("`{location}`: {how}"));
    let hint = match blobs.is_mapped(&key::located(location)) {
        true => "this server finds the bucket where its connections say: put the data there",
        false => "a bucket is a folder below `datasets/` in the home of the server: put the data there",
    };
    problem.with_hint(hint).into()
}

/// What a file is called in messages.
pub fn named(key: &BlobKey) -> String {
    key::location_of(key).map_or_else(|| key.to_string(), String::from)
}

fn hash(blobs: &Blobs, file: &Listed, context: &JobContext) -> Result<ContentHash, JobError> {
    let mut reader = blobs.open_listed(file)?;
    let (mut hasher, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        context.go_on()?;
        let count = reader.read(&mut piece).map_err(|source| {
            let problem = Problem::new(
                "read_failed",
                format!("`{}` cannot be read: {source}", named(&file.key)),
            );
            JobError::Retry(Box::new(problem))
        })?;
        if count == 0 {
            return Ok(ContentHash::from_digest(hasher.finalize().into()));
        }
        hasher.update(piece.get(..count).unwrap_or_default());
    }
}

/// The columns that the schema of a data source declares, in order.
pub fn declared(spec: &DataSourceSpec) -> Result<Vec<String>, JobError> {
    let schema: Option<Schema> = super::inputs::read_document("schema", spec.schema.as_ref())?;
    let attributes = schema.map_or_else(Vec::new, |schema| schema.attributes);
    Ok(attributes.into_iter().map(|attribute| attribute.name).collect())
}

/// Names as a line of CSV.
pub fn line_of(names: &[String]) -> Vec<u8> {
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let mut line = names.iter().map(quoted).collect::<Vec<_>>().join(",");
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_a_line_that_reads_back() {
        let names = ["a", "b,c", "d\"e", " f "].map(str::to_owned);
        let line = line_of(&names);
        let mut reader = csv::ReaderBuilder::new().from_reader(line.as_slice());
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), names);
    }
}
