//! The project that a folder is in, and what an argument means there: which paths, under all their names.
//!
//! # Limits
//! Links are followed as they stand at the moment of the call.

mod argument;
mod error;
mod folder;
mod links;
mod tree;

pub use argument::{PathOrPatternArgument, argument, literals};
pub use error::{InvalidPatternArgument, ProjectError};
pub use folder::{ProjectSearchInputs, ProjectWorkingFolder};
