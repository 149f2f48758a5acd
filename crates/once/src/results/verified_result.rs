use super::{
    ArtifactClaimRequest, ResultRecord, ResultStore,
    artifact::{self, ArtifactRestoreOutcome, ResultArtifactError},
    blob_store::BlobStore,
};
use crate::recording::{RecordingDisplayStreams, RecordingReader};
use std::{fs::File, io, path::Path};

/// A result whose streams are there and are what they should be.
pub struct VerifiedResult {
    /// What it says.
    pub record: ResultRecord,
    pub(super) blobs: BlobStore,
    pub(super) order: File,
    pub(super) out: File,
    pub(super) err: File,
}

impl VerifiedResult {
    /// Shows what the command printed, in the order in which it came.
    ///
    /// # Errors
    /// What reading said.
    pub fn replay(self, streams: &mut RecordingDisplayStreams) -> io::Result<()> {
        RecordingReader::of_files(self.order, self.out, self.err).pump(streams).map(|_| ())
    }

    /// Puts the artifacts where they were, each in one step, and only where they differ.
    ///
    /// While it does so it claims their places, so that no run keeps them as its own.
    ///
    /// # Errors
    /// [`ResultArtifactError`] at the first that cannot be restored, or that another has changed meanwhile.
    pub fn restore(
        &self,
        results: &ResultStore,
        claimant: &ArtifactClaimRequest<'_>,
    ) -> Result<ArtifactRestoreOutcome, ResultArtifactError> {
        let (project, artifacts) = (claimant.project, &self.record.artifacts);
        let same =
            ArtifactRestoreOutcome { same: artifacts.len(), ..ArtifactRestoreOutcome::default() };
        if self.missing(project)?.is_none() {
            return Ok(same);
        }
        let claim = results.claim(claimant)?;
        let mut restored = ArtifactRestoreOutcome::default();
        for artifact in artifacts {
            artifact::restore(project, artifact, &self.blobs, &mut restored)?;
        }
        restored.meeting = claim.meeting();
        if restored.meeting.is_some()
            && let Some(path) = self.missing(project)?
        {
            return Err(ResultArtifactError::Changed(path.to_owned()));
        }
        Ok(restored)
    }

    /// The first artifact that is not what it should be.
    fn missing(&self, project: &Path) -> Result<Option<&Path>, ResultArtifactError> {
        for artifact in &self.record.artifacts {
            if !artifact::is_restored(project, artifact)? {
                return Ok(Some(artifact.path()));
            }
        }
        Ok(None)
    }
}
