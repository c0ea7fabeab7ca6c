//! Several files as one stream of text: one after the other, with one line of column names at most.

use std::io::{self, BufRead, BufReader, Read};

use super::files::named;
use crate::blob::{Blobs, Listed};
use crate::ml::ingest::decompress::{Source, plain_bytes};
use crate::ml::parquet::{Unreadable, is_parquet};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that are read of a file at once.
const PIECE: usize = 1 << 16;

/// Reads files one after the other. Each may be compressed, and a line is ended where a file does not end its last.
pub struct Chain {
    blobs: Blobs,
    files: std::vec::IntoIter<Listed>,
    /// Whether each file begins with names of columns, which only the first one keeps.
    named: bool,
    is_first: bool,
    open: Option<BufReader<Source>>,
    /// What comes before anything else is read.
    pending: io::Cursor<Vec<u8>>,
    last: u8,
}

impl Chain {
    /// The files after the line `before`, which may be empty.
    pub fn new(blobs: &Blobs, files: Vec<Listed>, named: bool, before: Vec<u8>) -> Self {
        Self {
            blobs: blobs.clone(),
            files: files.into_iter(),
            named,
            is_first: true,
            open: None,
            pending: io::Cursor::new(before),
            last: b'\n',
        }
    }

    /// Opens the next file, at its first row that is wanted; false when there is none.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(file) = self.files.next() else {
            return Ok(false);
        };
        let source = self.blobs.open_listed(&file)?;
        let in_file = |error: &dyn std::fmt::Display| io::Error::other(format!("`{}`: {error}", file.key));
        let (plain, _) = plain_bytes(Box::new(source)).map_err(|error| in_file(&error))?;
        let mut open = BufReader::with_capacity(PIECE, plain);
        if open.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            open.consume(BYTE_ORDER_MARK.len());
        }
        if is_parquet(open.fill_buf()?) {
            let message = format!(
                "`{}` is Parquet, and the first file of the table is not; put files of one format into a folder",
                named(&file.key)
            );
            let code = "unsupported_parquet";
            return Err(Unreadable { code, message }.into());
        }
        // A file that holds nothing has no names either.
        let is_empty = open.fill_buf()?.is_empty();
        if self.named && !is_empty && !std::mem::take(&mut self.is_first) {
            skip_line(&mut open)?;
        }
        if std::mem::replace(&mut self.last, b'\n') != b'\n' {
            self.pending = io::Cursor::new(vec![b'\n']);
        }
        self.open = Some(open);
        Ok(true)
    }
}

/// Passes over everything up to the end of a line, without keeping it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = reader.fill_buf()?;
        let (length, is_end) = match memchr::memchr(b'\n', bytes) {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        reader.consume(length);
        if is_end {
            return Ok(());
        }
    }
}

impl Read for Chain {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let count = self.pending.read(into)?;
            if count > 0 {
                return Ok(count);
            }
            if let Some(open) = &mut self.open {
                let count = open.read(into)?;
                if let Some(last) = count.checked_sub(1).and_then(|at| into.get(at)) {
                    self.last = *last;
                    return Ok(count);
                }
                self.open = None;
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::BlobKey;

    async fn chained(files: &[&[u8]], named: bool, before: &str) -> String {
        let home = tempfile::tempdir().unwrap();
        let blobs = Blobs::open_local(home.path()).await.unwrap();
        let mut keys = Vec::new();
        for (number, bytes) in files.iter().enumerate() {
            let key = BlobKey::new(format!("datasets/b/{number}")).unwrap();
            blobs.put(&key, bytes.to_vec().into()).await.unwrap();
            keys.push(blobs.look(&key).await.unwrap());
        }
        let mut chain = Chain::new(&blobs, keys, named, before.as_bytes().to_vec());
        let read = move || {
            let mut text = String::new();
            chain.read_to_string(&mut text).map(|_| text)
        };
        tokio::task::spawn_blocking(read).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn files_become_one_text() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut packed, b"a,b\n7,8\n").unwrap();
        let packed = packed.finish().unwrap();
        let files: [&[u8]; 5] = [
            b"\xef\xbb\xbfa,b\n1,2",
            b"a,b\r\n3,4\r\n",
            b"a,b",
            b"\xef\xbb\xbfa,b\n5,6\n",
            &packed,
        ];
        let text = chained(&files, true, "").await;
        assert_eq!(text, "a,b\n1,2\n3,4\r\n5,6\n7,8\n");
    }

    #[tokio::test]
    async fn files_that_hold_nothing_change_nothing() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::flush(&mut packed).unwrap();
        let packed = packed.finish().unwrap();
        let files: [&[u8]; 5] = [b"\xef\xbb\xbf", &packed, b"a\n1", b"a", b"a\n2\n"];
        assert_eq!(chained(&files, true, "").await, "a\n1\n2\n");
    }

    #[tokio::test]
    async fn files_without_names_keep_every_line() {
        let text = chained(&[b"1,2", b"3,4\n", b"5,6"], false, "\"a\",\"b\"\n").await;
        assert_eq!(text, "\"a\",\"b\"\n1,2\n3,4\n5,6");
        assert_eq!(chained(&[b""], false, "").await, "");
    }
}
