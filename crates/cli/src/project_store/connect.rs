use super::session_keeper;
use crate::{env, failure::CliFailure, span};
use lokt_etcd::{
    ClusterAddress, Credentials,
    store::{DEFAULT_TTL, EtcdLockStore, LEAST_TTL},
};
use std::time::Duration;

/// Connects to a cluster as the environment says. Nothing is written there.
///
/// # Errors
/// A failure where no member can be reached, or the credentials cannot be used; a usage failure where the TTL is no
/// valid one.
pub(super) fn connect(address: &ClusterAddress) -> Result<EtcdLockStore, CliFailure> {
    let ttl = session_ttl()?;
    let credentials = Credentials::from_variables(env::of_etcdctl)?;
    let store = EtcdLockStore::connect(address, &credentials, ttl)?;
    Ok(store.with_keeper(session_keeper::program()))
}

/// For how long the cluster keeps what a process holds when it hears of it no more.
fn session_ttl() -> Result<Duration, CliFailure> {
    let Some(text) = env::text(env::SESSION_TTL)? else { return Ok(DEFAULT_TTL) };
    let wrong = |why: String| CliFailure::usage(format!("{}: {why}", env::SESSION_TTL));
    let ttl = span::parse(&text).map_err(wrong)?;
    if ttl < LEAST_TTL {
        let least = span::show(LEAST_TTL);
        return Err(wrong(format!("{text:?} is too short: at least {least}"))
            .hint("below it, the election of a leader would end commands that run"));
    }
    Ok(ttl)
}
