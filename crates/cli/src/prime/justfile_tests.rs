use super::*;

/// The operations of a justfile as `name: run, line`.
fn found(text: &str) -> Vec<String> {
    let show =
        |it: &GuardedOperation| format!("{}: {}, {}", it.names.join(","), it.run, it.line.unwrap());
    operations(text, "justfile").iter().map(show).collect()
}

#[test]
fn recipes_are_run_by_their_name() {
    let text = "\
set shell := [\"bash\", \"-c\"]
program := \"lokt\"
alias b := build

# Builds.
[private]
build target='all': deps
    @lokt guard build -- cargo build {{target}}

@deploy-now env:
    {{program}} guard deploy-{{ env }} \\
      -- ./deploy
script:
    #!/usr/bin/env bash
    set -e
    lokt guard script -- a
";
    assert_eq!(
        found(text),
        ["build: just build, 8", "deploy-${env}: just deploy-now, 11", "script: just script, 16",]
    );
}
