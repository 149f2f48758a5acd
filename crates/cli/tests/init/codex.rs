//! What Codex needs: the locks among the folders that its sandbox may write, in the user's own configuration.

use crate::project::{Project, sandbox};
use lokt_testkit::Sandbox;
use std::{fs, path::PathBuf};

fn config(it: &Sandbox) -> PathBuf {
    it.folder().join("codex-home/config.toml")
}

fn configured(it: &Sandbox, text: &str) {
    fs::create_dir_all(it.folder().join("codex-home")).unwrap();
    fs::write(config(it), text).unwrap();
}

/// Sets up with the root in the repository, where it is without `LOKT_ROOT`.
fn init<'a>(project: &Project<'_>, words: impl IntoIterator<Item = &'a str>) -> lokt_testkit::Lokt {
    project.init(words).without("LOKT_ROOT")
}

#[test]
fn the_root_is_shown_put_in_once_and_taken_out_to_the_byte() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    let root = fs::canonicalize(&project.folder).unwrap().join(".git/lokt");
    let before = "model = \"x\"\n\n[projects.\"/a\"]\ntrust_level = \"trusted\"";
    configured(&it, before);
    let shown = init(&project, ["--agent", "codex", "--dry-run"]).run().ok();
    let line = format!("+writable_roots = [\"{}\"]", root.display());
    assert!(
        shown.out.contains(&line) && shown.out.contains("$CODEX_HOME/config.toml"),
        "{shown:#?}"
    );
    assert!(
        !root.exists() && fs::read_to_string(config(&it)).unwrap() == before,
        "nothing is made"
    );
    init(&project, ["--agent", "codex"]).run().ok().says("updated $CODEX_HOME/config.toml");
    let after = fs::read_to_string(config(&it)).unwrap();
    assert!(after.contains("[sandbox_workspace_write]") && after.contains(&line[1..]), "{after}");
    assert!(root.is_dir(), "Codex passes over a folder that is missing");
    for name in [".git", ".agents", ".codex"] {
        assert!(root.join(name).is_dir(), "{name} is where Codex mounts it read-only");
    }
    let again = init(&project, ["--agent", "codex", "--json"]).run().ok().json();
    assert_eq!(again["changes"].as_array().unwrap().len(), 0, "{again}");
    assert_eq!(again["notes"].as_array().unwrap().len(), 0, "{again}");
    init(&project, ["--undo"]).run().ok();
    assert_eq!(fs::read_to_string(config(&it)).unwrap(), before);
    assert!(project.files().is_empty() && !root.join(".codex").exists());
}

#[test]
fn what_was_made_goes_and_a_link_stays_one() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    init(&project, ["--agent", "codex"]).run().ok().says("created $CODEX_HOME/config.toml");
    init(&project, ["--undo", "--agent", "codex"]).run().ok();
    assert!(!it.folder().join("codex-home").exists(), "neither was there");
    fs::create_dir(it.folder().join("codex-home")).unwrap();
    fs::write(it.folder().join("dotfile"), "model = \"x\"\n").unwrap();
    std::os::unix::fs::symlink("../dotfile", config(&it)).unwrap();
    init(&project, ["--agent", "codex"]).run().ok();
    assert!(
        config(&it).is_symlink()
            && fs::read_to_string(it.folder().join("dotfile")).unwrap().contains("lokt")
    );
}

#[test]
fn the_home_folder_is_left_alone_unless_codex_is_named_or_used_here() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[(".codex/x", "")]);
    init(&project, [""; 0]).run().ok();
    assert!(!it.folder().join("codex-home").exists(), "this user has no Codex");
    configured(&it, "");
    init(&project, [""; 0]).run().ok();
    assert!(fs::read_to_string(config(&it)).unwrap().contains("writable_roots"));
    let other = Project::new(&it, "q", &[("AGENTS.md", "")]);
    let before = fs::read_to_string(config(&it)).unwrap();
    init(&other, [""; 0]).run().ok();
    assert_eq!(fs::read_to_string(config(&it)).unwrap(), before, "no Codex in that project");
}

#[test]
fn a_configuration_that_is_unclear_stops_everything_and_names_the_line() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    for text in ["model = ", "sandbox_workspace_write.network_access = true\n"] {
        configured(&it, text);
        let done =
            init(&project, ["--agent", "codex"]).run().fails_with(1, "$CODEX_HOME/config.toml");
        assert!(done.err.contains("hint: put it in by hand, this:"), "{done:#?}");
        let copied = done.err.lines().filter_map(|it| it.strip_prefix("hint:   "));
        let copied = copied.collect::<Vec<_>>().join("\n");
        let table: toml::Table = toml::from_str(&copied).unwrap();
        assert!(table["sandbox_workspace_write"]["writable_roots"].is_array(), "{copied}");
        assert!(project.files().is_empty(), "no file was changed");
    }
}

#[test]
fn the_folder_of_the_locks_is_made_again_where_the_entry_is_there_already() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    let root = fs::canonicalize(&project.folder).unwrap().join(".git/lokt");
    init(&project, ["--agent", "codex"]).run().ok();
    let is_complete = || [".git", ".agents", ".codex"].iter().all(|name| root.join(name).is_dir());
    // A new clone at the same place; an init that could not make the folder; a lock that made only the root.
    for is_root_there in [false, true] {
        fs::remove_dir_all(&root).unwrap();
        if is_root_there {
            let lock = it.lokt(["lock", "x", "--ttl", "1h"]).without("LOKT_ROOT");
            lock.folder(&project.folder).run().ok();
        }
        let shown = init(&project, ["--agent", "codex", "--dry-run"]).run().ok();
        assert!(shown.err.contains("is incomplete") && !is_complete(), "{shown:#?}");
        init(&project, ["--agent", "codex"]).run().ok().says(&format!("made {}", root.display()));
        assert!(is_complete(), "{is_root_there}");
        init(&project, ["--agent", "codex"]).run().ok().says("everything is set up already");
    }
    assert!(root.join("locks/x.json").is_file(), "the lock stays");
}
