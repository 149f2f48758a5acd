use super::*;
use crate::words::LockName;
use std::process::Command;

struct TemporaryProjectFolder {
    _folder: tempfile::TempDir,
    folder: PathBuf,
}

impl TemporaryProjectFolder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap();
        Self { _folder: folder, folder: path }
    }

    fn root(&self) -> LockRoot {
        root_from(&self.folder)
    }

    fn init(&self) {
        let mut git = Command::new("git");
        git.args(["init", "-q"]).current_dir(&self.folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(git.env_remove("GIT_DIR").status().unwrap().success());
    }
}

fn root_from(folder: &Path) -> LockRoot {
    LockRoot::find(&RootSearchInputs { folder: folder.to_owned(), ..RootSearchInputs::default() })
        .unwrap()
}

fn enters(store: &FileLockStore) -> Result<(), LockStoreError> {
    store.section(&LockName::new("x").unwrap()).map(drop)
}

fn is_moved(entered: &Result<(), LockStoreError>) -> bool {
    matches!(entered, Err(LockStoreError::RootMoved { .. }))
}

fn retire(store: &FileLockStore, is_used: bool) -> bool {
    store.retire::<LockStoreError>(Path::new("/new"), || Ok(is_used)).unwrap()
}

#[test]
fn a_process_that_found_no_repository_looks_again_before_its_first_change() {
    let place = TemporaryProjectFolder::new();
    let root = place.root();
    assert_eq!(root.method, RootMethod::Local);
    let (early, late) = (FileLockStore::of(&root), FileLockStore::of(&root));
    enters(&early).unwrap();
    place.init();
    assert!(is_moved(&enters(&late)), "a repository appeared after the root was found");
    enters(&early).unwrap();
    let root = place.root();
    assert_eq!(root.method, RootMethod::Git);
    let [earlier] = root.earlier.as_slice() else { panic!("{root:?}") };
    assert!(earlier.is_older && earlier.path == place.folder.join(".lokt"));
}

#[test]
fn a_retired_root_is_not_entered_and_one_in_use_is_not_retired() {
    let place = TemporaryProjectFolder::new();
    let store = FileLockStore::of(&place.root());
    enters(&store).unwrap();
    place.init();
    assert!(!retire(&store, true), "it is in use");
    enters(&store).unwrap();
    assert!(retire(&store, false) && retire(&store, false), "twice is once");
    assert!(is_moved(&enters(&store)), "also for one that had entered before");
    assert!(place.root().earlier.is_empty(), "it is not looked at any more");
    store.revive().unwrap_err();
}

#[test]
fn a_root_is_not_retired_while_a_section_is_entered() {
    let place = TemporaryProjectFolder::new();
    let store = FileLockStore::of(&place.root());
    let name = LockName::new("x").unwrap();
    let section = store.section(&name).unwrap();
    let (sender, asked) = std::sync::mpsc::channel();
    let other = store.clone();
    let retiring = std::thread::spawn(move || {
        let is_used = || {
            sender.send(()).unwrap();
            Ok(false)
        };
        other.retire::<LockStoreError>(Path::new("/new"), is_used).unwrap()
    });
    // It has all latches but one, and asks nothing before it has that.
    while Latch::acquire(&store.layout().latches().join("00"), std::time::Duration::ZERO).is_ok() {}
    assert!(asked.try_recv().is_err(), "a section is entered");
    drop(section);
    assert!(retiring.join().unwrap());
    asked.recv().unwrap();
}

#[test]
fn a_retired_root_counts_again_when_the_repository_is_gone() {
    let place = TemporaryProjectFolder::new();
    enters(&FileLockStore::of(&place.root())).unwrap();
    place.init();
    let earlier = FileLockStore::new(&place.folder.join(".lokt"));
    assert!(retire(&earlier, false));
    fs::remove_dir_all(place.folder.join(".git")).unwrap();
    let store = FileLockStore::of(&place.root());
    assert!(is_moved(&enters(&store)), "not before it was revived");
    store.revive().unwrap();
    enters(&store).unwrap();
}

#[test]
fn all_that_lie_on_the_way_are_looked_at_the_nearest_first_and_that_of_the_main_work_tree() {
    let place = TemporaryProjectFolder::new();
    let at = |path: &str| place.folder.join(path);
    for folder in ["main/.lokt", "main/a/b/.lokt", "main/other/.lokt", ".lokt"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    let main = TemporaryProjectFolder { folder: at("main"), _folder: tempfile::tempdir().unwrap() };
    main.init();
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@t"]).args(args).current_dir(at("main"));
        assert!(
            git.env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env_remove("GIT_DIR")
                .status()
                .unwrap()
                .success()
        );
    };
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    git(&["worktree", "add", "-q", "../tree"]);
    let earlier = |folder: &str| -> Vec<PathBuf> {
        root_from(&at(folder)).earlier.into_iter().map(|it| it.path).collect()
    };
    assert_eq!(earlier("main/a/b"), [at("main/a/b/.lokt"), at("main/.lokt")]);
    assert_eq!(earlier("main/a"), [at("main/.lokt")]);
    assert_eq!(earlier("tree"), [at("main/.lokt")], "all work trees share their locks");
    fs::create_dir(at("tree/.lokt")).unwrap();
    let later = root_from(&at("tree")).earlier;
    assert!(!later[0].is_older && later[1].is_older, "what came after the repository: {later:?}");
    std::os::unix::fs::symlink(at("main/.lokt"), at("main/other/link")).unwrap();
    fs::rename(at("main/other/link"), at("main/a/.lokt")).unwrap();
    assert_eq!(earlier("main/a"), [at("main/.lokt")], "a link is no root");
}
