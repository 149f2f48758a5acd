//! The record of a result, format version 1.
//!
//! Two lines of JSON: `{"version":1,"digest":"…"}` with the digest of the second, and the record. The rules for
//! changing it are those of lock records: fields are added, never changed; what an old reader would
//! misunderstand raises the version, and then it counts as absent to that reader.

use super::{BootClockTime, ResultArtifact, ResultFreshnessCriteria};
use crate::{digest::Digest, recording::BlobReference};
use lokt_lock::words::{AgentId, LockName, Owner, Timestamp};
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
    /// The owner of the run.
    pub owner: Owner,
    /// Which of the owner's agents or terminals, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Where.
    pub host: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The same on a clock that cannot be set, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_since_boot: Option<BootClockTime>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// When the result ends; `None` is when it is pruned.
    pub expires_at: Option<Timestamp>,
    /// What came on the standard output.
    pub stdout: BlobReference,
    /// What came on the standard error output.
    pub stderr: BlobReference,
    /// In which order.
    pub order: BlobReference,
    /// Files that it made.
    pub artifacts: Vec<ResultArtifact>,
}

#[derive(Serialize, Deserialize)]
struct ResultIntegrityHeader {
    version: u64,
    digest: Digest,
}

impl ResultRecord {
    /// The record as the content of a file.
    pub(super) fn encode(&self) -> Vec<u8> {
        // A value of texts and numbers is always JSON.
        let record = serde_json::to_string(self).unwrap_or_default();
        let head = ResultIntegrityHeader {
            version: FORMAT_VERSION,
            digest: Digest::of(record.as_bytes()),
        };
        let head = serde_json::to_string(&head).unwrap_or_default();
        format!("{head}\n{record}\n").into_bytes()
    }

    /// Reads a record; `None` where it is damaged, or of a newer version.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, record) = text.split_once('\n')?;
        let head: ResultIntegrityHeader = serde_json::from_str(head).ok()?;
        let record = record.strip_suffix('\n')?;
        let whole = head.version == FORMAT_VERSION && Digest::of(record.as_bytes()) == head.digest;
        serde_json::from_str(record).ok().filter(|_| whole)
    }

    /// Whether its time is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it counts. Of two clocks, the one by which it is older is believed.
    pub fn is_within(&self, limit: &ResultFreshnessCriteria) -> bool {
        let now = limit.now;
        let is_future = self.started_at > now || self.finished_at > now;
        let is_early = limit.since.is_some_and(|since| self.started_at < since);
        let by_boot = self.started_since_boot.as_ref();
        let passed = limit.booted.as_ref().zip(by_boot).and_then(|(now, then)| now.since(then));
        let age =
            passed.map_or(now.since(self.started_at), |it| it.max(now.since(self.started_at)));
        let is_old = limit.age.is_some_and(|most| age > most);
        let end = self.expires_at.map(|end| end.since(self.started_at));
        let is_over = end.is_some_and(|life| age >= life);
        !(is_future || is_early || is_old || is_over || self.is_expired(now))
    }

    /// The addresses of everything that it names, its manifest's too.
    pub(super) fn digests(&self) -> impl Iterator<Item = Digest> {
        let streams = [self.key, self.stdout.digest, self.stderr.digest, self.order.digest];
        streams.into_iter().chain(self.artifacts.iter().filter_map(ResultArtifact::digest))
    }

    /// How many bytes it holds, apart from its manifest.
    pub fn bytes(&self) -> u64 {
        let artifacts: u64 = self.artifacts.iter().map(ResultArtifact::bytes).sum();
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
        let record = ResultRecord::parse(SAMPLE).expect("version 1 stays readable");
        assert_eq!((record.name.as_str(), record.exit_code), ("test", 0));
        assert_eq!(record.encode(), SAMPLE);
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * 1_000_000).unwrap()
    }

    fn boot(boot: &str, seconds: u64) -> BootClockTime {
        BootClockTime { boot: boot.to_owned(), milliseconds: seconds * 1000 }
    }

    #[test]
    fn of_two_clocks_the_one_by_which_a_result_is_older_is_believed() {
        let sample = ResultRecord::parse(SAMPLE).unwrap();
        let record = ResultRecord {
            started_at: at(1000),
            finished_at: at(1010),
            started_since_boot: Some(boot("a", 500)),
            expires_at: Some(at(1100)),
            ..sample
        };
        let forever = ResultRecord { expires_at: None, ..record.clone() };
        let within = |record: &ResultRecord, now, booted, age: Option<u64>| {
            let limit = ResultFreshnessCriteria::at(at(now), booted);
            record.is_within(&ResultFreshnessCriteria {
                age: age.map(std::time::Duration::from_secs),
                ..limit
            })
        };
        for (now, booted, expected) in [
            (1020, Some(boot("a", 520)), true),
            (1009, Some(boot("a", 520)), false),
            (999, None, false),
            // The clock was set back by 500 s meanwhile.
            (1060, Some(boot("a", 1060)), false),
            // Since then, the kernel has started again.
            (1060, Some(boot("b", 5)), true),
            (1060, None, true),
            (1100, None, false),
            (1100, Some(boot("a", 520)), false),
        ] {
            assert_eq!(within(&record, now, booted.clone(), None), expected, "{now} {booted:?}");
            let asked = within(&forever, now, booted.clone(), Some(99));
            assert_eq!(asked, expected, "asked for: {now} {booted:?}");
        }
        assert!(
            within(&forever, 99_999, Some(boot("a", 99_999)), None),
            "without a limit, age is no matter"
        );
        let limit = ResultFreshnessCriteria {
            since: Some(at(1001)),
            ..ResultFreshnessCriteria::at(at(1020), None)
        };
        assert!(!record.is_within(&limit));
    }

    #[test]
    fn the_clock_that_cannot_be_set_is_read_back() {
        let sample = ResultRecord::parse(SAMPLE).unwrap();
        let record = ResultRecord { started_since_boot: Some(boot("a", 1)), ..sample };
        assert_eq!(ResultRecord::parse(&record.encode()), Some(record));
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
