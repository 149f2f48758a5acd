//! What is in doubt is refused, and then nothing at all is changed.

use crate::project::{Project, sandbox};
use std::{fs, os::unix::fs::symlink};

/// Sets the project up for all that could be, and requires that it was refused without a trace.
#[track_caller]
fn refused(project: &Project<'_>, why: &str) {
    let before = project.files();
    let agents = ["--agent", "agents", "--agent", "claude", "--agent", "copilot"];
    let done = project.init(agents).in_time().fails_with(1, why);
    assert!(done.err.contains("hint: nothing was changed, in no file"), "{done:#?}");
    assert_eq!(project.files(), before, "{why}: nothing at all was changed");
    assert!(!project.folder.join("scripts").exists(), "no folder either");
    assert!(!done.out.contains("@@"), "what is refused is not shown as if it came: {done:#?}");
}

#[test]
fn settings_that_are_no_plain_json() {
    let it = sandbox();
    for (number, (text, why)) in [
        ("{\n  // ours\n  \"model\": \"x\"\n}\n", "line 2 has a comment"),
        ("{\"model\": \"x\",}", "plain JSON"),
        ("{\"model\": ", "plain JSON"),
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
fn marks_without_a_counterpart() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("CLAUDE.md", "a\n<!-- lokt:end -->\n")]);
    refused(&project, "has no counterpart");
}

#[test]
fn files_that_are_not_what_they_should_be() {
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
fn links_that_lead_out_of_the_project() {
    let it = sandbox();
    let outside = it.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "theirs\n").unwrap();
    let project = Project::new(&it, "file", &[]);
    symlink(outside.join("file"), project.folder.join("CLAUDE.md")).unwrap();
    refused(&project, "leads out of the project");
    project.init(["--undo"]).run().ok().says("nothing of lokt");
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
fn a_folder_that_cannot_be_written() {
    let it = sandbox();
    let project = Project::new(&it, "p", &[("AGENTS.md", "x\n"), (".claude/own", "x\n")]);
    let before = project.files();
    // The last of the files: all others could be written.
    it.shell("chmod -R a+rX p && chmod a+w p && chmod 555 p/.claude").run().ok();
    let call = it.as_nobody(["init", "--agent", "agents", "--agent", "claude"]);
    let done = call.folder(&project.folder).run().expect(1).says(".claude/settings.json");
    assert!(done.err.contains("Permission denied"), "{done:#?}");
    assert_eq!(project.files().len(), before.len(), "nothing at all was changed");
    assert_eq!(project.read("AGENTS.md"), "x\n");
    let left = fs::read_dir(&project.folder).unwrap().flatten();
    let is_draft = |it: &fs::DirEntry| it.file_name().to_string_lossy().starts_with(".lokt-init");
    assert_eq!(left.filter(is_draft).count(), 0, "no draft is left");
    // Else nobody but root could remove the sandbox.
    it.shell("chmod 755 p/.claude").run().ok();
}
