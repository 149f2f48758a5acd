use super::Chain;
use crate::{
    item::{Item, ItemOrigin},
    signature::{SignatureError, SignatureLine, TrustStore, verify},
    words::ItemId,
};

/// Says which element of a chain is not vouched for, and why.
#[derive(Debug, thiserror::Error)]
#[error("{id} ({origin})")]
pub struct ElementError {
    /// The element.
    pub id: ItemId,
    /// Where it is.
    pub origin: ItemOrigin,
    /// Why not.
    pub source: Box<SignatureError>,
}

/// Verifies every element's signature. Built-in items are part of the program and have none.
///
/// # Errors
/// [`ElementError`] for the first element that is not vouched for.
pub fn verify_signatures(
    chain: &Chain,
    trust: &TrustStore,
) -> Result<Vec<Option<SignatureLine>>, ElementError> {
    chain.elements().iter().map(|item| signature_of(item, trust)).collect()
}

fn signature_of(item: &Item, trust: &TrustStore) -> Result<Option<SignatureLine>, ElementError> {
    if item.origin == ItemOrigin::BuiltIn {
        return Ok(None);
    }
    verify(&item.text, trust).map(Some).map_err(|source| ElementError {
        id: item.id.clone(),
        origin: item.origin.clone(),
        source: Box::new(source),
    })
}
