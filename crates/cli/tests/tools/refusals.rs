//! Doubtful tools are refused with 5 and their own message, and nothing runs.

use crate::tool_project::{RUNTIME, ToolProject, tool};
use std::{fs, os::unix::fs::symlink};

#[test]
fn a_tool_without_a_valid_signature_does_not_run() {
    let project = ToolProject::new();
    let path = project.folder().join(".ai/tools/demo/trace.sh");
    let signed = fs::read_to_string(&path).unwrap();
    let refused = |content: &str, message: &str| {
        fs::write(&path, content).unwrap();
        project.refuses(message);
    };
    refused(&tool("demo/sh"), "unsigned");
    refused(&format!("\n{signed}"), "unsigned");
    refused(&format!("{signed}echo more\n"), "content changed since it was signed");
    refused(&signed.replacen('\n', " appended\n", 1), "malformed signature");
    refused(&signed.replacen('\n', "|a@b c\n", 1), "malformed signature");
    // The signature of another text, under the hash of this one.
    project.put("demo/other.sh", tool("demo/sh") + "echo other\n");
    project.sign(&["demo/other"]);
    let other = fs::read_to_string(project.folder().join(".ai/tools/demo/other.sh")).unwrap();
    let field =
        |text: &str, n: usize| text.lines().next().unwrap().split(':').nth(n).unwrap().to_owned();
    refused(&signed.replace(&field(&signed, 6), &field(&other, 6)), "bad signature");
    let key = field(&signed, 7);
    refused(
        &signed.replace(&key, "0123456789abcdef"),
        "signed by the key 0123456789abcdef, which is not trusted",
    );
    fs::write(&path, signed).unwrap();
    project.run().ok();
}

#[test]
fn every_element_is_verified_not_only_the_tool() {
    let project = ToolProject::new();
    project.put_user("demo/sh.yaml", RUNTIME);
    project.refuses("demo/sh (");
    project.sign(&["demo/sh"]);
    project.run().ok();
}

#[test]
fn a_key_that_the_project_brings_is_not_trusted() {
    let project = ToolProject::new();
    let stranger = ToolProject::new();
    let theirs = stranger.folder().join(".ai/tools/demo/trace.sh");
    fs::copy(theirs, project.folder().join(".ai/tools/demo/trace.sh")).unwrap();
    let keys = stranger.user().join("trusted_keys");
    for place in [".ai/trusted_keys", "trusted_keys", ".ai/keys"] {
        let target = project.folder().join(place);
        fs::create_dir_all(&target).unwrap();
        for key in fs::read_dir(&keys).unwrap().flatten() {
            fs::copy(key.path(), target.join(key.file_name())).unwrap();
        }
    }
    project.refuses("which is not trusted");
}

#[test]
fn two_files_of_one_id_are_ambiguous() {
    let project = ToolProject::new();
    project.put("demo/trace.json", "{}");
    let done = project.refuses("is ambiguous");
    assert!(done.err.contains("trace.sh") && done.err.contains("trace.json"), "both are named");
}

#[test]
fn a_broken_chain_is_refused() {
    let project = ToolProject::new();
    project.put("demo/trace.sh", tool("demo/trace"));
    project.sign(&["demo/trace"]);
    project.refuses("the chain is a cycle: demo/trace -> demo/trace");

    project.put("demo/trace.sh", tool("chain/1"));
    let link = |n: usize, executor: &str| {
        let text = format!("version: \"1\"\ntool_type: runtime\nexecutor_id: {executor}\n");
        project.put(&format!("chain/{n}.yaml"), text);
        project.sign(&[&format!("chain/{n}")]);
    };
    project.sign(&["demo/trace"]);
    (1..9).for_each(|n| link(n, &format!("chain/{}", n + 1)));
    link(9, "rye/core/primitives/subprocess");
    project.refuses("more than 10 elements: demo/trace -> chain/1");
    link(8, "demo/nothing");
    let done = project.refuses("demo/nothing is missing (the executor of chain/8)");
    assert!(
        done.err.contains(".ai/tools") && done.err.contains("built-in"),
        "where it was looked for"
    );
    link(8, "null");
    project.refuses("chain/8 has no executor, but it is not a primitive");
    project.put("chain/8.yaml", "version: \"1\"\ntool_type: runtime\n");
    project.sign(&["chain/8"]);
    project.refuses("chain/8 names no executor");
}

#[test]
fn unreadable_metadata_is_refused_with_its_place() {
    let project = ToolProject::new();
    let path = project.put("demo/trace.sh", b"# __version__ = \"1\"\n# \xff\n");
    project.refuses("not valid UTF-8 at byte 22");
    fs::remove_file(&path).unwrap();
    let python = project.put("demo/trace.py", "__version__ = \"1.0.0\"\ndef (:\n");
    project.refuses("line 2");
    project.tool(["sign", "demo/trace"]).fails_with(5, "line 2");
    fs::write(&python, "__version__ = \"1\" + \".0\"\n").unwrap();
    project.refuses("__version__ is not a literal");
    fs::write(&python, "__executor_id__ = \"demo/sh\"\n").unwrap();
    project.refuses("demo/trace has no version");
    fs::remove_file(&python).unwrap();
    fs::create_dir(&path).unwrap();
    project.refuses("not a regular file");
}

