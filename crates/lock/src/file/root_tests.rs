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

fn found(folder: &Path) -> LockRoot {
    LockRoot::find(&RootSearchInputs { folder: folder.to_owned(), ..RootSearchInputs::default() })
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
        let surroundings =
            RootSearchInputs { folder: below.clone(), ..RootSearchInputs::default() };
        let error = LockRoot::find(&surroundings).unwrap_err();
        assert!(matches!(error, LockRootError::BrokenGitFile { .. }), "{content}: {error}");
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
        RootSearchInputs { folder: outside.path().to_owned(), ..RootSearchInputs::default() };
    surroundings.git_dir = Some(main.join(".git"));
    assert_eq!(LockRoot::find(&surroundings).unwrap().path, found(&main).path);
    surroundings.git_dir = Some(main.join("no.git"));
    assert!(matches!(LockRoot::find(&surroundings), Err(LockRootError::NoGitDir { .. })));
    surroundings.lokt_root = Some("mine".into());
    let root = LockRoot::find(&surroundings).unwrap();
    assert_eq!((root.path, root.method), (outside.path().join("mine"), RootMethod::Env));
    drop(folder);
}

/// What stands in a `.git` file, in a `commondir` and in a `HEAD`, right and wrong.
const GIT_FILES: [&[u8]; 14] = [
    b"gitdir: ../main/.git",
    b"gitdir: ../main/.git\n",
    b"gitdir: ../main/.git\r\n\n",
    b"gitdir: ../main/.git \n",
    b"gitdir:../main/.git\n",
    b"gitdir:  ../main/.git\n",
    b" gitdir: ../main/.git\n",
    b"gitdir: ../main/.git\nmore\n",
    b"gitdir: ../main\n",
    b"gitdir: ../nowhere\n",
    b"gitdir: \n",
    b"gitdir:\n",
    b"",
    b"\xff\xfe",
];
const COMMON_DIRS: [&[u8]; 9] = [
    b"../../main/.git",
    b"../../main/.git\n",
    b"../../main/.git\r\n",
    b"../../main/.git \n",
    b"../nowhere\n",
    b"../no/where/at/all\n",
    b"/\n",
    b"\n",
    b"",
];
const HEADS: [&[u8]; 10] = [
    b"ref: refs/heads/x\n",
    b"ref:refs/heads/x",
    b"ref: \t refs/x",
    b"ref: heads/x\n",
    b"ref: /refs/heads/x\n",
    b"refs/heads/x\n",
    b"0123456789abcdef0123456789abcdef01234567\n",
    b"0123456789abcdef0123456789abcdef0123456",
    b"",
    b"\xff",
];

/// What git finds from a folder: the common directory, or an error.
fn as_git_finds(folder: &Path) -> Option<PathBuf> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--git-common-dir"]).current_dir(folder);
    git.env_remove("GIT_DIR").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = git.output().expect("git is installed");
    let path = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| fs::canonicalize(folder.join(path.trim_end())).unwrap())
}

/// What is to be where git refuses what it finds.
#[derive(Clone, Copy, PartialEq)]
enum GitRefusalExpectation {
    /// An error.
    Always,
    /// An error, or that there is no repository: git says the same of both.
    OrNone,
}

/// Where git finds a repository, its root is the same; where git refuses, there is no root.
fn assert_like_git(folder: &Path, what: &str, refused: GitRefusalExpectation) {
    let found = LockRoot::find(&RootSearchInputs {
        folder: folder.to_owned(),
        ..RootSearchInputs::default()
    });
    match (as_git_finds(folder), found) {
        (Some(common), Ok(root)) => assert_eq!(root.path, common.join("lokt"), "{what}"),
        (Some(common), Err(error)) => panic!("{what}: git finds {common:?}, and here: {error}"),
        (None, Ok(root)) => assert!(
            root.method == RootMethod::Local && refused == GitRefusalExpectation::OrNone,
            "{what}: git refuses it, and here the root is {root:?}"
        ),
        (None, Err(_)) => {}
    }
}

#[test]
fn what_git_refuses_is_refused_and_what_it_takes_is_taken() {
    let (folder, _) = repository();
    let at = |name: &str| folder.path().join(name);
    let shown = |content: &[u8]| content.escape_ascii().to_string();
    fs::create_dir_all(at("linked/sub")).unwrap();
    for content in GIT_FILES {
        fs::write(at("linked/.git"), content).unwrap();
        for place in ["linked", "linked/sub"] {
            assert_like_git(
                &at(place),
                &format!(".git: {}", shown(content)),
                GitRefusalExpectation::Always,
            );
        }
    }
    git(folder.path(), &["init", "-q", "other"]);
    for content in COMMON_DIRS {
        fs::write(at("other/.git/commondir"), content).unwrap();
        let what = format!("commondir: {}", shown(content));
        assert_like_git(&at("other"), &what, GitRefusalExpectation::Always);
    }
    fs::remove_file(at("other/.git/commondir")).unwrap();
    fs::write(at("linked/.git"), "gitdir: ../other/.git\n").unwrap();
    for content in HEADS {
        fs::write(at("other/.git/HEAD"), content).unwrap();
        let what = format!("HEAD: {}", shown(content));
        assert_like_git(&at("other"), &what, GitRefusalExpectation::OrNone);
        assert_like_git(&at("linked"), &what, GitRefusalExpectation::Always);
    }
    for target in ["refs/heads/none", "heads/none", "/etc/passwd"] {
        fs::remove_file(at("other/.git/HEAD")).unwrap();
        std::os::unix::fs::symlink(target, at("other/.git/HEAD")).unwrap();
        assert_like_git(&at("other"), &format!("HEAD -> {target}"), GitRefusalExpectation::OrNone);
    }
}

