//! The guards that lost a lock by an unlock, and what becomes of their commands.

use super::command_line;
use lokt_lock::{ops::UnlockedGuard, rules::Liveness};
use serde_json::{Value, json};

/// When a guard does not stop its command. Nothing outside of it says whether that is so.
const UNLESS: &str = ", unless it runs with --on-lost warn";

/// What becomes of the command of a guard: `its guard (pid 7) notices that and stops its command, …: make`.
pub(crate) fn told(guard: &UnlockedGuard) -> String {
    let pid = guard.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let runs = match guard.command.as_slice() {
        [] => String::new(),
        words => format!(": {}", command_line(words)),
    };
    match guard.supervisor {
        Liveness::Alive => {
            format!("its guard{pid} notices that and stops its command{UNLESS}{runs}")
        }
        Liveness::Unknown => {
            format!(
                "its guard{pid} is not visible from here; if it lives, it stops its command{UNLESS}{runs}"
            )
        }
        Liveness::Dead => format!(
            "its guard{pid} is gone, and nothing stops what is left of its command{runs}{}",
            processes(guard)
        ),
    }
}

/// The processes that run on, where any is visible: ` (8 make, 9 cc)`.
fn processes(guard: &UnlockedGuard) -> String {
    let each: Vec<String> =
        guard.processes.iter().map(|(pid, name)| format!("{pid} {name}")).collect();
    if each.is_empty() { String::new() } else { format!(" (still running: {})", each.join(", ")) }
}

/// A guard as JSON.
pub(crate) fn json(name: &str, guard: &UnlockedGuard) -> Value {
    let processes = guard.processes.iter().map(|(pid, name)| json!({"pid": pid, "name": name}));
    json!({
        "name": name,
        "pid": guard.pid,
        "pid_status": guard.supervisor.as_str(),
        "command": guard.command,
        "processes": processes.collect::<Vec<_>>(),
    })
}
