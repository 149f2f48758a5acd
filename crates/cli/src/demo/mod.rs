//! The demonstration: painters that paint one picture together in one file, without a lock and with it.
//!
//! * [`picture`]: the picture, its strokes, and what of them a canvas has. Functions of values.
//! * [`stroke`]: one stroke, in a separate process: reads the canvas, adds to it, writes it back.
//! * [`painters`]: the painters: processes, each at its next stroke.
//! * [`exhibition`]: both pictures side by side, and which of them is whole.
//!
//! Nothing is simulated: without a lock the strokes are lost to real races, and the lock is a real guard on a real
//! root, which is gone with its folder afterwards.

pub(crate) mod exhibition;
pub(crate) mod painters;
pub(crate) mod picture;
pub(crate) mod stroke;
