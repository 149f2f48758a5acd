//! The dry run, the question, and runs without a question.

use crate::project::{Project, sandbox};

#[test]
fn a_dry_run_shows_the_diff_and_changes_nothing() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "# Ours\n\u{1b}[2J\n")]);
    let before = project.files();
    let done = project.init(["--dry-run"]).run().ok().says("nothing was changed");
    for line in
        ["--- a/AGENTS.md", "+++ b/AGENTS.md", " # Ours", "+## Shared operations, guarded by lokt"]
    {
        assert!(done.out.lines().any(|it| it == line), "no {line:?} in {}", done.out);
    }
    assert!(done.out.contains("--- /dev/null\n+++ b/scripts/guarded-example"), "{}", done.out);
    assert!(!done.out.contains('\u{1b}'), "what is in a file does not move a cursor: {}", done.out);
    assert_eq!(project.files(), before);
}

#[test]
fn json_has_the_same_changes() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    let dry = project.init(["--dry-run", "--json"]).run().ok().json();
    assert_eq!(dry["written"], false);
    let done = project.init(["--json"]).run().ok().json();
    assert_eq!(done["written"], true);
    assert_eq!(done["changes"], dry["changes"], "what was shown is what is done");
    assert_eq!(done["changes"][1]["file"], "AGENTS.md");
    assert_eq!(done["changes"][1]["change"], "created");
    assert!(done["changes"][1]["diff"].as_str().unwrap().starts_with("--- /dev/null\n"));
    let again = project.init(["--json"]).run().ok().json();
    assert_eq!((&again["written"], &again["changes"]), (&false.into(), &serde_json::json!([])));
}

#[test]
fn without_a_terminal_nothing_is_written_unless_yes_is_given() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("CLAUDE.md", "# Ours\n")]);
    let before = project.files();
    let refused = |arguments: &[&str]| {
        let done = project.unconfirmed(arguments.iter().copied()).run();
        let done = done.fails_with(64, "nothing was changed").says("hint: --yes makes the changes");
        let written = if arguments.contains(&"--undo") { None } else { Some(&before) };
        assert!(written.is_none_or(|it| *it == project.files()), "{arguments:?} changes no file");
        done
    };
    let shown = refused(&["--agent", "claude"]).out;
    assert!(shown.contains("+++ b/CLAUDE.md"), "it shows what it would do: {shown}");
    let json = refused(&["--json"]).json();
    assert_eq!(json["written"], false, "as JSON, too");
    assert_eq!(json["changes"][0]["change"], "created");
    let done = project.init(["--json"]).run().ok().json();
    assert_eq!((&done["written"], &done["changes"]), (&true.into(), &json["changes"]));
    let after = project.files();
    refused(&["--undo"]);
    assert_eq!(project.files(), after, "undoing needs it, too");
    project.unconfirmed(["--dry-run", "--undo"]).run().ok();
    project.unconfirmed([""; 0]).run().ok().says("everything is set up already");
    project.init(["--undo"]).run().ok();
    assert_eq!(project.files(), before);
}

#[test]
fn a_terminal_gets_a_question() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    for answer in ["n\n", "\n", "\u{4}"] {
        let mut init = it.terminal("lokt init").folder(&project.folder).start();
        init.tells("change these 2 files? [y/N] ");
        init.types(answer);
        init.tells("nothing was changed");
        init.ends().expect(1);
        assert!(project.files().is_empty(), "{answer:?} is no yes");
    }
    let mut init = it.terminal("lokt init").folder(&project.folder).start();
    init.tells("? [y/N] ");
    init.types("y\n");
    init.tells("created scripts/guarded-example, created AGENTS.md");
    init.ends().ok();
    assert_eq!(project.files().len(), 2);
    let mut undo = it.terminal("lokt init --undo --yes").folder(&project.folder).start();
    undo.tells("removed");
    undo.ends().ok();
    assert!(project.files().is_empty(), "--yes does not ask");
}
