//! Several Parquet files as the text of one table: one line of names, then the rows of each file in turn.

use std::io::{self, Read};
use std::sync::Arc;

use super::Unreadable;
use super::source::ReadAt;
use super::text::CsvText;
use crate::ml::ingest::counted::ByteCount;

/// Files by their names, each opened when its turn comes.
pub type Files = Box<dyn Iterator<Item = (String, io::Result<Arc<dyn ReadAt>>)> + Send>;

/// Names of columns that are told of in one message, at most.
const MOST_NAMED: usize = 5;

/// The text of several files, with the columns in the order of the first. All must have the same.
pub struct ManyTexts {
    files: Files,
    /// The name of the first file, and those of its columns.
    first: String,
    names: Vec<String>,
    open: CsvText,
    progress: ByteCount,
    /// Bytes of the files before the one at hand.
    before: u64,
}

impl ManyTexts {
    /// Opens the first file. Errors of a file's making are an [`Unreadable`] inside the error.
    pub fn open(mut files: Files) -> io::Result<Self> {
        let Some((first, bytes)) = files.next() else {
            return Err(io::Error::other("there is no file"));
        };
        let open = CsvText::open(bytes?).map_err(|error| in_file(&first, error))?;
        Ok(Self {
            files,
            first,
            names: open.names().map(str::to_owned).collect(),
            open,
            progress: ByteCount::default(),
            before: 0,
        })
    }

    /// How far it is, in bytes of all files.
    pub fn byte_count(&self) -> ByteCount {
        self.progress.clone()
    }

    /// Goes on with the next file; false when there is none.
    fn advance(&mut self) -> io::Result<bool> {
        let Some((name, bytes)) = self.files.next() else {
            return Ok(false);
        };
        let mut next = CsvText::open(bytes?).map_err(|error| in_file(&name, error))?;
        if !next.reorder(&self.names) {
            let theirs: Vec<&str> = next.names().collect();
            let ours: Vec<&str> = self.names.iter().map(|name| name.trim()).collect();
            return Err(differs((&self.first, &ours), (&name, &theirs)).into());
        }
        self.before += self.open.size();
        self.open = next;
        Ok(true)
    }
}

impl Read for ManyTexts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let count = self.open.read(into)?;
            self.progress.set(self.before + self.open.byte_count().get());
            if count > 0 || !self.advance()? {
                return Ok(count);
            }
        }
    }
}

/// Says which of several files cannot be read.
fn in_file(name: &str, error: io::Error) -> io::Error {
    let known = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Unreadable>());
    match known {
        Some(unreadable) => Unreadable {
            code: unreadable.code,
            message: format!("`{name}`: {}", unreadable.message),
        }
        .into(),
        None => error,
    }
}

/// Which columns one of two files has and the other does not.
fn differs((first, ours): (&str, &[&str]), (name, theirs): (&str, &[&str])) -> Unreadable {
    let lacks = |here: &[&str], there: &[&str]| -> Option<String> {
        let missing: Vec<String> = here
            .iter()
            .filter(|column| !there.contains(&column.trim()))
            .map(|column| format!("`{column}`"))
            .collect();
        let more = missing.len().saturating_sub(MOST_NAMED);
        let mut text = missing
            .iter()
            .take(MOST_NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        (!missing.is_empty()).then_some(text)
    };
    let said: Vec<String> = [
        lacks(ours, theirs).map(|columns| format!("`{name}` lacks {columns}")),
        lacks(theirs, ours).map(|columns| format!("`{first}` lacks {columns}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    Unreadable {
        code: "different_columns",
        message: format!(
            "the Parquet files of one table must have columns of the same names, in any order: {}; write them with the \
             same columns, or put them into folders of their own",
            said.join(", and ")
        ),
    }
}
