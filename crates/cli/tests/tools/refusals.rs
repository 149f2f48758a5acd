//! Whatever is in doubt is refused with 5 and its own message, and nothing runs.

use crate::workshop::{RUNTIME, Workshop, tool};
use std::{fs, os::unix::fs::symlink};

#[test]
fn what_is_not_signed_as_it_is_does_not_run() {
    let workshop = Workshop::new();
    let path = workshop.project().join(".ai/tools/demo/trace.sh");
    let signed = fs::read_to_string(&path).unwrap();
    let refused = |content: &str, message: &str| {
        fs::write(&path, content).unwrap();
        workshop.refuses(message);
    };
    refused(&tool("demo/sh"), "unsigned");
    refused(&format!("\n{signed}"), "unsigned");
    refused(&format!("{signed}echo more\n"), "content changed since it was signed");
    refused(&signed.replacen('\n', " appended\n", 1), "malformed signature");
    refused(&signed.replacen('\n', "|a@b c\n", 1), "malformed signature");
    // The signature of another text, under the hash of this one.
    workshop.put("demo/other.sh", tool("demo/sh") + "echo other\n");
    workshop.sign(&["demo/other"]);
    let other = fs::read_to_string(workshop.project().join(".ai/tools/demo/other.sh")).unwrap();
    let field =
        |text: &str, n: usize| text.lines().next().unwrap().split(':').nth(n).unwrap().to_owned();
    refused(&signed.replace(&field(&signed, 6), &field(&other, 6)), "bad signature");
    let key = field(&signed, 7);
    refused(
        &signed.replace(&key, "0123456789abcdef"),
        "signed by the key 0123456789abcdef, which is not trusted",
    );
    fs::write(&path, signed).unwrap();
    workshop.run().ok();
}

#[test]
fn every_element_is_verified_not_only_the_tool() {
    let workshop = Workshop::new();
    workshop.put_user("demo/sh.yaml", RUNTIME);
    workshop.refuses("demo/sh (");
    workshop.sign(&["demo/sh"]);
    workshop.run().ok();
}

#[test]
fn a_key_that_the_project_brings_is_not_trusted() {
    let workshop = Workshop::new();
    let stranger = Workshop::new();
    let theirs = stranger.project().join(".ai/tools/demo/trace.sh");
    fs::copy(theirs, workshop.project().join(".ai/tools/demo/trace.sh")).unwrap();
    let keys = stranger.user().join("trusted_keys");
    for place in [".ai/trusted_keys", "trusted_keys", ".ai/keys"] {
        let target = workshop.project().join(place);
        fs::create_dir_all(&target).unwrap();
        for key in fs::read_dir(&keys).unwrap().flatten() {
            fs::copy(key.path(), target.join(key.file_name())).unwrap();
        }
    }
    workshop.refuses("which is not trusted");
}

#[test]
fn two_files_of_one_id_are_ambiguous() {
    let workshop = Workshop::new();
    workshop.put("demo/trace.json", "{}");
    let done = workshop.refuses("is ambiguous");
    assert!(done.err.contains("trace.sh") && done.err.contains("trace.json"), "both are named");
}

