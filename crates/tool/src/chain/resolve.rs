use crate::{
    item::{ToolItem, ToolItemError, ToolSpaceLocations},
    metadata::ToolItemExecutorDeclaration,
    run::is_known_primitive,
    words::{ContentHash, Space, ToolItemId},
};

/// The most elements that a chain can have.
pub const MOST_ELEMENTS: usize = 10;

/// A chain that ends in a primitive, the tool first.
#[derive(Clone, Debug)]
pub struct ToolChain {
    elements: Vec<ToolItem>,
}

/// Says why no chain was found, and how far it led.
#[derive(Debug)]
pub struct ChainResolveFailure {
    /// The elements before the fault.
    pub elements: Vec<ToolItem>,
    /// The fault.
    pub error: ChainResolveError,
}

/// Says why an item has no chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainResolveError {
    /// An element is not there.
    #[error("{id} is missing{}; looked in {}", asked_by(.by.as_ref()), places.join(", "))]
    Missing {
        /// The element.
        id: ToolItemId,
        /// The item that names this executor; `None` for the tool itself.
        by: Option<ToolItemId>,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// An element is there and is no item.
    #[error(transparent)]
    Item(#[from] ToolItemError),
    /// An element comes twice.
    #[error("the chain is a cycle: {}", arrows(.0))]
    Cycle(Vec<ToolItemId>),
    /// There are more elements than a chain can have.
    #[error("the chain has more than {MOST_ELEMENTS} elements: {}", arrows(.0))]
    TooLong(Vec<ToolItemId>),
    /// An element does not say what runs it.
    #[error("{id} names no executor: {place}")]
    NoExecutor {
        /// The element.
        id: ToolItemId,
        /// Where it is.
        place: String,
    },
    /// The last element is no primitive that this program has.
    #[error("{0} has no executor, but it is not a primitive that this lokt knows")]
    UnknownPrimitive(ToolItemId),
}

impl ToolChain {
    /// The elements, the tool first, the primitive last.
    pub fn elements(&self) -> &[ToolItem] {
        &self.elements
    }

    /// The tool.
    pub fn root(&self) -> Option<&ToolItem> {
        self.elements.first()
    }

    /// Names exactly this chain: the SHA-256 of a line for each element, `space id executor integrity`.
    pub fn digest(&self) -> ContentHash {
        let lines: Vec<String> = self.elements.iter().map(line).collect();
        ContentHash::of_parts(lines.iter().map(String::as_bytes))
    }
}

fn line(item: &ToolItem) -> String {
    let executor = match &item.metadata.executor {
        ToolItemExecutorDeclaration::Item(id) => id.as_str(),
        ToolItemExecutorDeclaration::Nothing | ToolItemExecutorDeclaration::Unsaid => "-",
    };
    format!("{} {} {executor} {}\n", item.space, item.id, item.integrity)
}

/// Finds the chain of an item. Each file is read once.
///
/// An element is looked for in the space of the one that names it, and behind: what a user's item needs, no
/// project can put in its place.
///
/// # Errors
/// [`ChainResolveFailure`] with what was found until then.
pub fn resolve(
    spaces: &ToolSpaceLocations,
    id: &ToolItemId,
) -> Result<ToolChain, ChainResolveFailure> {
    let mut elements: Vec<ToolItem> = Vec::new();
    let mut next = Some(id.clone());
    while let Some(id) = next {
        match element(spaces, &elements, &id) {
            Ok((item, executor)) => {
                elements.push(item);
                next = executor;
            }
            Err(error) => return Err(ChainResolveFailure { elements, error }),
        }
    }
    Ok(ToolChain { elements })
}

/// The next element, and what runs it.
fn element(
    spaces: &ToolSpaceLocations,
    before: &[ToolItem],
    id: &ToolItemId,
) -> Result<(ToolItem, Option<ToolItemId>), ChainResolveError> {
    let way = || before.iter().map(|item| item.id.clone()).chain([id.clone()]).collect();
    if before.iter().any(|item| item.id == *id) {
        return Err(ChainResolveError::Cycle(way()));
    }
    if before.len() == MOST_ELEMENTS {
        return Err(ChainResolveError::TooLong(way()));
    }
    let by = before.last();
    let space = by.map_or(Space::Project, |item| item.space);
    let Some(item) = spaces.item_from(space, id)? else {
        let (by, places) = (by.map(|item| item.id.clone()), spaces.places(space));
        return Err(ChainResolveError::Missing { id: id.clone(), by, places });
    };
    match item.metadata.executor.clone() {
        ToolItemExecutorDeclaration::Item(executor) => Ok((item, Some(executor))),
        ToolItemExecutorDeclaration::Nothing if is_known_primitive(id) => Ok((item, None)),
        ToolItemExecutorDeclaration::Nothing => {
            Err(ChainResolveError::UnknownPrimitive(id.clone()))
        }
        ToolItemExecutorDeclaration::Unsaid => {
            Err(ChainResolveError::NoExecutor { id: id.clone(), place: item.origin.to_string() })
        }
    }
}

fn asked_by(by: Option<&ToolItemId>) -> String {
    by.map_or_else(String::new, |by| format!(" (the executor of {by})"))
}

fn arrows(ids: &[ToolItemId]) -> String {
    ids.iter().map(ToolItemId::as_str).collect::<Vec<_>>().join(" -> ")
}
