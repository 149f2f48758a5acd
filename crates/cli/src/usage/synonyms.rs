//! Words of other programs, and the words of lokt for them.
//!
//! The tables are made from what people and agents type. A word stands for the harmless command:
//! those who type `kill` or `steal` are shown `why`, which says what they may do, and `setup` is
//! shown with `--dry-run`. Two words of lokt are a command and its first option, or a command and
//! one below it.

use super::call::option_in;
use clap::Command;

/// Commands: what lokt calls them, and what others do.
const COMMANDS: &[(&str, &str)] = &[
    ("unlock", "release free unhold drop remove rm delete del done leave relinquish yield"),
    ("status", "list ls ps locks stat state st overview holders queue waiters all held-locks jobs"),
    ("lock", "acquire renew take lease get grab reserve extend refresh touch keepalive heartbeat"),
    ("lock", "trylock try-lock claim obtain checkout hold prolong"),
    ("guard", "run exec with do wrap under flock mutex sync synchronized execute protect cmd"),
    (
        "guard",
        "command semaphore sem setlock withlock with-lock run-locked lockrun lock-run start try",
    ),
    ("audit", "log logs history events journal trail"),
    ("audit --timeline", "timeline gantt"),
    ("audit --tail", "tail follow"),
    ("whoami", "who who-am-i me"),
    ("why", "whois info explain describe inspect owner holder reason"),
    ("why", "kill force-unlock forceunlock steal break break-lock takeover take-over seize force"),
    ("why", "stop end abort cancel terminate"),
    ("status", "show cat view display print details query"),
    ("exists", "check test held is-held is-locked islocked locked has"),
    ("freeze", "block pause suspend disable hold-off maintenance close"),
    ("unfreeze", "unblock resume thaw continue enable reopen unpause"),
    ("wait", "await wait-for waitfor wait-until until poll sleep"),
    ("top", "watch monitor live dashboard htop tui ui"),
    ("doctor", "diagnose checkup health healthcheck fsck verify debug selftest self-test"),
    ("once", "cache cached memo memoize dedupe dedup share singleflight run-once only-once"),
    ("results", "outputs artifacts"),
    ("prime", "brief briefing context agent agents prompt rules instructions onboard"),
    ("results prune", "prune clean gc cleanup"),
    ("init --dry-run", "setup install configure config bootstrap"),
    ("init --undo", "uninstall deinit uninit"),
    ("get-meta", "meta metadata getmeta"),
    ("fence check", "token fencing fence-check check-fence"),
    ("completions", "complete autocomplete completion"),
    ("man", "manual manpage docs doc"),
    ("version", "ver about v"),
    ("mcp", "serve server daemon mcp-server"),
];

/// The same for the commands of a command.
///
/// A command, a command below it, and the words of others for that.
const NESTED: [(&str, &str, &str); 19] = [
    ("results", "list", "ls ps status all"),
    ("results", "show", "cat get info view describe inspect"),
    ("results", "rm", "remove delete del drop forget"),
    ("results", "prune", "clean clear gc cleanup purge"),
    ("key", "list", "ls all trusted"),
    ("key", "generate", "gen create new init make"),
    ("key", "trust", "add import allow accept"),
    ("key", "untrust", "remove rm delete del revoke distrust"),
    ("key", "show", "cat print export public get info"),
    ("tool", "list", "ls all"),
    ("tool", "show", "cat info view describe inspect get"),
    ("tool", "resolve", "chain tree deps"),
    ("tool", "lock", "pin freeze"),
    ("tool", "verify", "check test audit"),
    ("tool", "diff", "compare drift"),
    ("tool", "prune", "clean clear gc cleanup purge"),
    ("tool", "run", "exec execute call start invoke"),
    ("tool", "sign", "signature approve"),
    ("fence", "check", "verify test is valid compare"),
];

