//! What hooks note of the sessions of harnesses: which session a process of a harness has now, and in which other roots
//! a session has reserved files.
//!
//! ```text
//! <root>/sessions/<pid>-<start>.json   {"boot_id": …, "pid_ns": …, "sessions": [agent id, …]}
//! <root>/sessions/roots-<hash>.json    {"agent_id": agent id, "roots": [path, …]}
//! ```
//!
//! A note is a hint, for processes of this machine: it holds nothing and keeps no process out. One that cannot be read
//! counts as not there. Only the holder of the latch of reservations writes here.

use super::{file_store::FileLockStore, io, section::rename};
use crate::{
    store::LockStoreError,
    sys::{self, nofollow},
    words::{AgentId, ProcessLocation, ProcessPresence, fnv1a},
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A note has less.
const MOST_ENTRIES: usize = 64;

/// A process of a harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HarnessProcess {
    /// Its pid.
    pub pid: i32,
    /// When it started, in clock ticks after boot.
    pub started: u64,
}

/// What happens to a session in a process of a harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// It begins, perhaps beside others.
    Begins,
    /// It takes the place of all that the process had.
    Replaces,
    /// It ends.
    Ends,
}

impl FileLockStore {
    /// Notes a change of the sessions of a process.
    ///
    /// # Errors
    /// [`LockStoreError`] where the note cannot be written.
    pub fn note_session(
        &self,
        process: HarnessProcess,
        change: SessionChange,
        agent: &AgentId,
        here: &ProcessLocation,
    ) -> Result<(), LockStoreError> {
        let path = self.process_note(process);
        if change == SessionChange::Ends && nofollow::metadata(&path).is_err() {
            return Ok(());
        }
        let _section = self.reservation_section()?;
        let mut sessions = sessions_in(&path, here);
        sessions.retain(|it| it != agent.as_str());
        match change {
            SessionChange::Begins => sessions.push(agent.to_string()),
            SessionChange::Replaces => sessions = vec![agent.to_string()],
            SessionChange::Ends => {}
        }
        self.remove_notes_of_dead_processes();
        if sessions.is_empty() {
            return io::remove(&path);
        }
        let note = json!({"boot_id": here.boot_id, "pid_ns": here.pid_ns, "sessions": sessions});
        self.write_note(&path, &note)
    }

    /// The session that a process of a harness has now; nothing where that is unknown, or where it has several.
    pub fn session_of(&self, process: HarnessProcess, here: &ProcessLocation) -> Option<AgentId> {
        match sessions_in(&self.process_note(process), here).as_slice() {
            [only] => AgentId::given(only).ok().flatten(),
            _ => None,
        }
    }

    /// Notes other roots in which a session has reserved files.
    ///
    /// # Errors
    /// [`LockStoreError`] where the note cannot be written.
    pub fn note_roots(&self, agent: &AgentId, roots: &[PathBuf]) -> Result<(), LockStoreError> {
        let own = self.layout.root();
        let is_new = |it: &&PathBuf, known: &[PathBuf]| it.as_path() != own && !known.contains(it);
        let known = self.noted_roots(agent);
        if !roots.iter().any(|it| is_new(&it, &known)) {
            return Ok(());
        }
        let _section = self.reservation_section()?;
        let mut all = self.noted_roots(agent);
        for root in roots {
            if is_new(&root, &all) && all.len() < MOST_ENTRIES {
                all.push(root.clone());
            }
        }
        let texts: Vec<&str> = all.iter().filter_map(|it| it.to_str()).collect();
        let note = json!({"agent_id": agent.as_str(), "roots": texts});
        self.write_note(&self.roots_note(agent), &note)
    }

    /// The other roots in which a session has reserved files.
    pub fn noted_roots(&self, agent: &AgentId) -> Vec<PathBuf> {
        let note = read(&self.roots_note(agent)).filter(|it| it["agent_id"] == agent.as_str());
        let roots = note.as_ref().and_then(|it| it["roots"].as_array());
        roots.into_iter().flatten().filter_map(|it| Some(it.as_str()?.into())).collect()
    }

    /// Forgets the other roots of a session that has ended.
    ///
    /// # Errors
    /// [`LockStoreError`] where the note cannot be removed.
    pub fn forget_roots(&self, agent: &AgentId) -> Result<(), LockStoreError> {
        io::remove(&self.roots_note(agent))
    }

    fn process_note(&self, process: HarnessProcess) -> PathBuf {
        self.layout.sessions().join(format!("{}-{}.json", process.pid, process.started))
    }

    fn roots_note(&self, agent: &AgentId) -> PathBuf {
        let hash = fnv1a(agent.as_str().as_bytes());
        self.layout.sessions().join(format!("{ROOTS}{hash:016x}.json"))
    }

    fn write_note(&self, path: &Path, note: &Value) -> Result<(), LockStoreError> {
        let draft = self.layout.session_draft();
        let write = || {
            drop(io::create(&draft, format!("{note}\n").as_bytes())?);
            rename(&draft, path).map(drop)
        };
        match write() {
            // The first note of a root makes the folder.
            Err(error) if error.is_missing() => {
                io::make_folder(&self.layout.drafts())?;
                io::make_folder(&self.layout.sessions())?;
                write()
            }
            written => written,
        }
    }

    /// Removes the notes of processes that are provably gone. What stays is looked at again at the next change.
    fn remove_notes_of_dead_processes(&self) {
        let folder = self.layout.sessions();
        for name in io::names(&folder).unwrap_or_default() {
            let parts = name.to_str().and_then(|it| it.strip_suffix(".json")?.split_once('-'));
            let Some((Ok(pid), Ok(started))) =
                parts.map(|(pid, at)| (pid.parse::<i32>(), at.parse::<u64>()))
            else {
                continue;
            };
            let path = folder.join(&name);
            let is_here = read(&path).is_some_and(|it| is_of(&it, &sys::here()));
            let is_gone = match sys::probe(pid) {
                ProcessPresence::Absent => true,
                ProcessPresence::Present(now) => now.is_some_and(|now: u64| now != started),
            };
            if is_here && is_gone {
                let _ = io::remove(&path);
            }
        }
    }
}

/// What the names of notes about roots begin with.
const ROOTS: &str = "roots-";

fn sessions_in(path: &Path, here: &ProcessLocation) -> Vec<String> {
    let note = read(path).filter(|it| is_of(it, here));
    let sessions = note.as_ref().and_then(|it| it["sessions"].as_array());
    let sessions = sessions.into_iter().flatten().take(MOST_ENTRIES);
    sessions.filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

/// Whether the pid of a note is a number of this boot and this pid namespace.
fn is_of(note: &Value, here: &ProcessLocation) -> bool {
    note["boot_id"] == *here.boot_id && note["pid_ns"] == here.pid_ns
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&nofollow::read(path).ok()?).ok()
}
