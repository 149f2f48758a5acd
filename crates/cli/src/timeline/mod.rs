//! The timeline of an audit log: holders and waiters over time.
//!
//! * [`gather`]: reads the log and the present state.
//! * [`json`]: the timeline as JSON.
//! * [`bars`]: the timeline as text, drawn in the width of a terminal.
//! * [`page`]: the timeline as one HTML page that needs nothing else.
//!
//! All but the first are functions of values.

pub(crate) mod bars;
pub(crate) mod gather;
pub(crate) mod json;
pub(crate) mod page;
#[cfg(test)]
mod samples;
pub(crate) mod source;
