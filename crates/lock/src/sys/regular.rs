use nix::libc::{EISDIR, ENXIO, O_NOCTTY, O_NONBLOCK};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

/// Opens a regular file for reading. Anything else is an error: a named pipe would keep the caller waiting for a
/// writer, and a device may have no end.
///
/// # Errors
/// What open(2) says, and a separate error for what is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_regular_with(File::options().read(true), 0, path)
}

/// Opens a regular file with these options and these flags of open(2).
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_with(options: &mut OpenOptions, flags: i32, path: &Path) -> io::Result<File> {
    match options.custom_flags(flags | O_NONBLOCK | O_NOCTTY).open(path) {
        Ok(file) => require_regular(&file).map(|()| file),
        // A socket, or a named pipe that nothing reads (open(2)).
        Err(error) if error.raw_os_error() == Some(ENXIO) => {
            Err(not_regular("a socket or a named pipe"))
        }
        Err(error) => Err(error),
    }
}

/// Reads a regular file.
///
/// # Errors
/// As [`open_regular`], and what read(2) says.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Refuses an open file that is no regular one.
pub(super) fn require_regular(file: &File) -> io::Result<()> {
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(())
    } else if kind.is_dir() {
        Err(io::Error::from_raw_os_error(EISDIR))
    } else if kind.is_fifo() {
        Err(not_regular("a named pipe"))
    } else {
        Err(not_regular("a device"))
    }
}

pub(super) fn not_regular(what: &str) -> io::Error {
    io::Error::other(format!("it is {what}, not a regular file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::{sys::stat::Mode, unistd::mkfifo};
    use std::{fs, os::unix::net::UnixListener};

    #[test]
    fn what_is_no_regular_file_is_an_error_and_never_a_wait() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "text").unwrap();
        assert_eq!(read_regular(&at("file")).unwrap(), b"text");
        fs::create_dir(at("folder")).unwrap();
        mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
        for (name, text) in [
            ("folder", "Is a directory"),
            ("pipe", "a named pipe, not a regular file"),
            ("socket", "a socket or a named pipe"),
            ("device", "a device, not a regular file"),
        ] {
            for options in [File::options().read(true), File::options().append(true)] {
                let error = open_regular_with(options, 0, &at(name)).unwrap_err().to_string();
                assert!(error.contains(text) || error.contains("named pipe"), "{name}: {error}");
            }
        }
    }
}