#[test]
fn links_out_of_a_space_are_refused() {
    let project = ToolProject::new();
    for id in
        ["../trace", "demo/../../x", "/etc/passwd", "demo//trace", "./x", "", "a\\b", "demo/.."]
    {
        let done = project.tool(["run", "--", id]).expect(5);
        assert!(done.err.contains("item id"), "{id:?} is no id: {done:#?}");
    }
    let inside = project.folder().join(".ai/tools/demo/trace.sh");
    let outside = project.sandbox.folder().join("outside.sh");
    fs::rename(&inside, &outside).unwrap();
    symlink(&outside, &inside).unwrap();
    project.refuses("leads out of its space");
    fs::remove_file(&inside).unwrap();
    symlink("/nowhere/at/all", &inside).unwrap();
    project.refuses("trace.sh");
    fs::remove_file(&inside).unwrap();
    // A link that stays inside counts as its target.
    fs::rename(&outside, project.folder().join(".ai/tools/demo/real.sh")).unwrap();
    symlink("real.sh", &inside).unwrap();
    project.run().ok();
    let folder = project.folder().join(".ai/tools/away");
    symlink(project.sandbox.folder(), &folder).unwrap();
    fs::write(project.sandbox.folder().join("x.sh"), tool("demo/sh")).unwrap();
    project.tool(["run", "away/x"]).fails_with(5, "leads out of its space");
}

#[test]
fn an_absent_tool_is_not_found() {
    let project = ToolProject::new();
    project.tool(["run", "demo/none"]).fails_with(3, "there is no tool demo/none");
    project.tool(["show", "demo/none"]).fails_with(3, "there is no tool demo/none");
    project.tool(["sign", "demo/none"]).fails_with(3, "there is no tool demo/none");
}

#[test]
fn a_refusal_is_printed_as_json_too() {
    let project = ToolProject::new();
    project.run().ok();
    project.put("demo/sh.yaml", RUNTIME);
    project.sign(&["demo/sh"]);
    let told = project.tool(["run", "demo/trace", "--json"]).expect(5).json();
    assert_eq!((&told["status"], &told["reason"]), (&"refused".into(), &"drift".into()));
    assert_eq!(told["drift"][0]["item_id"], "demo/sh");
    assert_eq!(told["drift"][0]["changes"][0]["kind"], "shadowed");
}

#[test]
fn the_system_space_is_never_written_to() {
    let project = ToolProject::new();
    project.tool(["sign", "rye/core/runtimes/python_runtime"]).fails_with(4, "never written to");
}

/// A signature covers neither a first line that begins `#!/` nor line ends. So neither decides what runs.
#[test]
fn unsigned_bytes_do_not_decide_what_runs() {
    let project = ToolProject::new();
    let path = project.folder().join(".ai/tools/demo/trace.sh");
    let source = tool("demo/sh").replace("echo ran", "# a check follows\nexit 7\necho ran");
    project.put("demo/trace.sh", source);
    project.sign(&["demo/trace"]);
    let signed = fs::read_to_string(&path).unwrap();
    fs::write(&path, signed.replace("follows\n", "follows\r")).unwrap();
    project.run().fails_with(1, "exit code 7");
    assert_eq!(project.runs(), 0, "the check is not part of the comment before it");

    let python = "__version__ = \"1\"\n__tool_type__ = \"python\"\n__executor_id__ = \"rye/core/runtimes/python_runtime\"\nprint(ascii(\"+AOQ-\"))\n";
    let path = project.put("demo/py.py", python);
    project.sign(&["demo/py"]);
    let signed = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("#!/x -*- coding: utf-7 -*-\n{signed}")).unwrap();
    let done = project.tool(["run", "demo/py"]).ok();
    assert_eq!(done.out, "'+AOQ-'\n", "only the signature chooses the encoding");
}

/// Logged texts may come from a stranger: no link may lead them elsewhere.
#[test]
fn the_audit_log_is_not_written_through_a_link() {
    let project = ToolProject::new();
    let elsewhere = project.sandbox.folder().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    fs::create_dir_all(project.sandbox.root()).unwrap();
    symlink(&elsewhere, project.sandbox.root().join("audit.log")).unwrap();
    project.put("demo/evil.yaml", "version: \"1\"\ntool_type: t\nexecutor_id: \"x/$(reboot)\"\n");
    project.tool(["run", "demo/evil"]).expect(5).says("could not be logged");
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "", "nothing is written elsewhere");
}

#[test]
fn odd_files_of_a_project_block_no_run_and_are_not_followed() {
    let project = ToolProject::new();
    let setting = project.folder().join(".ai/lokt.toml");
    nix::unistd::mkfifo(&setting, nix::sys::stat::Mode::S_IRWXU).unwrap();
    project.lokt(["tool", "run", "demo/trace"]).in_time().fails_with(1, "not a regular file");
    fs::remove_file(&setting).unwrap();
    symlink("/dev/zero", &setting).unwrap();
    project.lokt(["tool", "run", "demo/trace"]).in_time().fails_with(1, "not a regular file");
    fs::remove_file(&setting).unwrap();
    let outside = project.sandbox.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, project.folder().join("lockfiles")).unwrap();
    project
        .tool(["lock", "demo/trace", "--scope", "project"])
        .fails_with(1, "leads out of the project");
    assert_eq!(
        fs::read_dir(outside.join("demo")).map_or(0, Iterator::count),
        0,
        "nothing is written there"
    );
}

#[test]
fn a_lockfile_of_another_version_is_drift() {
    let project = ToolProject::new();
    project.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    let lockfile = ToolProject::lockfiles(project.folder()).remove(0);
    let other = lockfile.with_file_name("trace@0.9.lock.json");
    let text = fs::read_to_string(&lockfile).unwrap().replace("\"1.0.0\"", "\"0.9\"");
    fs::write(&other, text).unwrap();
    project.tool(["verify", "--all"]).expect(5).says("version changed: pinned 0.9, now 1.0.0");
}
