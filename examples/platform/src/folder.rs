//! The data folder: small JSON files, each replaced as a whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::random;

/// Reads the JSON file at `path`; `None` if there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `value` as JSON to `path`, readable by its owner only.
///
/// The bytes go to another file, which is then renamed, so that a reader, a second platform or a power cut sees the
/// old file or the new one, and never half of either.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    place(path, value, |temporary, path| fs::rename(temporary, path))
}

/// Writes `value` as [`write`] does, unless a file exists already: of several that try at once, the first one wins
/// and the others change nothing.
pub(crate) fn write_first<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    place(path, value, |temporary, path| {
        let put = match fs::hard_link(temporary, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // On a file system without links, a reader may come before the last byte, but nothing is replaced.
                fs::read(temporary).and_then(|bytes| write_new(path, &bytes))
            }
            linked => linked,
        };
        match put {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => fs::remove_file(temporary),
        }
    })
}

fn place<T: Serialize>(
    path: &Path,
    value: &T,
    put: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    // Nobody knows its name in advance, so nothing can lie there.
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", random::token()));
    let temporary = PathBuf::from(temporary);

    let json = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    let written = write_new(&temporary, &json).and_then(|()| put(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes a new file, readable by its owner only. Fails where a file or a link of its name exists.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_and_no_temporary_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/value.json");
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
        write(&path, &vec![1, 2]).unwrap();
        write(&path, &vec![3]).unwrap();
        assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(vec![3]));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn of_two_that_write_first_the_first_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        write_first(&path, &1).unwrap();
        write_first(&path, &2).unwrap();
        assert_eq!(read(&path).unwrap(), Some(1));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_was_laid_into_the_folder_before_is_neither_followed_nor_used() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("value.json");
        let elsewhere = outside.path().join("elsewhere");
        for serial in 0..20 {
            let laid = format!("value.json.{}-{serial}.tmp", std::process::id());
            symlink(&elsewhere, folder.path().join(laid)).unwrap();
        }
        write_first(&path, &1).unwrap();
        write(&path, &2).unwrap();
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 21);
        // A change replaces a link in place of the file; where the first one wins, the link stays.
        let link = folder.path().join("link.json");
        symlink(&elsewhere, &link).unwrap();
        write_first(&link, &3).unwrap();
        assert_eq!(read::<u8>(&link).unwrap(), None);
        write(&link, &4).unwrap();
        assert_eq!(read(&link).unwrap(), Some(4));
        assert!(!elsewhere.exists());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_an_empty_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        fs::write(&path, b"{").unwrap();
        assert_eq!(
            read::<Vec<u8>>(&path).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
    }
}
