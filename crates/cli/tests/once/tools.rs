//! Tools whose results are shared.

use super::Repository;
use std::fs;

/// A tool that records its runs.
pub(super) fn write_tool(it: &Repository, says: &str) {
    fs::create_dir_all(it.path(".ai/tools")).unwrap();
    let text = format!(
        "# __version__ = \"1\"\n# __executor_id__ = \"rye/core/runtimes/bash/bash\"\n\
        echo run >>\"{}\"; echo '{says}' \"$2\"\n",
        it.path("ignored-runs").display()
    );
    fs::write(it.path(".ai/tools/say.sh"), text).unwrap();
    it.lokt(["tool", "sign", "say"]).run().ok();
}

#[test]
fn a_tool_runs_again_when_its_chain_its_parameters_or_a_file_has_changed() {
    let it = Repository::new();
    it.lokt(["key", "generate"]).run().ok();
    write_tool(&it, "first");
    let run = |params: &str| {
        let before = it.runs();
        let done = it.lokt(["tool", "run", "say", "--once", "--params", params]).run().ok();
        assert!(done.out.contains(params), "the parameters arrive: {done:#?}");
        it.runs() - before
    };
    assert_eq!((run(r#"{"a":1}"#), run(r#"{"a":1}"#)), (1, 0));
    assert_eq!((run(r#"{"a":2}"#), run(r#"{"a":1}"#)), (1, 0));
    it.shell("echo 2 >a");
    assert_eq!((run(r#"{"a":1}"#), run(r#"{"a":1}"#)), (1, 0));
    write_tool(&it, "second");
    it.lokt(["tool", "run", "say", "--once"]).run().expect(5);
    it.lokt(["tool", "lock", "say", "--update"]).run().ok();
    assert_eq!((run(r#"{"a":1}"#), run(r#"{"a":1}"#)), (1, 0));
    assert_eq!(it.lokt(["get-meta", "tool.say", "exit_code"]).run().ok().out, "0\n");
}

#[test]
fn pinning_in_the_project_does_not_prevent_the_first_result() {
    let it = Repository::new();
    it.lokt(["key", "generate"]).run().ok();
    write_tool(&it, "hello");
    for _ in 0..2 {
        it.lokt(["tool", "run", "say", "--once", "--scope", "project"]).run().ok();
    }
    assert_eq!(it.runs(), 1);
    it.lokt(["tool", "run", "say", "--once", "--guard", "x"]).run().fails_with(64, "--guard");
}
