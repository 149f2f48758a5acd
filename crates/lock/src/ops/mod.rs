//! What can be done with a lock, against any [store](crate::store): the lock's way through the rooms.
//!
//! Each operation enters the name's section, reads, lets [`rules`](crate::rules) decide, changes, logs and
//! leaves. "Held by another" and "not yours" are outcomes; an error is only what kept the operation from
//! finding out or from taking effect.

mod acquire;
mod circle;
mod enter;
mod error;
mod explain;
mod freeze;
mod look;
mod lose;
mod publish;
mod release;
mod renew;
mod renewing;
mod request;
mod scene;
mod several;
mod survey;
mod tidy;
mod unlock;
mod wait;

pub use acquire::{Attempt, Grant, GrantKind, attempt};
pub use circle::enlist;
pub use error::OperationError;
pub use explain::{Explanation, Reason, ReasonKind, explain};
pub use freeze::{Frozen, Unfrozen, freeze, unfreeze};
pub use look::{Sight, is_held, look, readable};
pub use lose::{Loss, lose, stands};
pub use publish::{Published, publish, withdraw};
pub use release::{Released, release};
pub(crate) use renew::lifetime;
pub use renew::{Renewed, renew};
pub use request::Request;
pub use several::{AllOutcome, acquire_all};
pub use survey::{Entry, State, survey, survey_all};
pub use tidy::{prune, tidy};
pub use unlock::{Might, Unlocked, unlock, unlock_only};
pub use wait::{Bystander, Denial, Outcome, Patience, Standing, acquire};
