//! The live view: holders and waiters, redrawn at every change.
//!
//! * [`live`]: the loop: sleeps until something changes, looks, draws. The only one here with a clock.
//! * [`terminal_screen`]: the terminal: how it is taken, and given back on every way out.
//! * [`keys`]: what bytes from the keyboard mean.
//! * [`snapshot`]: what a look found, by name.
//! * [`state`]: what is chosen, sorted, filtered and asked, and what a key does to that.
//! * [`lines`]: a name's holders and waiters as cells of a table, and in full.
//! * [`draw`]: the screen. [`help`]: the keys, over it.
//! * [`age`]: spans of time, shown coarsely, and when they will look different.
//! * [`requests`]: freezing and unlocking, as the command line does it.
//!
//! All but the loop, the terminal screen and the requests are functions of values.

mod age;
mod draw;
mod help;
mod keys;
mod lines;
pub(crate) mod live;
mod requests;
mod reserved;
#[cfg(test)]
mod samples;
mod snapshot;
mod state;
mod terminal_screen;
