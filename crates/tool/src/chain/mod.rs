//! A chain: a tool, what runs it, what runs that, down to a primitive.

mod resolve;
mod verify;

pub use resolve::{Chain, MOST_ELEMENTS, ResolveError, ResolveFailure, resolve};
pub use verify::{ElementError, verify_signatures};
