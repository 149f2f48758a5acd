//! Refusals as error messages: what was refused, who holds the name, what to do.

pub(crate) mod freeze;
pub(crate) mod lock;
pub(crate) mod reservation;
pub(crate) mod unfreeze;
pub(crate) mod unlock;
