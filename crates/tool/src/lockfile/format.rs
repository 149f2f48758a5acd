use crate::{
    chain::ToolChain,
    item::ToolItem,
    metadata::ToolItemExecutorDeclaration,
    words::{ContentHash, Space, ToolItemId, ToolVersion},
};
use lokt_lock::words::Timestamp;

/// The version of the format that is written, and the only one that is read.
pub(super) const LOCKFILE_VERSION: u64 = 1;

/// What a lockfile pins.
#[derive(Clone, Debug, PartialEq)]
pub struct Lockfile {
    /// The tool; the same as the first element's id.
    pub tool_id: ToolItemId,
    /// The tool's version.
    pub version: ToolVersion,
    /// The elements, the tool first.
    pub chain: Vec<PinnedChainElement>,
}

/// One element as it was pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedChainElement {
    /// Its id.
    pub item_id: ToolItemId,
    /// The space that it was found in.
    pub space: Space,
    /// What kind of item it is, if it says so.
    pub tool_type: Option<String>,
    /// What runs it; `None` for a primitive.
    pub executor_id: Option<ToolItemId>,
    /// Its content hash.
    pub integrity: ContentHash,
}

impl PinnedChainElement {
    /// An element as it is now.
    pub fn of(item: &ToolItem) -> Self {
        let executor_id = match &item.metadata.executor {
            ToolItemExecutorDeclaration::Item(id) => Some(id.clone()),
            ToolItemExecutorDeclaration::Nothing | ToolItemExecutorDeclaration::Unsaid => None,
        };
        Self {
            item_id: item.id.clone(),
            space: item.space,
            tool_type: item.metadata.tool_type.clone(),
            executor_id,
            integrity: item.integrity,
        }
    }
}

impl Lockfile {
    /// Pins a chain as it is now; `None` where the tool has no version.
    pub fn of(chain: &ToolChain) -> Option<Self> {
        let root = chain.root()?;
        Some(Self {
            tool_id: root.id.clone(),
            version: root.metadata.version.clone()?,
            chain: chain.elements().iter().map(PinnedChainElement::of).collect(),
        })
    }

    /// The path of a tool's lockfile below a folder of lockfiles.
    pub fn path_of(tool_id: &ToolItemId, version: &ToolVersion) -> String {
        format!("{tool_id}@{version}.lock.json")
    }
}

/// A time as lockfiles have it: UTC as `+00:00`, microseconds in six digits unless they are zero.
pub(super) fn generated_at(time: Timestamp) -> String {
    let text = time.to_string();
    let (seconds, _) =
        text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
    match time.as_microseconds().rem_euclid(1_000_000) {
        0 => format!("{seconds}+00:00"),
        microseconds => format!("{seconds}.{microseconds:06}+00:00"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits_or_none() {
        for (time, written) in [
            ("2026-02-11T00:00:00Z", "2026-02-11T00:00:00+00:00"),
            ("2026-02-11T00:00:00.5Z", "2026-02-11T00:00:00.500000+00:00"),
            ("2026-02-11T00:00:00.000001Z", "2026-02-11T00:00:00.000001+00:00"),
        ] {
            assert_eq!(generated_at(time.parse().unwrap()), written);
        }
    }
}
