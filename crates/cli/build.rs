//! Tells the program what it was built from, and links the development build at a fixed address.
//!
//! * `LOKT_BUILT_FROM` is the commit, if one is known, else empty. `scripts/build` gives it in `LOKT_COMMIT`. A crate from
//!   a registry has it in a file that cargo wrote. A development build has no commit: each new one would compile it again.
//! * `LOKT_BUILT_WITH` is the list of optional features, separated by commas.
//! * `LOKT_VERSION_LINE` is what `lokt --version` prints behind the name.
//!
//! Without a fixed address, the loader adjusts about 120,000 addresses at each start, and `lokt version` takes 5.6 ms
//! instead of 3.3 ms. The tests start `lokt` very often. The build for users stays position-independent.

use std::{env::var, fs};

/// What `cargo package` writes into a crate, with the commit.
const PACKAGED: &str = ".cargo_vcs_info.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LOKT_COMMIT");
    let commit = commit().unwrap_or_default();
    let features = features();
    let known = if commit.is_empty() { "unknown" } else { &commit };
    let listed = if features.is_empty() { "none" } else { &features };
    let version = var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo::rustc-env=LOKT_BUILT_FROM={commit}");
    println!("cargo::rustc-env=LOKT_BUILT_WITH={features}");
    println!("cargo::rustc-env=LOKT_VERSION_LINE={version} (commit {known}, features: {listed})");
    fix_the_address();
}

/// The first 12 digits of the commit; `+changes` follows if the files differed from it.
fn commit() -> Option<String> {
    let given = var("LOKT_COMMIT").ok();
    let text = given.or_else(packaged_commit)?;
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_hexdigit).count());
    let is_commit = digits.len() >= 7 && matches!(rest, "" | "+changes");
    is_commit.then(|| format!("{}{rest}", digits.get(..12).unwrap_or(digits)))
}

/// The commit in what cargo wrote; nothing in a checkout.
fn packaged_commit() -> Option<String> {
    let text = fs::read_to_string(PACKAGED).ok()?;
    println!("cargo::rerun-if-changed={PACKAGED}");
    let (_, behind) = text.split_once("\"sha1\"")?;
    behind.split('"').nth(1).map(str::to_owned)
}

/// The features of this crate that are on. `default` only stands for others.
fn features() -> String {
    let all = var("CARGO_CFG_FEATURE").unwrap_or_default();
    let mut names: Vec<&str> = all.split(',').filter(|it| !matches!(*it, "" | "default")).collect();
    names.sort_unstable();
    names.join(",")
}

fn fix_the_address() {
    let is = |key: &str, value: &str| var(key).is_ok_and(|it| it == value);
    let is_gnu_linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is("PROFILE", "debug") && is_gnu_linux {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
