//! Files and standard streams: models and small files to read, outputs that appear whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::parts::FolderParts;
use super::threshold::NOT_BINARY;
use crate::ml::Task;
use crate::ml::model::Bundle;
use crate::ml::model::bundle::TrainingFacts;
use crate::ml::predict::Predictor;

/// Reads a model file.
pub fn read_bundle(path: &Path) -> Result<Bundle, CliError> {
    Ok(Bundle::decode(&read_bytes(path)?)?)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|error| CliError::file("reading", path, &error))
}

/// Reads a number of the command line; Rust's own words for what is none ("invalid float literal") help nobody.
pub fn parse_number(text: &str) -> Result<f64, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let with_point = text.replace(',', ".");
    match with_point.parse::<f64>() {
        Ok(_) if text.matches(',').count() == 1 && !text.contains('.') => {
            Err(format!("write decimals with a point: {with_point}"))
        }
        _ => Err("a number is wanted, such as 0.25".to_owned()),
    }
}

/// Reads a model file to score with, with another threshold where one is given; and what its training was like.
pub fn read_predictor(path: &Path, threshold: Option<f64>) -> Result<(Predictor, TrainingFacts), CliError> {
    let bytes = read_bytes(path)?;
    let (mut bundle, hash) = Bundle::decode_with_hash(&bytes)?;
    drop(bytes);
    if let Some(threshold) = threshold {
        if bundle.document.target.task() != Task::Binary {
            return Err(CliError::Usage(NOT_BINARY.into()));
        }
        if !(0.0..=1.0).contains(&threshold) {
            return Err(CliError::Usage(format!(
                "--threshold {threshold} is no share from 0 to 1"
            )));
        }
    }
    bundle.document.threshold = threshold.unwrap_or(bundle.document.threshold);
    let training = bundle.document.training.clone();
    Ok((Predictor::of(bundle, hash)?, training))
}

/// Reads a small text file.
pub fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => CliError::Invalid {
            code: "not_text".into(),
            message: format!("`{}` is not UTF-8; save it as UTF-8 text", path.display()),
        },
        io::ErrorKind::IsADirectory => {
            CliError::Usage(format!("`{}` is a folder; name one file", path.display()))
        }
        _ => CliError::file("reading", path, &error),
    })
}

/// Refuses an output before any work is done: one that is also an input, or whose folder does not exist.
pub fn check_output(out: &Path, inputs: &[&Path]) -> Result<(), CliError> {
    if out == Path::new("-") {
        return Ok(());
    }
    if out.is_dir() {
        return Err(CliError::Usage(format!(
            "`{}` is a folder; name a file",
            out.display()
        )));
    }
    let folder = out
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::metadata(folder).map_err(|error| CliError::file("writing into", folder, &error))?;
    let there = whole_path(out);
    match inputs
        .iter()
        .find(|input| there.is_some() && whole_path(input) == there)
    {
        Some(input) => Err(CliError::Conflict(format!(
            "the output would replace the input `{}`; give --out another name",
            input.display()
        ))),
        None => Ok(()),
    }
}

/// A path without detours; of a file that is not there yet, as it will be.
pub fn whole_path(path: &Path) -> Option<PathBuf> {
    let there = std::fs::canonicalize(path);
    there.ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    })
}

/// Writes a file through a temporary one beside it, so that it is there whole or not at all. `-` is
/// standard output. A device or a pipe is written to, never replaced.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), CliError>,
) -> Result<(), CliError> {
    write_growing(path, None, write)
}

