//! One agent: what it does at random, and what it knows of it for certain.

use crate::{
    Project,
    history::{
        Blame, Blocker, CertainGrant, CertainHold, CertainWait, ClaimTerms, History, OutcomeKind,
    },
    pattern::{PathSet, TestPattern},
    random::RandomNumbers,
};
use lokt_lock::words::Timestamp;
use lokt_testkit::{Done, HOLD, Lokt, Running, time};
use serde_json::Value;
use std::{hint::black_box, sync::MutexGuard, thread, time::Duration};

pub(crate) struct Agent<'a> {
    project: &'a Project,
    number: u64,
    numbers: RandomNumbers,
    /// All patterns that it asked for since it last had nothing.
    asked: Vec<TestPattern>,
    /// What it certainly has.
    held: Vec<HeldReservation>,
    /// The process that its tied reservations end with.
    process: Option<Running>,
}

/// A reservation of an agent, as its record says.
#[derive(Clone)]
struct HeldReservation {
    id: String,
    texts: Vec<String>,
    terms: ClaimTerms,
    is_tied: bool,
    from: Timestamp,
    end: Timestamp,
}

/// What an agent asks for.
struct Request {
    patterns: Vec<TestPattern>,
    is_shared: bool,
    tree: Option<u64>,
    ttl: &'static str,
    is_tied: bool,
    waits: bool,
    /// Until when the agent has all of it already, if it does.
    had_until: Option<Timestamp>,
}

impl<'a> Agent<'a> {
    pub(crate) fn new(project: &'a Project, number: u64, numbers: RandomNumbers) -> Self {
        let (asked, held) = (Vec::new(), Vec::new());
        Self { project, number, numbers, asked, held, process: None }
    }

