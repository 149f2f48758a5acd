//! What makes the command run again, and what does not.

use super::Repository;
use lokt_testkit::Done;

const LINE: &str = "echo out; echo err >&2; echo run >>ignored-runs";

#[track_caller]
fn ask(it: &Repository, flags: &[&str]) -> Done {
    it.once(flags, LINE).run().ok()
}

#[test]
fn a_second_call_gets_what_the_first_one_made() {
    let it = Repository::new();
    for _ in 0..3 {
        let done = ask(&it, &["--quiet"]);
        assert_eq!((done.out.as_str(), done.err.as_str()), ("out\n", "err\n"));
    }
    assert_eq!(it.runs(), 1, "it ran once");
}

#[test]
fn every_relevant_change_makes_it_run_again() {
    let changes = [
        "echo 2 >a",
        "echo new >untracked",
        "echo -n 2 >sub/b",
        "chmod +x a",
        "mv a c",
        "git mv sub/b sub/c",
        "rm a",
        "git rm -qf a",
        "ln -sfn sub link",
        "ln -sf a another",
        "rm a && ln -s sub/b a",
        "mkdir deep && touch deep/empty",
        "git add -A && echo 3 >a",
        "echo '!ignored-not' >>.gitignore && echo x >ignored-not",
    ];
    for change in changes {
        let it = Repository::new();
        ask(&it, &[]);
        it.shell(change);
        ask(&it, &[]);
        assert_eq!(it.runs(), 2, "{change}");
        ask(&it, &[]);
        assert_eq!(it.runs(), 2, "{change}: and then not again");
    }
}

#[test]
fn a_reverted_change_finds_the_old_result() {
    let it = Repository::new();
    ask(&it, &[]);
    it.shell("echo 2 >a");
    ask(&it, &[]);
    it.shell("echo 1 >a");
    ask(&it, &[]);
    assert_eq!(it.runs(), 2, "the first result is still there");
}

#[test]
fn irrelevant_changes_do_not_make_it_run_again() {
    let it = Repository::new();
    ask(&it, &[]);
    let changes = [
        "touch a sub/b",
        "echo x >ignored-new",
        "mkdir empty",
        "chmod go-r a",
        "git commit -q --allow-empty -m second",
        "git branch other && git checkout -q other",
        "git add -A",
        "cp -p a b && mv b a",
    ];
    for change in changes {
        it.shell(change);
        ask(&it, &[]);
        assert_eq!(it.runs(), 1, "{change}");
    }
    it.shell("git clone -q . ../clone");
    let clone = it.it.folder().join("clone");
    it.once(&[], LINE).folder(&clone).run().ok();
    assert!(!clone.join("ignored-runs").exists(), "a fresh clone of the same tree");
}

#[test]
fn worktrees_share_a_result_exactly_if_they_have_the_same_content() {
    let it = Repository::new();
    it.shell("git worktree add -q ../other");
    let other = it.it.folder().join("other");
    ask(&it, &[]);
    it.once(&[], LINE).folder(&other).run().ok();
    assert!(!other.join("ignored-runs").exists(), "they have the same content");
    std::fs::write(other.join("a"), "other\n").unwrap();
    it.once(&[], LINE).folder(&other).run().ok();
    assert!(other.join("ignored-runs").exists(), "they have not");
    ask(&it, &[]);
    assert_eq!(it.runs(), 1, "and each has its own result");
}

#[test]
fn arguments_folder_texts_and_variables_matter() {
    let it = Repository::new();
    let runs = |flags: &[&str]| {
        let before = it.runs();
        ask(&it, flags);
        it.runs() - before
    };
    assert_eq!(runs(&[]), 1);
    assert_eq!((runs(&["--key", "1"]), runs(&["--key", "1"]), runs(&["--key", "2"])), (1, 0, 1));
    assert_eq!((runs(&["--key", "1", "--key", "2"]), runs(&["--key", "12"])), (1, 1));
    let with = |value: &str| {
        let before = it.runs();
        it.once(&["--env", "COLOUR"], LINE).env("COLOUR", value).run().ok();
        it.runs() - before
    };
    assert_eq!((runs(&["--env", "COLOUR"]), with(""), with("red"), with("red")), (1, 1, 1, 0));
    let more = format!("{LINE}; ");
    it.once(&[], &more).run().ok();
    assert_eq!(it.runs(), 9, "another word is another command");
    it.once(&[], LINE).folder(it.path("sub")).run().ok();
    assert!(it.path("sub/ignored-runs").exists(), "another folder is another result");
}