#[test]
fn a_chain_that_goes_nowhere_is_refused() {
    let workshop = Workshop::new();
    workshop.put("demo/trace.sh", tool("demo/trace"));
    workshop.sign(&["demo/trace"]);
    workshop.refuses("the chain is a cycle: demo/trace -> demo/trace");

    workshop.put("demo/trace.sh", tool("chain/1"));
    let link = |n: usize, executor: &str| {
        let text = format!("version: \"1\"\ntool_type: runtime\nexecutor_id: {executor}\n");
        workshop.put(&format!("chain/{n}.yaml"), text);
        workshop.sign(&[&format!("chain/{n}")]);
    };
    workshop.sign(&["demo/trace"]);
    (1..9).for_each(|n| link(n, &format!("chain/{}", n + 1)));
    link(9, "rye/core/primitives/subprocess");
    workshop.refuses("more than 10 elements: demo/trace -> chain/1");
    link(8, "demo/nothing");
    let done = workshop.refuses("demo/nothing is missing (the executor of chain/8)");
    assert!(
        done.err.contains(".ai/tools") && done.err.contains("built-in"),
        "where it was looked for"
    );
    link(8, "null");
    workshop.refuses("chain/8 has no executor, but it is not a primitive");
    workshop.put("chain/8.yaml", "version: \"1\"\ntool_type: runtime\n");
    workshop.sign(&["chain/8"]);
    workshop.refuses("chain/8 names no executor");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let workshop = Workshop::new();
    let path = workshop.put("demo/trace.sh", b"# __version__ = \"1\"\n# \xff\n");
    workshop.refuses("not valid UTF-8 at byte 22");
    fs::remove_file(&path).unwrap();
    let python = workshop.put("demo/trace.py", "__version__ = \"1.0.0\"\ndef (:\n");
    workshop.refuses("line 2");
    workshop.tool(["sign", "demo/trace"]).fails_with(5, "line 2");
    fs::write(&python, "__version__ = \"1\" + \".0\"\n").unwrap();
    workshop.refuses("__version__ is not a literal");
    fs::write(&python, "__executor_id__ = \"demo/sh\"\n").unwrap();
    workshop.refuses("demo/trace has no version");
    fs::remove_file(&python).unwrap();
    fs::create_dir(&path).unwrap();
    workshop.refuses("not a regular file");
}

#[test]
fn nothing_leads_out_of_a_space() {
    let workshop = Workshop::new();
    for id in
        ["../trace", "demo/../../x", "/etc/passwd", "demo//trace", "./x", "", "a\\b", "demo/.."]
    {
        let done = workshop.tool(["run", "--", id]).expect(5);
        assert!(done.err.contains("item id"), "{id:?} is no id: {done:#?}");
    }
    let inside = workshop.project().join(".ai/tools/demo/trace.sh");
    let outside = workshop.sandbox.folder().join("outside.sh");
    fs::rename(&inside, &outside).unwrap();
    symlink(&outside, &inside).unwrap();
    workshop.refuses("leads out of its space");
    fs::remove_file(&inside).unwrap();
    symlink("/nowhere/at/all", &inside).unwrap();
    workshop.refuses("trace.sh");
    fs::remove_file(&inside).unwrap();
    // A link that stays inside is what it leads to.
    fs::rename(&outside, workshop.project().join(".ai/tools/demo/real.sh")).unwrap();
    symlink("real.sh", &inside).unwrap();
    workshop.run().ok();
    let folder = workshop.project().join(".ai/tools/away");
    symlink(workshop.sandbox.folder(), &folder).unwrap();
    fs::write(workshop.sandbox.folder().join("x.sh"), tool("demo/sh")).unwrap();
    workshop.tool(["run", "away/x"]).fails_with(5, "leads out of its space");
}

#[test]
fn a_tool_that_is_nowhere_is_not_found() {
    let workshop = Workshop::new();
    workshop.tool(["run", "demo/none"]).fails_with(3, "there is no tool demo/none");
    workshop.tool(["show", "demo/none"]).fails_with(3, "there is no tool demo/none");
    workshop.tool(["sign", "demo/none"]).fails_with(3, "there is no tool demo/none");
}

#[test]
fn a_refusal_is_told_in_json_as_well() {
    let workshop = Workshop::new();
    workshop.run().ok();
    workshop.put("demo/sh.yaml", RUNTIME);
    workshop.sign(&["demo/sh"]);
    let told = workshop.tool(["run", "demo/trace", "--json"]).expect(5).json();
    assert_eq!((&told["status"], &told["reason"]), (&"refused".into(), &"drift".into()));
    assert_eq!(told["drift"][0]["item_id"], "demo/sh");
    assert_eq!(told["drift"][0]["changes"][0]["kind"], "shadowed");
}

