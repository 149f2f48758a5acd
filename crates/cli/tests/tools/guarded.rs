//! A tool under a lock: nothing of it runs without the lock, whichever process is killed and whichever file
//! is removed.

use crate::tool_project::{NONE, ToolProject, tool};
use lokt_testkit::Running;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, net::TcpListener, thread};

/// Ignores SIGTERM, as does its child.
const STUBBORN: &str =
    "trap '' TERM INT HUP; setsid sleep 1000 & echo pids $$ $!; while :; do wait; done";

/// Ends at SIGTERM.
const POLITE: &str = "trap 'echo told to stop; exit 0' TERM; sleep 1000 & touch in; wait";

/// A project in which `demo/trace` runs a line.
fn project(line: &str) -> ToolProject {
    let project = ToolProject::new();
    put(&project, line);
    project
}

fn put(project: &ToolProject, line: &str) {
    project.put("demo/trace.sh", tool("demo/sh").replace("echo ran >> ran", line));
    project.sign(&["demo/trace"]);
}

fn start(project: &ToolProject, words: &[&str]) -> Running {
    project.lokt(words.iter().copied()).start()
}

const GUARDED: [&str; 5] = ["tool", "run", "demo/trace", "--guard", "deploy"];

fn break_lock(project: &ToolProject) {
    project.lokt(["unlock", "deploy", "--force"]).owner("another").run().ok();
}

fn pid_in(line: &str) -> Pid {
    Pid::from_raw(line.trim().trim_start_matches("pid ").parse().unwrap())
}

/// Whether a process has ended. Its parent may not have collected it yet.
fn is_over(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|it| it.contains(") Z ")) || kill(pid, None).is_err()
}

#[test]
fn a_tool_ignores_what_its_caller_ignores_and_nothing_else() {
    let project = project("grep -E '^Sig(Ign|Blk)' /proc/self/status");
    let seen = "grep -E '^Sig(Ign|Blk)' /proc/self/status";
    for ignored in ["", "trap '' PIPE;", "trap '' XFSZ HUP USR1 40;"] {
        let without = project.shell(&format!("{ignored} {seen}")).run().ok().out;
        for flags in ["", "--guard deploy"] {
            let line = format!("{ignored} lokt tool run demo/trace {flags}");
            assert_eq!(project.shell(&line).run().ok().out, without, "{ignored} {flags}");
        }
    }
}

#[test]
fn a_tool_that_a_real_time_signal_ended_gives_128_and_its_number() {
    let project = project("kill -35 $$");
    for words in [&GUARDED[..], &GUARDED[..3]] {
        let run = project.lokt(words.iter().copied()).run();
        run.expect(163).says("was ended by SIGRTMIN+1");
    }
    project.lokt(["exists", "deploy"]).run().expect(3);
}

#[test]
fn killing_the_group_ends_the_tool_and_releases_its_lock() {
    let project = project("echo pid $$; exec sleep 1000");
    let mut run = project.shell(&format!("exec lokt {}", GUARDED.join(" "))).start();
    let tool = pid_in(&run.prints("pid "));
    nix::sys::signal::killpg(Pid::from_raw(run.pid()), Signal::SIGKILL).unwrap();
    run.ends();
    let next = ["guard", "deploy", "--wait", "--timeout", "20s", "--", "true"];
    project.lokt(next).owner("another").run().ok();
    assert!(is_over(tool), "the lock was free because the tool had ended");
}

/// The test that waits for the end of the grace period.
#[test]
fn when_lokt_reports_a_stopped_tool_all_its_processes_have_ended() {
    let lost = |words: &[&str]| {
        let project = project(STUBBORN);
        let mut run = start(&project, words);
        let line = run.prints("pids ");
        let pids: Vec<Pid> = line.split_whitespace().skip(1).map(pid_in).collect();
        break_lock(&project);
        let done = run.ends().expect(6).says("killing what is left");
        assert!(pids.iter().all(|pid| is_over(*pid)), "{words:?}: {pids:?} live on: {done:#?}");
        assert_eq!(ToolProject::lockfiles(&project.user()), NONE, "what was stopped pins nothing");
    };
    thread::scope(|scope| {
        scope.spawn(|| lost(&GUARDED));
        scope.spawn(|| lost(&["guard", "deploy", "--", "lokt", "tool", "run", "demo/trace"]));
    });
}

