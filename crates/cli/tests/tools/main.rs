//! Tools from key to lockfile: what runs, what is refused, and that nothing runs then.

mod drift;
mod lifecycle;
mod parameters;
mod pins;
mod refusals;
mod swapped;
mod together;
mod trust;
mod workshop;
