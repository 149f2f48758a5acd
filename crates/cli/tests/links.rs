//! No file of a root is opened through a link: nothing outside the root changes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Commands that use a root, first without and then with a link in it.
const COMMANDS: [&[&str]; 18] = [
    &["guard", "x", "--", "true"],
    &["guard", "x", "y", "--slots", "2", "--", "true"],
    &["lock", "x", "--ttl", "5m"],
    &["lock", "x", "--ttl", "6m"],
    &["unlock", "x"],
    &["unlock", "x", "--force"],
    &["unlock", "x", "--break-stale"],
    &["freeze", "x", "--ttl", "5m"],
    &["guard", "x", "--", "true"],
    &["unfreeze", "x", "--force"],
    &["status", "--prune-expired"],
    &["audit"],
    &[
        "once",
        "t",
        "--input",
        "source",
        "--artifact",
        "made",
        "--",
        "sh",
        "-c",
        "cp source made; echo out",
    ],
    &[
        "once",
        "t",
        "--refresh",
        "--input",
        "source",
        "--artifact",
        "made",
        "--",
        "sh",
        "-c",
        "cp source made; echo out",
    ],
    &["results", "list"],
    &["results", "prune", "--older", "0s"],
    &["results", "rm", "t"],
    &["doctor"],
];

fn sandbox() -> Sandbox {
    let it = Sandbox::in_memory(env!("CARGO_BIN_EXE_lokt"));
    fs::write(it.folder().join("source"), "source").unwrap();
    it
}

fn run(it: &Sandbox) {
    for words in COMMANDS {
        // It may fail; the test is about its end and its changes.
        it.lokt(words.iter().copied()).in_time();
    }
}

/// All files of a folder, with their contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_folder = path.symlink_metadata().unwrap().is_dir();
            all.insert(path.clone(), if is_folder { Vec::new() } else { fs::read(&path).unwrap() });
            if is_folder {
                folders.push(path);
            }
        }
    }
    all
}

/// The kind of file that a link replaces.
#[derive(Clone, Copy)]
enum ReplacedFileKind {
    Folder,
    File,
}

/// Every folder and file that commands make in a root, including temporary ones.
fn places() -> Vec<(PathBuf, ReplacedFileKind)> {
    let it = sandbox();
    for words in &COMMANDS[..13] {
        it.lokt(words.iter().copied()).in_time();
    }
    let below = |path: PathBuf| path.strip_prefix(it.root()).unwrap().to_owned();
    let inside = contents(&it.root()).into_keys().map(below);
    let random = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        // Recordings, contents and tickets have other names in the next root.
        name.len() > 30 && !path.starts_with("once/results")
    };
    let moments = [
        "nested",
        "locks/x.json",
        "freezes/x.json",
        "locks/freeze-x.json",
        "queue/x/.draft",
        "queue/x/0000000001-00ff-h",
        "tmp/x.lock",
        "tmp/x.freeze",
        "tmp/.swept",
        "once/.pruned",
        "once/claims",
        "moved",
    ];
    let mut places: Vec<PathBuf> = inside.filter(|path| !random(path)).collect();
    places.extend(moments.map(PathBuf::from));
    places.sort();
    places.dedup();
    assert!(places.len() > 20, "{places:?}");
    let is_folder = |path: &Path| {
        it.root().join(path).is_dir() || path.ends_with("nested") || path.ends_with("claims")
    };
    let kind = |path: &Path| {
        if is_folder(path) { ReplacedFileKind::Folder } else { ReplacedFileKind::File }
    };
    places.into_iter().map(|path| (path.clone(), kind(&path))).collect()
}

/// A folder outside the root with a copy of the replaced files, so that a command that follows the link finds
/// them.
fn outside(it: &Sandbox) -> PathBuf {
    let outside = it.folder().join("outside");
    fs::create_dir_all(outside.join("x")).unwrap();
    for file in ["x.json", "x.lock", "x/.draft", ".draft", "precious", "00", "x/0000000001-00ff-h"]
    {
        fs::write(outside.join(file), format!("precious {file}")).unwrap();
    }
    outside
}

