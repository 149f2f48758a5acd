use crate::{
    item::{Item, ItemError, Spaces},
    metadata::Executor,
    run::is_known_primitive,
    words::{Integrity, ItemId, Space},
};

/// The most elements that a chain can have.
pub const MOST_ELEMENTS: usize = 10;

/// A chain that ends in a primitive, the tool first.
#[derive(Clone, Debug)]
pub struct Chain {
    elements: Vec<Item>,
}

/// Says why no chain was found, and how far it led.
#[derive(Debug)]
pub struct ResolveFailure {
    /// The elements before the fault.
    pub elements: Vec<Item>,
    /// The fault.
    pub error: ResolveError,
}

/// Says why an item has no chain.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// An element is not there.
    #[error("{id} is missing{}; looked in {}", asked_by(.by.as_ref()), places.join(", "))]
    Missing {
        /// The element.
        id: ItemId,
        /// The item that names this executor; `None` for the tool itself.
        by: Option<ItemId>,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// An element is there and is no item.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// An element comes twice.
    #[error("the chain is a cycle: {}", arrows(.0))]
    Cycle(Vec<ItemId>),
    /// There are more elements than a chain can have.
    #[error("the chain has more than {MOST_ELEMENTS} elements: {}", arrows(.0))]
    TooLong(Vec<ItemId>),
    /// An element does not say what runs it.
    #[error("{id} names no executor: {place}")]
    NoExecutor {
        /// The element.
        id: ItemId,
        /// Where it is.
        place: String,
    },
    /// The last element is no primitive that this program has.
    #[error("{0} has no executor, but it is not a primitive that this lokt knows")]
    UnknownPrimitive(ItemId),
}

impl Chain {
    /// The elements, the tool first, the primitive last.
    pub fn elements(&self) -> &[Item] {
        &self.elements
    }

    /// The tool.
    pub fn root(&self) -> Option<&Item> {
        self.elements.first()
    }

    /// Names exactly this chain: the SHA-256 of a line for each element, `space id executor integrity`.
    pub fn digest(&self) -> Integrity {
        let lines: Vec<String> = self.elements.iter().map(line).collect();
        Integrity::of_parts(lines.iter().map(String::as_bytes))
    }
}

fn line(item: &Item) -> String {
    let executor = match &item.metadata.executor {
        Executor::Item(id) => id.as_str(),
        Executor::Nothing | Executor::Unsaid => "-",
    };
    format!("{} {} {executor} {}\n", item.space, item.id, item.integrity)
}

/// Finds the chain of an item. Each file is read once.
///
/// An element is looked for in the space of the one that names it, and behind: what a user's item needs, no
/// project can put in its place.
///
/// # Errors
/// [`ResolveFailure`] with what was found until then.
pub fn resolve(spaces: &Spaces, id: &ItemId) -> Result<Chain, ResolveFailure> {
    let mut elements: Vec<Item> = Vec::new();
    let mut next = Some(id.clone());
    while let Some(id) = next {
        match element(spaces, &elements, &id) {
            Ok((item, executor)) => {
                elements.push(item);
                next = executor;
            }
            Err(error) => return Err(ResolveFailure { elements, error }),
        }
    }
    Ok(Chain { elements })
}

/// The next element, and what runs it.
fn element(
    spaces: &Spaces,
    before: &[Item],
    id: &ItemId,
) -> Result<(Item, Option<ItemId>), ResolveError> {
    let way = || before.iter().map(|item| item.id.clone()).chain([id.clone()]).collect();
    if before.iter().any(|item| item.id == *id) {
        return Err(ResolveError::Cycle(way()));
    }
    if before.len() == MOST_ELEMENTS {
        return Err(ResolveError::TooLong(way()));
    }
    let by = before.last();
    let space = by.map_or(Space::Project, |item| item.space);
    let Some(item) = spaces.item_from(space, id)? else {
        let (by, places) = (by.map(|item| item.id.clone()), spaces.places(space));
        return Err(ResolveError::Missing { id: id.clone(), by, places });
    };
    match item.metadata.executor.clone() {
        Executor::Item(executor) => Ok((item, Some(executor))),
        Executor::Nothing if is_known_primitive(id) => Ok((item, None)),
        Executor::Nothing => Err(ResolveError::UnknownPrimitive(id.clone())),
        Executor::Unsaid => {
            Err(ResolveError::NoExecutor { id: id.clone(), place: item.origin.to_string() })
        }
    }
}

fn asked_by(by: Option<&ItemId>) -> String {
    by.map_or_else(String::new, |by| format!(" (the executor of {by})"))
}

fn arrows(ids: &[ItemId]) -> String {
    ids.iter().map(ItemId::as_str).collect::<Vec<_>>().join(" -> ")
}
