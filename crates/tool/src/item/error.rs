use super::NotUtf8;
use crate::{metadata::ToolMetadataFlaw, words::ToolItemId};
use std::{io, path::PathBuf};

/// Says why a file is no item.
#[derive(Debug, thiserror::Error)]
pub enum ToolItemError {
    /// Two files of one space have the same id.
    #[error("{id} is ambiguous: {} and {}", first.display(), second.display())]
    Ambiguous {
        /// The id.
        id: ToolItemId,
        /// One file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// It lies outside the space that it was looked for in.
    #[error("{} leads out of its space, to {}", path.display(), leads_to.display())]
    Outside {
        /// Where it was looked for.
        path: PathBuf,
        /// Where it really is.
        leads_to: PathBuf,
    },
    /// It is no file.
    #[error("{} is not a regular file", .0.display())]
    NotFile(PathBuf),
    /// It is too large.
    #[error("{} has {bytes} bytes (at most {most})", path.display(), most = super::folder::MOST_BYTES)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// It is no text.
    #[error("{}: {source}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where it is no text.
        source: NotUtf8,
    },
    /// Its metadata cannot be read.
    #[error("{}: {source}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: ToolMetadataFlaw,
    },
    /// It is JSON outside of what is built in.
    #[error("{} is JSON, which cannot carry a signature", .0.display())]
    Json(PathBuf),
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}
