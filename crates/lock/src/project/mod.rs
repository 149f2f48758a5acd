//! The project that a folder is in, and what an argument means there: which paths, under all their names.
//!
//! # Limits
//! Links are followed as they stand at the moment of the call.

mod argument;
mod error;
mod folder;
mod links;
mod tree;

pub use argument::{PathArgument, argument, literals};
pub use error::{InvalidArgument, ProjectError};
pub use folder::{ProjectFolder, ProjectSearchInputs};
