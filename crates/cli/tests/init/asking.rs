//! Showing, asking, and doing without either.

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
fn json_tells_the_same() {
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
fn on_a_terminal_it_asks() {
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
