use crate::{
    record::LockRecord,
    words::{ProcessLocation, ProcessPresence},
};

/// The inode of a kernel's first pid namespace (`PROC_PID_INIT_INO`, `include/linux/proc_ns.h`).
const FIRST_PID_NS: u64 = 0xEFFF_FFFC;

/// Whether a record's process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// The very process is there.
    Alive,
    /// It is provably gone.
    Dead,
    /// Nothing here can tell; never a proof of anything.
    Unknown,
}

impl Liveness {
    /// The word that `status --json` has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

/// What a record says of a process.
#[derive(Clone, Copy, Debug)]
pub struct RecordedProcess<'a> {
    /// Its pid.
    pub pid: Option<i32>,
    /// Its start time, in clock ticks after boot.
    pub pid_start: Option<u64>,
    /// The host name of the writer.
    pub host: Option<&'a str>,
    /// The boot that the pid belongs to.
    pub boot_id: Option<&'a str>,
    /// The pid namespace that the pid is a number in.
    pub pid_ns: Option<u64>,
}

impl<'a> From<&'a LockRecord> for RecordedProcess<'a> {
    fn from(record: &'a LockRecord) -> Self {
        Self {
            pid: record.pid,
            pid_start: record.pid_start,
            host: record.host.as_deref(),
            boot_id: record.boot_id.as_deref(),
            pid_ns: record.pid_ns,
        }
    }
}

/// Judges whether the process that a record names lives, asking `probe` about its pid only where a pid
/// of here can be meant.
///
/// The same boot id means the same kernel, whatever the hosts are called; then only the pid namespace
/// can make the number mean something else. Records by other programs have neither: there the host name
/// and being in the kernel's first pid namespace must do.
pub fn compare<'a>(
    record: impl Into<RecordedProcess<'a>>,
    here: &ProcessLocation,
    probe: impl FnOnce(i32) -> ProcessPresence,
) -> Liveness {
    let record = record.into();
    let Some(pid) = record.pid else {
        return Liveness::Unknown;
    };
    match place_of(&record, here) {
        ProcessLocationMatch::Elsewhere => Liveness::Unknown,
        ProcessLocationMatch::EarlierBoot => Liveness::Dead,
        ProcessLocationMatch::Here => match (probe(pid), record.pid_start) {
            (ProcessPresence::Absent, _) => Liveness::Dead,
            (ProcessPresence::Present(Some(now)), Some(then)) if now != then => Liveness::Dead,
            // A pid alone may have been given to another process since: no proof, but likely.
            (ProcessPresence::Present(_), _) => Liveness::Alive,
        },
    }
}

enum ProcessLocationMatch {
    Here,
    EarlierBoot,
    Elsewhere,
}

fn place_of(record: &RecordedProcess<'_>, here: &ProcessLocation) -> ProcessLocationMatch {
    let same_host = record.host == Some(here.host.as_str());
    if record.pid_ns == Some(0) || here.pid_ns == 0 {
        // The writer, or this process, did not know where it was: its pid may be anybody's.
        let earlier = record.boot_id.is_some_and(|boot| boot != here.boot_id);
        let is_earlier = earlier && same_host && !here.boot_id.is_empty();
        return if is_earlier {
            ProcessLocationMatch::EarlierBoot
        } else {
            ProcessLocationMatch::Elsewhere
        };
    }
    match record.boot_id {
        Some(boot) if !here.boot_id.is_empty() && boot == here.boot_id => {
            if record.pid_ns == Some(here.pid_ns) {
                ProcessLocationMatch::Here
            } else {
                ProcessLocationMatch::Elsewhere
            }
        }
        Some(_) if same_host && !here.boot_id.is_empty() => ProcessLocationMatch::EarlierBoot,
        None if same_host && here.pid_ns == FIRST_PID_NS => ProcessLocationMatch::Here,
        Some(_) | None => ProcessLocationMatch::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LockName;

    fn here() -> ProcessLocation {
        ProcessLocation { host: "box".into(), boot_id: "boot-2".into(), pid_ns: FIRST_PID_NS }
    }

    fn record(json: &str) -> LockRecord {
        let name = LockName::new("x").unwrap();
        let base = r#""owner":"a","acquired_ts":"2026-02-01T10:00:00Z","pid":7"#;
        LockRecord::parse(format!("{{{base}{json}}}").as_bytes(), &name).unwrap()
    }

    #[test]
    fn only_a_provable_death_is_dead() {
        use Liveness::{Alive, Dead, Unknown};
        use ProcessPresence::{Absent, Present};
        let ours = format!(r#","host":"box","boot_id":"boot-2","pid_ns":{FIRST_PID_NS}"#);
        let started = format!(r#"{ours},"pid_start_ns":44"#);
        for (fields, presence, expected) in [
            (ours.as_str(), Absent, Dead),
            (&ours, Present(None), Alive),
            (&started, Present(Some(44)), Alive),
            (&started, Present(Some(45)), Dead),
            (&started, Present(None), Alive),
            // Another pid namespace of this kernel: the number means nothing here.
            (r#","host":"box","boot_id":"boot-2","pid_ns":1"#, Absent, Unknown),
            // The same machine before it was restarted, and a machine of which nothing is known.
            (r#","host":"box","boot_id":"boot-1""#, Present(Some(44)), Dead),
            (r#","host":"far","boot_id":"boot-1""#, Absent, Unknown),
            // Its writer did not know its pid namespace.
            (r#","host":"box","boot_id":"boot-2","pid_ns":0"#, Absent, Unknown),
            (r#","host":"box","pid_ns":0"#, Absent, Unknown),
            (r#","host":"box","boot_id":"boot-1","pid_ns":0"#, Absent, Dead),
            // Other programs' records.
            (r#","host":"box""#, Absent, Dead),
            (r#","host":"box""#, Present(None), Alive),
            (r#","host":"far""#, Absent, Unknown),
            ("", Absent, Unknown),
        ] {
            let found = compare(&record(fields), &here(), |_| presence);
            assert_eq!(found, expected, "{fields} with {presence:?}");
        }
    }

    #[test]
    fn where_nothing_is_known_of_this_place_nothing_is_proven() {
        let here = ProcessLocation { boot_id: String::new(), pid_ns: 0, ..here() };
        for fields in ["", r#","boot_id":"boot-2","pid_ns":7"#, r#","pid_ns":0"#] {
            let record = record(&format!(r#","host":"box"{fields}"#));
            assert_eq!(
                compare(&record, &here, |_| ProcessPresence::Absent),
                Liveness::Unknown,
                "{fields}"
            );
        }
    }

    #[test]
    fn inside_a_container_another_programs_pid_proves_nothing() {
        let inside = ProcessLocation { pid_ns: 4_026_532_000, ..here() };
        let found = compare(&record(r#","host":"box""#), &inside, |_| ProcessPresence::Absent);
        assert_eq!(found, Liveness::Unknown);
    }
}
