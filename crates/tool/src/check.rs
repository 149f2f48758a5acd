//! What must hold before anything runs: a chain that resolves now, equals what was pinned, and is vouched
//! for in every element.
//!
//! The order is that of the strength of what it tells: an invalid id, an invalid file, a pin that cannot be
//! read, drift from the pin, then signatures. Nothing here changes anything.

use crate::{
    chain::{
        ChainResolveError, ChainResolveFailure, ChainSignatureError, ToolChain, resolve,
        verify_signatures,
    },
    item::{ToolItem, ToolSpaceLocations},
    lockfile::{
        ChainDriftKind, ChainElementDrift, LockfileError, LockfileFolders, StoredLockfile, compare,
    },
    metadata::ToolItemExecutorDeclaration,
    signature::{SignatureLine, TrustStore},
    words::{InvalidToolItemId, ToolItemId, ToolVersion},
};

/// A chain of which everything holds that was asked of it.
#[derive(Debug)]
pub struct CheckedChain {
    /// The chain.
    pub chain: ToolChain,
    /// The tool's version.
    pub version: ToolVersion,
    /// Each element's signature; built-in ones have none.
    pub signatures: Vec<Option<SignatureLine>>,
    /// The lockfile that pins it, if there is one.
    pub pin: Option<StoredLockfile>,
}

