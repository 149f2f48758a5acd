//! Tickets: which files of a queue's folder are tickets, and what is read from them.

use lokt_lock::{
    file::FileLockStore,
    rules::{QueuePlace, TicketContent},
    store::{LockStore, NameReader},
    words::{LockMode, LockName},
};
use std::{fs, num::NonZeroU32};

/// Checks a queue with one file: the first line of the bytes is the file's name, the rest its content.
pub fn check(bytes: &[u8]) {
    let (name, content) =
        bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len()));
    let content = content.strip_prefix(b"\n").unwrap_or_default();
    let file = String::from_utf8_lossy(name);
    if can_be_a_file(&file) {
        check_listing(&file, content);
    }
}

fn can_be_a_file(name: &str) -> bool {
    (1..=255).contains(&name.len()) && !name.contains(['/', '\0']) && name != "." && name != ".."
}

fn check_listing(file: &str, content: &[u8]) {
    let root = tempfile::tempdir().expect("a folder can be made");
    let store = FileLockStore::new(root.path());
    let lock = LockName::new("x").expect("it is a name");
    let folder = store.layout().queue(&lock);
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join(file), content).expect("a file can be written");
    let reader = store.reader(&lock);
    let line = reader.line().expect("a line can be listed");
    let expected = place_of(file);
    assert_eq!(
        line.as_slice(),
        expected.as_slice(),
        "{file:?}: a ticket is what has a ticket's name"
    );
    if let [place] = line.as_slice() {
        assert!(!reader.lives(place), "a ticket without a process is dead");
        let text = serde_json::from_slice::<TicketContent>(content).ok();
        assert_eq!(reader.ticket_text(place), text, "{file:?}: a ticket's text is in its file");
        text.iter().for_each(check_round_trip);
    }
}

/// The place that a file's name means: a number of ten digits or more, an acquisition, a state, a mode.
fn place_of(file: &str) -> Option<QueuePlace> {
    let parts: Vec<&str> = file.split('-').collect();
    let [number, id, state] = parts.as_slice() else {
        return None;
    };
    let (entered, mode) = match state.split_at_checked(1)? {
        ("h", mode) => (true, mode),
        ("w", mode) => (false, mode),
        _ => return None,
    };
    let mode = match mode {
        "" => LockMode::Exclusive,
        "s" => LockMode::Shared,
        slots => {
            let number = slots.parse().ok().filter(|n: &NonZeroU32| n.to_string() == slots);
            LockMode::Slots(number?)
        }
    };
    let number: u64 = number.parse().ok().filter(|n| format!("{n:010}") == *number)?;
    let lock_id = lokt_lock::words::LockId::from_record(id)?;
    Some(QueuePlace { number, lock_id, entered, mode })
}

fn check_round_trip(text: &TicketContent) {
    let written = serde_json::to_vec(text).expect("a text can be written");
    let again: TicketContent =
        serde_json::from_slice(&written).expect("what Lokt writes, Lokt reads");
    assert_eq!(again, *text, "a ticket's text that is written and read is the same");
    let owner = text.identity().map(|identity| identity.owner);
    assert_eq!(owner.is_some(), !text.agent_id.is_empty(), "who names an agent can be identified");
    assert_eq!(
        text.arrived(),
        text.since.parse().ok(),
        "the time of arrival is the one in the text"
    );
}
