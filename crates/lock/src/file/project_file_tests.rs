use super::*;
use crate::file::{LockRoot, RootMethod, RootSearchInputs};
use std::{os::unix::fs::symlink, process::Command};

#[test]
fn a_folder_below_the_project_is_understood_and_nothing_else() {
    for (text, expected) in [
        ("", None),
        ("# nothing\n", None),
        ("root = \".lokt\"", Some(".lokt")),
        ("root = './a//b/'\n", Some("a/b")),
        ("root = \".github/locks\"", Some(".github/locks")),
        ("root = 'a'\n[[guard]]\ncommand = 'x'\nname = 'y'\n", Some("a")),
        ("[[guard]]\nnot = 'a rule'\n", None),
    ] {
        assert_eq!(named_root(text), Ok(expected.map(PathBuf::from)), "{text:?}");
    }
    for (text, told) in [
        ("root = \"/tmp/x\"", "leads out of the project"),
        ("root = \"../x\"", "leads out of the project"),
        ("root = \"a/../../x\"", "leads out of the project"),
        ("root = \"~/x\"", "leads out of the project"),
        ("root = \"\"", "not a folder below"),
        ("root = \".\"", "not a folder below"),
        ("root = \".git/lokt\"", "belongs to git"),
        ("root = \".GIT/x\"", "belongs to git"),
        ("root = \"a\\u0000b\"", "control character"),
        ("root = \"etcd://box:2379/p\"", "address of a server"),
        ("root = 3", "is not a string"),
        ("\nroot = [\".lokt\"]", "line 2: \"root\" is not a string"),
        ("rot = \".lokt\"", "\"rot\" is not known"),
        ("root = \".lokt\"\n[results]\n", "\"results\" is not known"),
        ("[[guards]]\nname = \"x\"\n", "\"guards\" is not known"),
        ("root = \".lokt\"\nroot = \".lokt\"", "duplicate key"),
        ("root = ", "line 1"),
        ("root", "line 1"),
    ] {
        let why = named_root(text).expect_err(text);
        assert!(why.contains(told), "{text:?}: {why}");
    }
}

fn git(folder: &Path, args: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"]);
    let git = git.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = git.env_remove("GIT_DIR").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository `main` whose commit has a `lokt.toml`.
fn repository() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(folder.path()).unwrap();
    let main = top.join("main");
    fs::create_dir(&main).unwrap();
    git(&main, &["init", "-q"]);
    fs::write(main.join(PROJECT_FILE), "root = \"a/b\"\n").unwrap();
    git(&main, &["add", "."]);
    git(&main, &["commit", "-q", "-m", "first"]);
    (folder, top)
}

fn found(folder: &Path) -> Result<(RootMethod, PathBuf), LockRootError> {
    let environment = RootSearchInputs { folder: folder.to_owned(), ..RootSearchInputs::default() };
    LockRoot::find(&environment).map(|root| (root.method, root.path))
}

#[test]
fn all_worktrees_use_the_file_and_the_folder_of_the_main_one() {
    let (_folder, top) = repository();
    let main = top.join("main");
    let tree = top.join("tree");
    git(&main, &["worktree", "add", "-q", tree.to_str().unwrap()]);
    fs::create_dir(tree.join("deep")).unwrap();
    let expected = (RootMethod::Project, main.join("a/b"));
    let places = [main.clone(), main.join(".git"), tree.clone(), tree.join("deep")];
    for place in &places {
        assert_eq!(found(place).unwrap(), expected, "from {}", place.display());
    }
    // Another branch may have another file: it does not count.
    fs::write(tree.join(PROJECT_FILE), "root = \"c\"\n").unwrap();
    assert_eq!(found(&tree).unwrap(), expected);
    fs::remove_file(main.join(PROJECT_FILE)).unwrap();
    for place in &places {
        let expected = (RootMethod::Git, main.join(".git/lokt"));
        assert_eq!(found(place).unwrap(), expected, "from {}", place.display());
    }
}

/// The text of the file that counts in a folder.
fn text(folder: &Path) -> Option<String> {
    let lokt_root = Some(PathBuf::from("/elsewhere"));
    let folder = folder.to_owned();
    let inputs = RootSearchInputs { folder, lokt_root, ..RootSearchInputs::default() };
    ProjectFileText::find(&inputs).unwrap().map(|it| it.text)
}

