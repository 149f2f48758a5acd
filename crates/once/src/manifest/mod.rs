//! All that a result depends on. Its digest is the key: two calls share a result exactly if their manifests
//! are the same bytes.
//!
//! # The format
//! `lokt-once 1` and a newline, then the parts in the order in which they were named, files by their paths. A
//! part is a letter, and its fields, each with its length before it (4 bytes, the lowest first). So no two
//! different lists of parts have the same bytes.
//!
//! # Rules for changing it
//! Whatever changes the bytes of a manifest that could be made before raises the number in the first line:
//! then nothing that was kept is found any more, which is what must happen.

mod compare;
mod encoding;

pub use compare::{ResultInputChange, compare};

use crate::digest::Digest;

/// What kind of file stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultInputFileKind {
    /// A regular file.
    File,
    /// A regular file that its owner may execute.
    Executable,
    /// A symbolic link; its content is where it leads.
    Link,
    /// A separate repository inside the project, of which git sees only the folder.
    Repository,
    /// A FIFO, a socket, a device: known by its name alone.
    Special,
}

impl ResultInputFileKind {
    const ALL: [Self; 5] =
        [Self::File, Self::Executable, Self::Link, Self::Repository, Self::Special];

    /// The letter that stands for it, as a field of a part.
    const fn letter(self) -> &'static [u8] {
        match self {
            Self::File => b"f",
            Self::Executable => b"x",
            Self::Link => b"l",
            Self::Repository => b"r",
            Self::Special => b"s",
        }
    }

    fn of_letter(letter: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}

/// One thing that a result depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultInput {
    /// What the result is called.
    Name(String),
    /// A word of the command.
    Word(Vec<u8>),
    /// The folder in which the command runs, below the project's.
    Folder(Vec<u8>),
    /// A text that the caller named.
    Text(String),
    /// A variable of the environment that the caller named, and the digest of its value: a value may be a
    /// secret. `None` is a variable that is not set.
    Variable(String, Option<Digest>),
    /// A pattern of files that the caller named.
    Input(Vec<u8>),
    /// A file or folder that the command makes, below the project's folder: a caller that wants it must get it.
    Artifact(Vec<u8>),
    /// A file.
    File {
        /// Where it is, below the project's folder.
        path: Vec<u8>,
        /// What it is.
        kind: ResultInputFileKind,
        /// The digest of its content.
        content: Digest,
    },
}

/// All that a result depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultInputs {
    /// One thing after the other.
    pub parts: Vec<ResultInput>,
}

impl ResultInputs {
    /// The digest of all of it: the result's address.
    pub fn key(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, ResultInput::File { .. })).count()
    }
}
