use super::*;
use crate::cli::Cli;
use std::process;

/// Programs that the tests have, whatever the machine has.
fn finds(word: &str) -> bool {
    ["make", "true", "test", "sh", "cargo", "pytest", "./run.sh", "env"].contains(&word)
}

fn with_grammar<T>(use_it: impl FnOnce(&CommandLineCorrector<'_>) -> T) -> T {
    let mut root = Cli::program();
    root.build();
    let fault = |words: &[String]| Cli::of_all(words).err();
    use_it(&CommandLineCorrector { root: &root, fault: &fault, finds: &finds })
}

/// The words of a line; `~` is a space inside a word.
fn words(line: &str) -> Vec<String> {
    line.split(' ').filter(|it| !it.is_empty()).map(|it| it.replace('~', " ")).collect()
}

/// The words that a shell makes of a line.
fn split_by_a_shell(line: &str) -> Vec<String> {
    let script = format!("for word in {line}; do printf '%s\\0' \"$word\"; done");
    let done = process::Command::new("sh").args(["-c", &script]).output().expect("sh runs");
    let text = String::from_utf8(done.stdout).expect("text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// What is typed, and what is right.
const CALLS: &[(&str, &str)] = &[
    // The program without `--`.
    ("guard build make -j4", "lokt guard build -- make -j4"),
    ("guard build true", "lokt guard build -- true"),
    ("guard build nothing", "lokt guard build -- nothing"),
    ("guard a b make -k all", "lokt guard a b -- make -k all"),
    ("guard build ./run.sh", "lokt guard build -- ./run.sh"),
    ("guard build /bin/echo hi", "lokt guard build -- /bin/echo hi"),
    ("guard --ttl 5m build make -j4 all", "lokt guard --ttl 5m build -- make -j4 all"),
    ("guard build make --wait", "lokt guard build --wait -- make"),
    ("guard build make --wait --timeout 5m", "lokt guard build --wait --timeout 5m -- make"),
    ("guard build make~-j4", "lokt guard build -c 'make -j4'"),
    ("guard make~all", "lokt guard make -c 'make all'"),
    ("guard build cd x", "lokt guard build -c 'cd x'"),
    ("guard build", "lokt guard build -- COMMAND"),
    ("guard build --", "lokt guard build -- COMMAND"),
    ("guard", "lokt guard NAME -- COMMAND"),
    ("guard build -c", "lokt guard build -c LINE"),
    ("guard -- make all", "lokt guard make -- make all"),
    ("guard -- build make all", "lokt guard build -- make all"),
    ("guard -c make", "lokt guard -c make NAME"),
    ("once lint make lint", "lokt once lint -- make lint"),
    ("once lint true", "lokt once lint -- true"),
    ("once lint make -k", "lokt once lint -- make -k"),
    ("once lint make~lint", "lokt once lint -- sh -c 'make lint'"),
    ("once", "lokt once NAME -- COMMAND"),
    ("guard build make test --", "lokt guard build -- make test"),
    ("guard build — make", "lokt guard build -- make"),
    ("guard build –wait -- make", "lokt guard build --wait -- make"),
    // A line that is not quoted, or is another program's.
    ("guard build -c make test", "lokt guard build -c 'make test'"),
    ("guard build -c make -j4", "lokt guard build -c 'make -j4'"),
    ("guard build -c make test --wait", "lokt guard build -c 'make test' --wait"),
    ("guard build bash -c sleep~3", "lokt guard build -- bash -c 'sleep 3'"),
    ("guard build bash -c ls --wait", "lokt guard build --wait -- bash -c ls"),
    ("guard build make -c all", "lokt guard build -- make -c all"),
    ("guard build --wait python3 -c 1", "lokt guard build --wait -- python3 -c 1"),
    ("once tests -c echo~hi", "lokt once tests -- sh -c 'echo hi'"),
    ("once tests -c make test", "lokt once tests -- sh -c 'make test'"),
    ("once --json tests -c make", "lokt once --json tests -- sh -c make"),
    // A limit of a wait.
    ("guard build --wait 1s -- true", "lokt guard build --wait --timeout 1s -- true"),
    ("guard --wait 5 build -- true", "lokt guard --wait --timeout 5 build -- true"),
    ("guard build --wait 5m make", "lokt guard build --wait --timeout 5m -- make"),
    ("guard build --wait=5s -- true", "lokt guard build --wait --timeout 5s -- true"),
    ("guard build -w 5 -- true", "lokt guard build --wait --timeout 5 -- true"),
    ("guard build --timeout 1m --wait 5 -- true", "lokt guard build --timeout 1m --wait -- true"),
    ("lock x --wait 5s", "lokt lock x --wait --timeout 5s"),
    ("lock --wait 1h30m x", "lokt lock --wait --timeout 1h30m x"),
    ("lock x 10m", "lokt lock x --ttl 10m"),
    ("freeze x 1h", "lokt freeze x --ttl 1h"),
    // Another command is meant.
    ("lock a -- true", "lokt guard a -- true"),
    ("lock a --ttl 5m -- make -j4", "lokt guard a --ttl 5m -- make -j4"),
    ("lock a --json -- true", "lokt guard a -- true"),
    ("lock a --meta k=v -- true", "lokt guard a -- true"),
    ("lock a make", "lokt guard a -- make"),
    ("lock a -c make~x", "lokt guard a -c 'make x'"),
    ("lock a --max-hold 5m -- true", "lokt guard a --max-hold 5m -- true"),
    ("lock x y", "lokt lock x"),
    ("status a -- true", "lokt guard a -- true"),
    ("guard lint --input src -- make", "lokt once lint --input src -- make"),
    ("once lint --on-lost warn -- make", "lokt guard lint --on-lost warn -- make"),
    ("once lint -c make", "lokt once lint -- sh -c make"),
    // Commands of other programs.
    ("release x", "lokt unlock x"),
    ("release x --json", "lokt unlock x --json"),
    ("release", "lokt unlock NAME"),
    ("free a b", "lokt unlock a b"),
    ("list", "lokt status"),
    ("ls -la", "lokt status"),
    ("ps", "lokt status"),
    ("locks --json", "lokt status --json"),
    ("renew x --ttl 5m", "lokt lock x --ttl 5m"),
    ("acquire feature/login --ttl=5x", "lokt lock feature-login --ttl=5m"),
    ("acquire x -- make -j4", "lokt guard x -- make -j4"),
    ("acquire x --expires 5min", "lokt lock x --ttl 5m"),
    ("hold x --ttl 5m", "lokt lock x --ttl 5m"),
    ("hold x -- make", "lokt guard x -- make"),
    ("run x -- make", "lokt guard x -- make"),
    ("run build make -j4", "lokt guard build -- make -j4"),
    ("exec x -- make", "lokt guard x -- make"),
    ("with x -- make", "lokt guard x -- make"),
    ("run -- make all", "lokt guard make -- make all"),
    ("build -- make", "lokt guard build -- make"),
    ("test -- make test", "lokt guard test -- make test"),
    ("make -j4", "lokt guard make -- make -j4"),
    ("cat x", "lokt status x"),
    ("show x", "lokt status x"),
    ("log x", "lokt audit --name x"),
    ("logs", "lokt audit"),
    ("history --since 1h", "lokt audit --since 1h"),
    ("tail", "lokt audit --tail"),
    ("audit -f", "lokt audit --tail"),
    ("audit build", "lokt audit --name build"),
    ("kill x", "lokt why x"),
    ("kill -9 x", "lokt why x"),
    ("info x", "lokt why x"),
    ("whois x", "lokt why x"),
    ("force-unlock x", "lokt why x"),
    ("steal x", "lokt why x"),
    ("pause x", "lokt freeze x --ttl 10m"),
    ("resume x", "lokt unfreeze x"),
    ("watch", "lokt top"),
    ("await a/b", "lokt wait a-b"),
    ("wait x --timeout 5min", "lokt wait x --timeout 5m"),
    ("wait x --until gone", "lokt wait x --until free"),
    ("cached lint -- make lint", "lokt once lint -- make lint"),
    ("get_meta x k", "lokt get-meta x k"),
    ("UNLOCK x", "lokt unlock x"),
    ("loc x", "lokt lock x"),
    ("stauts", "lokt status"),
    ("help ls", "lokt help status"),
    ("list --help", "lokt status --help"),
    ("--list", "lokt status"),
    ("--json status", "lokt status --json"),
    ("--ttl 5m lock x", "lokt lock --ttl 5m x"),
    ("--wait guard x -- true", "lokt guard --wait x -- true"),
    ("-v", "lokt --version"),
    ("tool ls", "lokt tool list"),
    ("tool", "lokt tool list"),
    ("keys", "lokt key list"),
    ("key add ada.pem", "lokt key trust ada.pem"),
    ("results remove lint", "lokt results rm lint"),
    ("fence x 5", "lokt fence check x 5"),
    ("fence check x", "lokt fence check x 1"),
    ("stop x", "lokt why x"),
    ("end x", "lokt why x"),
    ("cancel x", "lokt why x"),
    ("abort x", "lokt why x"),
    ("uninstall", "lokt init --undo"),
    ("init --remove", "lokt init --undo"),
    ("init --uninstall", "lokt init --undo"),
    ("init --delete --yes", "lokt init --undo --yes"),
    ("setup", "lokt init --dry-run"),
    ("init claude", "lokt init --agent claude"),
    ("init --agent Claude", "lokt init --agent claude"),
    ("init --agent=Claude-Code", "lokt init --agent claude"),
    ("init --agent claude,agents --yes", "lokt init --agent claude --agent agents --yes"),
    ("who", "lokt whoami"),
    ("gc", "lokt results prune"),
    ("start build", "lokt guard build -- COMMAND"),
    ("try build -- make", "lokt guard build -- make"),
    ("info", "lokt doctor"),
    ("status --watch", "lokt top"),
    ("status -w", "lokt top"),
    ("wait x --until locked", "lokt wait x --until held"),
    ("wait x --until Acquired", "lokt wait x --until held"),
    ("wait x --until released", "lokt wait x --until free"),
    ("wait --for held x", "lokt wait --until held x"),
    ("once t --no-cache -- make", "lokt once t --refresh -- make"),
    ("once t --force -- make", "lokt once t --refresh -- make"),
    ("once t --fresh -- make", "lokt once t --refresh -- make"),
    ("audit --last 5", "lokt audit"),
    ("audit -n 5", "lokt audit"),
    ("audit --tail 5", "lokt audit --tail"),
    // Names.
    ("lock --name x", "lokt lock x"),
    ("unlock --name=mine", "lokt unlock mine"),
    ("status --name mine", "lokt status mine"),
    ("lock feature/login", "lokt lock feature-login"),
    ("unlock feature/login", "lokt unlock feature-login"),
    ("unlock -- feature/login", "lokt unlock -- feature-login"),
    ("guard feature/login -- make", "lokt guard feature-login -- make"),
    ("guard feature/login make -j4", "lokt guard feature-login -- make -j4"),
    ("guard a/b c/d -- make", "lokt guard a-b c-d -- make"),
    ("once a:b -- make", "lokt once a-b -- make"),
    ("audit --name a/b", "lokt audit --name a-b"),
    ("audit --name=a/b", "lokt audit --name=a-b"),
    ("tool run x --guard a/b", "lokt tool run x --guard a-b"),
    ("lock my~lock", "lokt lock my-lock"),
    ("status ..", "lokt status NAME"),
    ("freeze a/b", "lokt freeze a-b --ttl 10m"),
    // Values.
    ("lock x --ttl=5x", "lokt lock x --ttl=5m"),
    ("lock x --ttl 5M", "lokt lock x --ttl 5m"),
    ("lock x --ttl 0", "lokt lock x --ttl 10m"),
    ("lock x --ttl", "lokt lock x --ttl 10m"),
    ("lock x --ttl=", "lokt lock x --ttl=10m"),
    ("lock x --ttl forever", "lokt lock x"),
    ("lock x --timeout 5s", "lokt lock x --timeout 5s --wait"),
    ("lock x --ttl 1m --ttl 2m", "lokt lock x --ttl 2m"),
    ("lock x --tll 5m", "lokt lock x --ttl 5m"),
    ("lock x --meta k", "lokt lock x --meta k=VALUE"),
    ("lock x --json=true", "lokt lock x --json"),
    ("lock x --shared --slots 2", "lokt lock x --slots 2"),
    ("lock x --owner -- true", "lokt guard x -- true"),
    ("guard x --slots=many -- make", "lokt guard x --slots=1 -- make"),
    ("guard x --on-lost ignore -- make", "lokt guard x --on-lost kill -- make"),
    ("guard x -w -- make", "lokt guard x --wait -- make"),
    ("completions tcsh", "lokt completions zsh"),
    ("completions", "lokt completions bash"),
    ("get-meta x", "lokt get-meta x KEY"),
    ("freeze x", "lokt freeze x --ttl 10m"),
    ("why x y", "lokt why x"),
    ("exists", "lokt exists NAME"),
    ("status --format json", "lokt status --json"),
    ("status -o json", "lokt status --json"),
    ("why x --output json", "lokt why x --json"),
    ("status --format table", "lokt status"),
    ("lock x --message hi", "lokt lock x --meta message=hi"),
    ("lock x -m hi~there", "lokt lock x --meta 'message=hi there'"),
    ("lock x --reason=hi --ttl 1m", "lokt lock x --meta reason=hi --ttl 1m"),
    // Options that do nothing there.
    ("freeze y --reason hi --ttl 1m", "lokt freeze y --ttl 1m"),
    ("unlock x --colour red", "lokt unlock x"),
    ("version --owner ada", "lokt version"),
    ("--owner ada version", "lokt version"),
    ("man --json", "lokt man"),
    ("status --owner ada", "lokt status"),
    ("prime --format aider --owner x", "lokt prime --format aider"),
    // What is another's stays with it.
    ("unlock --force", "lokt unlock NAME"),
    ("unlock x --all", "lokt unlock x"),
    ("unlock x --force --break-stale", "lokt unlock x"),
    ("unlock --all --force", "lokt unlock --all"),
    ("unlock x --forc", "lokt unlock x"),
    ("release x --force", "lokt unlock x"),
    ("release x --owner ada", "lokt unlock x"),
    ("lock x --force", "lokt lock x"),
    ("unlock x --fence 5", "lokt unlock x"),
    ("thaw x --force", "lokt unfreeze x"),
];

#[test]
fn the_right_call_is_made_from_the_typed_words() {
    with_grammar(|grammar| {
        let wrong: Vec<String> = CALLS
            .iter()
            .filter_map(|(typed, right)| {
                let found =
                    grammar.corrected(&words(typed)).and_then(|it| CommandLineCorrector::line(&it));
                let found = found.unwrap_or_else(|| "nothing".to_owned());
                (found != *right).then(|| format!("{typed}\n  gives {found}\n  not   {right}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn a_shell_and_the_parser_accept_every_suggested_line() {
    with_grammar(|grammar| {
        for (typed, _) in CALLS {
            let right = grammar.corrected(&words(typed)).expect(typed);
            let line = CommandLineCorrector::line(&right).expect(typed);
            let split = split_by_a_shell(line.strip_prefix("lokt ").expect("a call of lokt"));
            assert_eq!(split, right, "a shell makes the same words of {line}");
            let error = Cli::of_all(&split).err().map(|it| it.kind());
            assert!(
                matches!(error, None | Some(ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)),
                "{line}: {error:?}"
            );
        }
    });
}

#[test]
fn no_suggestion_takes_what_is_anothers() {
    with_grammar(|grammar| {
        for (typed, _) in CALLS {
            let right = grammar.corrected(&words(typed)).expect(typed);
            for option in ["--force", "--break-stale", "--fence", "--allow-force"] {
                assert!(!right.iter().any(|it| it.starts_with(option)), "{typed}: {right:?}");
            }
            let is_typed = typed.contains("--owner");
            assert!(is_typed || !right.iter().any(|it| it.starts_with("--owner")), "{right:?}");
        }
    });
}

#[test]
fn words_without_a_meaning_get_no_suggestion() {
    with_grammar(|grammar| {
        for typed in ["bogus", "bogus x", "key bogus", "help bogus", "init --agent gpt"] {
            assert_eq!(grammar.corrected(&words(typed)), None, "{typed}");
        }
        let unseen = ["release", "x", "--", "a\u{202e}b"].map(str::to_owned);
        let line = grammar.corrected(&unseen).and_then(|it| CommandLineCorrector::line(&it));
        assert!(line.is_none_or(|it| !it.contains('\u{202e}')), "what cannot be shown is not");
    });
}

#[test]
fn calls_with_one_meaning_are_not_refused() {
    with_grammar(|grammar| {
        for typed in [
            "guard build --wait -- make",
            "guard build --wait --timeout 5m -- make",
            "guard 5m --wait -- make",
            "guard --wait build -- sleep 5",
            "guard a b -c make~all",
            "guard build test -c make",
            "guard -c make build",
            "guard build -- bash -c true",
            "lock x --wait --ttl 5m",
        ] {
            assert_eq!(grammar.misread(&words(typed)), None, "{typed}");
        }
    });
}

#[test]
fn no_call_with_two_meanings_is_run() {
    with_grammar(|grammar| {
        let accepted = CALLS.iter().map(|(typed, _)| words(typed));
        for typed in accepted.filter(|it| (grammar.fault)(it).is_none()) {
            let is_refused = grammar.misread(&typed).is_some();
            let is_asked = crate::usage::misread::is_doubtful(&typed);
            assert!(is_asked || !is_refused, "{typed:?} is asked about before it runs");
        }
    });
}

#[test]
fn what_only_a_shell_can_run_is_given_to_one() {
    let calls = [
        ("guard b -- make~build", Some("lokt guard b -c 'make build'")),
        ("guard b --wait -- cd x", Some("lokt guard b --wait -c 'cd x'")),
        ("guard b -- cd my~folder", Some("lokt guard b -c 'cd '\\''my folder'\\'''")),
        ("guard b -- MODE=fast make", Some("lokt guard b -c 'MODE=fast make'")),
        ("guard b -- make~a~&&~make~b", Some("lokt guard b -c 'make a && make b'")),
        ("once lint -- make~lint", Some("lokt once lint -- sh -c 'make lint'")),
        ("guard b -- --wait make", Some("lokt guard b --wait -- make")),
        ("guard b -- --ttl 5m --wait cd x", Some("lokt guard b --ttl 5m --wait -c 'cd x'")),
        ("guard b -- --owner ada make", None),
        ("guard b -- nothing", None),
        ("guard b -- --wait", None),
        ("tool run x", None),
    ];
    with_grammar(|grammar| {
        for (typed, right) in calls {
            let found =
                grammar.not_found(&words(typed)).and_then(|it| CommandLineCorrector::line(&it));
            assert_eq!(found.as_deref(), right, "{typed}");
        }
    });
}

#[test]
fn what_a_command_refuses_is_corrected_too() {
    with_grammar(|grammar| {
        for (typed, right) in [
            ("unlock", "lokt unlock NAME"),
            ("guard x y x -- make", "lokt guard x y -- make"),
            ("tool run x --wait", "lokt tool run x --wait --guard NAME"),
            ("unlock a b --force --fence 5", "lokt unlock a b"),
        ] {
            let found =
                grammar.refused(&words(typed)).and_then(|it| CommandLineCorrector::line(&it));
            assert_eq!(found.as_deref(), Some(right), "{typed}");
        }
    });
}

#[test]
fn the_help_is_that_of_the_command() {
    with_grammar(|grammar| {
        for (typed, help) in [
            ("guard x", "lokt guard --help"),
            ("tool run", "lokt tool run --help"),
            ("--json status", "lokt status --help"),
            ("bogus", "lokt --help"),
            ("help bogus", "lokt --help"),
        ] {
            assert_eq!(grammar.help(&words(typed)), help, "{typed}");
        }
    });
}
