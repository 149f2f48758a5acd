//! Links the development build at a fixed address.
//!
//! Otherwise the loader adjusts about 120,000 addresses at each start, and `lokt version` takes 5.6 ms instead of
//! 3.3 ms. The tests start `lokt` very often. The build for users stays position-independent.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| var(key).is_ok_and(|it| it == value);
    let is_gnu_linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is("PROFILE", "debug") && is_gnu_linux {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