/// Options: what others call them, and what lokt does.
///
/// One word can stand for several options. The first that the command has counts.
const OPTIONS: &[(&str, &str)] = &[
    ("--ttl", "--expire --expires --expiry --expires-in --duration --for --lease --lifetime"),
    ("--ttl", "--lease-time --age --max-age --until --keep -t"),
    ("--timeout", "--wait-time --time-out --max-wait --wait-timeout --deadline"),
    ("--wait", "-w --block --blocking --queue --retry"),
    ("--max-hold", "--max-time --limit --kill-after --time-limit"),
    ("--undo", "--remove --uninstall --delete --revert"),
    ("--until", "--for --state --status"),
    ("--refresh", "--no-cache --nocache --force --rerun --re-run --invalidate --fresh --recompute"),
    ("--shared", "-s --share --read --reader --readers"),
    ("--slots", "--max --count --permits --concurrency --parallel --limit --jobs"),
    ("--json", "-j --as-json --format --output -o"),
    ("--tail", "-f --follow --watch"),
    ("--conflict-exit-code", "-E --exit-code"),
    ("--meta", "-m --label --tag --metadata --message --reason --comment"),
    ("--input", "-i --inputs --files --file --dep --deps --depends"),
    ("--dry-run", "-n --dryrun --check --preview"),
    ("--yes", "-y --assume-yes --no-confirm"),
    ("--all", "-a --every"),
];

/// The command of lokt that a word stands for, below the command `parent`, as words.
///
/// `parent` is empty for the program itself. Case, underscores and leading dashes do not matter.
pub(super) fn command(parent: &str, word: &str) -> Option<Vec<&'static str>> {
    let word = word.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    let is_it = |others: &str| others.split(' ').any(|it| it == word);
    let plain = |(name, others): &(&'static str, &str)| is_it(others).then_some(*name);
    let found = if parent.is_empty() || parent == "help" {
        COMMANDS.iter().find_map(plain)
    } else {
        let nested = NESTED.iter().filter(|(of, ..)| *of == parent);
        nested.map(|(_, name, others)| (*name, *others)).find_map(|it| plain(&it))
    };
    found.map(|name| name.split(' ').collect())
}

/// The option of a command that a word stands for.
///
/// `word` may have a value behind a `=`. `None` also if the command does not have lokt's option.
pub(super) fn option(command: &Command, word: &str) -> Option<&'static str> {
    let name = word.split('=').next()?;
    let is_it = |(ours, others): &&(&'static str, &str)| {
        others.split(' ').any(|it| it == name) && option_in(command, ours).is_some()
    };
    OPTIONS.iter().find(is_it).map(|(ours, _)| *ours)
}

/// Values of options: what others call them, and what lokt does.
const VALUES: [(&str, &str); 2] = [
    ("held", "locked taken acquired busy owned"),
    ("free", "unlocked released gone idle available open freed"),
];

/// The value that a word stands for.
pub(super) fn value(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let is_it = |(_, others): &&(&'static str, &str)| others.split(' ').any(|it| it == word);
    VALUES.iter().find(is_it).map(|(ours, _)| *ours)
}

/// The key of the metadata that an option of others stands for.
pub(super) fn metadata_key(option: &str) -> Option<&str> {
    match option {
        "-m" => Some("message"),
        "--message" | "--reason" | "--note" | "--comment" | "--description" => {
            option.strip_prefix("--")
        }
        _ => None,
    }
}

/// Commands of a shell that are no programs, and words of its grammar.
const SHELL: &str = "cd . source export unset set alias unalias eval exec ulimit umask shift trap \
    local declare typeset readonly if for while until case { ( [[ ! pushd popd shopt wait time \
    return exit break continue function let jobs fg bg hash command builtin type read";

/// Whether only a shell can run a word.
pub(super) fn is_of_a_shell(word: &str) -> bool {
    let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    is_assignment || SHELL.split_whitespace().any(|it| it == word)
}
