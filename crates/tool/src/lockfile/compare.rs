use super::{Lockfile, PinnedChainElement};
use crate::{
    item::ToolItem,
    words::{ContentHash, Space, ToolItemId, ToolVersion},
};
use std::fmt;

/// An element of a chain that is not what was pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainElementDrift {
    /// The element.
    pub item_id: ToolItemId,
    /// What happened to it.
    pub changes: Vec<ChainDriftKind>,
}

/// What can happen to a pinned element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainDriftKind {
    /// Its content is another.
    Changed {
        /// The content hash that was pinned.
        pinned: ContentHash,
        /// The content hash now.
        now: ContentHash,
    },
    /// An item of the same id in a nearer space hides it.
    Shadowed {
        /// The space that was pinned.
        pinned: Space,
        /// The nearer one.
        by: Space,
        /// Where the other item is.
        origin: String,
    },
    /// It is now found in a space behind.
    Moved {
        /// The space that was pinned.
        pinned: Space,
        /// Where it is now.
        now: Space,
    },
    /// Another item runs it.
    Rewired {
        /// The executor that was pinned.
        pinned: Option<ToolItemId>,
        /// The executor now.
        now: Option<ToolItemId>,
    },
    /// It says that it is another kind of item.
    Retyped {
        /// The type that was pinned.
        pinned: Option<String>,
        /// The type now.
        now: Option<String>,
    },
    /// It says another version: then this lockfile is not its own.
    Reversioned {
        /// The version that was pinned.
        pinned: String,
        /// The version now.
        now: String,
    },
    /// It is not there.
    Missing(String),
    /// It is there, and is no element of a chain, for the reason given.
    Broken(String),
    /// It was not pinned.
    Added,
    /// Nothing leads to it any more.
    Removed,
    /// It stands at another place in the chain.
    Reordered,
}

impl ChainDriftKind {
    /// The change in a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Shadowed { .. } => "shadowed",
            Self::Moved { .. } => "moved",
            Self::Rewired { .. } => "rewired",
            Self::Retyped { .. } => "retyped",
            Self::Reversioned { .. } => "reversioned",
            Self::Missing(_) => "missing",
            Self::Broken(_) => "broken",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Reordered => "reordered",
        }
    }
}

impl fmt::Display for ChainDriftKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_nothing = |id: &Option<ToolItemId>| {
            id.as_ref().map_or("nothing".to_owned(), ToolItemId::to_string)
        };
        let or_none = |text: &Option<String>| text.clone().unwrap_or("none".to_owned());
        match self {
            Self::Changed { pinned, now } => {
                write!(f, "content changed: pinned {}, now {}", pinned.short(), now.short())
            }
            Self::Shadowed { pinned, by, origin } => {
                write!(f, "shadowed by the {by} space: {origin} (pinned: {pinned})")
            }
            Self::Moved { pinned, now } => write!(f, "moved from the {pinned} to the {now} space"),
            Self::Rewired { pinned, now } => {
                write!(
                    f,
                    "executor rewired: pinned {}, now {}",
                    or_nothing(pinned),
                    or_nothing(now)
                )
            }
            Self::Retyped { pinned, now } => {
                write!(f, "tool type changed: pinned {}, now {}", or_none(pinned), or_none(now))
            }
            Self::Reversioned { pinned, now } => {
                write!(f, "version changed: pinned {pinned}, now {now}")
            }
            Self::Missing(why) => write!(f, "missing: {why}"),
            Self::Broken(why) => write!(f, "broken: {why}"),
            Self::Added => f.write_str("added: not part of the pinned chain"),
            Self::Removed => f.write_str("removed: nothing leads to it any more"),
            Self::Reordered => f.write_str("stands at another place in the chain"),
        }
    }
}

/// How elements differ from those that were pinned, one entry for each that drifted, in the order of the pin.
///
/// `broken` says where the chain could not be followed any further, and why.
pub fn compare(
    lockfile: &Lockfile,
    now: &[ToolItem],
    broken: Option<(&ToolItemId, ChainDriftKind)>,
) -> Vec<ChainElementDrift> {
    let mut drift: Vec<ChainElementDrift> = Vec::new();
    let mut put = |item_id: &ToolItemId, changes: Vec<ChainDriftKind>| {
        if !changes.is_empty() {
            drift.push(ChainElementDrift { item_id: item_id.clone(), changes });
        }
    };
    for (index, pinned) in lockfile.chain.iter().enumerate() {
        let found = now.iter().position(|item| item.id == pinned.item_id);
        let changes = match (found.and_then(|at| now.get(at)), &broken) {
            (Some(item), _) => {
                let mut changes = changes(pinned, item);
                changes.extend(reversioned(lockfile, item));
                if found != Some(index) {
                    changes.push(ChainDriftKind::Reordered);
                }
                changes
            }
            (None, Some((id, why))) if **id == pinned.item_id => vec![why.clone()],
            // Behind a broken element nothing is known of the others.
            (None, Some(_)) => Vec::new(),
            (None, None) => vec![ChainDriftKind::Removed],
        };
        put(&pinned.item_id, changes);
    }
    let is_pinned = |id: &ToolItemId| lockfile.chain.iter().any(|pinned| pinned.item_id == *id);
    for item in now.iter().filter(|item| !is_pinned(&item.id)) {
        put(&item.id, vec![ChainDriftKind::Added]);
    }
    if let Some((id, why)) = broken.filter(|(id, _)| !is_pinned(id)) {
        put(id, vec![ChainDriftKind::Added, why]);
    }
    drift
}

/// Of the tool itself, its version: the lockfile of another one is not its own.
fn reversioned(lockfile: &Lockfile, item: &ToolItem) -> Option<ChainDriftKind> {
    let now =
        item.metadata.version.as_ref().map_or_else(|| "none".to_owned(), ToolVersion::to_string);
    let pinned = lockfile.version.to_string();
    (item.id == lockfile.tool_id && now != pinned)
        .then_some(ChainDriftKind::Reversioned { pinned, now })
}

fn changes(pinned: &PinnedChainElement, item: &ToolItem) -> Vec<ChainDriftKind> {
    let now = PinnedChainElement::of(item);
    let mut changes = Vec::new();
    if now.space < pinned.space {
        let origin = item.origin.to_string();
        changes.push(ChainDriftKind::Shadowed { pinned: pinned.space, by: now.space, origin });
    } else if now.space > pinned.space {
        changes.push(ChainDriftKind::Moved { pinned: pinned.space, now: now.space });
    }
    if now.integrity != pinned.integrity {
        changes.push(ChainDriftKind::Changed { pinned: pinned.integrity, now: now.integrity });
    }
    if now.executor_id != pinned.executor_id {
        let (pinned, now) = (pinned.executor_id.clone(), now.executor_id);
        changes.push(ChainDriftKind::Rewired { pinned, now });
    }
    if now.tool_type != pinned.tool_type {
        let (pinned, now) = (pinned.tool_type.clone(), now.tool_type);
        changes.push(ChainDriftKind::Retyped { pinned, now });
    }
    changes
}
