//! The record of a result, format version 1.
//!
//! Two lines of JSON: `{"version":1,"digest":"…"}` with the digest of the second, and the record. The rules for
//! changing it are those of lock records: fields are added, never changed; what an old reader would
//! misunderstand raises the version, and then it counts as absent to that reader.

use super::Artifact;
use crate::{digest::Digest, recording::Stored};
use lokt_lock::words::{LockName, Owner, Timestamp};
use serde::{Deserialize, Serialize};

/// The version that every result written gets.
pub const FORMAT_VERSION: u64 = 1;

/// What is kept of a command that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// What it is called.
    pub name: LockName,
    /// The digest of all that it depends on.
    pub key: Digest,
    /// The command's exit code.
    pub exit_code: u8,
    /// The command, for people.
    pub command: Vec<String>,
    /// Whose run it was.
    pub owner: Owner,
    /// Where.
    pub host: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// When the result ends; `None` is when it is pruned.
    pub expires_at: Option<Timestamp>,
    /// What came on the standard output.
    pub stdout: Stored,
    /// What came on the standard error output.
    pub stderr: Stored,
    /// In which order.
    pub order: Stored,
    /// Files that it made.
    pub artifacts: Vec<Artifact>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u64,
    digest: Digest,
}

impl ResultRecord {
    /// The record as the content of a file.
    pub(super) fn encode(&self) -> Vec<u8> {
        // A value of texts and numbers is always JSON.
        let record = serde_json::to_string(self).unwrap_or_default();
        let head = Head { version: FORMAT_VERSION, digest: Digest::of(record.as_bytes()) };
        let head = serde_json::to_string(&head).unwrap_or_default();
        format!("{head}\n{record}\n").into_bytes()
    }

    /// Reads a record; `None` where it is damaged, or of a newer version.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, record) = text.split_once('\n')?;
        let head: Head = serde_json::from_str(head).ok()?;
        let record = record.strip_suffix('\n')?;
        let whole = head.version == FORMAT_VERSION && Digest::of(record.as_bytes()) == head.digest;
        serde_json::from_str(record).ok().filter(|_| whole)
    }

    /// Whether its time is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The addresses of everything that it names, its manifest's too.
    pub(super) fn digests(&self) -> impl Iterator<Item = Digest> {
        let streams = [self.key, self.stdout.digest, self.stderr.digest, self.order.digest];
        streams.into_iter().chain(self.artifacts.iter().filter_map(Artifact::digest))
    }

    /// How many bytes it holds, apart from its manifest.
    pub fn bytes(&self) -> u64 {
        let artifacts: u64 = self.artifacts.iter().map(Artifact::bytes).sum();
        self.stdout.bytes + self.stderr.bytes + self.order.bytes + artifacts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A result of version 1, as it was first written. It is never edited.
    const SAMPLE: &[u8] = include_bytes!("sample-1.json");

    #[test]
    fn the_sample_is_read_and_written_the_same() {
        let record = ResultRecord::parse(SAMPLE).expect("version 1 is read for ever");
        assert_eq!((record.name.as_str(), record.exit_code), ("test", 0));
        assert_eq!(record.encode(), SAMPLE);
    }

    #[test]
    fn a_damaged_record_is_none() {
        for at in 0..SAMPLE.len() {
            let mut damaged = SAMPLE.to_vec();
            damaged[at] ^= 1;
            assert_eq!(ResultRecord::parse(&damaged), None, "byte {at}");
            assert_eq!(ResultRecord::parse(&SAMPLE[..at]), None, "cut at {at}");
        }
    }
}
