//! The keeper of a session at a cluster: this program, started by a guard. Its two calls are for guards alone, so they
//! are in no help.

use crate::{env, exit::ExitCode};
use lokt_etcd::{
    Credentials,
    keeper::{KeeperOrders, KeeperProgram, detach, run},
};
use std::{env::args_os, ffi::OsString, path::PathBuf};

/// The first word of the call that starts the keeper and ends.
const START: &str = "__start-keeper";

/// The first word of the keeper's own call.
const KEEP: &str = "__keep-session";

/// How a guard starts its keeper.
pub(super) fn program() -> KeeperProgram {
    KeeperProgram { program: this_program(), title: "lokt".into(), words: vec![START.into()] }
}

/// The file of this program, also if it has been replaced since.
fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Runs the call of a guard, if this is one. A failure has no reader: the guard finds that the keeper is not there.
pub(crate) fn run_if_called() -> Option<ExitCode> {
    let mut words = args_os().skip(1);
    let first = words.next()?;
    if first != START && first != KEEP {
        return None;
    }
    let words: Option<Vec<String>> = words.map(|it: OsString| it.into_string().ok()).collect();
    let words = words.unwrap_or_default();
    let done = if first == START {
        let call = [KEEP.to_owned()].into_iter().chain(words);
        detach(&this_program(), &call.collect::<Vec<String>>()).is_ok()
    } else {
        keep(&words)
    };
    Some(if done { ExitCode::Done } else { ExitCode::Error })
}

fn keep(words: &[String]) -> bool {
    // What `ps` shows; without it, the keeper works as well.
    let _ = nix::sys::prctl::set_name(c"lokt-keeper");
    let Ok(orders) = KeeperOrders::from_words(words) else { return false };
    let Ok(credentials) = Credentials::from_variables(env::of_etcdctl) else { return false };
    run(&orders, &credentials).is_ok()
}
