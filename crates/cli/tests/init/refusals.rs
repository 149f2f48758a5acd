//! Doubtful files are refused, and then no file is changed.

use crate::project::{Project, sandbox};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

/// Sets the project up for all agents, and asserts that this was refused without a change.
#[track_caller]
fn refused(project: &Project<'_>, why: &str) {
    let before = project.files();
    let agents = ["--agent", "agents", "--agent", "claude", "--agent", "copilot"];
    let done = project.init(agents).in_time().fails_with(1, why);
    assert!(done.err.contains("hint: no file was changed"), "{done:#?}");
    assert_eq!(project.files(), before, "{why}: nothing at all was changed");
    assert!(!project.folder.join("scripts").exists(), "no folder either");
    assert!(!done.out.contains("@@"), "what is refused is not shown as if it came: {done:#?}");
}

#[test]
fn settings_that_are_not_json_are_refused() {
    let it = sandbox();
    for (number, (text, why)) in [
        ("{\n  /* ours\n  \"model\": \"x\"\n}\n", "not JSON"),
        ("{\"model\": \"x\",}", "not JSON"),
        ("{\"model\": ", "not JSON"),
        ("[]", "not an object"),
        ("{\"hooks\": []}", "not an object"),
        ("{\"hooks\": {\"SessionStart\": \"x\"}}", "not a list"),
    ]
    .into_iter()
    .enumerate()
    {
        let settings = (".claude/settings.json", text);
        let project = Project::new(&it, &format!("p{number}"), &[settings, ("AGENTS.md", "x\n")]);
        refused(&project, why);
    }
}

#[test]
fn unpaired_markers_are_refused() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("CLAUDE.md", "a\n<!-- lokt:end -->\n")]);
    refused(&project, "has no counterpart");
}

#[test]
fn other_kinds_of_files_are_refused() {
    let it = sandbox();
    let project = Project::new(&it, "latin", &[]);
    fs::write(project.folder.join("AGENTS.md"), b"caf\xe9\n").unwrap();
    refused(&project, "not UTF-8");
    let project = Project::new(&it, "fifo", &[]);
    it.shell("mkfifo fifo/CLAUDE.md").run().ok();
    let agents = ["--agent", "agents", "--agent", "claude"];
    project.init(agents).in_time().fails_with(1, "not a regular file");
    assert!(!project.folder.join("AGENTS.md").exists(), "nothing at all was changed");
    let project = Project::new(&it, "large", &[("AGENTS.md", &"x\n".repeat(1 << 20))]);
    refused(&project, "too many");
}

#[test]
fn links_out_of_the_project_are_refused() {
    let it = sandbox();
    let outside = it.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "theirs\n").unwrap();
    let project = Project::new(&it, "file", &[]);
    symlink(outside.join("file"), project.folder.join("CLAUDE.md")).unwrap();
    refused(&project, "leads out of the project");
    project.init(["--undo"]).run().ok().says("lokt has nothing here to remove");
    let project = Project::new(&it, "folder", &[]);
    symlink(&outside, project.folder.join(".claude")).unwrap();
    refused(&project, "leads out of the project");
    let project = Project::new(&it, "dangling", &[]);
    symlink("nowhere", project.folder.join("AGENTS.md")).unwrap();
    refused(&project, "leads nowhere");
    let left: Vec<_> = fs::read_dir(&outside).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "nothing was made outside: {left:?}");
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "theirs\n");
}

#[test]
fn a_folder_without_write_permission_is_refused() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "x\n"), (".claude/own", "x\n")]);
    let before = project.files();
    // The last of the files: all others could be written.
    let line = "[ $(id -u) != 0 ] || chown -R nobody p; chmod -R a+rX p && chmod a+w p && chmod 555 p/.claude";
    it.shell(line).run().ok();
    let call = it.as_nobody(["init", "--yes", "--agent", "agents", "--agent", "claude"]);
    let done = call.folder(&project.folder).run().expect(1).says(".claude/settings.json");
    assert!(done.err.contains("is read-only (mode 0555)"), "{done:#?}");
    assert_eq!(project.files().len(), before.len(), "nothing at all was changed");
    assert_eq!(project.read("AGENTS.md"), "x\n");
    let left = fs::read_dir(&project.folder).unwrap().flatten();
    let is_draft = |it: &fs::DirEntry| it.file_name().to_string_lossy().starts_with(".lokt-init");
    assert_eq!(left.filter(is_draft).count(), 0, "no draft is left");
    // Else only root could remove the sandbox.
    it.shell("chmod 755 p/.claude").run().ok();
}