#[test]
fn with_named_inputs_only_those_matter() {
    let it = Repository::new();
    it.shell("mkdir -p sub/deep && echo 1 >sub/deep/x.c && echo 1 >sub/y.c");
    let flags = ["--input", "sub/**/*.c", "--input", "ignored-setting"];
    it.shell("echo 1 >ignored-setting");
    ask(&it, &flags);
    for (change, again) in [
        ("echo 2 >a", false),
        ("echo 2 >sub/b", false),
        ("echo 2 >sub/y.c", true),
        ("echo 2 >sub/deep/x.c", true),
        ("echo 1 >sub/new.c", true),
        ("echo 1 >sub/ignored.c", false),
        // Named as an input, it counts.
        ("echo 2 >ignored-setting", true),
    ] {
        let before = it.runs();
        it.shell(change);
        ask(&it, &flags);
        assert_eq!(it.runs() - before, usize::from(again), "{change}");
    }
    let before = it.runs();
    ask(&it, &["--input", "sub"]);
    it.shell("echo 3 >a; echo 4 >sub/b");
    ask(&it, &["--input", "sub"]);
    assert_eq!(it.runs() - before, 2, "a folder is all that is in it");
}

#[test]
fn a_file_that_changes_again_within_a_moment_is_seen() {
    let it = Repository::new();
    let line = "cat a; echo run >>ignored-runs";
    for round in 0..40 {
        // The same length, and probably the same time.
        std::fs::write(it.path("a"), format!("{round:02}\n")).unwrap();
        let done = it.once(&[], line).run().ok();
        assert_eq!(done.out, format!("{round:02}\n"));
    }
    assert_eq!(it.runs(), 40);
}

#[test]
fn explain_lists_the_inputs_and_their_changes() {
    let it = Repository::new();
    let explain = |flags: &[&str]| it.once(&[&["--explain"], flags].concat(), LINE).run().ok().out;
    assert!(explain(&[]).contains("no result of this name"), "{}", explain(&[]));
    ask(&it, &["--key", "k", "--env", "COLOUR"]);
    let flags = ["--key", "k", "--env", "COLOUR"];
    assert!(explain(&flags).contains("nothing has changed"), "{}", explain(&flags));
    it.shell("echo 2 >a; chmod +x sub/b; rm link; echo new >'new\u{7}file'");
    let told = explain(&flags);
    for change in [
        "a changed",
        "sub/b changed its mode or kind",
        "link was removed",
        "new\\u{7}file was added",
        "key:      k",
        "env:      COLOUR",
    ] {
        assert!(told.contains(change), "{change}: {told}");
    }
    let json = it.once(&["--explain", "--json"], LINE).run().ok().json();
    assert_eq!(json["depends_on"]["files"], 4, "{json}");
    let changes = json["changes"].as_array().unwrap();
    let whats: Vec<&str> = changes.iter().map(|it| it["what"].as_str().unwrap()).collect();
    let expected = ["key", "env", "file-content", "file-removed", "file-added", "file-kind"];
    assert_eq!(whats, expected, "{json}");
    assert_eq!(it.runs(), 1, "explaining runs nothing");
}

#[test]
fn a_check_does_not_run_the_command() {
    let it = Repository::new();
    it.once(&["--check"], LINE).run().fails_with(3, "no result of \"t\"");
    ask(&it, &[]);
    let done = it.once(&["--check"], LINE).run().ok();
    assert!(done.out.starts_with("t: exit code 0, "), "{done:#?}");
    assert_eq!(it.once(&["--check", "--json"], LINE).run().ok().json()["status"], "hit");
    assert_eq!(it.runs(), 1);
}

#[test]
fn a_refreshed_result_is_a_new_one() {
    let it = Repository::new();
    ask(&it, &[]);
    ask(&it, &["--refresh"]);
    assert_eq!(it.runs(), 2);
    ask(&it, &[]);
    assert_eq!(it.runs(), 2, "which is kept");
}
