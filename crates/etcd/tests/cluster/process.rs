//! What the client does to the process that it is in.

use crate::fixture::{client_of, committed, next_events, put};
use lokt_etcd::{KeyRange, Revision, WatchedKinds, WatchedRange};
use lokt_testkit::TestCluster;
use nix::fcntl::OFlag;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

/// The name of the background thread.
const THREAD: &str = "lokt-etcd";

fn descriptors() -> BTreeSet<i32> {
    let entries = fs::read_dir("/proc/self/fd").expect("the open descriptors");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.filter_map(|name| name.to_str().and_then(|it| it.parse().ok())).collect()
}

/// The masks of blocked signals of all background threads.
fn background_masks() -> Vec<u64> {
    let tasks = fs::read_dir("/proc/self/task").expect("the threads");
    let status = tasks
        .filter_map(|task| fs::read_to_string(task.expect("a thread").path().join("status")).ok());
    let background = status.filter(|it| it.lines().any(|line| line == format!("Name:\t{THREAD}")));
    let mask = |status: String| {
        let line =
            status.lines().find_map(|line| line.strip_prefix("SigBlk:\t").map(str::to_owned));
        u64::from_str_radix(&line.expect("a mask"), 16).expect("a number")
    };
    background.map(mask).collect()
}

#[test]
fn one_thread_without_signals_lives_as_long_as_the_last_handle() {
    let cluster = TestCluster::start(1);
    assert_eq!(background_masks(), [0_u64; 0], "nothing runs before it is needed");
    let client = client_of(&cluster);
    let range = WatchedRange { range: KeyRange::key("a"), kinds: WatchedKinds::All };
    let watch = client.watch(&[range], Revision::new(1)).expect("a watch");
    let masks = background_masks();
    assert_eq!(masks.len(), 1, "one thread does everything");
    // All but SIGKILL, SIGSTOP and the two that the C library keeps for itself.
    let all = masks.iter().all(|mask| mask | 1 << 8 | 1 << 18 | 1 << 31 | 1 << 32 == u64::MAX);
    assert!(all, "no signal reaches it: {masks:x?}");
    committed(client.commit(&put(&[("a", "")])));
    drop(client);
    assert_eq!(next_events(&watch).len(), 1, "a watch outlives its client");
    drop(watch);
    assert_eq!(background_masks(), [0_u64; 0], "the thread has ended");
}

#[test]
fn no_descriptor_is_inherited() {
    let cluster = TestCluster::start(1);
    let before = descriptors();
    let client = client_of(&cluster);
    let lease = client.grant(Duration::from_mins(1)).expect("a lease");
    let keep_alive = client.keep_alive(lease.id, Duration::from_secs(1), |_| ());
    let _keep_alive = keep_alive.expect("a keepalive");
    let range = WatchedRange { range: KeyRange::key("a"), kinds: WatchedKinds::All };
    let _watch = client.watch(&[range], Revision::new(1)).expect("a watch");
    client.read(&[KeyRange::key("a")]).expect("a read");
    let new: Vec<i32> = descriptors().difference(&before).copied().collect();
    assert!(new.len() >= 4, "a socket, two events, and those of the runtime: {new:?}");
    for descriptor in new {
        // The descriptor that was only open to list the others is closed again.
        let path = format!("/proc/self/fdinfo/{descriptor}");
        let Ok(information) = fs::read_to_string(path) else { continue };
        let flags = information.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.expect("flags").trim(), 8).expect("a number");
        let is_closed_on_exec =
            OFlag::from_bits_retain(flags.cast_signed()).contains(OFlag::O_CLOEXEC);
        assert!(is_closed_on_exec, "descriptor {descriptor} would be inherited");
    }
}

/// Set in the process that holds a cluster until it is killed.
const HOLDER: &str = "LOKT_TEST_HOLDS_A_CLUSTER";

#[test]
fn the_members_of_a_cluster_die_with_a_test_that_is_killed() {
    if std::env::var_os(HOLDER).is_some() {
        let cluster = TestCluster::start(1);
        println!("{HOLDER}={}", cluster.endpoints().concat());
        std::io::stdin().lines().for_each(drop);
    }
    let mut holder = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture"])
        .arg("process::the_members_of_a_cluster_die_with_a_test_that_is_killed")
        .env(HOLDER, "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let output = BufReader::new(holder.stdout.take().expect("it is piped"));
    let endpoint = output.lines().map(|line| line.expect("UTF-8")).find_map(|line| {
        line.split_once(&format!("{HOLDER}=")).map(|(_, endpoint)| endpoint.to_owned())
    });
    let endpoint = endpoint.expect("the cluster runs");
    TcpStream::connect(&endpoint).expect("it accepts");
    holder.kill().expect("it can be killed");
    holder.wait().expect("it can be waited for");
    // It never ends if a member lives on.
    while TcpStream::connect(&endpoint).is_ok() {}
}
