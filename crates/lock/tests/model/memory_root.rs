//! The root in memory, with one name, and what happens to it without Lokt's operations: time passes,
//! processes die, a program that does not use the latch takes part.

use lokt_lock::{
    record::{LockRecord, LockRecordFlaw, RecordCorruption, RecordSlot},
    rules::{QueuePlace, TicketContent},
    store::LockRecordKind,
    words::{Fence, LockId, LockMode, LockName, Owner, Timestamp},
};
use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

/// The name that all processes want.
pub(crate) static NAME: LazyLock<LockName> = LazyLock::new(|| LockName::new("x").unwrap());

/// The duration of one tick of the clock: longer than the writing of a file may take.
pub(crate) const TICK: Duration = Duration::from_secs(10);

/// The time after some ticks.
pub(crate) fn time(ticks: u8) -> Timestamp {
    let start = Timestamp::from_microseconds(1_800_000_000_000_000).unwrap();
    start.saturating_add(TICK * u32::from(ticks))
}

/// All files of the name, the clock, and the state of the other program.
#[derive(Clone, Debug)]
pub(crate) struct MemoryRoot {
    pub(crate) ticks: u8,
    pub(crate) counter: Fence,
    pub(crate) lock: LockRecordFileContent,
    pub(crate) freeze: Option<Arc<LockRecord>>,
    /// Sorted by number.
    pub(crate) queue: Vec<TicketFile>,
    pub(crate) foreign: ForeignProgram,
    /// The number of ids that were given.
    pub(crate) ids: u32,
}

/// The lock record's file.
#[derive(Clone, Debug)]
pub(crate) enum LockRecordFileContent {
    Nothing,
    /// An empty file that its writer has not filled since that tick.
    Empty(u8),
    Record(Arc<LockRecord>),
}

/// The file of a ticket.
#[derive(Clone)]
pub(crate) struct TicketFile {
    pub(crate) place: QueuePlace,
    pub(crate) text: Arc<TicketContent>,
    /// The process that made it. Only this process and its command can have it open.
    pub(crate) creator: usize,
    /// Whether that process has it open.
    pub(crate) supervisor: bool,
    /// Whether its command has it open.
    pub(crate) command: bool,
}

/// A program that does not use the latch: it makes the record's file if it is absent, and removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct ForeignProgram {
    pub(crate) phase: ForeignPhase,
    /// How many more records it may make or renew.
    pub(crate) budget: u8,
    /// Whether its records end with the next tick; else never.
    pub(crate) expires: bool,
    /// The tick until which it relies on its record.
    pub(crate) until: Option<u8>,
}

/// The phase of that program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum ForeignPhase {
    #[default]
    Nothing,
    /// It has made the file, and not filled it yet.
    Filling,
    Holding,
    Dead,
}

/// One step of that program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForeignStep {
    Create,
    Fill,
    Renew,
    Remove,
    Die,
}

impl ForeignStep {
    pub(crate) const ALL: [Self; 5] =
        [Self::Create, Self::Fill, Self::Renew, Self::Remove, Self::Die];
}