#[test]
fn what_is_no_whole_repository_is_passed_over_as_git_does() {
    for missing in ["objects", "refs", "HEAD"] {
        for instead in ["", "file", "link"] {
            let (_folder, main) = repository();
            let path = main.join(".git").join(missing);
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
            match instead {
                "file" => fs::write(&path, "text").unwrap(),
                "link" => std::os::unix::fs::symlink("nowhere", &path).unwrap(),
                _ => {}
            }
            assert_like_git(&main, &format!("{missing}: {instead}"), GitRefusalExpectation::OrNone);
        }
    }
}

#[test]
fn what_the_variables_name_must_be_a_repository() {
    let (folder, main) = repository();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("plain")).unwrap();
    fs::write(at("file"), "gitdir: main/.git\n").unwrap();
    fs::write(at("broken"), "main/.git\n").unwrap();
    let find = |git_dir: Option<&str>, git_common_dir: Option<&str>| {
        LockRoot::find(&RootSearchInputs {
            folder: folder.path().to_owned(),
            git_dir: git_dir.map(Into::into),
            git_common_dir: git_common_dir.map(Into::into),
            ..RootSearchInputs::default()
        })
    };
    let right = found(&main).path;
    let ways = [("main/.git", None), ("file", None), ("main/.git", Some("main/.git"))];
    for (git_dir, common) in ways {
        assert_eq!(find(Some(git_dir), common).unwrap().path, right, "{git_dir} {common:?}");
    }
    assert_eq!(find(None, Some("main/.git")).unwrap().path, right);
    for wrong in ["plain", "none", "broken", "main"] {
        assert!(find(Some(wrong), None).is_err(), "GIT_DIR={wrong}");
        assert!(find(None, Some(wrong)).is_err(), "GIT_COMMON_DIR={wrong}");
    }
}

/// Another user than the one that runs the tests.
fn stranger() -> ProcessUser {
    ProcessUser { uid: nix::unistd::geteuid().as_raw() + 4711, sudo_uid: None }
}

fn is_foreign(surroundings: &RootSearchInputs) -> bool {
    matches!(LockRoot::find(surroundings), Err(LockRootError::Foreign(_)))
}

#[test]
fn for_another_user_nothing_of_it_is_a_root() {
    let mut git_config = Command::new("git");
    git_config.args(["config", "--get-all", "safe.directory"]).current_dir("/");
    if !git_config.output().unwrap().stdout.is_empty() {
        // The configuration trusts folders of other users already.
        return;
    }
    let (folder, main) = repository();
    let at = |name: &str| folder.path().join(name);
    git(&main, &["clone", "-q", "--bare", ".", "../bare"]);
    git(&main, &["worktree", "add", "-q", "../tree"]);
    fs::create_dir_all(at("plain/.lokt")).unwrap();
    fs::create_dir(at("named")).unwrap();
    let me = nix::unistd::geteuid().as_raw();
    for place in ["main", "main/.git", "bare", "tree", "plain"] {
        let for_user = |account| RootSearchInputs {
            folder: at(place),
            account,
            ..RootSearchInputs::default()
        };
        let foreign = match LockRoot::find(&for_user(stranger())) {
            Err(LockRootError::Foreign(foreign)) => foreign,
            other => panic!("{place}: {other:?}"),
        };
        assert_eq!((foreign.uid, foreign.exception), (me, at(place)), "what git calls it");
        // The user behind sudo counts for root alone.
        assert!(is_foreign(&for_user(ProcessUser { sudo_uid: Some(me), ..stranger() })), "{place}");
        assert!(!is_foreign(&for_user(ProcessUser { uid: 0, sudo_uid: Some(me) })), "{place}");
        let named =
            |path: &str| RootSearchInputs { lokt_root: Some(at(path)), ..for_user(stranger()) };
        assert!(is_foreign(&named("named")), "{place}");
        assert!(!is_foreign(&named("new")), "what is not there has no owner");
        let git_dir = Some(main.join(".git"));
        assert!(is_foreign(&RootSearchInputs { git_dir, ..for_user(stranger()) }), "{place}");
    }
}
