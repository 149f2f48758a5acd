use super::LockRecord;
use serde_json::{Map, Value};

/// The metadata key that tells the lease of a shared result from one that somebody took, and its value.
const KIND: (&str, &str) = ("kind", "result");

/// The metadata key that tells which result.
const DIGEST: &str = "digest";

/// Leases that tell of shared results: they are taken for what came of a command, not for work that is going on.
impl LockRecord {
    /// Marks a lease's metadata as that of a result.
    pub fn mark_as_result(metadata: &mut Map<String, Value>, digest: &str) {
        metadata.insert(KIND.0.to_owned(), KIND.1.into());
        metadata.insert(DIGEST.to_owned(), digest.into());
    }

    /// Makes it the lease of nothing but whoever has it; what the metadata tells of the result stays.
    pub(crate) fn unmark_as_result(&mut self) {
        if self.result().is_some()
            && let Some(metadata) = &mut self.metadata
        {
            metadata.shift_remove(KIND.0);
        }
    }

    /// The result that this is the lease of.
    pub fn result(&self) -> Option<&str> {
        let metadata = self.metadata.as_ref()?;
        let is_result = metadata.get(KIND.0)?.as_str() == Some(KIND.1);
        metadata.get(DIGEST)?.as_str().filter(|_| is_result && self.co_holders.is_empty())
    }
}