#[test]
fn read_only_files_are_refused() {
    let it = sandbox();
    let files = [("AGENTS.md", "x\n"), ("CLAUDE.md", "keep\n"), (".claude/settings.json", "{}\n")];
    for (number, (path, mode)) in
        [("CLAUDE.md", 0o444), (".claude/settings.json", 0o464), ("CLAUDE.md", 0o555)]
            .iter()
            .enumerate()
    {
        let project = Project::new(&it, &format!("p{number}"), &files);
        let mode = Permissions::from_mode(*mode);
        fs::set_permissions(project.folder.join(path), mode.clone()).unwrap();
        let why = format!("{path}: it is read-only (mode {:04o})", mode.mode() & 0o7777);
        refused(&project, &why);
        project.init(["--agent", "claude", "--dry-run"]).run().fails_with(1, &why);
        project.init(["--agent", "agents"]).run().ok();
    }
    // An undo does not change it either.
    let project = Project::new(&it, "undo", &files);
    project.init(["--agent", "agents", "--agent", "claude"]).run().ok();
    fs::set_permissions(project.folder.join("CLAUDE.md"), Permissions::from_mode(0o400)).unwrap();
    let before = project.files();
    project.init(["--undo"]).run().fails_with(1, "it is read-only (mode 0400)");
    assert_eq!(project.files(), before);
}

#[test]
fn unchanged_files_may_be_read_only() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "x\n")]);
    project.init(["--agent", "agents"]).run().ok();
    fs::set_permissions(project.folder.join("AGENTS.md"), Permissions::from_mode(0o444)).unwrap();
    project.init(["--agent", "agents"]).run().ok().says("everything is set up already");
}

#[test]
fn files_of_another_user_are_refused() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can give a file to another user.
        return;
    }
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "x\n"), ("CLAUDE.md", "theirs\n")]);
    it.shell("chown -R nobody p && chown root p/CLAUDE.md && chmod a+rw p/CLAUDE.md").run().ok();
    let before = project.files();
    let call = it.as_nobody(["init", "--yes", "--agent", "agents", "--agent", "claude"]);
    let done = call.folder(&project.folder).run();
    done.fails_with(1, "CLAUDE.md: it belongs to another user (id 0)");
    assert_eq!(project.files(), before, "nothing at all was changed");
    // The superuser may change it, and its owner stays.
    it.shell("chown -R root p && chown nobody p/AGENTS.md").run().ok();
    let owner = || fs::metadata(project.folder.join("AGENTS.md")).unwrap().uid();
    let before = owner();
    project.init(["--agent", "agents"]).run().ok();
    assert_eq!(owner(), before, "it still belongs to its owner");
}

#[test]
fn read_only_folders_are_refused_for_root_too() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[(".claude/settings.json", "{}\n")]);
    let folder = project.folder.join(".claude");
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    refused(&project, ".claude is read-only (mode 0555)");
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_failed_replacement_restores_earlier_ones() {
    let it = sandbox();
    let files = [("AGENTS.md", "x\n"), ("CLAUDE.md", "y\n"), (".claude/settings.json", "{}\n")];
    let project = Project::new(&it, "p", &files);
    fs::set_permissions(project.folder.join("AGENTS.md"), Permissions::from_mode(0o640)).unwrap();
    let before = project.files();
    // A mounted file can be written, but not replaced.
    let line = "cd p && mount --bind CLAUDE.md CLAUDE.md &&
        exec lokt init --yes --agent agents --agent claude --agent copilot";
    let done = it.with_own_mounts(line).run();
    assert_eq!(done.code, Some(1), "{done:#?}");
    assert!(done.err.contains("CLAUDE.md") && done.err.contains("busy"), "{done:#?}");
    assert!(done.err.contains("hint: no file was changed"), "{done:#?}");
    assert_eq!(project.files(), before, "every file is as it was");
    assert!(!project.folder.join("scripts").exists(), "no folder is left either");
    assert!(!project.folder.join(".github").exists(), "no folder is left either");
}
