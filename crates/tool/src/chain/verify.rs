use super::ToolChain;
use crate::{
    item::{ItemOrigin, ToolItem},
    signature::{SignatureError, SignatureLine, TrustStore, verify},
    words::ToolItemId,
};

/// Says which element of a chain is not vouched for, and why.
#[derive(Debug, thiserror::Error)]
#[error("{id} ({origin})")]
pub struct ChainSignatureError {
    /// The element.
    pub id: ToolItemId,
    /// Where it is.
    pub origin: ItemOrigin,
    /// Why not.
    pub source: Box<SignatureError>,
}

/// Verifies every element's signature. Built-in items are part of the program and have none.
///
/// # Errors
/// [`ChainSignatureError`] for the first element that is not vouched for.
pub fn verify_signatures(
    chain: &ToolChain,
    trust: &TrustStore,
) -> Result<Vec<Option<SignatureLine>>, ChainSignatureError> {
    chain.elements().iter().map(|item| signature_of(item, trust)).collect()
}

fn signature_of(
    item: &ToolItem,
    trust: &TrustStore,
) -> Result<Option<SignatureLine>, ChainSignatureError> {
    if item.origin == ItemOrigin::BuiltIn {
        return Ok(None);
    }
    verify(&item.text, trust).map(Some).map_err(|source| ChainSignatureError {
        id: item.id.clone(),
        origin: item.origin.clone(),
        source: Box::new(source),
    })
}
