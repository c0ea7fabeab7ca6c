//! The files below a folder of this machine.
//!
//! People put folders there as they are: with names that are not UTF-8, links to files that have gone and links that
//! lead round in a circle. None of that is a file of ours, and none of it hides those that are. A folder that may not
//! be read is an error: there may be data in it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path as FilePath, PathBuf};
use std::time::UNIX_EPOCH;

use object_store::ObjectMeta;
use object_store::path::Path;

/// What lies below a folder, in any order.
#[derive(Debug, Default)]
pub(super) struct Below {
    pub(super) files: Vec<ObjectMeta>,
    /// Folders with nothing in them, perhaps the one above all, and when each was changed last, in microseconds UTC.
    pub(super) empty: Vec<(Path, i64)>,
}

/// A folder that has yet to be looked through.
struct Open {
    place: PathBuf,
    name: String,
    changed: i64,
    /// The folders around it and itself, by device and number.
    around: Vec<(u64, u64)>,
}

/// What lies below `folder`, whose name in the store is `name`; one more than `most` at most.
pub(super) fn below(folder: &FilePath, name: &str, most: usize) -> io::Result<Below> {
    let mut found = Below::default();
    let top = match fs::metadata(folder) {
        Ok(top) if top.is_dir() => top,
        Ok(_) => return Ok(found),
        Err(error) => return if is_gone(&error) { Ok(found) } else { Err(error) },
    };
    let mut open = vec![Open {
        place: folder.to_owned(),
        name: name.to_owned(),
        changed: micros(&top),
        around: vec![identity(&top)],
    }];
    while let Some(next) = open.pop() {
        let entries = match fs::read_dir(&next.place) {
            Ok(entries) => entries,
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(error),
        };
        let mut is_empty = true;
        for entry in entries {
            let entry = entry?;
            is_empty = false;
            let Ok(last) = entry.file_name().into_string() else {
                continue;
            };
            let about = match fs::metadata(entry.path()) {
                Ok(about) => about,
                Err(error) if is_gone(&error) || is_round(&entry.path(), &error) => continue,
                Err(error) => return Err(error),
            };
            let name = match next.name.as_str() {
                "" => last,
                above => format!("{above}/{last}"),
            };
            let one = identity(&about);
            if about.is_dir() && !next.around.contains(&one) {
                let around = next.around.iter().copied().chain([one]).collect();
                open.push(Open {
                    place: entry.path(),
                    name,
                    changed: micros(&about),
                    around,
                });
            } else if about.is_file()
                && let Some(file) = described(&name, &about)
            {
                found.files.push(file);
            }
            if found.files.len() + found.empty.len() > most {
                return Ok(found);
            }
        }
        if is_empty && let Ok(name) = Path::parse(&next.name) {
            found.empty.push((name, next.changed));
            if found.files.len() + found.empty.len() > most {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// A file as the store describes it; none for names that it cannot open.
fn described(name: &str, about: &Metadata) -> Option<ObjectMeta> {
    let location = Path::parse(name).ok()?;
    let is_own = |last: &str| {
        let number = last.split_once('#').map(|(_, number)| number);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    if location.filename().is_none_or(is_own) {
        return None;
    }
    let changed = about.modified().ok()?;
    let micros = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    Some(ObjectMeta {
        location,
        last_modified: changed.into(),
        size: about.len(),
        e_tag: Some(format!("\"{:x}-{micros:x}-{:x}\"", about.ino(), about.len())),
        version: None,
    })
}

/// When something was changed last, in microseconds UTC; 0 where the system does not say.
pub(super) fn micros(about: &Metadata) -> i64 {
    let changed = about.modified().ok();
    let since = changed.and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or_default()
}

fn identity(about: &Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}

/// Whether a link leads to itself: then it is there, and the system cannot follow it, but not for want of a right.
fn is_round(place: &FilePath, error: &io::Error) -> bool {
    let is_link = fs::symlink_metadata(place).is_ok_and(|about| about.is_symlink());
    is_link && error.kind() != io::ErrorKind::PermissionDenied && error.to_string().contains(ROUND)
}

/// What the system says of such a link.
const ROUND: &str = "symbolic links";

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use futures_util::TryStreamExt;
    use object_store::ObjectStore;
    use object_store::local::LocalFileSystem;

    use super::*;

    fn listed(folder: &FilePath, most: usize) -> Vec<ObjectMeta> {
        let mut files = below(folder, "", most).unwrap().files;
        files.sort_by(|a, b| a.location.cmp(&b.location));
        files
    }

    #[tokio::test]
    async fn files_are_described_as_the_store_describes_them() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a", "b/ä ö.csv", "b/c/d%41", "b/x#1", "b/x#y"] {
            let place = home.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, name).unwrap();
        }
        symlink(home.path().join("b"), home.path().join("link")).unwrap();
        symlink("nowhere", home.path().join("gone")).unwrap();
        let store = LocalFileSystem::new_with_prefix(home.path()).unwrap();
        let mut of_store: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
        of_store.sort_by(|a, b| a.location.cmp(&b.location));
        let ours = listed(home.path(), 100);
        assert_eq!(ours, of_store);
        assert_eq!(ours.len(), 7, "{ours:?}");
        assert_eq!(listed(home.path(), 2).len(), 3);
        let below = below(&home.path().join("b/c"), "b/c", 9).unwrap();
        assert_eq!(below.files[0].location.as_ref(), "b/c/d%41");
    }

    #[test]
    fn what_is_no_file_of_ours_hides_none() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("a")).unwrap();
        symlink(home.path(), home.path().join("a/round")).unwrap();
        symlink("itself", home.path().join("a/itself")).unwrap();
        fs::write(home.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "x").unwrap();
        fs::write(home.path().join("a/x"), "x").unwrap();
        let names = |files: Vec<ObjectMeta>| {
            files
                .iter()
                .map(|file| file.location.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(listed(home.path(), 9)), ["a/x"]);
        for nothing in ["a/x", "none"] {
            let found = below(&home.path().join(nothing), "", 9).unwrap();
            assert!(found.files.is_empty() && found.empty.is_empty(), "{nothing}");
        }
    }

    #[test]
    fn folders_with_nothing_in_them_are_told_apart() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a/b", "a/c/d", "round", "e"] {
            fs::create_dir_all(home.path().join(name)).unwrap();
        }
        symlink(home.path(), home.path().join("round/link")).unwrap();
        fs::write(home.path().join("e/x"), "x").unwrap();
        let names = |folder: &str| {
            let found = below(&home.path().join(folder), folder, 9).unwrap();
            let mut names: Vec<String> = found.empty.iter().map(|(name, _)| name.to_string()).collect();
            assert!(found.empty.iter().all(|(_, changed)| *changed > 0));
            names.sort();
            names
        };
        assert_eq!(names(""), ["a/b", "a/c/d"]);
        assert_eq!(names("a/b"), ["a/b"]);
        assert_eq!(
            below(home.path(), "", 0).unwrap().files.len() + below(home.path(), "", 0).unwrap().empty.len(),
            1
        );
    }

    #[test]
    fn what_may_not_be_looked_at_is_an_error() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("x"), "x").unwrap();
        // Its names can be read, and nothing else.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o444)).unwrap();
        let found = below(home.path(), "", 9).map(|found| found.files);
        // Whoever may do everything sees the file all the same.
        let sees = fs::metadata(folder.join("x")).is_ok();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(found.map(|files| files.len()).ok(), sees.then_some(1));
    }
}
