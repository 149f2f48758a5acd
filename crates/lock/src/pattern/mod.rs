//! The patterns of reservations: which paths of a project a pattern covers, and whether two patterns cover a path in
//! common. Functions of values; nothing here reads a file, the environment or a clock.
//!
//! # The language
//! A [`ProjectPath`] is segments with `/` between them, from the project's root. A [`Pattern`] is bytes:
//!
//! | text | matches |
//! | --- | --- |
//! | `*` | any bytes of a name, also none; also a dot at the start |
//! | `?` | one character: one Unicode scalar value in UTF-8 |
//! | `[abc]`, `[a-z]`, `[!a-z]`, `[^a-z]` | one character of the class, or one that is not in it; never `/` |
//! | `**` alone in a segment | any number of segments, also none |
//! | `**` with other text in its segment | the same as `*` |
//! | `{a,b}` | each alternative; they can be nested, be empty, and contain `/` |
//! | `\x` | the byte `x` |
//!
//! * A pattern without an operator is a *literal*. It covers its path and all below it, with and without `/` at its
//!   end.
//! * Any other pattern is a *glob*. It covers only the paths that it matches; with `/` at its end, all paths below them
//!   and not these paths. So `{src}` covers `src` alone.
//! * Bytes are compared exactly: case counts, and nothing is normalised. A byte that is not part of UTF-8 text is
//!   matched by itself, `*` and `**`, and not by `?` or a class.
//! * `//` is `/`. `.` is left out and `..` removes the segment before it, at the top level; an alternative that gives
//!   such a segment is refused. At the end of a glob, both mean the folder, as a `/` there does. A pattern that covers
//!   no path is refused.
//!
//! # How overlap is decided
//! [`Pattern::common_path`] searches the product of two automata, and [`Pattern::overlaps`] asks whether it finds a
//! path. The answer is exact. A pattern becomes a nondeterministic automaton over bytes, of a size linear in its text:
//! `token.rs` → `program.rs` → `automaton.rs`. The search (`product.rs`, with its sources) visits pairs of states, and
//! never makes sets of states, so its time is at most the product of the numbers of transitions.
//! [`Pattern::contains`] needs sets of states. It has a limit, and beyond it answers `false`.
//!
//! # How many patterns are asked at once
//! [`PatternIndex`] says which of many patterns cover each of many paths, as [`Pattern::covers`] would for each pair.
//! It looks up the folders of a path among the literals, and all texts that globs require (`required_text.rs`) in one
//! pass over the path. What is left is read with a deterministic automaton that is made on the way (`lazy_dfa.rs`).
//!
//! # Limits
//! All are checked when a pattern is read, so that deciding about two patterns cannot fail: [`Pattern::MAX_BYTES`],
//! [`Pattern::MAX_DEPTH`], [`Pattern::MAX_TRANSITIONS`]. `docs/decisions/0036-the-language-of-patterns.md` has the
//! reasons and the figures.

mod automaton;
mod class;
mod containment;
mod error;
mod lazy_dfa;
mod normal;
mod path_pattern;
mod pattern_index;
mod product;
mod program;
mod project_path;
mod required_text;
mod simulation;
mod text;
mod token;

pub use error::{InvalidPath, InvalidPattern, PatternFlaw};
pub use path_pattern::Pattern;
pub use pattern_index::PatternIndex;
pub use project_path::{ProjectPath, WorkingFolder};

#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod overlap_tests;
