//! The fields of the JSON that each command prints, for programs that ask what there is ([`capabilities`]).
//!
//! A list has the fields of one element. Fields that only some outcomes have are among them. A test runs the commands,
//! and finds a field that is missing here.
//!
//! [`capabilities`]: crate::commands::capabilities

/// The fields of every error, of every command that prints JSON.
pub(crate) const ERROR: &[&str] = &["status", "exit_code", "error", "hints"];

/// What a holder looks like in the answer to a refused request.
const DENIED: &[&str] = &[
    "reason",
    "holder_owner",
    "holder_mine",
    "holder_host",
    "holder_pid",
    "holder_agent_id",
    "holder_age_sec",
    "holder_ttl_sec",
    "holder_remaining_sec",
    "holder_expired",
    "holder_pid_status",
    "holder_acquired_ts",
    "holder_held_since",
    "holder_expires_at",
    "holder_command",
];

/// The fields of a lock record.
const RECORD: &[&str] = &[
    "version",
    "name",
    "lock_id",
    "owner",
    "host",
    "pid",
    "pid_start_ns",
    "agent_id",
    "acquired_ts",
    "ttl_sec",
    "expires_at",
    "metadata",
    "hold",
    "fence",
    "boot_id",
    "pid_ns",
    "held_since",
    "command",
    "mode",
    "slots",
    "holders",
    "result",
];

/// The fields of a kept result.
const RESULT: &[&str] = &[
    "name",
    "digest",
    "exit_code",
    "command",
    "owner",
    "agent_id",
    "host",
    "started_at",
    "finished_at",
    "used_at",
    "expires_at",
    "duration_ms",
    "bytes",
    "stdout",
    "stderr",
    "artifacts",
];

/// The record of a reservation.
const RESERVATION: &[&str] = &[
    "version",
    "id",
    "owner",
    "agent_id",
    "host",
    "pid",
    "hold",
    "acquired_ts",
    "ttl_sec",
    "expires_at",
    "scope",
    "tree",
    "mode",
    "patterns",
    "reason",
    "origin",
    "pid_start_ns",
    "boot_id",
    "pid_ns",
    "held_since",
];

/// The fields of an answer that removed results.
const PRUNED: &[&str] = &["removed", "count", "freed_bytes", "left_bytes"];

/// Each command that prints JSON, with the lists that make up its fields.
pub(crate) const ALL: &[(&str, &[&[&str]])] = &[
    (
        "once",
        &[
            &["status", "kept", "why"],
            &["name", "digest", "exit_code", "duration_ms", "owner", "started_at", "finished_at"],
            &[
                "expires_at",
                "stdout",
                "stderr",
                "artifacts",
                "depends_on",
                "last_digest",
                "changes",
            ],
        ],
    ),
    ("lock", &[&["status", "renewed", "previous_expires_at"], RECORD, DENIED]),
    ("unlock", &[&["released", "count", "guards", "failed", "name"], DENIED]),
    ("exists", &[&["name", "held"]]),
    ("get-meta", &[&["name", "key", "value", "keys"]]),
    ("fence check", &[&["name", "fence", "current", "fences"]]),
    (
        "status",
        &[
            RECORD,
            &[
                "age_sec",
                "expired",
                "pid_status",
                "freeze",
                "state",
                "taken",
                "waiters",
                "queue",
                "mine",
            ],
            &["frozen", "error", "processes"],
        ],
    ),
    ("why", &[&["name", "path", "status", "reasons", "suggestions", "rules"]]),
    ("freeze", &[&["status"], RECORD, DENIED]),
    ("unfreeze", &[&["status", "name"], DENIED]),
    ("reserve", &[&["status", "extended", "conflicts", "free", "waited_ms"], RESERVATION]),
    ("unreserve", &[&["released", "count", "removed"]]),
    (
        "reservations",
        &[RESERVATION, &["age_sec", "remaining_sec", "pid_status", "mine", "waiters"]],
    ),
    (
        "audit",
        &[
            &["ts", "event", "name", "lock_id", "owner", "host", "pid", "agent_id", "ttl_sec"],
            &["extra", "from", "until", "lanes"],
        ],
    ),
    ("doctor", &[&["protocol_version", "root_method", "root_path", "checks", "overall"]]),
    ("results list", &[RESULT]),
    ("results show", &[RESULT]),
    ("results rm", &[PRUNED]),
    ("results prune", &[PRUNED]),
    (
        "prime",
        &[
            &["operations", "unread", "owner", "owner_given", "agent_id", "agent", "held"],
            &["reserved", "advice"],
        ],
    ),
    (
        "whoami",
        &[
            &["owner", "owner_given", "owner_source"],
            &["agent_id", "agent", "agent_source", "agent_variables", "harness", "harness_pid"],
            &["root_path", "root_method", "root_error", "locks", "reservations"],
        ],
    ),
    ("init", &[&["written", "changes", "notes"]]),
    ("demo", &[&["painters", "strokes", "unlocked", "guarded"]]),
    (
        "tool list",
        &[
            &["item_id", "space", "version", "tool_type", "description", "path", "shadows"],
            &["signed", "pinned", "error"],
        ],
    ),
    (
        "tool show",
        &[&["item_id", "space", "version", "tool_type", "executor_id", "integrity", "path"]],
    ),
    ("tool resolve", &[&["item_id", "digest", "chain"]]),
    ("tool sign", &[&["status", "item_id", "path", "integrity", "fingerprint"]]),
    ("tool lock", &[&["status", "item_id", "version", "scope", "lockfile_path", "drift"]]),
    (
        "tool verify",
        &[&[
            "status",
            "item_id",
            "version",
            "digest",
            "lockfile_path",
            "lockfile",
            "drift",
            "error",
        ]],
    ),
    ("tool diff", &[&["item_id", "status", "lockfile_path", "drift"]]),
    ("tool prune", &[&["removed", "count", "dry_run"]]),
    (
        "tool run",
        &[&["status", "item_id", "data", "result", "chain", "metadata", "error", "drift"]],
    ),
    ("key generate", &[&["fingerprint", "private_key", "public_key", "trusted"]]),
    ("key list", &[&["fingerprint", "owner", "mine", "path"]]),
    ("key trust", &[&["fingerprint", "path"]]),
    ("key untrust", &[&["fingerprint", "removed"]]),
    ("key show", &[&["fingerprint", "pem", "path"]]),
    ("version", &[&["version", "protocol_version", "commit", "features"]]),
    (
        "capabilities",
        &[&["version", "protocol_version", "commands", "exit_codes"], &["error_fields"]],
    ),
];

/// The fields of a command's JSON; nothing for a command that prints none.
///
/// Each field once, in the order of the lists. `command` is the whole name: `results list`.
pub(crate) fn of(command: &str) -> Option<Vec<&'static str>> {
    let (_, lists) = ALL.iter().find(|(name, _)| *name == command)?;
    let mut fields: Vec<&str> = Vec::new();
    for field in lists.iter().copied().flatten() {
        if !fields.contains(field) {
            fields.push(field);
        }
    }
    Some(fields)
}
