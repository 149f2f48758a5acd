use super::{super::OpenFolderCache, *};
use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
};

/// Both ways of opening, by turns: the flags of one file.
fn ways(path: &Path, flags: OFlag) -> [Result<OwnedFd, Option<i32>>; 2] {
    let mode = Mode::from_bits_truncate(0o600);
    let stepwise = open_stepwise(path, flags | OFlag::O_CLOEXEC, mode);
    let mode = if flags.contains(OFlag::O_CREAT) { 0o600 } else { 0 };
    let at_once = open_any(path, flags, mode).map_err(|error| error.raw_os_error());
    [at_once, stepwise.map_err(|errno| Some(errno as i32))]
}

/// A folder with a file outside, and links to it in each place of a path.
fn trap() -> (tempfile::TempDir, [std::path::PathBuf; 4]) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("outside/deep")).unwrap();
    fs::create_dir_all(at("root/real")).unwrap();
    fs::write(at("outside/file"), "precious").unwrap();
    fs::write(at("outside/deep/file"), "precious").unwrap();
    symlink(at("outside/file"), at("root/real/file")).unwrap();
    symlink(at("outside"), at("root/folder")).unwrap();
    symlink("nowhere", at("root/real/dangling")).unwrap();
    let paths = [
        at("root/real/file"),
        at("root/folder/file"),
        at("root/folder/deep/file"),
        at("root/real/dangling"),
    ];
    (folder, paths)
}

#[test]
fn no_way_of_opening_follows_a_link() {
    let (folder, paths) = trap();
    let (read, write) = (OFlag::O_RDONLY, OFlag::O_RDWR | OFlag::O_CREAT);
    for path in &paths {
        for flags in [read, write, OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT, FOLDER] {
            for opened in ways(path, flags) {
                assert_eq!(opened.unwrap_err(), Some(Errno::ELOOP as i32), "{path:?} {flags:?}");
            }
        }
        for opened in ways(path, write | OFlag::O_EXCL) {
            assert!(opened.is_err(), "nothing is made at or behind a link: {path:?}");
        }
        assert!(super::read(path).is_err());
    }
    assert!(
        !folder.path().join("root/nowhere").exists() && !folder.path().join("nowhere").exists()
    );
    assert!(names(&folder.path().join("root/folder")).is_err(), "a linked folder is not listed");
}

#[test]
fn nothing_is_made_moved_or_removed_behind_a_link() {
    let (folder, _) = trap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("root/mine"), "mine").unwrap();
    let behind = at("root/folder/file");
    let attempts: [(&str, io::Result<()>); 8] = [
        ("create", create(&at("root/folder/new"), 0o600).map(|_| ())),
        ("create_folder", create_folder(&at("root/folder/new"), 0o700)),
        ("remove_file", remove_file(&behind)),
        ("remove_folder", remove_folder(&at("root/folder/deep"))),
        ("rename onto", rename(&at("root/mine"), &behind)),
        ("rename from", rename(&behind, &at("root/taken"))),
        ("rename_to_new", rename_to_new(&at("root/mine"), &at("root/folder/new"))),
        ("link", link(&at("root/mine"), &at("root/folder/new"))),
    ];
    for (what, outcome) in attempts {
        let error = outcome.unwrap_err().raw_os_error();
        assert_eq!(error, Some(Errno::ELOOP as i32), "{what}");
    }
    assert_eq!(fs::read_to_string(at("outside/file")).unwrap(), "precious");
    assert!(!at("outside/new").exists() && at("root/mine").exists() && !at("root/taken").exists());
}

#[test]
fn a_link_itself_is_renamed_removed_and_replaced() {
    let (folder, _) = trap();
    let at = |name: &str| folder.path().join(name);
    assert!(metadata(&at("root/real/file")).unwrap().is_symlink(), "not what it leads to");
    rename(&at("root/real/file"), &at("root/real/away")).unwrap();
    fs::write(at("root/real/new"), "new").unwrap();
    rename(&at("root/real/new"), &at("root/real/away")).unwrap();
    remove_file(&at("root/real/dangling")).unwrap();
    assert_eq!(fs::read_to_string(at("outside/file")).unwrap(), "precious");
    assert_eq!(super::read(&at("root/real/away")).unwrap(), b"new");
    assert_eq!(names(&at("root/real")).unwrap(), ["away"]);
}

