use crate::{context::Context, failure::chain, output};
use lokt_lock::ops::withdraw as withdraw_lease;
use lokt_once::results::PruneOutcome;

/// Takes back the leases that tell of results which are gone.
pub(crate) fn withdraw(context: &Context, pruned: &PruneOutcome) {
    for record in &pruned.results {
        let key = record.key.to_string();
        let told = |digest: &str| digest == key;
        let withdrawn = withdraw_lease(&context.store, &record.name, &context.caller, told);
        if let Err(error) = withdrawn {
            let name = record.name.as_str();
            output::warn(&format!("the lease {name:?} still shows a result: {}", chain(&error)));
        }
    }
}
