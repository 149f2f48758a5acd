//! A chain: a tool, what runs it, what runs that, down to a primitive.

mod resolve;
mod verify;

pub use resolve::{ChainResolveError, ChainResolveFailure, MOST_ELEMENTS, ToolChain, resolve};
pub use verify::{ChainSignatureError, verify_signatures};
