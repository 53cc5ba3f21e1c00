//! Small files that hold settings and secrets.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::Path,
};

/// The longest file with one secret, in bytes.
pub(crate) const MAX_SECRET: u64 = 64 * 1024;

/// Opens a file.
///
/// What is neither a file nor a folder is refused before that: a pipe would wait for ever, and a device would never
/// end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "is no regular file",
        ));
    }
    File::open(path)
}

/// Reads a file of at most so many bytes, which [`open`] opens.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        let message = format!("is longer than {most} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, message));
    }
    Ok(content)
}

/// Reads such a file as text.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let content = read(path, most)?;
    let no_text = |_| io::Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8");
    String::from_utf8(content).map_err(no_text)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_or_never_ends_is_refused_at_once() {
        let folder = std::env::temp_dir().join(format!("miracl-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("secret");
        fs::write(&path, "twelve bytes").unwrap();
        assert_eq!(read_text(&path, 12).unwrap(), "twelve bytes");
        let error = read_text(&path, 11).unwrap_err();
        assert!(error.to_string().contains("longer than 11"), "{error}");
        for endless in ["/dev/zero", "/dev/null"] {
            let error = read_text(Path::new(endless), MAX_SECRET).unwrap_err();
            assert!(error.to_string().contains("regular file"), "{error}");
            let link = folder.join("link");
            std::os::unix::fs::symlink(endless, &link).unwrap();
            assert!(read(&link, MAX_SECRET).is_err());
            fs::remove_file(&link).unwrap();
        }
        assert!(read(&folder, MAX_SECRET).is_err());
        assert!(read(&folder.join("nothing"), MAX_SECRET).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