#[test]
fn a_link_at_any_place_of_a_root_changes_nothing_outside() {
    for (place, kind) in places() {
        let cases = match kind {
            ReplacedFileKind::Folder => [("", true), ("", false)],
            ReplacedFileKind::File => [("precious", true), ("new", false)],
        };
        for (target, used_before) in cases {
            let it = sandbox();
            let outside = outside(&it);
            if used_before {
                run(&it);
            }
            let path = it.root().join(&place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
            symlink(outside.join(target), &path).unwrap();
            let before = contents(&outside);
            run(&it);
            let after = contents(&outside);
            assert_eq!(before, after, "{} was a link to {target:?}", place.display());
        }
    }
}

#[test]
fn a_hard_link_to_a_file_outside_is_not_written() {
    let it = sandbox();
    let outside = outside(&it);
    run(&it);
    let latches: Vec<PathBuf> =
        fs::read_dir(it.root().join("latches")).unwrap().map(|it| it.unwrap().path()).collect();
    let others =
        ["audit.log", "tmp/x.lock", "tmp/.swept", "locks/x.json", "queue/x/.draft", "once/.pruned"];
    for path in latches.into_iter().chain(others.map(|it_| it.root().join(it_))) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::hard_link(outside.join("precious"), &path).unwrap();
        let before = contents(&outside);
        run(&it);
        assert_eq!(before, contents(&outside), "by its name {}", path.display());
        let _ = fs::remove_file(&path);
    }
}

#[test]
fn a_link_is_an_error_that_names_it_and_doctor_finds_it() {
    for place in ["latches", "locks", "queue", "audit.log"] {
        let it = sandbox();
        it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
        let path = it.root().join(place);
        fs::rename(&path, it.folder().join("away")).unwrap();
        symlink(it.folder().join("away"), &path).unwrap();
        let done = it.lokt(["guard", "y", "--", "true"]).run().fails_with(1, "symbolic link");
        assert!(done.err.contains("hint: a symbolic link stands there"), "{done:#?}");
        let doctor = it.lokt(["doctor"]).run().expect(1);
        assert!(
            doctor.out.contains("fail  links ") && doctor.out.contains(path.to_str().unwrap()),
            "{doctor:#?}"
        );
    }
}

#[test]
fn a_link_in_place_of_a_default_root_is_refused() {
    let it = sandbox();
    let outside = outside(&it);
    it.shell("mkdir plain && git init -q repo").run().ok();
    symlink(&outside, it.folder().join("plain/.lokt")).unwrap();
    symlink(&outside, it.folder().join("repo/.git/lokt")).unwrap();
    let before = contents(&outside);
    for folder in ["plain", "repo"] {
        for words in COMMANDS {
            let call = it.lokt(words.iter().copied()).without("LOKT_ROOT");
            let done = call.folder(it.folder().join(folder)).in_time();
            done.fails_with(1, "lokt is a symbolic link");
        }
    }
    assert_eq!(before, contents(&outside));
}

#[test]
fn a_root_that_is_named_through_links_is_the_same_root() {
    let it = sandbox();
    it.shell("mkdir -p real/deep && ln -s real link && ln -s real/deep/root last").run().ok();
    let guard = |root: &str, code| {
        let call = it.lokt(["lock", "x", "--ttl", "5m"]).env("LOKT_ROOT", root).owner(root);
        call.run().expect(code);
    };
    guard("link/deep/root", 0);
    for same in ["real/deep/root", "link/deep/../deep/root", "./link/deep/root/", "last"] {
        guard(same, 2);
    }
}

#[test]
fn a_kernel_without_openat2_works() {
    let it = sandbox();
    it.lokt(["lock", "y", "--ttl", "5m"]).run().ok();
    let outside = outside(&it);
    for error in ["ENOSYS", "EPERM"] {
        let line = format!(
            "strace --follow-forks --quiet=exit --output=/dev/null --inject=openat2:error={error} lokt guard x -- true"
        );
        it.shell(&line).run().ok();
        for place in ["locks", "latches", "queue"] {
            let path = it.root().join(place);
            fs::rename(&path, it.folder().join("away")).unwrap();
            symlink(&outside, &path).unwrap();
            let before = contents(&outside);
            it.shell(&line).run().fails_with(1, "");
            assert_eq!(before, contents(&outside), "{error}: {place}");
            fs::remove_file(&path).unwrap();
            fs::rename(it.folder().join("away"), &path).unwrap();
        }
    }
}