impl MemoryRoot {
    pub(crate) fn new(foreign: ForeignProgram) -> Self {
        Self {
            ticks: 0,
            counter: Fence::default(),
            lock: LockRecordFileContent::Nothing,
            freeze: None,
            queue: Vec::new(),
            foreign,
            ids: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        time(self.ticks)
    }

    pub(crate) fn record_file(&self, kind: LockRecordKind) -> RecordSlot {
        match (kind, &self.lock, &self.freeze) {
            (LockRecordKind::Lock, LockRecordFileContent::Empty(since), _) => {
                let age = TICK * u32::from(self.ticks.saturating_sub(*since));
                RecordSlot::Corrupted(RecordCorruption {
                    flaw: LockRecordFlaw::Empty,
                    age,
                    before_boot: false,
                })
            }
            (LockRecordKind::Lock, LockRecordFileContent::Record(record), _)
            | (LockRecordKind::Freeze, _, Some(record)) => {
                RecordSlot::Record(Box::new((**record).clone()))
            }
            _ => RecordSlot::Absent,
        }
    }

    /// The lock record, if there is one.
    pub(crate) fn record(&self) -> Option<&LockRecord> {
        match &self.lock {
            LockRecordFileContent::Record(record) => Some(record),
            _ => None,
        }
    }

    /// Whether the lock record names an acquisition.
    pub(crate) fn has_holder(&self, id: &LockId) -> bool {
        self.record().is_some_and(|record| record.holder(id).is_some())
    }

    /// The ticket with exactly this place.
    pub(crate) fn ticket_file(&self, place: &QueuePlace) -> Option<&TicketFile> {
        self.queue.iter().find(|file| file.place == *place)
    }

    pub(crate) fn lives(&self, place: &QueuePlace) -> bool {
        self.ticket_file(place).is_some_and(TicketFile::lives)
    }

    /// Adds a ticket at the position of its number.
    pub(crate) fn add(&mut self, file: TicketFile) {
        self.queue.push(file);
        self.queue.sort_by_key(|file| (file.place.number, file.place.entered));
    }

    pub(crate) fn unlink(&mut self, place: &QueuePlace) {
        self.queue.retain(|file| file.place != *place);
    }

    /// A process dies and closes its tickets; its command may live on.
    pub(crate) fn supervisor_dies(&mut self, process: usize) {
        self.queue
            .iter_mut()
            .filter(|it| it.creator == process)
            .for_each(|it| it.supervisor = false);
    }

    /// The last process of its command dies.
    pub(crate) fn command_dies(&mut self, process: usize) {
        self.queue.iter_mut().filter(|it| it.creator == process).for_each(|it| it.command = false);
    }

    /// The command starts, and inherits the ticket.
    pub(crate) fn command_starts(&mut self, place: &QueuePlace) {
        self.queue.iter_mut().filter(|it| it.place == *place).for_each(|it| it.command = true);
    }

    /// Does a step of the program that does not use the latch. Returns false if the step is not possible.
    pub(crate) fn foreign_step(&mut self, step: ForeignStep) -> bool {
        let (phase, lock) = match (step, self.foreign.phase, &self.lock) {
            (ForeignStep::Create, ForeignPhase::Nothing, LockRecordFileContent::Nothing)
                if self.foreign.budget > 0 =>
            {
                self.foreign.budget -= 1;
                (ForeignPhase::Filling, Some(LockRecordFileContent::Empty(self.ticks)))
            }
            (ForeignStep::Fill, ForeignPhase::Filling, LockRecordFileContent::Empty(_)) => {
                (ForeignPhase::Holding, Some(self.foreign_record()))
            }
            (ForeignStep::Renew, ForeignPhase::Holding, _)
                if self.foreign.expires && self.has_foreign_record() && self.foreign.budget > 0 =>
            {
                self.foreign.budget -= 1;
                (ForeignPhase::Holding, Some(self.foreign_record()))
            }
            (ForeignStep::Remove, ForeignPhase::Holding, _) => (
                ForeignPhase::Nothing,
                self.has_foreign_record().then_some(LockRecordFileContent::Nothing),
            ),
            (ForeignStep::Die, ForeignPhase::Filling | ForeignPhase::Holding, _) => {
                (ForeignPhase::Dead, None)
            }
            _ => return false,
        };
        self.foreign.phase = phase;
        self.lock = lock.unwrap_or_else(|| self.lock.clone());
        true
    }

    /// Whether the present record is that program's.
    pub(crate) fn has_foreign_record(&self) -> bool {
        self.record().is_some_and(|record| record.hold.is_none())
    }

    /// Whether that program relies on its record, or on the file that it is about to fill.
    pub(crate) fn foreign_relies_on_record(&self) -> bool {
        match self.foreign.phase {
            ForeignPhase::Filling => true,
            ForeignPhase::Holding => self.foreign.until.is_none_or(|until| until > self.ticks),
            ForeignPhase::Nothing | ForeignPhase::Dead => false,
        }
    }

    fn foreign_record(&mut self) -> LockRecordFileContent {
        self.ids += 1;
        self.foreign.until = self.foreign.expires.then(|| self.ticks + 1);
        LockRecordFileContent::Record(Arc::new(LockRecord {
            version: 0,
            name: NAME.clone(),
            lock_id: LockId::from_record(&format!("foreign-{}", self.ids)),
            owner: Owner::from_record("other"),
            host: None,
            pid: None,
            pid_start: None,
            agent_id: None,
            acquired: self.now(),
            ttl_sec: None,
            expires_at: self.foreign.until.map(time),
            metadata: None,
            hold: None,
            fence: None,
            command: None,
            boot_id: None,
            pid_ns: None,
            held_since: None,
            mode: LockMode::Exclusive,
            co_holders: Vec::new(),
            unknown: Vec::new(),
        }))
    }
}

/// Leaves out the text, which contains the real time at which the ticket was made.
impl fmt::Debug for TicketFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, text: _, creator, supervisor, command } = self;
        write!(formatter, "{place:?} of {creator}: {supervisor} {command}")
    }
}

impl TicketFile {
    pub(crate) fn lives(&self) -> bool {
        self.supervisor || self.command
    }
}
