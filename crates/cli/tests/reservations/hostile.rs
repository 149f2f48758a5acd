//! What may stand in the folder of the records, and roots that cannot be written.

use super::{records, reserved, run, sandbox};
use lokt_testkit::Sandbox;
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{fs, os::unix::fs::symlink, path::Path};

/// The name of a file, what puts something in its place, and how an error tells of it.
type InvalidRecordCase = (&'static str, fn(&Path), &'static str);

const OBSTACLES: [InvalidRecordCase; 8] = [
    ("link.json", |path| symlink("/dev/zero", path).unwrap(), "it is a symbolic link"),
    ("pipe.json", |path| mkfifo(path, Mode::S_IRWXU).unwrap(), "it is a named pipe"),
    ("folder.json", |path| fs::create_dir(path).unwrap(), "it is a directory"),
    ("garbage.json", |path| fs::write(path, "{\"own").unwrap(), "not a JSON object"),
    ("empty.json", |path| fs::write(path, "").unwrap(), "the file is empty"),
    ("binary.json", |path| fs::write(path, [0, 255, 7]).unwrap(), "not a JSON object"),
    ("later.json", |path| fs::write(path, "{\"version\":99}").unwrap(), "version 99 not supported"),
    ("notes", |path| fs::write(path, "hello").unwrap(), "its name is not ID.json"),
];

fn with_own_reservation() -> Sandbox {
    let it = sandbox();
    run(&it, "ada", "reserve mine").ok();
    it
}

#[test]
fn what_is_no_record_may_reserve_anything_and_is_never_passed_over() {
    for (name, make, told) in OBSTACLES {
        let it = with_own_reservation();
        let path = it.root().join("reservations").join(name);
        make(&path);
        run(&it, "bob", "reserve src").fails_with(1, told);
        run(&it, "bob", "reserve src --wait").fails_with(1, told);
        let list = run(&it, "bob", "reservations").fails_with(1, told);
        assert!(list.out.contains("mine"), "what can be read is shown: {list:#?}");
        run(&it, "bob", "reservations --check src").expect(1);
        run(&it, "bob", "reservations --check mine").expect(2);
        run(&it, "ada", "unreserve mine").ok();
        let id = name.trim_end_matches(".json");
        run(&it, "bob", &format!("unreserve --id {id}")).fails_with(1, told);
        run(&it, "bob", "unreserve src").fails_with(1, told);
        run(&it, "bob", "unreserve --id 0f").expect(3);
        run(&it, "bob", "unreserve --all").ok().says(told);
        assert!(path.symlink_metadata().is_ok(), "{name} stays without --force");
        run(&it, "bob", &format!("unreserve --id {id} --force")).ok();
        run(&it, "bob", "reserve src").ok();
        assert_eq!(reserved(&it), ["bob: src"], "{name}");
    }
}

#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    for folder in ["reservations", "reservation-waiters"] {
        let it = with_own_reservation();
        let elsewhere = it.folder().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let _ = fs::remove_dir_all(it.root().join(folder));
        symlink(&elsewhere, it.root().join(folder)).unwrap();
        run(&it, "bob", "reserve src --wait").expect(1);
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
        let doctor = run(&it, "bob", "doctor").expect(1).out;
        assert!(doctor.contains(folder), "{doctor}");
    }
}

#[test]
fn a_root_that_cannot_be_written_is_an_error_and_can_be_read() {
    let it = with_own_reservation();
    let line = "mount --bind root root && mount -o remount,ro,bind root || exit 0
        lokt reservations --check mine --owner bob || echo check $?
        lokt reserve src --owner bob || echo reserve $?; lokt unreserve mine --owner ada || echo unreserve $?";
    let done = it.with_own_mounts(line).in_time();
    if done.out.is_empty() {
        return;
    }
    for told in ["check 2", "reserve 1", "unreserve 1"] {
        assert!(done.out.contains(told), "{told}: {done:#?}");
    }
    assert_eq!(records(&it).len(), 1);
}

#[test]
fn a_broken_repository_id_is_an_error_and_not_another_tree() {
    let it = sandbox();
    run(&it, "ada", "reserve src --scope tree").ok();
    fs::write(it.root().join("lokt-repository-id"), "short\n").unwrap();
    run(&it, "bob", "reserve src --scope tree").fails_with(1, "is not the id of a repository");
}