#[test]
fn rules_are_those_of_the_main_work_tree_whatever_the_root_is() {
    let (_folder, top) = repository();
    let (main, tree) = (top.join("main"), top.join("tree"));
    git(&main, &["worktree", "add", "-q", tree.to_str().unwrap()]);
    fs::write(tree.join(PROJECT_FILE), "# another\n").unwrap();
    fs::create_dir(tree.join("deep")).unwrap();
    for place in [&main, &tree, &tree.join("deep")] {
        assert_eq!(text(place).as_deref(), Some("root = \"a/b\"\n"), "from {}", place.display());
    }
    git(&top, &["clone", "-q", "--bare", "main", "bare.git"]);
    git(&top.join("bare.git"), &["worktree", "add", "-q", "../one"]);
    fs::write(top.join("one").join(PROJECT_FILE), "# one\n").unwrap();
    assert_eq!(text(&top.join("one")).as_deref(), Some("# one\n"), "there is no main work tree");
    let outside = tempfile::tempdir().unwrap();
    assert_eq!(text(outside.path()), None);
    fs::write(outside.path().join(PROJECT_FILE), "# here\n").unwrap();
    assert_eq!(text(outside.path()).as_deref(), Some("# here\n"));
}

#[test]
fn without_a_main_work_tree_all_worktrees_stay_in_the_git_directory() {
    let (_folder, top) = repository();
    git(&top, &["clone", "-q", "--bare", "main", "bare.git"]);
    let (bare, separate) = (top.join("bare.git"), top.join("separate"));
    git(&bare, &["worktree", "add", "-q", "../one"]);
    git(&bare, &["worktree", "add", "-q", "../two"]);
    git(&top, &["clone", "-q", "--separate-git-dir=apart", "main", "separate"]);
    git(&separate, &["worktree", "add", "-q", "../three"]);
    git(&top.join("main"), &["submodule", "--quiet", "add", "../bare.git", "sub"]);
    for (place, expected) in [
        ("one", "bare.git/lokt"),
        ("two", "bare.git/lokt"),
        ("bare.git", "bare.git/lokt"),
        ("separate", "apart/lokt"),
        ("three", "apart/lokt"),
        ("main/sub", "main/.git/modules/sub/lokt"),
    ] {
        assert_eq!(
            found(&top.join(place)).unwrap(),
            (RootMethod::Git, top.join(expected)),
            "{place}"
        );
    }
    fs::write(top.join("one").join(PROJECT_FILE), "root = \"etcd://box/p\"\n").unwrap();
    let refused = found(&top.join("one"));
    assert!(matches!(refused, Err(LockRootError::ProjectFile { .. })), "never a silent local lock");
}

#[test]
fn no_link_leads_to_the_root() {
    let (_folder, top) = repository();
    let main = top.join("main");
    let elsewhere = top.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, main.join("a")).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::Link { path }) if path == main.join("a")));
    fs::remove_file(main.join("a")).unwrap();
    fs::create_dir(main.join("a")).unwrap();
    symlink(&elsewhere, main.join("a/b")).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::Link { path }) if path == main.join("a/b")));
    let file = main.join(PROJECT_FILE);
    fs::rename(&file, top.join("lokt.toml")).unwrap();
    symlink(top.join("lokt.toml"), &file).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::Link { path }) if path == file));
    symlink("nowhere", main.join("link")).unwrap();
    fs::rename(main.join("link"), &file).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::Link { .. })), "a dangling link is one too");
}

#[test]
fn what_stands_in_the_place_of_the_file_is_an_error_at_once() {
    let (_folder, top) = repository();
    let (main, file) = (top.join("main"), top.join("main/lokt.toml"));
    fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::ProjectFile { .. })), "a named pipe");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::ProjectFile { .. })), "a folder");
    fs::remove_dir(&file).unwrap();
    fs::write(&file, b"root = \"\xff\"\n").unwrap();
    assert!(matches!(found(&main), Err(LockRootError::ProjectFile { .. })), "no UTF-8");
    fs::write(&file, vec![b'#'; 2 << 20]).unwrap();
    assert!(matches!(found(&main), Err(LockRootError::ProjectFile { .. })), "too large");
}

#[test]
fn outside_of_a_repository_the_working_folder_is_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir(top.join("sub")).unwrap();
    fs::write(top.join(PROJECT_FILE), "root = \"x\"\n").unwrap();
    assert_eq!(found(&top).unwrap(), (RootMethod::Project, top.join("x")));
    assert_eq!(found(&top.join("sub")).unwrap(), (RootMethod::Local, top.join("sub/.lokt")));
}
