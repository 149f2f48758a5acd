//! The hooks of git: made, kept, shared with others' hooks, and taken out byte for byte.

use crate::project::{Project, sandbox};
use lokt_testkit::{Lokt, Sandbox};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// A call of `init` for the hooks, with git's own configuration and a home without any.
fn init(project: &Project<'_>, words: &[&str]) -> Lokt {
    let call = project.unconfirmed(["--git-hook"]).arguments(words.iter().copied());
    call.without("LOKT_ROOT").env("HOME", project.it.folder()).env("GIT_CONFIG_NOSYSTEM", "1")
}

fn hooks(project: &Project<'_>) -> PathBuf {
    project.folder.join(".git/hooks")
}

fn write_hook(project: &Project<'_>, name: &str, text: impl AsRef<[u8]>, mode: u32) {
    fs::create_dir_all(hooks(project)).unwrap();
    fs::write(hooks(project).join(name), text).unwrap();
    fs::set_permissions(hooks(project).join(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// The hooks, with their modes.
fn all(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entry = |it: fs::DirEntry| {
        let mode = it.metadata().unwrap().permissions().mode() & 0o777;
        (it.file_name().into_string().unwrap(), (mode, fs::read(it.path()).unwrap()))
    };
    entries.map(entry).collect()
}

#[test]
fn new_hooks_are_programs_and_undo_removes_them() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    let shown = init(&project, &["--dry-run"]).run().ok();
    assert!(shown.out.contains("+++ b/.git/hooks/pre-commit"), "{shown:#?}");
    init(&project, &[]).run().fails_with(64, "init needs --yes");
    assert_eq!(all(&hooks(&project)).len(), 0);
    init(&project, &["--yes"]).run().ok().says("created .git/hooks/pre-commit");
    let made = all(&hooks(&project));
    assert_eq!(made.keys().collect::<Vec<_>>(), ["pre-commit", "pre-merge-commit"]);
    for (name, (mode, text)) in &made {
        assert_eq!(mode & 0o700, 0o700, "{name} is a program");
        assert!(String::from_utf8_lossy(text).contains(&format!("lokt git-hook {name} ||")));
    }
    assert!(project.files().is_empty(), "no agent is set up");
    init(&project, &["--yes"]).run().ok().says("everything is set up already");
    assert_eq!(all(&hooks(&project)), made);
    init(&project, &["--undo", "--yes"]).run().ok();
    assert_eq!(all(&hooks(&project)).len(), 0);
    init(&project, &["--undo", "--yes"]).run().ok().says("lokt has nothing here to remove");
}

#[test]
fn a_hook_of_the_user_stays_and_runs_and_comes_back_byte_for_byte() {
    let it = sandbox();
    for (number, text) in [
        "#!/bin/sh\necho mine\nexit 0\n",
        "#!/usr/bin/env bash\nset -euo pipefail\nexec echo mine",
        "#!/bin/sh -eu\n\n\necho mine # caf\u{e9}\n\n",
        "#!/bin/sh",
    ]
    .into_iter()
    .enumerate()
    {
        let project = Project::new(&it, &format!("p{number}"), &[]);
        write_hook(&project, "pre-commit", text, 0o750);
        write_hook(&project, "pre-push", "#!/bin/sh\n", 0o755);
        let before = all(&hooks(&project));
        init(&project, &["--yes"]).run().ok().says("updated .git/hooks/pre-commit");
        let after = all(&hooks(&project));
        assert_eq!(after["pre-commit"].0, 0o750, "its mode stays");
        assert_eq!(after["pre-push"], before["pre-push"], "other hooks stay");
        let run = project.it.shell(".git/hooks/pre-commit").folder(&project.folder);
        let out = run.without("LOKT_ROOT").in_time().ok().out;
        assert_eq!(out.contains("mine"), text.contains("mine"), "{out}");
        init(&project, &["--yes"]).run().ok().says("everything is set up already");
        // All that is undone has the hooks too.
        project.init(["--undo"]).run().ok();
        assert_eq!(all(&hooks(&project)), before, "{text:?}");
    }
}

#[test]
fn what_is_no_plain_shell_script_is_left_alone_with_a_line_to_add() {
    let it = sandbox();
    let other: [(&str, &[u8], u32, &str); 5] = [
        ("python", b"#!/usr/bin/python3\nprint()\n", 0o755, "it is no shell script"),
        ("bytes", b"\x7fELF\xff", 0o755, "it is no text"),
        ("dos", b"#!/bin/sh\r\necho\r\n", 0o755, "it is no shell script"),
        ("off", b"#!/bin/sh\n", 0o644, "it is not executable, so git does not run it"),
        ("none", b"echo\n", 0o755, "it is no shell script"),
    ];
    for (name, text, mode, why) in other {
        let project = Project::new(&it, name, &[]);
        write_hook(&project, "pre-commit", text, mode);
        let before = all(&hooks(&project))["pre-commit"].clone();
        let done = init(&project, &["--yes"]).run().ok().says(why);
        let has_line = done.out.ends_with("|| lokt git-hook pre-commit || exit 1\n");
        assert_eq!(has_line, name != "off", "{done:#?}");
        assert_eq!(all(&hooks(&project))["pre-commit"], before, "{name}");
        assert!(hooks(&project).join("pre-merge-commit").exists(), "the other one is made");
        let again = init(&project, &["--yes"]).run().ok().says(why).says("nothing was changed");
        assert!(!again.err.contains("everything is set up"), "{again:#?}");
    }
    let project = Project::new(&it, "link", &[("scripts/check", "#!/bin/sh\n")]);
    fs::create_dir_all(hooks(&project)).unwrap();
    symlink("../../scripts/check", hooks(&project).join("pre-commit")).unwrap();
    init(&project, &["--yes"]).run().ok().says("it is a symbolic link");
    assert_eq!(project.read("scripts/check"), "#!/bin/sh\n");
    let project = Project::new(&it, "linked", &[("scripts/none", "")]);
    symlink("../scripts", hooks(&project)).unwrap();
    init(&project, &["--yes"]).run().ok().says("a symbolic link has git look for hooks there");
    assert_eq!(project.files().len(), 1);
}

#[test]
fn a_call_that_a_person_added_is_enough() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    for name in ["pre-commit", "pre-merge-commit"] {
        write_hook(
            &project,
            name,
            format!("#!/usr/bin/perl\nsystem 'lokt git-hook {name}'\n"),
            0o755,
        );
    }
    init(&project, &["--yes"]).run().ok().says("everything is set up already");
}

#[test]
fn a_manager_of_hooks_is_told_of_and_nothing_is_changed() {
    let it = sandbox();
    for (name, path, text, line) in [
        ("husky", ".husky/pre-commit", "npm test\n", "lokt git-hook pre-commit || exit 1"),
        ("lefthook", "lefthook.yml", "pre-push:\n", "      run: '! command -v lokt"),
        ("pre-commit", ".pre-commit-config.yaml", "repos: []\n", "    stages: [pre-merge-commit]"),
        ("overcommit", ".overcommit.yml", "PreCommit:\n", "    command: ['sh', '-c', "),
        ("simple-git-hooks", "simple-git-hooks.json", "{}\n", "\"pre-commit\": \"! command"),
    ] {
        let project = Project::new(&it, name, &[(path, text)]);
        let before = project.files();
        let done = init(&project, &["--yes"]).run().ok();
        let done =
            done.says(&format!("{name} manages the hooks of git")).says("nothing was changed");
        assert!(done.out.lines().any(|it| it.contains(line)), "{done:#?}");
        assert!(!hooks(&project).exists() && project.files() == before);
        let json = init(&project, &["--yes", "--json"]).run().ok().json();
        assert!(json["notes"][0].as_str().unwrap().contains(line), "{json}");
        let called = format!("{text}lokt git-hook pre-commit\n");
        project.write(path, &called);
        if name != "overcommit" {
            let done = init(&project, &["--yes"]).run().ok();
            done.says(&format!("{name} manages the hooks of git"));
            let second = path.replace("/pre-commit", "/pre-merge-commit");
            let before = if second == path { called.as_str() } else { "" };
            project.write(&second, &format!("{before}lokt git-hook pre-merge-commit\n"));
        }
        let done = init(&project, &["--yes"]).run().ok();
        let done = done.says("git finds no program at .git/hooks/pre-commit");
        assert!(done.err.contains(&format!("{name} has not installed its hooks")), "{done:#?}");
        for hook in ["pre-commit", "pre-merge-commit"] {
            write_hook(&project, hook, "#!/bin/sh\n", 0o755);
        }
        init(&project, &["--yes"]).run().ok().says("everything is set up already");
        let before = project.files();
        let done = init(&project, &["--yes", "--undo"]).run().ok().says("take that out by hand");
        let parts = if name == "husky" { 2 } else { 1 };
        assert_eq!(done.err.matches("take that out by hand").count(), parts, "{done:#?}");
        assert_eq!(project.files(), before, "the manager's files stay");
    }
    for text in ["# husky", "LEFTHOOK=0", "# https://pre-commit.com", "OVERCOMMIT_DISABLE"] {
        let project = Project::new(&it, &format!("mark{}", text.len()), &[]);
        write_hook(&project, "pre-commit", format!("#!/bin/sh\n{text}\n"), 0o755);
        init(&project, &["--yes"]).run().ok().says("manages the hooks of git");
    }
}

/// What husky 9.1.7 puts into `.husky/_`, in part. A linked worktree has it only after `npm install` there.
const HUSKY_HOOK: &str = "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"";
const HUSKY_H: &str = "#!/usr/bin/env sh\ns=$(dirname \"$(dirname \"$0\")\")/$(basename \"$0\")\n\
    [ ! -f \"$s\" ] && exit 0\nsh -e \"$s\" \"$@\"\nc=$?\nexit $c\n";

#[test]
fn init_says_if_the_hooks_of_husky_are_not_installed_in_a_worktree() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    for hook in ["pre-commit", "pre-merge-commit"] {
        let call = format!("! command -v lokt >/dev/null || lokt git-hook {hook} || exit 1\n");
        project.write(&format!(".husky/{hook}"), &format!("{call}echo mine\n"));
        project.write(&format!(".husky/_/{hook}"), HUSKY_HOOK);
        let path = project.folder.join(".husky/_").join(hook);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    project.write(".husky/_/h", HUSKY_H);
    project.write(".gitignore", "_\n");
    let shell = |line: &str| {
        let call = it.shell(&format!("set -e; {line}")).folder(&project.folder).owner("bob");
        let call = call.without("LOKT_ROOT").env("HOME", it.folder());
        call.env("GIT_CONFIG_NOSYSTEM", "1").in_time()
    };
    let line = "git config core.hooksPath .husky/_; git config user.name a; git config user.email a@b; \
        git add .; git commit -m first; git worktree add -q ../linked";
    let done = shell(line).ok();
    assert!(done.err.contains("mine") || done.out.contains("mine"), "{done:#?}");
    init(&project, &["--yes"]).run().ok().says("everything is set up already");
    shell("echo >a; git add a; LOKT_OWNER=ada lokt reserve a");
    let done = shell("git commit -m second");
    assert!(done.code == Some(1) && done.err.contains("nothing is committed"), "{done:#?}");
    let linked = Project { it: &it, folder: it.folder().join("linked") };
    let done = init(&linked, &["--yes"]).run().ok();
    let done = done.says("git finds no program at .husky/_/pre-commit and ");
    let done = done.says("in each clone, and in each worktree too if core.hooksPath is set:");
    assert!(done.out.ends_with("npm install && npx husky\n"), "{done:#?}");
}

/// The hook that simple-git-hooks 2.14.0 writes, in part. Its configuration may be in package.json.
const SIMPLE: &str = "#!/bin/sh\nif [ \"$SKIP_SIMPLE_GIT_HOOKS\" = \"1\" ]; then\n    exit 0\nfi\n";

#[test]
fn init_reads_the_configuration_that_a_manager_copied_into_the_hooks() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("package.json", "{}\n")]);
    for hook in ["pre-commit", "pre-merge-commit"] {
        let call = format!("{SIMPLE}! command -v lokt >/dev/null || lokt git-hook {hook}");
        write_hook(&project, hook, call, 0o755);
    }
    init(&project, &["--yes"]).run().ok().says("everything is set up already");
    let before = all(&hooks(&project));
    let done = init(&project, &["--yes", "--undo"]).run().ok();
    done.says("the configuration of simple-git-hooks calls `lokt git-hook`");
    assert_eq!(all(&hooks(&project)), before);
}