    pub(crate) fn run(mut self, rounds: usize) {
        for _ in 0..rounds {
            self.reserve();
            if self.numbers.once_in(2) {
                self.reserve();
            }
            if self.numbers.once_in(3) {
                self.give_back_a_part();
            }
            self.end_process();
            self.give_back_all();
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.project.history.lock().unwrap()
    }

    fn tree(&self) -> u64 {
        self.number % 2
    }

    fn lokt<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Lokt {
        let folder = self.project.it.folder().join(format!("tree{}", self.tree()));
        self.project.it.lokt(words).owner(&format!("agent{}", self.number)).folder(folder)
    }

    fn request(&mut self) -> Request {
        let count = 1 + self.numbers.below(3);
        let mut request = Request {
            patterns: (0..count).map(|_| TestPattern::random(&mut self.numbers)).collect(),
            is_shared: self.numbers.once_in(3),
            tree: self.numbers.once_in(2).then(|| self.tree()),
            ttl: self.numbers.choose(&["50ms", "200ms", "1m", "1m"]),
            is_tied: self.numbers.once_in(3),
            waits: self.numbers.once_in(2),
            had_until: None,
        };
        // More of what it has is one reservation with it.
        if let Some(held) = self.held.first()
            && self.numbers.once_in(2)
        {
            request.is_shared = held.terms.is_shared;
            request.tree = held.terms.tree;
            request.is_tied = held.is_tied;
            let same = self.asked.iter().find(|it| held.texts.contains(&it.text)).cloned();
            request.had_until = same.as_ref().filter(|_| self.numbers.once_in(2)).map(|_| held.end);
            if request.had_until.is_some() {
                request.patterns.clear();
            }
            request.patterns.extend(same);
        }
        request
    }

    /// Asks for some patterns. The call may be killed, and then nothing about it is known.
    fn reserve(&mut self) {
        let request = self.request();
        let words = self.words(&request);
        let new = ClaimTerms {
            is_shared: request.is_shared,
            tree: request.tree,
            covered: PathSet::union(request.patterns.iter().map(|it| &it.covered))
                .without(&PathSet::union(self.asked.iter().map(|it| &it.covered))),
        };
        self.asked.extend(request.patterns.iter().cloned());
        let from = Timestamp::now();
        let mut call = self.lokt(words.iter().map(String::as_str)).start();
        if self.numbers.once_in(5) {
            self.kill(call, request.waits);
            return;
        }
        let since = request.waits.then(|| queued(&mut call)).flatten();
        let pid = call.pid();
        let done = call.ends();
        let until = Timestamp::now();
        self.history().dead.insert(pid, until);
        assert!(
            done.code == Some(0) || request.had_until.is_none_or(|end| end <= until),
            "what an agent has, it can extend: {done:#?}"
        );
        match done.code {
            Some(0) => {
                let record = self.keep(&request, &done, until);
                let mut history = self.history();
                let agent = self.number;
                history.grants.push(CertainGrant { agent, terms: new.clone(), from, until });
                if let Some(since) = since {
                    let acquired = time(&record["acquired_ts"]);
                    history.waits.push(CertainWait { agent, terms: new, since, acquired });
                    history.count(OutcomeKind::Waited);
                }
            }
            Some(2) => {
                assert!(!request.waits, "a waiter is forgotten: {done:#?}");
                self.blame(&done, from);
            }
            code => {
                assert_eq!(code, Some(7), "neither reserved nor refused: {done:#?}");
                assert!(self.asked.len() > request.patterns.len(), "only two that hold: {done:#?}");
                self.history().count(OutcomeKind::Circle);
            }
        }
    }

    fn words(&mut self, request: &Request) -> Vec<String> {
        let mut words = vec!["reserve", "--json", "--ttl", request.ttl];
        if request.is_shared {
            words.push("--shared");
        }
        if request.tree.is_some() {
            words.extend(["--scope", "tree"]);
        }
        if request.waits {
            // Longer than all others together can take.
            words.extend(["--wait", "--timeout", "2m"]);
        }
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        if request.is_tied {
            words.extend(["--pid".to_owned(), self.process().to_string()]);
        }
        words.push("--".to_owned());
        words.extend(request.patterns.iter().map(|it| it.text.clone()));
        words
    }

    /// The pid of the process that reservations are tied to.
    fn process(&mut self) -> i32 {
        let project = self.project;
        let start = || {
            let line = format!("exec {} {} '{}'", HOLD[0], HOLD[1], HOLD[2]);
            project.it.shell(&line).start().is_in()
        };
        self.process.get_or_insert_with(start).pid()
    }

    /// Kills a call, at some moment or when it waits.
    fn kill(&mut self, mut call: Running, waits: bool) {
        if waits && self.numbers.once_in(2) && queued(&mut call).is_some() {
            self.history().count(OutcomeKind::KilledWaiter);
        } else {
            (0..self.numbers.below(400_000)).for_each(|step| _ = black_box(step));
        }
        let pid = call.pid();
        call.kill();
        let mut history = self.history();
        history.dead.insert(pid, Timestamp::now());
        history.count(OutcomeKind::Killed);
    }

    /// Notes a reservation that stands, or what an earlier one has become.
    fn keep(&mut self, request: &Request, done: &Done, from: Timestamp) -> Value {
        let record = done.json();
        let held = HeldReservation {
            id: record["id"].as_str().unwrap().to_owned(),
            texts: texts(&record["patterns"]),
            terms: ClaimTerms {
                is_shared: request.is_shared,
                tree: request.tree,
                covered: self.covered_by(&texts(&record["patterns"])),
            },
            is_tied: request.is_tied,
            from,
            end: time(&record["expires_at"]),
        };
        let asked = PathSet::union(request.patterns.iter().map(|it| &it.covered));
        let missing = asked.without(&held.terms.covered);
        assert_eq!(missing.common(&missing), None, "all that is asked for is reserved: {done:#?}");
        let is_extended = record["extended"] == true;
        let kind = if is_extended { OutcomeKind::Extended } else { OutcomeKind::Reserved };
        self.history().count(kind);
        // What it had stays, whatever comes to it.
        self.end_holds(from, |it| it.id == held.id);
        self.held.push(held);
        record
    }

    fn covered_by(&self, texts: &[String]) -> PathSet {
        let of = |text: &String| {
            // No other pattern can be in the record.
            &self.asked.iter().find(|it| it.text == *text).unwrap().covered
        };
        PathSet::union(texts.iter().map(of))
    }

    /// Moves what it holds into the history: until then it certainly stood, or until its own end.
    fn end_holds(&mut self, until: Timestamp, which: impl Fn(&HeldReservation) -> bool) {
        let ended: Vec<HeldReservation> = self.held.extract_if(.., |it| which(it)).collect();
        let agent = self.number;
        let hold = |it: HeldReservation| CertainHold {
            agent,
            terms: it.terms,
            from: it.from,
            until: until.min(it.end),
        };
        self.history().holds.extend(ended.into_iter().map(hold));
    }

    /// Notes what a refusal names, and that its evidence is true.
    fn blame(&self, done: &Done, from: Timestamp) {
        let mut history = self.history();
        history.count(OutcomeKind::Denied);
        let json = done.json();
        let conflicts = json["conflicts"].as_array().unwrap();
        assert!(!conflicts.is_empty(), "a refusal has a reason: {done:#?}");
        for conflict in conflicts {
            let path = conflict["common_path"].as_str().unwrap();
            let asked = self.asked.iter().find(|it| conflict["asked"] == it.text.as_str());
            assert!(asked.is_some_and(|it| it.covers_text(path)), "both cover {path:?}: {done:#?}");
            let blocker = match &conflict["waiter"] {
                Value::Null => reservation(&conflict["reservation"]),
                waiter => Blocker::Waiter {
                    pid: pid(&waiter["pid"]).unwrap(),
                    since: time(&waiter["since"]),
                },
            };
            history.blames.push(Blame { from, blocker });
        }
    }

    /// Gives one pattern back. The others stay, but are not certain meanwhile.
    fn give_back_a_part(&mut self) {
        let texts: Vec<String> = self.held.iter().flat_map(|it| it.texts.clone()).collect();
        if texts.is_empty() {
            return;
        }
        let text = self.numbers.choose(&texts);
        let before = self.held.clone();
        let asked = Timestamp::now();
        self.end_holds(asked, |_| true);
        let done = self.lokt(["unreserve", "--json", "--", &text]).run();
        let from = Timestamp::now();
        let json = if done.code == Some(0) { done.json() } else { Value::Null };
        let stood = |it: &HeldReservation| it.end > from && it.texts.contains(&text);
        assert!(
            done.code == Some(0) || !before.iter().any(stood),
            "what stands can be given back: {done:#?}"
        );
        assert!(matches!(done.code, Some(0 | 1 | 3 | 4)), "{done:#?}");
        let parts = json["released"].as_array().cloned().unwrap_or_default();
        for mut held in before.into_iter().filter(|it| it.end > from) {
            if let Some(part) = parts.iter().find(|part| part["id"] == held.id.as_str()) {
                held.texts = self::texts(&part["rest"]);
                held.terms.covered = self.covered_by(&held.texts);
            }
            self.held.push(HeldReservation { from, ..held });
        }
        if !parts.is_empty() {
            self.history().count(OutcomeKind::PartGivenBack);
        }
    }

    /// Kills the process that reservations are tied to: they end with it.
    fn end_process(&mut self) {
        let Some(process) = self.process.take() else { return };
        let pid = process.pid();
        self.end_holds(Timestamp::now(), |_| true);
        process.kill();
        {
            let mut history = self.history();
            history.dead.insert(pid, Timestamp::now());
            history.count(OutcomeKind::TiedProcessKilled);
        }
        let list = self.lokt(["reservations", "--mine", "--json"]).run().ok().json();
        let is_tied = |it: &&Value| it["hold"] == "process";
        let left = list.as_array().unwrap().iter().find(is_tied);
        assert_eq!(left, None, "a reservation ends with the process that it is tied to");
    }

    fn give_back_all(&mut self) {
        let ids: Vec<String> = self.held.iter().map(|it| it.id.clone()).collect();
        self.end_holds(Timestamp::now(), |_| true);
        self.lokt(["unreserve", "--all"]).run().ok();
        let gone = Timestamp::now();
        self.history().gone.extend(ids.into_iter().map(|id| (id, gone)));
        self.asked.clear();
    }
}

/// When a call is certainly in the queue; `None` where it ended without that.
fn queued(call: &mut Running) -> Option<Timestamp> {
    while !call.has_said("waiting (") {
        if !call.is_running() {
            return None;
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    Some(Timestamp::now())
}

fn texts(patterns: &Value) -> Vec<String> {
    patterns.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn pid(value: &Value) -> Option<i32> {
    i32::try_from(value.as_i64()?).ok()
}

fn reservation(record: &Value) -> Blocker {
    Blocker::Reservation {
        id: record["id"].as_str().unwrap().to_owned(),
        end: time(&record["expires_at"]),
        tied_to: pid(&record["pid"]).filter(|_| record["hold"] == "process"),
        acquired: time(&record["acquired_ts"]),
    }
}