/// The same; where parts let the output grow among them, their file takes the place of the temporary one.
pub fn write_growing(
    path: &Path,
    parts: Option<&FolderParts>,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), CliError>,
) -> Result<(), CliError> {
    if path == Path::new("-") {
        return write_stdout(write);
    }
    let failed = |error: &io::Error| CliError::file("writing", path, error);
    if let Ok(there) = std::fs::metadata(path)
        && !there.is_file()
    {
        let opened = std::fs::OpenOptions::new().write(true).open(path);
        let mut out = io::BufWriter::new(opened.map_err(|error| failed(&error))?);
        write(&mut out)?;
        return out.flush().map_err(|error| failed(&error));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let late = Late { folder, file: None };
    let mut buffered = io::BufWriter::with_capacity(1 << 16, late);
    write(&mut buffered)?;
    let late = buffered.into_inner().map_err(|error| failed(error.error()))?;
    let published = match parts.and_then(FolderParts::take_output) {
        Some((file, grown)) => {
            let published = publish_grown(&file, &grown, &late, path);
            if let (Ok(()), Some(parts)) = (&published, parts) {
                parts.settle();
            }
            published
        }
        None => late.finish().and_then(|file| publish(file, path)),
    };
    published.map_err(|error| failed(&error))?;
    // The new name is only safe once its folder is.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed(&error))
}

/// A temporary file that is made when the first bytes come, so that long work that ends before leaves none.
struct Late<'a> {
    folder: &'a Path,
    file: Option<tempfile::NamedTempFile>,
}

impl Late<'_> {
    fn finish(mut self) -> io::Result<tempfile::NamedTempFile> {
        self.file.take().map_or_else(|| self.make(), Ok)
    }

    fn make(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".yosoku-")
            .permissions(ordinary_mode())
            .tempfile_in(self.folder)
    }
}

impl Write for Late<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(self.make()?);
        }
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Gives a file its name, safely.
fn publish(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The same of an output that has grown elsewhere.
fn publish_grown(file: &File, grown: &Path, late: &Late<'_>, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    match std::fs::rename(grown, path) {
        // The folder of the parts may be a link to another disk.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut copy = late.make()?;
            io::copy(&mut File::open(grown)?, copy.as_file_mut())?;
            publish(copy, path)
        }
        renamed => renamed,
    }
}

/// Writes to standard output. A reader that has seen enough, as in `… | head`, is no failure.
fn write_stdout(write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), CliError>) -> Result<(), CliError> {
    let mut out = Forgiving {
        inner: io::BufWriter::new(io::stdout()),
        closed: false,
    };
    write(&mut out)?;
    out.flush()
        .map_err(|error| CliError::Failure(format!("writing standard output: {error}")))
}

/// Swallows what is written after the reader has gone.
struct Forgiving<W> {
    inner: W,
    closed: bool,
}

impl<W: Write> Forgiving<W> {
    fn unless_closed<T: Default>(
        &mut self,
        write: impl FnOnce(&mut W) -> io::Result<T>,
        otherwise: T,
    ) -> io::Result<T> {
        if self.closed {
            return Ok(otherwise);
        }
        match write(&mut self.inner) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(otherwise)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Forgiving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(|inner| inner.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed(W::flush, ())
    }
}

/// The mode of a new file before the process's mask; temporary files would be private.
fn ordinary_mode() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::ml::pipeline::batch::Parts;

    /// Where there is a second file system; one that lies in memory nearly everywhere.
    #[test]
    fn an_output_may_grow_on_another_disk() {
        let place = tempfile::tempdir().unwrap();
        let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let disk = |folder: &tempfile::TempDir| std::fs::metadata(folder.path()).unwrap().dev();
        if disk(&place) == disk(&elsewhere) {
            return;
        }
        let (out, link) = (place.path().join("p.csv"), place.path().join("p.csv.parts"));
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        std::fs::write(&out, "old").unwrap();
        let parts = FolderParts::beside(&out, true).unwrap();
        let write = |_: &mut (dyn Write + Send)| -> Result<(), CliError> {
            let mut growing = parts.grow("part-a.whole", 0).unwrap();
            growing.write_all(b"whole\n").unwrap();
            growing.flush().unwrap();
            Ok(())
        };
        write_growing(&out, Some(&parts), write).unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "whole\n");
        parts.remove().unwrap();
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }
}
