//! The content of a file that may be a record. Whatever stands there, reading never blocks and follows no link.

use super::io::is_link;
use nix::libc::{ELOOP, ENXIO};
use std::{
    borrow::Cow,
    fs::{File, FileType},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::Path,
};

/// Larger than anything a command line can carry, and still read in no time.
pub(super) const LARGEST_RECORD: u64 = 64 * 1024 * 1024;

/// Longer than most records.
pub(super) type RecordBuffer = [u8; 2048];

/// What is in the place of a record.
pub(super) enum RecordContent<'a> {
    /// These bytes.
    Bytes(Cow<'a, [u8]>),
    /// Not a file, but this.
    NotAFile(&'static str),
    /// A file of so many bytes, more than [`LARGEST_RECORD`].
    TooLarge(u64),
}

/// Reads a file that was opened in the place of a record.
///
/// A few bytes are returned without asking whether it is a file: they may come from a device.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read_content<'a>(
    mut file: &File,
    buffer: &'a mut RecordBuffer,
) -> io::Result<RecordContent<'a>> {
    // Most records fit into the buffer, and one read(2) is enough: if it returns less than asked for, the file has no
    // more.
    let first = match file.read(buffer) {
        Ok(read) if read > 0 && read < buffer.len() => {
            return Ok(RecordContent::Bytes(Cow::Borrowed(buffer.get(..read).unwrap_or_default())));
        }
        other => other,
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(RecordContent::NotAFile(kind_of(meta.file_type())));
    }
    let start = buffer.get(..first?).unwrap_or_default();
    if meta.len() > LARGEST_RECORD {
        return Ok(RecordContent::TooLarge(meta.len()));
    }
    let mut bytes = start.to_vec();
    file.take(LARGEST_RECORD).read_to_end(&mut bytes)?;
    Ok(RecordContent::Bytes(Cow::Owned(bytes)))
}

/// What stands at a path that cannot be opened, if the error says that it is not a file.
pub(super) fn kind_by_error(path: &Path, error: &io::Error) -> Option<&'static str> {
    match error.raw_os_error()? {
        ELOOP if is_link(path) => Some("a symbolic link"),
        ENXIO => Some("a socket"),
        _ => None,
    }
}

/// What something other than a file is called.
pub(super) fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_whether_it_fits_into_the_buffer_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for length in [0, 1, 2047, 2048, 2049, 100_000] {
            let written: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            std::fs::write(&path, &written).unwrap();
            let mut buffer = [0; _];
            let read = read_content(&File::open(&path).unwrap(), &mut buffer).unwrap();
            let RecordContent::Bytes(read) = read else { panic!("{length} bytes are a record") };
            assert_eq!(*read, written, "all {length} bytes are read");
        }
    }
}
