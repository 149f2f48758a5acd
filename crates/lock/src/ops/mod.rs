//! What can be done with a lock, against any [store](crate::store): the lock's way through the rooms.
//!
//! Each operation enters the name's section, reads, lets [`rules`](crate::rules) decide, changes, logs and
//! leaves. "Held by another" and "not yours" are outcomes; an error is only what kept the operation from
//! finding out or from taking effect.

mod acquire;
mod acquire_all;
mod await_free;
mod deadlock_search;
mod edit;
mod edit_events;
mod enter;
mod error;
mod explain;
mod freeze;
mod liveness_cache;
mod loss;
mod pause;
mod publish;
mod release;
mod renew;
mod renewing;
mod request;
mod reservation_change;
mod reservation_error;
mod reserve;
mod reserve_wait;
mod section_view;
mod snapshot;
mod standing;
mod status_reader;
mod tidy;
mod unlock;
mod unlocked_guards;
mod unreserve;
mod usage;
mod wait;
mod with_lock;
mod yielding;

pub use acquire::{AcquireAttemptOutcome, LockGrant, LockGrantKind, attempt};
pub use acquire_all::{AcquireAllOutcome, acquire_all};
pub use await_free::{AwaitFreeOutcome, LockHeldAtTimeout, await_free};
pub use deadlock_search::enlist;
pub use edit::{EditOutcome, EditRequest, EditReservation, EditTarget, cancel_edit, reserve_edit};
pub use edit_events::{EditEvent, note_edit_event};
pub use error::LockOperationError;
pub use explain::{ExplanationReason, ExplanationReasonKind, LockExplanation, explain};
pub use freeze::{FreezeOutcome, UnfreezeOutcome, freeze, unfreeze};
pub use loss::{LockLossCheckOutcome, lose, stands};
pub use publish::{ResultLeasePublishOutcome, ResultWithdrawOutcome, publish, withdraw};
pub use release::{ReleaseOutcome, release};
pub(crate) use renew::lifetime;
pub use renew::{GuardRenewOutcome, renew};
pub use request::LockRequest;
pub use reservation_error::ReservationError;
pub use reserve::{ReservationDenial, ReservationRequest, ReserveOutcome, reserve};
pub use reserve_wait::{ReservationWaitObserver, reserve_waiting};
pub use snapshot::{LockNameSnapshot, is_held, look, readable};
pub use standing::{ReservationList, is_reserved, list_reservations};
pub use status_reader::{LockStatusEntry, LockStatusEntryState, survey, survey_all};
pub use tidy::{prune, tidy};
pub use unlock::{UnlockForce, UnlockOutcome, unlock, unlock_only};
pub use unlocked_guards::UnlockedGuard;
pub use unreserve::{ReservationReduction, UnreserveOutcome, UnreserveRequest, unreserve};
pub use usage::{StoreUsageEvidence, is_used};
pub use wait::{AcquireOutcome, Denial, QueueStanding, WaitLimit, WaitObserver, acquire};
pub use with_lock::{SilentWait, WithLockOutcome, with_lock};
