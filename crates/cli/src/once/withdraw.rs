//! The leases of results that are gone.

use crate::{context::CommandContext, failure::chain, output};
use lokt_lock::ops::{ResultWithdrawOutcome, withdraw as withdraw_lease};
use lokt_once::results::PruneOutcome;

/// Removes the leases of results that are gone.
///
/// A lease that shows another result meanwhile, or is no result, stays. Failures are warnings: the
/// results are gone already.
pub(crate) fn withdraw(context: &CommandContext, pruned: &PruneOutcome) {
    for record in &pruned.results {
        let key = record.key.to_string();
        let is_its = |digest: &str| digest == key;
        let withdrawn = withdraw_lease(&context.store, &record.name, &context.caller, is_its);
        let name = record.name.as_str();
        match withdrawn {
            Ok(ResultWithdrawOutcome::Done { unlogged }) => {
                output::warn_unlogged(&format!("the lease {name:?} is gone"), unlogged);
            }
            Ok(ResultWithdrawOutcome::NotFound) => {}
            Err(error) => {
                let error = chain(&error);
                output::warn(&format!("the lease {name:?} still shows a result: {error}"));
            }
        }
    }
}
