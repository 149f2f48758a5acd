use super::{EtcdClient, api::unary, calls::Call};
use crate::{
    error::{ClusterError, ClusterErrorKind, WriteError},
    protocol::{
        key_value,
        keys::{
            COMPACT, CompactionRequest, CompactionResponse, RANGE, RangeRequest, RangeResponse,
            TXN, TxnRequest, TxnResponse,
        },
    },
    values::{CommitOutcome, KeyRange, KeyValue, RangeSnapshot, Revision, Snapshot, Transaction},
};

/// The most ranges of one read: what etcd accepts in a transaction by default (`--max-txn-ops`).
const MOST_OPERATIONS: usize = 128;

const READ: Call = Call::harmless("read keys");
const COMMIT: Call = Call::harmful("commit");
const DISCARD: Call = Call::harmless("compact");

impl EtcdClient {
    /// Reads some ranges at one revision, the current one. The read is linearizable: it sees every commit that was
    /// answered before the read began. More than 128 ranges are read in several calls, all at the revision of the
    /// first.
    ///
    /// # Errors
    /// No member answers within the limits, or the user has no right to a range.
    pub fn read(&self, ranges: &[KeyRange]) -> Result<Snapshot, ClusterError> {
        self.read_from(ranges, None)
    }

    /// Reads some ranges as they were at a revision.
    ///
    /// # Errors
    /// As [`read`](Self::read); the revision has been compacted, or has not been reached yet.
    pub fn read_at(
        &self,
        revision: Revision,
        ranges: &[KeyRange],
    ) -> Result<Snapshot, ClusterError> {
        self.read_from(ranges, Some(revision))
    }

    fn read_from(
        &self,
        ranges: &[KeyRange],
        mut revision: Option<Revision>,
    ) -> Result<Snapshot, ClusterError> {
        let mut read = Vec::with_capacity(ranges.len());
        let mut remaining = ranges;
        loop {
            let (chunk, rest) = remaining.split_at(remaining.len().min(MOST_OPERATIONS));
            let operations = chunk.iter().map(|range| RangeRequest::at(range, revision).into());
            let request = TxnRequest { success: operations.collect(), ..TxnRequest::default() };
            let answer: TxnResponse = self.ask_message(READ, TXN, request)?;
            let current = answer.revision().ok_or_else(|| malformed(READ))?;
            let at = *revision.get_or_insert(current);
            read.extend(checked_ranges(answer, chunk.len())?);
            remaining = rest;
            if rest.is_empty() {
                return Ok(Snapshot { revision: at, ranges: read });
            }
        }
    }

    /// Reads a whole range at one revision, in pages of some keys each, so that no answer is larger than a page. The
    /// limit of the range does not count. Each page has the time limits of a call.
    ///
    /// # Errors
    /// As [`read`](Self::read); the revision was compacted between two pages.
    pub fn read_pages(
        &self,
        range: &KeyRange,
        page_size: u32,
    ) -> Result<RangeSnapshot, ClusterError> {
        let mut page = range.clone().first(page_size.max(1));
        let mut keys = Vec::new();
        let mut revision = None;
        loop {
            let request = RangeRequest::at(&page, revision);
            let answer: RangeResponse = self.ask_message(READ, RANGE, request)?;
            let current = answer.header.map(|header| Revision::new(header.revision));
            let at = *revision.get_or_insert(current.ok_or_else(|| malformed(READ))?);
            keys.extend(answer.kvs.into_iter().map(key_value));
            match keys.last() {
                // The next key after a key is the key with a zero byte.
                Some(last) if answer.more => page.start = [&last.key[..], &[0]].concat(),
                _ => return Ok(RangeSnapshot { revision: at, keys }),
            }
        }
    }

    /// Commits a transaction. A conflict is an outcome.
    ///
    /// # Errors
    /// [`WriteError::NotApplied`]: nothing was changed. [`WriteError::MaybeApplied`]: the answer was lost; the client
    /// does not send the transaction again.
    pub fn commit(&self, transaction: &Transaction) -> Result<CommitOutcome, WriteError> {
        let request = TxnRequest::from(transaction);
        let answer: TxnResponse = self.write(COMMIT, unary(TXN, request))?;
        let lost = || WriteError::MaybeApplied(malformed(COMMIT));
        let revision = answer.revision().ok_or_else(lost)?;
        if answer.succeeded {
            return Ok(CommitOutcome::Committed { revision });
        }
        let ranges = answer.into_ranges();
        if ranges.len() == transaction.reads_on_conflict.len() {
            Ok(CommitOutcome::Conflict { revision, ranges })
        } else {
            Err(WriteError::NotApplied(malformed(COMMIT)))
        }
    }

    /// Discards the past before a revision. If that has been done already, it is success.
    ///
    /// # Errors
    /// No member answers within the limits; the revision has not been reached yet; the user has no right to it.
    pub fn compact(&self, revision: Revision) -> Result<(), ClusterError> {
        let request = CompactionRequest { revision: revision.get() };
        let answer: Result<CompactionResponse, _> = self.ask_message(DISCARD, COMPACT, request);
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ClusterErrorKind::Compacted => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The ranges of an answer, if it has as many as were asked for.
fn checked_ranges(
    answer: TxnResponse,
    expected: usize,
) -> Result<Vec<Vec<KeyValue>>, ClusterError> {
    let ranges = answer.into_ranges();
    if ranges.len() == expected { Ok(ranges) } else { Err(malformed(READ)) }
}

/// An answer lacks what every answer of etcd has.
pub(super) fn malformed(call: Call) -> ClusterError {
    ClusterError { call: call.name, kind: ClusterErrorKind::Malformed, replies: Vec::new() }
}
