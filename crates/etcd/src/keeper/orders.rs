use crate::{
    address::{AddressError, ClusterAddress},
    boot_time::BootTime,
    values::LeaseId,
};
use std::{path::PathBuf, time::Duration};

/// What a keeper is told: all but the account, which it reads from the same variables as the guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeeperOrders {
    /// The cluster.
    pub address: ClusterAddress,
    /// The lease of the session.
    pub lease: LeaseId,
    /// The TTL of the session.
    pub ttl: Duration,
    /// When the last keepalive was sent that was acknowledged.
    pub sent: BootTime,
    /// The guard, which the keeper never kills.
    pub guard: i32,
    /// The files of the tickets.
    pub files: Vec<PathBuf>,
}

/// Words that are no orders.
#[derive(Debug, thiserror::Error)]
pub enum KeeperOrdersError {
    /// It is not the address of a cluster.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A word is missing or no number.
    #[error("no {0} for the keeper")]
    Missing(&'static str),
}

impl KeeperOrders {
    /// The orders as the words of a command line.
    pub fn to_words(&self) -> Vec<String> {
        let mut words = vec![
            self.address.to_string(),
            self.lease.get().to_string(),
            self.ttl.as_millis().to_string(),
            self.sent.as_nanos().to_string(),
            self.guard.to_string(),
        ];
        words.extend(self.files.iter().map(|it| it.display().to_string()));
        words
    }

    /// Reads what [`to_words`](Self::to_words) gave.
    ///
    /// # Errors
    /// A word is missing, or is not what has to stand there.
    pub fn from_words(words: &[String]) -> Result<Self, KeeperOrdersError> {
        let mut words = words.iter();
        let mut word = |what| words.next().ok_or(KeeperOrdersError::Missing(what));
        let address = word("address")?.parse()?;
        let mut number = |what| {
            let number = word(what)?.parse::<u64>();
            number.map_err(|_| KeeperOrdersError::Missing(what))
        };
        let lease = i64::try_from(number("lease")?).ok().and_then(LeaseId::new);
        let lease = lease.ok_or(KeeperOrdersError::Missing("lease"))?;
        let ttl = Duration::from_millis(number("ttl")?);
        let sent = BootTime::from_nanos(number("time")?);
        let guard =
            i32::try_from(number("guard")?).map_err(|_| KeeperOrdersError::Missing("guard"))?;
        let files: Vec<PathBuf> = words.map(PathBuf::from).collect();
        if files.is_empty() {
            return Err(KeeperOrdersError::Missing("file"));
        }
        Ok(Self { address, lease, ttl, sent, guard, files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_the_same_orders() {
        let orders = KeeperOrders {
            address: "etcd://127.0.0.1:2379/team".parse().unwrap(),
            lease: LeaseId::new(77).unwrap(),
            ttl: Duration::from_secs(15),
            sent: BootTime::from_nanos(12),
            guard: 42,
            files: vec!["/proc/42/fd/7".into()],
        };
        let words = orders.to_words();
        assert_eq!(KeeperOrders::from_words(&words).unwrap(), orders, "the inverse");
        for missing in 0..words.len() {
            let few = &words[..missing];
            assert!(KeeperOrders::from_words(few).is_err(), "too few words: {few:?}");
        }
    }
}