#[test]
fn killing_lokt_frees_no_lock_of_a_running_tool() {
    let project = project("echo pid $$; read line");
    let mut run = start(&project, &GUARDED);
    let pid = pid_in(&run.prints("pid "));
    kill(Pid::from_raw(run.pid()), Signal::SIGKILL).unwrap();
    let state = || project.lokt(["status", "deploy", "--json"]).run().ok().json();
    while state()["state"] != "orphaned" {
        thread::yield_now();
    }
    assert!(!is_over(pid), "the tool lives on");
    project.lokt(GUARDED).run().expect(2);
    kill(pid, Signal::SIGKILL).unwrap();
    put(&project, "echo ran >> ran");
    project.lokt(GUARDED.into_iter().chain(["--wait"])).run().ok();
    assert_eq!(project.runs(), 1, "it enters when the tool has ended");
}

#[test]
fn a_lost_lock_stops_the_tool_and_is_reported_in_one_document() {
    let project = project(POLITE);
    let run = start(&project, &[&GUARDED[..], &["--json"]].concat());
    while !project.folder().join("in").exists() {
        thread::yield_now();
    }
    break_lock(&project);
    let done = run.ends().expect(6).says("lock \"deploy\" was lost");
    let told = done.json();
    assert_eq!((&told["status"], &told["result"]["success"]), (&"lost".into(), &false.into()));
    assert!(told["result"]["stdout"].as_str().unwrap().contains("told to stop"), "{told}");
    let last = project.sandbox.events().into_iter().rfind(|it| it["event"] == "tool-run").unwrap();
    assert_eq!(
        (&last["extra"]["outcome"], &last["extra"]["lock"]),
        (&"lost".into(), &"deploy".into())
    );
    assert_eq!(ToolProject::lockfiles(&project.user()), NONE, "it pins nothing");
}

#[test]
fn a_loss_that_is_found_at_the_end_counts_too() {
    let project = project("rm \"$LOKT_ROOT/locks/deploy.json\"");
    let told = project.lokt(GUARDED.into_iter().chain(["--json"])).run().expect(6).json();
    assert_eq!(told["status"], "lost");
    assert_eq!(ToolProject::lockfiles(&project.user()), NONE, "it pins nothing");
}

#[test]
fn a_request_ends_when_its_lock_is_lost() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let project = ToolProject::new();
    let yaml = format!(
        "version: \"1\"\ntool_type: http\nexecutor_id: rye/core/primitives/http_client\nconfig: {{url: \"{url}\"}}\n"
    );
    project.put("demo/ask.yaml", yaml);
    project.sign(&["demo/ask"]);
    let run = start(&project, &["tool", "run", "demo/ask", "--guard", "deploy", "--json"]);
    // The request is open now, and gets no answer.
    let connection = server.accept().unwrap();
    break_lock(&project);
    let done = run.ends().expect(6);
    assert_eq!(done.json()["status"], "lost", "{done:#?}");
    drop(connection);
}

#[test]
fn a_tool_sees_its_lock_and_others_see_its_command() {
    let project = project("echo \"$LOKT_NAME $LOKT_FENCE\"; lokt status deploy --json");
    let secret = ["--params", r#"{"secret":"s3cret"}"#];
    let done = project.lokt(GUARDED.into_iter().chain(secret)).run().ok();
    let (told, shown) = done.out.split_once('\n').unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    assert_eq!(told, format!("deploy {}", shown["fence"]));
    assert_eq!(shown["command"], serde_json::json!(["lokt", "tool", "run", "demo/trace"]));
}

#[test]
fn a_change_during_a_wait_is_refused_and_the_lock_released() {
    let project = ToolProject::new();
    let holder = start(&project, &["guard", "deploy", "-c", "echo in; read line"]).is_in();
    let run = start(&project, &[&GUARDED[..], &["--wait"]].concat()).is_waiting();
    project.put("demo/trace.sh", tool("demo/sh") + "echo more\n");
    holder.release();
    run.ends().expect(5).says("unsigned");
    assert_eq!(project.runs(), 0, "nothing ran");
    project.lokt(["exists", "deploy"]).run().expect(3);
    let event = project.sandbox.events().into_iter().rfind(|it| it["event"] == "tool-run").unwrap();
    assert_eq!(
        (&event["extra"]["outcome"], &event["extra"]["lock"]),
        (&"refused".into(), &"deploy".into())
    );
}
