use super::{
    ResultRecord,
    artifact::{self, ArtifactError, Restored},
    blobs::Blobs,
};
use crate::recording::{Follower, Streams};
use std::{fs::File, io, path::Path};

/// A result whose streams are there and are what they should be.
pub struct Kept {
    /// What it says.
    pub record: ResultRecord,
    pub(super) blobs: Blobs,
    pub(super) order: File,
    pub(super) out: File,
    pub(super) err: File,
}

impl Kept {
    /// Shows what the command printed, in the order in which it came.
    ///
    /// # Errors
    /// What reading said.
    pub fn replay(self, streams: &mut Streams) -> io::Result<()> {
        Follower::of_files(self.order, self.out, self.err).pump(streams).map(|_| ())
    }

    /// Puts the artifacts where they were, each in one step, and only where they differ.
    ///
    /// # Errors
    /// [`ArtifactError`] at the first that cannot be restored.
    pub fn restore(&self, project: &Path) -> Result<Restored, ArtifactError> {
        let mut restored = Restored::default();
        for artifact in &self.record.artifacts {
            artifact::restore(project, artifact, &self.blobs, &mut restored)?;
        }
        Ok(restored)
    }
}
