//! What is kept of commands that have ended.
//!
//! ```text
//! <folder>/results/<key>.json     a result: exit code, digests of streams and artifacts
//! <folder>/last/<name>            the key of the last result of a name
//! <folder>/blobs/<digest>         contents, by their digests; a manifest by its key, which is its digest
//! <folder>/recordings/<key>/      what is being recorded
//! <folder>/trees/                 what is known of files
//! <folder>/claims/<number>        who makes or restores which artifacts at the moment
//! ```
//!
//! A result appears after all that it names, in one step. Whatever is read is checked by its digest; a result
//! of which anything is missing or damaged counts as absent. Nothing is synced to disk: after a power cut, what
//! is not whole is found out in just this way. Changes are made under one latch, so what is being added is not
//! taken for rubbish.

mod age;
mod artifact;
mod artifact_claim;
mod blob_store;
mod meeting;
mod place;
mod prune;
mod record;
mod store;
mod verified_result;

pub use age::{BootClockTime, ResultFreshnessCriteria};
pub use artifact::{ArtifactRestoreOutcome, ResultArtifact, ResultArtifactError};
pub use artifact_claim::{
    ArtifactClaimPurpose, ArtifactClaimRequest, ArtifactPathClaim, ArtifactPathClaimError,
};
pub use meeting::{ArtifactClaimConflict, RivalKind};
pub use prune::{PruneOutcome, RetentionLimits};
pub use record::{FORMAT_VERSION, ResultRecord};
pub use store::{DamagedResultPart, NewResult, ResultLookupOutcome, ResultStore, ResultStoreError};
pub use verified_result::VerifiedResult;
