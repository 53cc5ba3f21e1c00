//! The file that keeps a cookie key.

use std::{
    fs,
    io::{self, ErrorKind, Read, Write},
    path::Path,
};

use base64_simd::STANDARD;
use zeroize::Zeroizing;

use crate::base::{
    cookie_key::{CookieKey, MAKE_A_KEY},
    file::open,
    hex::hex,
    random::random,
    text::one_value,
};

/// A file with a key is shorter than this.
const MAX_KEY_FILE: u64 = 4096;

/// Where an app whose settings have no key keeps the one that it made, below its working directory.
const FOLDER: &str = ".miracl";
const NAME: &str = "cookie-key";

impl CookieKey {
    /// Reads the key kept in the file at `path`, or makes one and keeps it there, readable by its owner only.
    ///
    /// The flag is true when the key was made by this call. Two processes that start at once end up with the same key.
    /// A file or link that somebody else placed in the folder before is neither written to nor followed. A key file
    /// that every user of the machine can read, or that its group can change, is accepted, and the log warns of it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, is a link that leads nowhere, or holds something that is not a good
    /// key. The file is then not replaced, since that would end every session.
    pub fn load_or_create(path: impl AsRef<Path>) -> io::Result<(Self, bool)> {
        let path = path.as_ref();
        match Self::load(path) {
            Ok(key) => return Ok((key, false)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(with_path(&error, path)),
        }
        let key = Self::generate();
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| with_path(&error, folder))?;
        // The key is written beside the file and then linked into place: another process sees a whole key or none.
        let draft = folder.join(format!(".{}.new", hex(&random::<16>())));
        let kept = key
            .write_new(&draft)
            .map_err(|error| with_path(&error, &draft))
            .map(|()| fs::hard_link(&draft, path));
        // A draft that somebody else made stays.
        if !matches!(&kept, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
            let _ = fs::remove_file(&draft);
        }
        match kept? {
            Ok(()) => {
                // The file's name must survive a power cut as its content does. Not every system can sync a folder.
                let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
                Ok((key, true))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let faster = Self::load(path).map_err(|error| with_path(&error, path))?;
                Ok((faster, false))
            }
            Err(error) => Err(with_path(&error, path)),
        }
    }

    /// Reads or makes the key of an app whose settings have none, in a file below its working directory, which the log
    /// names. Where no file can be kept, the key is for this process alone, and the log warns.
    ///
    /// # Errors
    ///
    /// When the file holds something that is not a good key.
    pub(crate) fn of_working_directory(directory: &Path) -> io::Result<Self> {
        let folder = directory.join(FOLDER);
        let path = folder.join(NAME);
        let shown = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let file = shown.display();
        match Self::load_or_create(&path) {
            Ok((key, true)) => {
                tracing::info!(%file, "made a cookie key and kept it, because `cookie_keys` (COOKIE_KEYS) is not set");
                keep_out_of_git(&folder);
                Ok(key)
            }
            Ok((key, false)) => {
                tracing::info!(%file, "took the cookie key of an earlier run: `cookie_keys` (COOKIE_KEYS) is not set");
                Ok(key)
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(error),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "made a cookie key for this run only, because the file that would keep it cannot be used: \
                     everybody is logged out when the app ends. Make the file's folder writable, or set `cookie_keys` \
                     (COOKIE_KEYS) to what `{MAKE_A_KEY}` prints"
                );
                Ok(Self::generate())
            }
        }
    }

    /// Writes the key to a new file. Fails if there is a file or a link of this name.
    fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let text = Zeroizing::new(STANDARD.encode_to_string(self.0.as_slice()));
        writeln!(file, "{}", text.as_str())?;
        file.sync_all()
    }

    fn load(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        warn_of_others(&file, path)?;
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_KEY_FILE).read_to_string(&mut text)?;
        let invalid = |error: String| io::Error::new(ErrorKind::InvalidData, error);
        let text = one_value(&text).map_err(|what| invalid(what.to_owned()))?;
        Self::from_base64(text).map_err(|error| invalid(error.to_string()))
    }
}

/// Has git ignore the folder, whatever the app's own `.gitignore` says. The key is kept with or without it.
fn keep_out_of_git(folder: &Path) {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true);
    let _ = file
        .open(folder.join(".gitignore"))
        .and_then(|mut file| file.write_all(b"*\n"));
}