#[test]
fn without_links_both_ways_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for opened in ways(&path, OFlag::O_RDONLY) {
        assert_eq!(opened.unwrap_err(), Some(Errno::ENOENT as i32));
    }
    fs::write(&path, "text").unwrap();
    for opened in ways(
        &folder.path().join("../").join(folder.path().file_name().unwrap()).join("a"),
        OFlag::O_RDONLY,
    ) {
        let text = io::read_to_string(File::from(opened.unwrap())).unwrap();
        assert_eq!(text, "text", "also by way of a parent");
    }
    for opened in ways(&path.join("b"), OFlag::O_RDONLY) {
        assert_eq!(
            opened.unwrap_err(),
            Some(Errno::ENOTDIR as i32),
            "a file is no folder, and no link"
        );
    }
}

#[test]
fn folders_that_are_kept_are_found_once_and_again_when_they_are_made_again() {
    let (folder, paths) = trap();
    let at = |name: &str| folder.path().join(name);
    let kept = OpenFolderCache::begin();
    let inner = OpenFolderCache::begin();
    fs::write(at("root/real/a"), "a").unwrap();
    rename(&at("root/real/a"), &at("root/real/b")).unwrap();
    drop(inner);
    fs::rename(at("root/real"), at("root/away")).unwrap();
    symlink(at("outside"), at("root/real")).unwrap();
    assert_eq!(super::read(&at("root/real/b")).unwrap(), b"a", "it is the folder that was found");
    remove_file(&at("root/real/b")).unwrap();
    for linked in ["root/real/file", "root/real/dangling"] {
        let error = super::read(&at(linked)).unwrap_err().raw_os_error();
        assert_eq!(error, Some(Errno::ELOOP as i32), "{linked}");
    }
    fs::remove_dir_all(at("root/away")).unwrap();
    assert_eq!(create(&at("root/real/c"), 0o600).unwrap_err().kind(), ErrorKind::NotFound);
    fs::remove_file(at("root/real")).unwrap();
    create_folders(&at("root/real"), 0o700).unwrap();
    create(&at("root/real/c"), 0o600).unwrap();
    assert!(at("root/real/c").exists(), "what was made again is another folder");
    drop(kept);
    assert!(super::read(&paths[1]).is_err());
    assert_eq!(fs::read_to_string(at("outside/file")).unwrap(), "precious");
}

#[test]
fn what_is_no_regular_file_is_an_error_and_never_a_wait() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    nix::unistd::mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let (append, make) = (OFlag::O_WRONLY | OFlag::O_APPEND, OFlag::O_RDWR | OFlag::O_CREAT);
    for (name, text) in
        [("folder", "directory"), ("pipe", "named pipe"), ("socket", "a socket or a named pipe")]
    {
        for flags in [OFlag::O_RDONLY, append, append | OFlag::O_CREAT, make] {
            let mode = if flags.contains(OFlag::O_CREAT) { 0o600 } else { 0 };
            let error = open(&at(name), flags, mode).unwrap_err().to_string();
            assert!(error.contains(text), "{name}: {error}");
        }
        assert!(super::read(&at(name)).is_err() && create(&at(name), 0o600).is_err());
    }
    assert!(open(Path::new("/dev/zero"), OFlag::O_RDONLY, 0).is_err());
    assert!(open_any_kind(&at("pipe")).is_ok() && open_any_kind(&at("folder")).is_ok());
    assert_eq!(names(folder.path()).unwrap().len(), 3, "no draft is left");
}

#[test]
fn a_file_or_a_folder_is_made_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = |name: &str| metadata(&at(name)).unwrap().permissions().mode() & 0o777;
    let append = || open(&at("file"), OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT, 0o600);
    for _ in 0..2 {
        append().unwrap().write_all(b"text").unwrap();
        create_folders(&at("a/b/c"), 0o700).unwrap();
        create_empty(&at("file"), 0o600).unwrap();
    }
    assert_eq!(super::read(&at("file")).unwrap(), b"texttext");
    assert_eq!([mode("file"), mode("a"), mode("a/b"), mode("a/b/c")], [0o600, 0o700, 0o700, 0o700]);
    for taken in ["file", "a"] {
        let error = create_folder(&at(taken), 0o700).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    assert!(create_folders(&at("file"), 0o700).is_err(), "a file is no folder");
    fs::set_permissions(at("a"), fs::Permissions::from_mode(0o500)).unwrap();
    create_folders(&at("a"), 0o700).unwrap();
    assert_eq!(mode("a"), 0o500, "an existing folder keeps its mode");
    assert_eq!(names(folder.path()).unwrap().len(), 2, "no draft is left");
}