#[test]
fn a_hook_that_a_manager_has_moved_is_found_again() {
    let it = sandbox();
    for end in [".legacy", ".old"] {
        let project = Project::new(&it, end, &[]);
        write_hook(&project, "pre-commit", "#!/bin/sh\nmine\n", 0o755);
        init(&project, &["--yes"]).run().ok();
        let moved = hooks(&project).join(format!("pre-commit{end}"));
        fs::rename(hooks(&project).join("pre-commit"), &moved).unwrap();
        init(&project, &["--yes", "--undo"]).run().ok();
        assert_eq!(fs::read_to_string(moved).unwrap(), "#!/bin/sh\nmine\n");
    }
}

#[test]
fn another_folder_of_hooks_is_named_and_not_changed() {
    let it = sandbox();
    let home = "[core]\n\thooksPath = ~/my hooks\n";
    for (name, config, global, place) in [
        ("local", "[core]\n\thooksPath = .githooks\n", "", ".githooks/pre-commit is not changed"),
        ("global", "", home, "/my hooks/pre-commit is not changed"),
    ] {
        let project = Project::new(&it, name, &[]);
        project.write(".git/config", config);
        fs::write(it.folder().join(".gitconfig"), global).unwrap();
        let done = init(&project, &["--yes"]).run().ok().says(place).says("core.hooksPath");
        assert!(done.out.contains("|| lokt git-hook pre-merge-commit || exit 1"), "{done:#?}");
        assert!(!hooks(&project).exists() && project.files().is_empty());
        if name == "local" {
            for hook in ["pre-commit", "pre-merge-commit"] {
                project.write(&format!(".githooks/{hook}"), &format!("lokt git-hook {hook}\n"));
            }
            let done = init(&project, &["--yes"]).run().ok();
            assert_eq!(done.err.matches("it is not executable").count(), 2, "{done:#?}");
        }
    }
    fs::remove_file(it.folder().join(".gitconfig")).unwrap();
    let project = Project::new(&it, "own", &[]);
    project.write(".git/config", "[core]\n\thooksPath = .git/hooks\n");
    fs::create_dir(hooks(&project)).unwrap();
    init(&project, &["--yes"]).run().ok().says("created .git/hooks/pre-commit");
}

