use super::{LockMetadata, LockRecord};

/// The metadata key that tells the lease of a shared result from a lease that a caller took, and its value.
const KIND: (&str, &str) = ("kind", "result");

/// The metadata key that tells which result.
const DIGEST: &str = "digest";

/// Leases that tell of shared results: they are taken for the outcome of a command, not for work that is going
/// on.
impl LockRecord {
    /// Marks a lease's metadata as that of a result.
    pub fn mark_as_result(metadata: &mut LockMetadata, digest: &str) {
        metadata.set(KIND.0, KIND.1);
        metadata.set(DIGEST, digest);
    }

    /// Makes it an ordinary lease of its owner; what the metadata tells of the result stays.
    pub(crate) fn unmark_as_result(&mut self) {
        if self.result().is_some()
            && let Some(metadata) = &mut self.metadata
        {
            metadata.remove(KIND.0);
        }
    }

    /// The result that this is the lease of.
    pub fn result(&self) -> Option<String> {
        let metadata = self.metadata.as_ref().filter(|_| self.co_holders.is_empty())?;
        let is_result = metadata.text(KIND.0)? == KIND.1;
        metadata.text(DIGEST).filter(|_| is_result)
    }
}