#[test]
fn the_system_space_is_never_written_to() {
    let workshop = Workshop::new();
    workshop.tool(["sign", "rye/core/runtimes/python_runtime"]).fails_with(4, "never written to");
}

/// A signature covers neither a first line that begins `#!/` nor how lines end. So neither has a say.
#[test]
fn what_is_not_signed_does_not_decide_what_runs() {
    let workshop = Workshop::new();
    let path = workshop.project().join(".ai/tools/demo/trace.sh");
    let source = tool("demo/sh").replace("echo ran", "# a check follows\nexit 7\necho ran");
    workshop.put("demo/trace.sh", source);
    workshop.sign(&["demo/trace"]);
    let signed = fs::read_to_string(&path).unwrap();
    fs::write(&path, signed.replace("follows\n", "follows\r")).unwrap();
    workshop.run().fails_with(1, "exit code 7");
    assert_eq!(workshop.runs(), 0, "the check is not part of the comment before it");

    let python = "__version__ = \"1\"\n__tool_type__ = \"python\"\n__executor_id__ = \"rye/core/runtimes/python_runtime\"\nprint(ascii(\"+AOQ-\"))\n";
    let path = workshop.put("demo/py.py", python);
    workshop.sign(&["demo/py"]);
    let signed = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("#!/x -*- coding: utf-7 -*-\n{signed}")).unwrap();
    let done = workshop.tool(["run", "demo/py"]).ok();
    assert_eq!(done.out, "'+AOQ-'\n", "nobody else chooses the encoding");
}

/// What is logged has texts in it that a stranger may have chosen: no link may lead them elsewhere.
#[test]
fn the_audit_log_is_not_written_through_a_link() {
    let workshop = Workshop::new();
    let elsewhere = workshop.sandbox.folder().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    fs::create_dir_all(workshop.sandbox.root()).unwrap();
    symlink(&elsewhere, workshop.sandbox.root().join("audit.log")).unwrap();
    workshop.put("demo/evil.yaml", "version: \"1\"\ntool_type: t\nexecutor_id: \"x/$(reboot)\"\n");
    workshop.tool(["run", "demo/evil"]).expect(5).says("could not be logged");
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "", "nothing is written elsewhere");
}

#[test]
fn what_comes_with_a_project_holds_nothing_up_and_leads_nowhere() {
    let workshop = Workshop::new();
    let setting = workshop.project().join(".ai/lokt.toml");
    nix::unistd::mkfifo(&setting, nix::sys::stat::Mode::S_IRWXU).unwrap();
    workshop.lokt(["tool", "run", "demo/trace"]).in_time().fails_with(1, "not a regular file");
    fs::remove_file(&setting).unwrap();
    symlink("/dev/zero", &setting).unwrap();
    workshop.lokt(["tool", "run", "demo/trace"]).in_time().fails_with(1, "not a regular file");
    fs::remove_file(&setting).unwrap();
    let outside = workshop.sandbox.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, workshop.project().join("lockfiles")).unwrap();
    workshop
        .tool(["lock", "demo/trace", "--scope", "project"])
        .fails_with(1, "leads out of the project");
    assert_eq!(
        fs::read_dir(outside.join("demo")).map_or(0, Iterator::count),
        0,
        "nothing is written there"
    );
}

#[test]
fn the_lockfile_of_another_version_is_not_a_tool_s_own() {
    let workshop = Workshop::new();
    workshop.tool(["lock", "demo/trace", "--scope", "project"]).ok();
    let lockfile = Workshop::lockfiles(workshop.project()).remove(0);
    let other = lockfile.with_file_name("trace@0.9.lock.json");
    let text = fs::read_to_string(&lockfile).unwrap().replace("\"1.0.0\"", "\"0.9\"");
    fs::write(&other, text).unwrap();
    workshop.tool(["verify", "--all"]).expect(5).says("version changed: pinned 0.9, now 1.0.0");
}
