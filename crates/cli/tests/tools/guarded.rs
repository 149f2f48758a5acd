//! A tool under a lock: nothing of it runs without the lock, whoever is killed and whatever is taken away.

use crate::workshop::{NONE, Workshop, tool};
use lokt_testkit::Running;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, net::TcpListener, thread};

/// Does not stop when it is told to, and neither does its child.
const STUBBORN: &str =
    "trap '' TERM INT HUP; setsid sleep 1000 & echo pids $$ $!; while :; do wait; done";

/// Ends when it is told to.
const POLITE: &str = "trap 'echo told to stop; exit 0' TERM; sleep 1000 & touch in; wait";

/// A workshop in which `demo/trace` does this.
fn workshop(line: &str) -> Workshop {
    let workshop = Workshop::new();
    put(&workshop, line);
    workshop
}

fn put(workshop: &Workshop, line: &str) {
    workshop.put("demo/trace.sh", tool("demo/sh").replace("echo ran >> ran", line));
    workshop.sign(&["demo/trace"]);
}

fn start(workshop: &Workshop, words: &[&str]) -> Running {
    workshop.lokt(words.iter().copied()).start()
}

const GUARDED: [&str; 5] = ["tool", "run", "demo/trace", "--guard", "deploy"];

fn break_lock(workshop: &Workshop) {
    workshop.lokt(["unlock", "deploy", "--force"]).owner("another").run().ok();
}

fn pid_in(line: &str) -> Pid {
    Pid::from_raw(line.trim().trim_start_matches("pid ").parse().unwrap())
}

/// Whether a process has ended; whoever has to may not have collected it yet.
fn is_over(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|it| it.contains(") Z ")) || kill(pid, None).is_err()
}

#[test]
fn a_tool_ignores_what_its_caller_ignores_and_nothing_else() {
    let workshop = workshop("grep -E '^Sig(Ign|Blk)' /proc/self/status");
    let seen = "grep -E '^Sig(Ign|Blk)' /proc/self/status";
    for ignored in ["", "trap '' PIPE;", "trap '' XFSZ HUP USR1 40;"] {
        let without = workshop.shell(&format!("{ignored} {seen}")).run().ok().out;
        for flags in ["", "--guard deploy"] {
            let line = format!("{ignored} lokt tool run demo/trace {flags}");
            assert_eq!(workshop.shell(&line).run().ok().out, without, "{ignored} {flags}");
        }
    }
}

#[test]
fn a_tool_that_a_real_time_signal_ended_gives_128_and_its_number() {
    let workshop = workshop("kill -35 $$");
    for words in [&GUARDED[..], &GUARDED[..3]] {
        let run = workshop.lokt(words.iter().copied()).run();
        run.expect(163).says("was ended by SIGRTMIN+1");
    }
    workshop.lokt(["exists", "deploy"]).run().expect(3);
}

#[test]
fn a_group_that_is_killed_takes_the_tool_and_its_lock_with_it() {
    let workshop = workshop("echo pid $$; exec sleep 1000");
    let mut run = workshop.shell(&format!("exec lokt {}", GUARDED.join(" "))).start();
    let tool = pid_in(&run.prints("pid "));
    nix::sys::signal::killpg(Pid::from_raw(run.pid()), Signal::SIGKILL).unwrap();
    run.ends();
    let next = ["guard", "deploy", "--wait", "--timeout", "20s", "--", "true"];
    workshop.lokt(next).owner("another").run().ok();
    assert!(is_over(tool), "the lock was free because the tool had ended");
}

/// The tests that wait for the end of the grace period.
#[test]
fn when_lokt_says_that_a_tool_was_stopped_nothing_of_it_is_left() {
    let lost = |words: &[&str]| {
        let workshop = workshop(STUBBORN);
        let mut run = start(&workshop, words);
        let line = run.prints("pids ");
        let pids: Vec<Pid> = line.split_whitespace().skip(1).map(pid_in).collect();
        break_lock(&workshop);
        let done = run.ends().expect(6).says("killing what is left");
        assert!(pids.iter().all(|pid| is_over(*pid)), "{words:?}: {pids:?} live on: {done:#?}");
        assert_eq!(Workshop::lockfiles(&workshop.user()), NONE, "what was stopped pins nothing");
    };
    thread::scope(|scope| {
        scope.spawn(|| lost(&GUARDED));
        scope.spawn(|| lost(&["guard", "deploy", "--", "lokt", "tool", "run", "demo/trace"]));
    });
}