/// Warns of a key that users other than its owner can read or change. Its group may read it.
#[cfg(unix)]
fn warn_of_others(file: &fs::File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS: u32 = 0o026;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        tracing::warn!(
            file = %path.display(),
            mode = format!("{mode:o}"),
            "others than its owner can read or change the cookie key: whoever has it can be any \
             user. Make a new one, readable by its owner only"
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn warn_of_others(_: &fs::File, _: &Path) -> io::Result<()> {
    Ok(())
}

fn with_path(error: &io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_key_is_the_same_the_second_time_and_a_bad_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/cookie.key");
        let (first, made) = CookieKey::load_or_create(&path).unwrap();
        assert!(made);
        let (second, made) = CookieKey::load_or_create(&path).unwrap();
        assert!(!made);
        assert_eq!(first.id(), second.id());

        fs::write(&path, "garbage").unwrap();
        let error = CookieKey::load_or_create(&path).unwrap_err();
        assert!(error.to_string().contains("cookie.key"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "garbage");
    }

    #[test]
    fn an_app_without_a_key_makes_one_keeps_it_out_of_git_and_has_it_again() {
        let directory = tempfile::tempdir().unwrap();
        let first = CookieKey::of_working_directory(directory.path()).unwrap();
        let second = CookieKey::of_working_directory(directory.path()).unwrap();
        assert_eq!(first.id(), second.id());
        let folder = directory.path().join(".miracl");
        let kept = folder.join("cookie-key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&kept).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let ignored = fs::read_to_string(folder.join(".gitignore")).unwrap();
        assert_eq!(ignored, "*\n");

        fs::write(&kept, "garbage").unwrap();
        let error = CookieKey::of_working_directory(directory.path()).unwrap_err();
        assert!(error.to_string().contains("cookie-key"), "{error}");
        assert_eq!(fs::read_to_string(&kept).unwrap(), "garbage");
    }

    #[test]
    fn where_no_file_can_be_kept_the_key_is_for_one_run() {
        let directory = tempfile::tempdir().unwrap();
        // Nothing can be made below a file, not even by root, who may write to read-only folders.
        fs::write(directory.path().join(".miracl"), "a file").unwrap();
        let first = CookieKey::of_working_directory(directory.path()).unwrap();
        let second = CookieKey::of_working_directory(directory.path()).unwrap();
        assert_ne!(first.id(), second.id());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_was_laid_into_the_folder_before_is_neither_followed_nor_used() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("cookie.key");
        let elsewhere = outside.path().join("elsewhere");
        let own = std::process::id();
        let laid = [format!("cookie.{own}.new"), format!("cookie.key.{own}.new")];
        for (name, is_link) in laid.iter().zip([true, false]) {
            let laid = folder.path().join(name);
            match is_link {
                true => symlink(&elsewhere, laid).unwrap(),
                false => fs::write(laid, "open to all").unwrap(),
            }
        }
        let (key, made) = CookieKey::load_or_create(&path).unwrap();
        assert!(made && !elsewhere.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1 + laid.len());
        let laid = fs::read_to_string(folder.path().join(&laid[1])).unwrap();
        assert_eq!(laid, "open to all");
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let (again, made) = CookieKey::load_or_create(&path).unwrap();
        assert!(!made && again.id() == key.id());

        // A link in place of the key: one that leads nowhere is an error, and one that leads to a key is that key.
        let dangling = folder.path().join("dangling.key");
        symlink(&elsewhere, &dangling).unwrap();
        let error = CookieKey::load_or_create(&dangling).unwrap_err();
        assert!(error.to_string().contains("dangling.key"), "{error}");
        assert!(!elsewhere.exists());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            4,
            "no draft stays"
        );
        let link = folder.path().join("link.key");
        symlink(&path, &link).unwrap();
        let (linked, made) = CookieKey::load_or_create(&link).unwrap();
        assert!(!made && linked.id() == key.id());
    }

    #[test]
    fn many_that_start_at_once_end_up_with_the_same_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("cookie.key");
            let start = std::sync::Barrier::new(8);
            let made: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            let (key, made) = CookieKey::load_or_create(&path).unwrap();
                            (key.id(), made)
                        })
                    })
                    .collect();
                threads.into_iter().map(|t| t.join().unwrap()).collect()
            });
            assert!(made.iter().all(|(id, _)| *id == made[0].0));
            assert_eq!(made.iter().filter(|(_, made)| *made).count(), 1);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_key_file_without_a_folder_in_its_name_is_in_the_working_directory() {
        let name = format!("{}.key", hex(&random::<8>()));
        let (first, made) = CookieKey::load_or_create(&name).unwrap();
        let second = CookieKey::load_or_create(&name).unwrap();
        fs::remove_file(&name).unwrap();
        assert!(made && !second.1 && first.id() == second.0.id());
    }
}
