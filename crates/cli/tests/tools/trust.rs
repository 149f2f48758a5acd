//! Keys: made once, kept from others, trusted by name.

use crate::workshop::Workshop;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn a_key_is_made_once_and_kept_from_others() {
    let workshop = Workshop::empty();
    workshop.lokt(["key", "show"]).run().fails_with(3, "there is no key");
    let made = workshop.lokt(["key", "generate", "--json"]).run().ok().json();
    workshop.lokt(["key", "generate"]).run().fails_with(1, "there is a key already");
    let private = workshop.user().join("keys/private_key.pem");
    let permissions =
        |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(permissions(&private), 0o600);
    assert_eq!(permissions(private.parent().unwrap()), 0o700);
    let shown = workshop.lokt(["key", "show", "--json"]).run().ok().json();
    assert_eq!(shown["fingerprint"], made["fingerprint"]);
    let public = fs::read_to_string(workshop.user().join("keys/public_key.pem")).unwrap();
    assert_eq!(shown["pem"], public.as_str());
    assert_eq!(workshop.lokt(["key", "show"]).run().ok().out, public);
    workshop.put("demo/x.yaml", "version: 1\n");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).unwrap();
    workshop.tool(["sign", "demo/x"]).fails_with(1, "can be read by others");
}

#[test]
fn trust_is_given_and_taken() {
    let (workshop, friend) = (Workshop::new(), Workshop::new());
    let theirs = friend.user().join("keys/public_key.pem");
    let name = friend.lokt(["key", "show", "--json"]).run().ok().json()["fingerprint"].clone();
    let name = name.as_str().unwrap();
    let tool = friend.project().join(".ai/tools/demo/trace.sh");
    fs::copy(tool, workshop.project().join(".ai/tools/demo/trace.sh")).unwrap();
    workshop.refuses(name);
    workshop.lokt(["key", "trust", theirs.to_str().unwrap()]).run().ok();
    workshop.run().ok();
    let list = workshop.lokt(["key", "list"]).run().ok();
    assert!(list.out.contains(name) && list.out.contains("you"), "{list:#?}");
    workshop.lokt(["key", "untrust", name]).run().ok();
    workshop.lokt(["key", "untrust", name]).run().fails_with(3, "is not among the trusted keys");
    workshop.refuses("which is not trusted");
}

#[test]
fn a_key_s_file_is_named_after_it() {
    let workshop = Workshop::new();
    let keys = workshop.user().join("trusted_keys");
    let file = fs::read_dir(&keys).unwrap().flatten().next().unwrap().path();
    let other = Workshop::new();
    let pem = fs::read(other.user().join("keys/public_key.pem")).unwrap();
    fs::write(&file, pem).unwrap();
    workshop.refuses("is of another");
    workshop.lokt(["key", "list"]).run().fails_with(5, "is of another");
    fs::write(&file, "no key").unwrap();
    workshop.refuses("is not an Ed25519 public key");
}

#[test]
fn what_is_no_key_is_not_trusted() {
    let workshop = Workshop::empty();
    let file =
        workshop.put("x.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    workshop
        .lokt(["key", "trust", file.to_str().unwrap()])
        .run()
        .fails_with(1, "is not an Ed25519");
    workshop.lokt(["key", "trust", "/nowhere"]).run().fails_with(1, "there is no key at /nowhere");
    workshop.lokt(["key", "untrust", "../x"]).run().expect(64);
}

#[test]
fn signing_again_changes_nothing_and_keeps_the_file_s_mode() {
    let workshop = Workshop::new();
    let path = workshop.project().join(".ai/tools/demo/trace.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let before = fs::read(&path).unwrap();
    workshop.sign(&["demo/trace"]);
    assert_eq!(fs::read(&path).unwrap(), before, "it is signed already");
    fs::write(&path, [&before[..], b"echo\r\n"].concat()).unwrap();
    workshop.sign(&["demo/trace"]);
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.ends_with("echo\r\n"), "nothing but the signature changes");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(after.matches("rye:signed:").count(), 1);
}

#[test]
fn a_key_that_could_not_be_made_whole_is_not_there_and_not_trusted() {
    let workshop = Workshop::empty();
    let private = workshop.user().join("keys/private_key.pem");
    fs::create_dir_all(private.parent().unwrap()).unwrap();
    // Nothing can be put in its place.
    std::os::unix::fs::symlink("nowhere", &private).unwrap();
    workshop.lokt(["key", "generate"]).run().fails_with(1, "there is a key already");
    fs::remove_file(&private).unwrap();
    // Cut off at any time, the next try makes a key that is trusted.
    let traced = "strace -f -o /dev/null -e trace=link,linkat,rename,renameat,renameat2";
    for at in 1..6 {
        let words = format!("{traced} -e inject=all:signal=KILL:when={at} lokt key generate");
        workshop.shell(&words).run();
        let done = workshop.lokt(["key", "generate"]).run();
        let mine = workshop.lokt(["key", "list", "--json"]).run().ok().json();
        let is_mine = |key: &serde_json::Value| key["mine"] == true;
        assert!(mine.as_array().unwrap().iter().any(is_mine), "cut off at {at}: {done:#?} {mine}");
        fs::remove_dir_all(workshop.user()).unwrap();
    }
}
