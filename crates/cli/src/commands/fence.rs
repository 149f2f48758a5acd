use crate::{completion, context::Context, exit::Code, failure::Failure};
use clap::{Args, Subcommand};
use lokt_lock::{
    ops::{look, readable},
    record::Record,
    words::{Fence, LockName},
};

/// Tell a late writer from the one who holds the lock now
///
/// Every acquisition has a fence, a number that only rises: `LOKT_FENCE` in a guarded command, `fence` in
/// the output of `lock --json`. A resource that remembers the highest one it has seen can refuse any lower.
#[derive(Args, Debug)]
pub(crate) struct FenceCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check whether a fence is that of somebody who holds the lock: 0 if it is, else 4
    Check(Check),
}

#[derive(Args, Debug)]
struct Check {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// The fence to check
    token: Fence,
}

impl FenceCommand {
    pub(crate) fn run(&self, context: &Context) -> Result<Code, Failure> {
        let Action::Check(Check { name, token }) = &self.action;
        let sight = look(&context.store, name, &context.caller);
        let held = sight.held();
        readable(sight.slot, "lock", name)?;
        let now: Vec<Fence> =
            held.iter().flat_map(Record::holders).filter_map(|it| it.fence).collect();
        if now.contains(token) {
            return Ok(Code::Done);
        }
        let shown = name.as_str();
        Err(match now.as_slice() {
            [] if held.is_some() => Failure::new(
                Code::NotYours,
                format!("fence {token}: who holds lock {shown:?} has none"),
            ),
            [] => {
                Failure::new(Code::NotYours, format!("fence {token}: lock {shown:?} is not held"))
            }
            [one] => Failure::new(
                Code::NotYours,
                format!("fence {token} is not that of lock {shown:?}, which is {one}"),
            ),
            several => Failure::new(
                Code::NotYours,
                format!("fence {token} is none of the {} of lock {shown:?}", several.len()),
            ),
        }
        .hint(format!("{} --event acquire   lists the fences", crate::view::audit_of(name))))
    }
}