/// Says why nothing may run.
#[derive(Debug, thiserror::Error)]
pub enum ChainCheckError {
    /// The id is invalid.
    #[error(transparent)]
    Id(#[from] InvalidToolItemId),
    /// There is no such tool, and nothing pins one.
    #[error("there is no tool {id}; looked in {}", places.join(", "))]
    NoTool {
        /// The id.
        id: ToolItemId,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// The chain does not resolve.
    #[error("cannot resolve {id}")]
    Resolve {
        /// The tool.
        id: ToolItemId,
        /// Why not.
        source: ChainResolveError,
    },
    /// The tool has no version, so nothing could pin it.
    #[error("{id} has no version: {place}")]
    NoVersion {
        /// The tool.
        id: ToolItemId,
        /// Where it is.
        place: String,
    },
    /// The lockfile is not one, or cannot be read.
    #[error(transparent)]
    Lockfile(#[from] LockfileError),
    /// The chain is not what was pinned.
    #[error("{} is not what was pinned in {}", .0.lockfile.tool_id, .0.path.display())]
    Drift(Box<StoredLockfile>, Vec<ChainElementDrift>),
    /// An element is not vouched for.
    #[error("{id} is not vouched for")]
    Signature {
        /// The tool.
        id: ToolItemId,
        /// Which element, and why.
        source: ChainSignatureError,
    },
}

/// What a chain is checked against.
#[derive(Debug)]
pub struct ChainChecker {
    /// Where items are.
    pub spaces: ToolSpaceLocations,
    /// Where lockfiles are.
    pub lockfiles: LockfileFolders,
    /// Which keys are trusted.
    pub trust: TrustStore,
}

impl ChainChecker {
    /// Checks against the lockfiles and the keys of these spaces.
    pub fn new(spaces: ToolSpaceLocations) -> Self {
        let lockfiles = LockfileFolders::of(&spaces);
        let trust = TrustStore::of(&spaces.user, spaces.system_folders());
        Self { spaces, lockfiles, trust }
    }

    /// Finds a tool's chain as it is now, whether it is pinned and vouched for or not.
    ///
    /// # Errors
    /// [`ChainCheckError`] if there is no such item.
    pub fn resolve(&self, id: &str) -> Result<ToolChain, ChainCheckError> {
        let id = ToolItemId::new(id)?;
        resolve(&self.spaces, &id).map_err(|broken| unresolved(id, broken))
    }

    /// Finds a tool's chain as it is now, and its signatures, whether it is pinned or not.
    ///
    /// # Errors
    /// [`ChainCheckError`] where there is no chain, or it is not vouched for.
    pub fn vouched_for(&self, id: &str) -> Result<ToolChain, ChainCheckError> {
        let chain = self.resolve(id)?;
        self.signatures(&ToolItemId::new(id)?, &chain)?;
        Ok(chain)
    }

    /// Checks a tool: its chain, its pin if it has one, its signatures.
    ///
    /// # Errors
    /// [`ChainCheckError`] with the first thing that does not hold.
    pub fn check(&self, id: &str) -> Result<CheckedChain, ChainCheckError> {
        let id = ToolItemId::new(id)?;
        let resolved = resolve(&self.spaces, &id);
        let Some(version) = self.version(&id, &resolved)? else {
            return Err(without_version(id, resolved));
        };
        let pin = self.lockfiles.find(&id, &version)?;
        let chain = match &pin {
            Some(pin) => against(pin, resolved)?,
            None => resolved.map_err(|broken| unresolved(id.clone(), broken))?,
        };
        let signatures = self.signatures(&id, &chain)?;
        Ok(CheckedChain { chain, version, signatures, pin })
    }

    /// Checks what a lockfile pins, whatever the tool's version is by now.
    ///
    /// # Errors
    /// [`ChainCheckError`] with the first thing that does not hold.
    pub fn check_pin(&self, pin: StoredLockfile) -> Result<CheckedChain, ChainCheckError> {
        let id = pin.lockfile.tool_id.clone();
        let chain = against(&pin, resolve(&self.spaces, &id))?;
        let signatures = self.signatures(&id, &chain)?;
        Ok(CheckedChain {
            chain,
            version: pin.lockfile.version.clone(),
            signatures,
            pin: Some(pin),
        })
    }

    /// How a tool differs from what its lockfile pins; `None` where it has none.
    ///
    /// # Errors
    /// [`ChainCheckError`] where that is unknown.
    pub fn drift(
        &self,
        id: &str,
    ) -> Result<Option<(StoredLockfile, Vec<ChainElementDrift>)>, ChainCheckError> {
        let id = ToolItemId::new(id)?;
        let resolved = resolve(&self.spaces, &id);
        let Some(version) = self.version(&id, &resolved)? else {
            return Err(without_version(id, resolved));
        };
        let pin = self.lockfiles.find(&id, &version)?;
        Ok(pin.map(|pin| {
            let rows = rows(&pin, &resolved);
            (pin, rows)
        }))
    }

    fn signatures(
        &self,
        id: &ToolItemId,
        chain: &ToolChain,
    ) -> Result<Vec<Option<SignatureLine>>, ChainCheckError> {
        let signatures = verify_signatures(chain, &self.trust);
        signatures.map_err(|source| ChainCheckError::Signature { id: id.clone(), source })
    }

    /// The version of the tool itself, as far as it was found; of a tool that is gone, that of its only pin.
    fn version(
        &self,
        id: &ToolItemId,
        resolved: &Result<ToolChain, ChainResolveFailure>,
    ) -> Result<Option<ToolVersion>, ChainCheckError> {
        let elements = elements_of(resolved);
        match elements.first() {
            Some(root) => Ok(root.metadata.version.clone()),
            None => self.version_of_pin(id),
        }
    }

    /// A tool that cannot be read says no version; then a lockfile of it does, the nearest first.
    fn version_of_pin(&self, id: &ToolItemId) -> Result<Option<ToolVersion>, ChainCheckError> {
        let pins = self.lockfiles.of_tool(id)?;
        for (scope, path) in pins {
            let name = path.to_string_lossy();
            if let Some(pin) = self.lockfiles.read(scope, &name)? {
                return Ok(Some(pin.lockfile.version));
            }
        }
        Ok(None)
    }
}

/// The error for a tool without a version.
fn without_version(
    id: ToolItemId,
    resolved: Result<ToolChain, ChainResolveFailure>,
) -> ChainCheckError {
    match resolved {
        Err(broken) if broken.elements.is_empty() => unresolved(id, broken),
        resolved => {
            let root = elements_of(&resolved).first();
            let place = root.map(|item| item.origin.to_string()).unwrap_or_default();
            ChainCheckError::NoVersion { id, place }
        }
    }
}

fn unresolved(id: ToolItemId, broken: ChainResolveFailure) -> ChainCheckError {
    match broken.error {
        ChainResolveError::Missing { by: None, places, .. } => {
            ChainCheckError::NoTool { id, places }
        }
        source => ChainCheckError::Resolve { id, source },
    }
}

/// The chain, where it is what was pinned.
fn against(
    pin: &StoredLockfile,
    resolved: Result<ToolChain, ChainResolveFailure>,
) -> Result<ToolChain, ChainCheckError> {
    let rows = rows(pin, &resolved);
    match resolved {
        Ok(chain) if rows.is_empty() => Ok(chain),
        // What cannot be followed to its end is never what was pinned, whatever the comparison says.
        _ => Err(ChainCheckError::Drift(Box::new(pin.clone()), rows)),
    }
}

fn rows(
    pin: &StoredLockfile,
    resolved: &Result<ToolChain, ChainResolveFailure>,
) -> Vec<ChainElementDrift> {
    match resolved {
        Ok(chain) => compare(&pin.lockfile, chain.elements(), None),
        Err(broken) => {
            let at = broken_at(broken, &pin.lockfile.tool_id);
            let why = match &broken.error {
                ChainResolveError::Missing { .. } => {
                    ChainDriftKind::Missing(broken.error.to_string())
                }
                error => ChainDriftKind::Broken(error.to_string()),
            };
            let rows = compare(&pin.lockfile, &broken.elements, Some((&at, why.clone())));
            if rows.is_empty() {
                vec![ChainElementDrift { item_id: at, changes: vec![why] }]
            } else {
                rows
            }
        }
    }
}

/// The element that the chain could not be followed to.
fn broken_at(broken: &ChainResolveFailure, root: &ToolItemId) -> ToolItemId {
    match (&broken.error, broken.elements.last()) {
        (ChainResolveError::NoExecutor { id, .. } | ChainResolveError::UnknownPrimitive(id), _) => {
            id.clone()
        }
        (_, Some(last)) => match &last.metadata.executor {
            ToolItemExecutorDeclaration::Item(id) => id.clone(),
            _ => last.id.clone(),
        },
        (_, None) => root.clone(),
    }
}

fn elements_of(resolved: &Result<ToolChain, ChainResolveFailure>) -> &[ToolItem] {
    match resolved {
        Ok(chain) => chain.elements(),
        Err(broken) => &broken.elements,
    }
}