#[test]
fn agents_and_hooks_are_set_up_together_and_apart() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[]);
    init(&project, &["--yes", "--agent", "agents"]).run().ok();
    assert!(
        hooks(&project).join("pre-commit").exists() && project.folder.join("AGENTS.md").exists()
    );
    project.init(["--undo", "--agent", "agents"]).run().ok();
    assert!(hooks(&project).join("pre-commit").exists() && project.files().len() == 1);
    init(&project, &["--yes", "--undo"]).run().ok();
    assert!(!hooks(&project).join("pre-commit").exists());
    assert_eq!(project.files().len(), 1, "the example is of the agents");
    let folder = it.folder().join("no repository");
    fs::create_dir(&folder).unwrap();
    let outside = Project { it: &it, folder };
    init(&outside, &["--yes"]).run().fails_with(1, "is no git repository");
    outside.init(["--undo"]).run().ok();
}

#[test]
fn a_broken_section_is_refused() {
    let it: Sandbox = sandbox();
    let project = Project::new(&it, "p", &[]);
    write_hook(&project, "pre-commit", "#!/bin/sh\n# lokt:begin\n", 0o755);
    for undo in [&["--yes"][..], &["--yes", "--undo"]] {
        let done = init(&project, undo).run().expect(1);
        done.says("a mark of lokt's section has no counterpart").says("no file was changed");
    }
}
