//! Tables to read: files and standard input as the core wants them.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::error::CliError;
use crate::ml::ingest::HeaderMode;
use crate::ml::ingest::decompress::Source;
use crate::ml::model::bundle::hex;
use crate::ml::parquet::ReadAt;
use crate::ml::pipeline::Table;

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Header {
    /// Decide from the first rows
    #[default]
    Auto,
    /// It does
    Yes,
    /// It does not; columns are called column_1, column_2, …
    No,
}

impl From<Header> for HeaderMode {
    fn from(header: Header) -> Self {
        match header {
            Header::Auto => HeaderMode::Auto,
            Header::Yes => HeaderMode::Yes,
            Header::No => HeaderMode::No,
        }
    }
}

/// A file that is read at any place.
struct Anywhere {
    file: File,
    size: u64,
}

impl Anywhere {
    fn reader(file: File) -> io::Result<Arc<dyn ReadAt>> {
        let size = file.metadata()?.len();
        Ok(Arc::new(Self { file, size }))
    }

    /// What can be read only once, kept in a file without a name.
    fn kept(mut begun: Source) -> io::Result<Arc<dyn ReadAt>> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut begun, &mut file)?;
        Self::reader(file)
    }
}

impl ReadAt for Anywhere {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

/// A file of rows, or standard input copied to a temporary file so that it can be read again.
#[derive(Debug)]
pub struct FileTable {
    path: PathBuf,
    name: String,
    header: HeaderMode,
    bytes: u64,
    /// Keeps the copy of standard input until the end.
    _copy: Option<tempfile::NamedTempFile>,
}

impl FileTable {
    /// Opens `path`, or standard input for `-`.
    pub fn open(path: &Path, header: Header) -> Result<Self, CliError> {
        let name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let copy = if path == Path::new("-") {
            Some(copy_of_stdin()?)
        } else {
            None
        };
        let path = copy
            .as_ref()
            .map_or_else(|| path.to_owned(), |copy| copy.path().to_owned());
        let data = std::fs::metadata(&path).map_err(|error| CliError::file("reading", &path, &error))?;
        if data.is_dir() {
            return Err(CliError::Usage(format!(
                "`{}` is a folder; name one file",
                path.display()
            )));
        }
        Ok(Self {
            path,
            name,
            header: header.into(),
            bytes: data.len(),
            _copy: copy,
        })
    }

    /// The same file under the name that it had elsewhere; folders in it are left out.
    pub fn called(mut self, name: &str) -> Self {
        self.name = name.rsplit('/').next().unwrap_or_default().to_string();
        self
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> Result<String, CliError> {
        self.sha256_until(&AtomicBool::new(false))
    }

    /// The same, as long as nobody calls it off; what comes of it then is of no use.
    pub fn sha256_until(&self, called_off: &AtomicBool) -> Result<String, CliError> {
        let failed = |error: &io::Error| CliError::file("reading", &self.path, error);
        let mut file = File::open(&self.path).map_err(|error| failed(&error))?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(|error| failed(&error))? {
                0 => return Ok(hex(&hash.finalize())),
                _ if called_off.load(Ordering::Relaxed) => return Ok(String::new()),
                count => hash.update(&buffer[..count]),
            }
        }
    }
}

impl Table for FileTable {
    fn open(&self) -> io::Result<Source> {
        Ok(Box::new(File::open(&self.path)?))
    }

    fn any_place(&self, begun: Source) -> io::Result<Arc<dyn ReadAt>> {
        match std::fs::metadata(&self.path)?.is_file() {
            true => Anywhere::reader(File::open(&self.path)?),
            false => Anywhere::kept(begun),
        }
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
}

fn copy_of_stdin() -> Result<tempfile::NamedTempFile, CliError> {
    let copy = || -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::NamedTempFile::new()?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(file)
    };
    copy().map_err(|error| CliError::Failure(format!("copying standard input: {error}")))
}

/// Standard input, read once as it comes.
#[derive(Debug)]
pub struct StdinTable {
    header: HeaderMode,
    stdin: Mutex<Option<io::Stdin>>,
}

impl StdinTable {
    /// The process's standard input.
    pub fn new(header: Header) -> Self {
        Self {
            header: header.into(),
            stdin: Mutex::new(Some(io::stdin())),
        }
    }
}

impl Table for StdinTable {
    fn open(&self) -> io::Result<Source> {
        let mut stdin = self
            .stdin
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match stdin.take() {
            Some(stdin) => Ok(Box::new(stdin)),
            None => Err(io::Error::other("standard input can be read only once")),
        }
    }

    fn any_place(&self, begun: Source) -> io::Result<Arc<dyn ReadAt>> {
        Anywhere::kept(begun)
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn header(&self) -> HeaderMode {
        self.header
    }
}

/// A table for a flow that reads its input once.
pub fn read_once(path: &Path, header: Header) -> Result<Box<dyn Table>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(StdinTable::new(header)));
    }
    Ok(Box::new(FileTable::open(path, header)?))
}
