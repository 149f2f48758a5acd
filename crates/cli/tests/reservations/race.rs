//! Many processes that reserve random patterns at once, and are killed at random: an oracle checks that no two conflicting
//! reservations stand together.

use super::{reserved, sandbox};
use lokt_lock::pattern::Pattern;
use lokt_testkit::Sandbox;
use std::{collections::BTreeMap, sync::Mutex, thread};

const AGENTS: u64 = 20;
const ROUNDS: u64 = 6;
const PATTERNS: [&str; 12] = [
    "a",
    "a/b",
    "a/*.rs",
    "a/**/x.rs",
    "**/x.rs",
    "b/**",
    "b/{x,y}.rs",
    "c",
    "c/d/e",
    "*.md",
    "{a,c}/*",
    "b/?.rs",
];

/// What the agents know that they have. An agent takes its entry out before it gives anything back.
type AgentReservationTable = Mutex<BTreeMap<u64, Vec<Pattern>>>;

/// Numbers that look random (Marsaglia, xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn pattern(&mut self) -> &'static str {
        let place = usize::try_from(self.below(PATTERNS.len() as u64)).unwrap();
        PATTERNS.get(place).unwrap()
    }
}

fn enter(oracle: &AgentReservationTable, agent: u64, asked: &[&str]) {
    let asked: Vec<Pattern> = asked.iter().map(|it| it.parse().unwrap()).collect();
    let mut held = oracle.lock().unwrap();
    for (other, patterns) in held.iter() {
        let common =
            patterns.iter().find_map(|one| asked.iter().find_map(|two| one.common_path(two)));
        assert_eq!(common, None, "agents {agent} and {other} have a path at the same time");
    }
    held.insert(agent, asked);
}

fn round(it: &Sandbox, oracle: &AgentReservationTable, agent: u64, numbers: &mut Numbers) {
    let owner = format!("agent{agent}");
    let count = 1 + numbers.below(3);
    let asked: Vec<&str> = (0..count).map(|_| numbers.pattern()).collect();
    let waits = numbers.below(2) == 0;
    let options: &[&str] = if waits { &["--wait", "--timeout", "2s"] } else { &[] };
    let words = ["reserve"].into_iter().chain(asked.iter().copied()).chain(options.iter().copied());
    let call = it.lokt(words).owner(&owner);
    if numbers.below(4) == 0 {
        // It has reserved all, or nothing.
        call.start().kill();
    } else {
        let done = call.run();
        assert!(matches!(done.code, Some(0 | 2)), "neither reserved nor refused: {done:#?}");
        if done.code == Some(0) {
            enter(oracle, agent, &asked);
            // Time for another to break in.
            let check = ["reservations", "--check"].into_iter().chain(asked.iter().copied());
            it.lokt(check).owner(&owner).run().ok();
        }
    }
    oracle.lock().unwrap().remove(&agent);
    it.lokt(["unreserve", "--all"]).owner(&owner).run().ok();
}

#[test]
fn no_two_conflicting_reservations_stand_together() {
    let it = sandbox();
    let oracle = AgentReservationTable::default();
    thread::scope(|scope| {
        for agent in 0..AGENTS {
            let (it, oracle) = (&it, &oracle);
            scope.spawn(move || {
                let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ (agent + 1));
                (0..ROUNDS).for_each(|_| round(it, oracle, agent, &mut numbers));
            });
        }
    });
    assert_eq!(reserved(&it), [""; 0], "nothing is left over");
}
