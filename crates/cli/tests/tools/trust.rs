//! Keys: made once, private, trusted by name.

use crate::tool_project::ToolProject;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn a_key_is_made_once_and_is_private() {
    let project = ToolProject::empty();
    project.lokt(["key", "show"]).run().fails_with(3, "there is no key");
    let made = project.lokt(["key", "generate", "--json"]).run().ok().json();
    project.lokt(["key", "generate"]).run().fails_with(1, "there is a key already");
    let private = project.user().join("keys/private_key.pem");
    let permissions =
        |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(permissions(&private), 0o600);
    assert_eq!(permissions(private.parent().unwrap()), 0o700);
    let shown = project.lokt(["key", "show", "--json"]).run().ok().json();
    assert_eq!(shown["fingerprint"], made["fingerprint"]);
    let public = fs::read_to_string(project.user().join("keys/public_key.pem")).unwrap();
    assert_eq!(shown["pem"], public.as_str());
    assert_eq!(project.lokt(["key", "show"]).run().ok().out, public);
    project.put("demo/x.yaml", "version: 1\n");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).unwrap();
    project.tool(["sign", "demo/x"]).fails_with(1, "can be read by others");
}

#[test]
fn trust_is_given_and_withdrawn() {
    let (project, friend) = (ToolProject::new(), ToolProject::new());
    let theirs = friend.user().join("keys/public_key.pem");
    let name = friend.lokt(["key", "show", "--json"]).run().ok().json()["fingerprint"].clone();
    let name = name.as_str().unwrap();
    let tool = friend.folder().join(".ai/tools/demo/trace.sh");
    fs::copy(tool, project.folder().join(".ai/tools/demo/trace.sh")).unwrap();
    project.refuses(name);
    project.lokt(["key", "trust", theirs.to_str().unwrap()]).run().ok();
    project.run().ok();
    let list = project.lokt(["key", "list"]).run().ok();
    assert!(list.out.contains(name) && list.out.contains("you"), "{list:#?}");
    project.lokt(["key", "untrust", name]).run().ok();
    project.lokt(["key", "untrust", name]).run().fails_with(3, "is not among the trusted keys");
    project.refuses("which is not trusted");
}

#[test]
fn a_key_s_file_is_named_after_it() {
    let project = ToolProject::new();
    let keys = project.user().join("trusted_keys");
    let file = fs::read_dir(&keys).unwrap().flatten().next().unwrap().path();
    let other = ToolProject::new();
    let pem = fs::read(other.user().join("keys/public_key.pem")).unwrap();
    fs::write(&file, pem).unwrap();
    project.refuses("is of another");
    project.lokt(["key", "list"]).run().fails_with(5, "is of another");
    fs::write(&file, "no key").unwrap();
    project.refuses("is not an Ed25519 public key");
}

#[test]
fn an_invalid_key_is_not_trusted() {
    let project = ToolProject::empty();
    let file = project.put("x.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    project.lokt(["key", "trust", file.to_str().unwrap()]).run().fails_with(1, "is not an Ed25519");
    project.lokt(["key", "trust", "/nowhere"]).run().fails_with(1, "there is no key at /nowhere");
    project.lokt(["key", "untrust", "../x"]).run().expect(64);
}

#[test]
fn signing_again_changes_nothing_and_keeps_the_file_s_mode() {
    let project = ToolProject::new();
    let path = project.folder().join(".ai/tools/demo/trace.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let before = fs::read(&path).unwrap();
    project.sign(&["demo/trace"]);
    assert_eq!(fs::read(&path).unwrap(), before, "it is signed already");
    fs::write(&path, [&before[..], b"echo\r\n"].concat()).unwrap();
    project.sign(&["demo/trace"]);
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.ends_with("echo\r\n"), "nothing but the signature changes");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(after.matches("rye:signed:").count(), 1);
}

#[test]
fn an_incomplete_key_is_absent_and_not_trusted() {
    let project = ToolProject::empty();
    let private = project.user().join("keys/private_key.pem");
    fs::create_dir_all(private.parent().unwrap()).unwrap();
    // Nothing can replace it.
    std::os::unix::fs::symlink("nowhere", &private).unwrap();
    project.lokt(["key", "generate"]).run().fails_with(1, "there is a key already");
    fs::remove_file(&private).unwrap();
    // After an interruption at any time, the next try makes a trusted key.
    let traced = "strace -f -o /dev/null -e trace=link,linkat,rename,renameat,renameat2";
    for at in 1..6 {
        let words = format!("{traced} -e inject=all:signal=KILL:when={at} lokt key generate");
        project.shell(&words).run();
        let done = project.lokt(["key", "generate"]).run();
        let mine = project.lokt(["key", "list", "--json"]).run().ok().json();
        let is_mine = |key: &serde_json::Value| key["mine"] == true;
        assert!(mine.as_array().unwrap().iter().any(is_mine), "cut off at {at}: {done:#?} {mine}");
        fs::remove_dir_all(project.user()).unwrap();
    }
}
