//! Every layout is made by git itself, and must give what `git rev-parse --git-common-dir` gives.

use super::*;
use std::{fs, process::Command};

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository `main` with one commit.
fn repository() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main");
    fs::create_dir(&main).unwrap();
    git(&main, &["init", "-q"]);
    git(&main, &["commit", "-q", "--allow-empty", "-m", "first"]);
    (folder, main)
}

fn found(folder: &Path) -> Root {
    Root::find(&RootEnvironment { folder: folder.to_owned(), ..RootEnvironment::default() })
        .unwrap()
}

fn assert_as_git_says(folder: &Path) -> PathBuf {
    let common = folder.join(git(folder, &["rev-parse", "--git-common-dir"]));
    let root = found(folder);
    assert_eq!(root.method, RootMethod::Git);
    assert_eq!(
        root.path,
        fs::canonicalize(common).unwrap().join("lokt"),
        "from {}",
        folder.display()
    );
    root.path
}

#[test]
fn a_repository_and_all_its_worktrees_share_one_root() {
    let (folder, main) = repository();
    let tree = folder.path().join("tree");
    git(&main, &["worktree", "add", "-q", tree.to_str().unwrap()]);
    fs::create_dir_all(tree.join("deep/er")).unwrap();
    let root = assert_as_git_says(&main);
    for place in
        [tree.clone(), tree.join("deep/er"), main.join(".git"), main.join(".git/worktrees/tree")]
    {
        assert_eq!(assert_as_git_says(&place), root);
    }
}

#[test]
fn a_bare_repository_is_found_from_inside() {
    let (folder, main) = repository();
    let bare = folder.path().join("bare.git");
    git(folder.path(), &["clone", "-q", "--bare", main.to_str().unwrap(), "bare.git"]);
    assert_eq!(assert_as_git_says(&bare), fs::canonicalize(&bare).unwrap().join("lokt"));
    let tree = folder.path().join("of-bare");
    git(&bare, &["worktree", "add", "-q", tree.to_str().unwrap()]);
    assert_eq!(assert_as_git_says(&tree), fs::canonicalize(&bare).unwrap().join("lokt"));
}

#[test]
fn a_submodule_has_locks_of_its_own() {
    let (folder, main) = repository();
    let outer = folder.path().join("outer");
    fs::create_dir(&outer).unwrap();
    git(&outer, &["init", "-q"]);
    git(&outer, &["submodule", "--quiet", "add", main.to_str().unwrap(), "sub"]);
    let inner = assert_as_git_says(&outer.join("sub"));
    assert_ne!(inner, assert_as_git_says(&outer));
}

#[test]
fn a_git_file_that_leads_nowhere_is_an_error_and_no_other_root() {
    let (folder, main) = repository();
    let below = main.join("below");
    fs::create_dir(&below).unwrap();
    for content in ["gitdir: /nowhere", "nonsense"] {
        fs::write(below.join(".git"), content).unwrap();
        let surroundings = RootEnvironment { folder: below.clone(), ..RootEnvironment::default() };
        let error = Root::find(&surroundings).unwrap_err();
        assert!(matches!(error, RootError::BrokenGitFile { .. }), "{content}: {error}");
    }
    drop(folder);
}

#[test]
fn a_folder_named_git_that_is_no_repository_is_passed_over() {
    let (_folder, main) = repository();
    fs::create_dir_all(main.join("below/.git")).unwrap();
    assert_eq!(found(&main.join("below")).path, found(&main).path);
}

#[test]
fn variables_win_and_nothing_means_local() {
    let (folder, main) = repository();
    let outside = tempfile::tempdir().unwrap();
    let local = found(outside.path());
    assert_eq!((local.path, local.method), (outside.path().join(".lokt"), RootMethod::Local));
    let mut surroundings =
        RootEnvironment { folder: outside.path().to_owned(), ..RootEnvironment::default() };
    surroundings.git_dir = Some(main.join(".git"));
    assert_eq!(Root::find(&surroundings).unwrap().path, found(&main).path);
    surroundings.git_dir = Some(main.join("no.git"));
    assert!(matches!(Root::find(&surroundings), Err(RootError::NoGitDir { .. })));
    surroundings.lokt_root = Some("mine".into());
    let root = Root::find(&surroundings).unwrap();
    assert_eq!((root.path, root.method), (outside.path().join("mine"), RootMethod::Env));
    drop(folder);
}
