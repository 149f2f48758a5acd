//! Outside a repository, the first lock says where the locks are, and how other folders share them.

use lokt_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn the_first_lock_in_a_plain_folder_says_where_the_locks_are() {
    for first in ["lock x", "freeze x --ttl 1m", "guard x -- true", "once x --input a -- true"] {
        let it = sandbox();
        let line = format!(
            "mkdir p; cd p; echo 1 >a; unset LOKT_ROOT; lokt status; lokt {first}; lokt {first}"
        );
        let done = it.shell(&line).run();
        let root = it.folder().join("p/.lokt");
        let told = format!("note: made {} for the locks", root.display());
        assert_eq!(done.err.matches("note: made ").count(), 1, "`{first}` says it once: {done:#?}");
        assert!(done.err.contains(&told), "`{first}`: {done:#?}");
        let share = format!("export LOKT_ROOT={}", root.display());
        assert!(done.err.contains(&share), "`{first}` says how to share it: {done:#?}");
        assert!(root.join("locks").is_dir());
    }
}

#[test]
fn a_root_that_a_repository_or_a_variable_names_needs_no_note() {
    let it = sandbox();
    let done = it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
    assert_eq!(done.err, "", "LOKT_ROOT names it");
    let line = "git init -q r; cd r; unset LOKT_ROOT; lokt lock x --ttl 1h";
    assert_eq!(it.shell(line).run().ok().err, "", "the repository has it");
    let line = "mkdir p; cd p; unset LOKT_ROOT; lokt status; lokt exists x; lokt why x; ls -A";
    let done = it.shell(line).run().ok();
    assert!(!done.err.contains("note: made") && !done.out.contains(".lokt"), "{done:#?}");
}
