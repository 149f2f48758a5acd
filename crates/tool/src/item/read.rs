use super::{NormalizedToolItemText, ToolItemError, folder::OpenedToolFile};
use crate::{
    metadata::{self, ToolMetadata},
    words::{ContentHash, Space, ToolFileExtension, ToolItemId},
};
use std::path::{Path, PathBuf};

/// An item with everything that its bytes say.
#[derive(Clone, Debug)]
pub struct ToolItem {
    /// Its id.
    pub id: ToolItemId,
    /// The space that it was found in.
    pub space: Space,
    /// Where it came from.
    pub origin: ItemOrigin,
    /// What kind of file it is.
    pub extension: ToolFileExtension,
    /// The bytes, as they were read.
    pub bytes: Vec<u8>,
    /// The same as text.
    pub text: NormalizedToolItemText,
    /// The content hash.
    pub integrity: ContentHash,
    /// What it says about itself.
    pub metadata: ToolMetadata,
}

/// Where an item came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemOrigin {
    /// A file.
    File(PathBuf),
    /// The program itself; it needs no signature.
    BuiltIn,
}

impl ItemOrigin {
    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::BuiltIn => None,
        }
    }
}

impl std::fmt::Display for ItemOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

impl ToolItem {
    pub(super) fn read(
        id: &ToolItemId,
        space: Space,
        found: &OpenedToolFile,
    ) -> Result<Self, ToolItemError> {
        if found.extension == ToolFileExtension::Json {
            return Err(ToolItemError::Json(found.path.clone()));
        }
        let bytes = found.read()?;
        let origin = ItemOrigin::File(found.path.clone());
        Self::of_bytes(id, (space, origin), found.extension, bytes)
    }

    pub(super) fn built_in(id: &ToolItemId, text: &'static str) -> Result<Self, ToolItemError> {
        let bytes = text.as_bytes().to_vec();
        Self::of_bytes(id, (Space::System, ItemOrigin::BuiltIn), ToolFileExtension::Yaml, bytes)
    }

    fn of_bytes(
        id: &ToolItemId,
        (space, origin): (Space, ItemOrigin),
        extension: ToolFileExtension,
        bytes: Vec<u8>,
    ) -> Result<Self, ToolItemError> {
        let path = || origin.path().map_or_else(|| PathBuf::from(id.as_str()), Path::to_owned);
        let text = NormalizedToolItemText::decode(&bytes, extension)
            .map_err(|source| ToolItemError::NotUtf8 { path: path(), source })?;
        let metadata = metadata::read(text.as_str(), extension)
            .map_err(|source| ToolItemError::Metadata { path: path(), source })?;
        let integrity = text.integrity();
        Ok(Self { id: id.clone(), space, origin, extension, bytes, text, integrity, metadata })
    }
}