#[test]
fn who_kills_lokt_frees_no_lock_under_which_a_tool_still_runs() {
    let workshop = workshop("echo pid $$; read line");
    let mut run = start(&workshop, &GUARDED);
    let pid = pid_in(&run.prints("pid "));
    kill(Pid::from_raw(run.pid()), Signal::SIGKILL).unwrap();
    let state = || workshop.lokt(["status", "deploy", "--json"]).run().ok().json();
    while state()["state"] != "orphaned" {
        thread::yield_now();
    }
    assert!(!is_over(pid), "the tool lives on");
    workshop.lokt(GUARDED).run().expect(2);
    kill(pid, Signal::SIGKILL).unwrap();
    put(&workshop, "echo ran >> ran");
    workshop.lokt(GUARDED.into_iter().chain(["--wait"])).run().ok();
    assert_eq!(workshop.runs(), 1, "it gets in when the tool has ended");
}

#[test]
fn a_lost_lock_stops_the_tool_and_is_told_in_one_document() {
    let workshop = workshop(POLITE);
    let run = start(&workshop, &[&GUARDED[..], &["--json"]].concat());
    while !workshop.project().join("in").exists() {
        thread::yield_now();
    }
    break_lock(&workshop);
    let done = run.ends().expect(6).says("lock \"deploy\" was lost");
    let told = done.json();
    assert_eq!((&told["status"], &told["result"]["success"]), (&"lost".into(), &false.into()));
    assert!(told["result"]["stdout"].as_str().unwrap().contains("told to stop"), "{told}");
    let last = workshop.sandbox.events().into_iter().rfind(|it| it["event"] == "tool-run").unwrap();
    assert_eq!(
        (&last["extra"]["outcome"], &last["extra"]["lock"]),
        (&"lost".into(), &"deploy".into())
    );
    assert_eq!(Workshop::lockfiles(&workshop.user()), NONE, "it pins nothing");
}

#[test]
fn a_loss_that_is_found_at_the_end_counts_too() {
    let workshop = workshop("rm \"$LOKT_ROOT/locks/deploy.json\"");
    let told = workshop.lokt(GUARDED.into_iter().chain(["--json"])).run().expect(6).json();
    assert_eq!(told["status"], "lost");
    assert_eq!(Workshop::lockfiles(&workshop.user()), NONE, "it pins nothing");
}

#[test]
fn a_request_is_given_up_when_its_lock_is_lost() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let workshop = Workshop::new();
    let yaml = format!(
        "version: \"1\"\ntool_type: http\nexecutor_id: rye/core/primitives/http_client\nconfig: {{url: \"{url}\"}}\n"
    );
    workshop.put("demo/ask.yaml", yaml);
    workshop.sign(&["demo/ask"]);
    let run = start(&workshop, &["tool", "run", "demo/ask", "--guard", "deploy", "--json"]);
    // It is in the request now, and nobody answers.
    let connection = server.accept().unwrap();
    break_lock(&workshop);
    let done = run.ends().expect(6);
    assert_eq!(done.json()["status"], "lost", "{done:#?}");
    drop(connection);
}

#[test]
fn a_tool_sees_its_lock_and_others_see_what_runs_under_it() {
    let workshop = workshop("echo \"$LOKT_NAME $LOKT_FENCE\"; lokt status deploy --json");
    let secret = ["--params", r#"{"secret":"s3cret"}"#];
    let done = workshop.lokt(GUARDED.into_iter().chain(secret)).run().ok();
    let (told, shown) = done.out.split_once('\n').unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    assert_eq!(told, format!("deploy {}", shown["fence"]));
    assert_eq!(shown["command"], serde_json::json!(["lokt", "tool", "run", "demo/trace"]));
}

#[test]
fn what_changed_while_a_lock_was_waited_for_is_refused_and_the_lock_given_back() {
    let workshop = Workshop::new();
    let holder = start(&workshop, &["guard", "deploy", "-c", "echo in; read line"]).is_in();
    let run = start(&workshop, &[&GUARDED[..], &["--wait"]].concat()).is_waiting();
    workshop.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    holder.release();
    run.ends().expect(5).says("unsigned");
    assert_eq!(workshop.runs(), 0, "nothing ran");
    workshop.lokt(["exists", "deploy"]).run().expect(3);
    let event =
        workshop.sandbox.events().into_iter().rfind(|it| it["event"] == "tool-run").unwrap();
    assert_eq!(
        (&event["extra"]["outcome"], &event["extra"]["lock"]),
        (&"refused".into(), &"deploy".into())
    );
}
