//! A path of the project, from its root, as git writes it.

use super::error::{InvalidPath, excerpt};
use std::{
    ffi::OsStr,
    fmt,
    os::unix::ffi::OsStrExt,
    path::{Component, Path},
};

/// A path below the project's root, or the root itself.
///
/// Its bytes are segments with `/` between them: no `/` at either end, no empty segment, no `.` or `..`, no NUL.
/// They need not be UTF-8. The root has no bytes; [`Display`](fmt::Display) shows it as `.`. All rules are about text:
/// nothing here reads a file, and no symbolic link is followed.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectPath(Box<[u8]>);

/// The folder from which a text was typed.
#[derive(Clone, Copy, Debug)]
pub struct WorkingFolder<'a> {
    /// The project's root: an absolute path, in the spelling in which absolute arguments are expected.
    pub project: &'a Path,
    /// The folder, from the root.
    pub folder: &'a ProjectPath,
}

impl ProjectPath {
    /// The longest path, in bytes: `PATH_MAX` of Linux.
    pub const MAX_BYTES: usize = 4096;

    /// Returns the project's root.
    pub fn root() -> Self {
        Self(Box::default())
    }

    /// Reads a path that begins at the project's root, as git and hooks write it.
    ///
    /// `.`, empty segments and a `/` at the end are left out, `..` removes the segment before it.
    ///
    /// # Errors
    /// [`InvalidPath`]; an absolute path is [`InvalidPath::OutsideProject`].
    pub fn new(text: &[u8]) -> Result<Self, InvalidPath> {
        if text.starts_with(b"/") {
            return Err(InvalidPath::OutsideProject(excerpt(text)));
        }
        Self::below(Vec::new(), text)
    }

    /// Reads a path as a user types it: from a folder of the project, or absolute.
    ///
    /// `..` is taken from the text, as a shell's `cd` does it, and not from what a symbolic link leads to.
    ///
    /// # Errors
    /// [`InvalidPath`]; a path that leaves the project is [`InvalidPath::OutsideProject`].
    pub fn resolve(text: &[u8], from: &WorkingFolder<'_>) -> Result<Self, InvalidPath> {
        if !text.starts_with(b"/") {
            return Self::below(from.folder.segments().collect(), text);
        }
        let outside = || InvalidPath::OutsideProject(excerpt(text));
        let absolute = normal_segments(Vec::new(), text, AboveTop::Stay).ok_or_else(outside)?;
        let root = root_segments(from.project);
        let rest = absolute.strip_prefix(root.as_slice()).ok_or_else(outside)?;
        Self::from_segments(rest, text)
    }

    fn below(folder: Vec<&[u8]>, text: &[u8]) -> Result<Self, InvalidPath> {
        if text.is_empty() {
            return Err(InvalidPath::Empty);
        }
        let segments = normal_segments(folder, text, AboveTop::Refuse)
            .ok_or_else(|| InvalidPath::OutsideProject(excerpt(text)))?;
        Self::from_segments(&segments, text)
    }

    fn from_segments(segments: &[&[u8]], text: &[u8]) -> Result<Self, InvalidPath> {
        if text.contains(&0) {
            return Err(InvalidPath::Nul(excerpt(text)));
        }
        let bytes = segments.join(&b'/');
        if bytes.len() > Self::MAX_BYTES {
            return Err(InvalidPath::TooLong(bytes.len()));
        }
        Ok(Self(bytes.into()))
    }

    /// Takes bytes that have the form of a path already.
    pub(super) fn from_normal(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes, without `/` at the end; none for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the path for the file system, relative to the root; empty for the root.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Returns whether this is the project's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the segments, from the root down.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty())
    }

    /// Returns the folders on the way to this path and then the path: `a`, `a/b`, `a/b/c`. Each may be a
    /// symbolic link.
    pub fn steps(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let all = ends.chain((!self.is_root()).then_some(self.0.len()));
        all.filter_map(|end| self.0.get(..end)).map(|bytes| Self(bytes.into()))
    }

    /// Returns whether a path is this one or below it.
    pub fn holds(&self, other: &Self) -> bool {
        match other.0.strip_prefix(&*self.0) {
            Some(rest) => self.is_root() || rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        }
    }
}

impl fmt::Display for ProjectPath {
    /// Writes the path; bytes that are not UTF-8 become U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for ProjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProjectPath({:?})", self.as_path())
    }
}

/// What `..` means where no segment is left.
#[derive(Clone, Copy)]
enum AboveTop {
    /// At the project's root: the path leaves the project.
    Refuse,
    /// At the root of the file system: `/..` is `/`.
    Stay,
}

fn normal_segments<'a>(
    mut segments: Vec<&'a [u8]>,
    text: &'a [u8],
    above: AboveTop,
) -> Option<Vec<&'a [u8]>> {
    for segment in text.split(|byte| *byte == b'/') {
        match (segment, above) {
            (b"" | b".", _) => {}
            (b"..", AboveTop::Refuse) => drop(segments.pop()?),
            (b"..", AboveTop::Stay) => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    Some(segments)
}

/// Returns the names on the way from `/` to the project's root.
pub(super) fn root_segments(project: &Path) -> Vec<&[u8]> {
    let names = project.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.as_bytes()),
        _ => None,
    });
    names.collect()
}
