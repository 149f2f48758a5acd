//! What the store in memory keeps of its one name, and what befalls it without any of our operations: time
//! that passes, processes that die, a program that knows no latch.

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

/// The one name that everybody wants.
pub(crate) static NAME: LazyLock<LockName> = LazyLock::new(|| LockName::new("x").unwrap());

/// How much time one tick of the clock is: more than a file that is being filled may take.
pub(crate) const TICK: Duration = Duration::from_secs(10);

/// The time after so many ticks.
pub(crate) fn time(ticks: u8) -> Timestamp {
    let start = Timestamp::from_microseconds(1_800_000_000_000_000).unwrap();
    start.saturating_add(TICK * u32::from(ticks))
}

/// Everything that the name has.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) ticks: u8,
    pub(crate) counter: Fence,
    pub(crate) lock: Content,
    pub(crate) freeze: Option<Arc<LockRecord>>,
    /// In the order of their numbers.
    pub(crate) line: Vec<TicketFile>,
    pub(crate) foreign: Foreign,
    /// How many ids were given.
    pub(crate) ids: u32,
}

/// What stands in the lock record's place.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Nothing,
    /// A file that its writer has not filled, since that tick.
    Empty(u8),
    Record(Arc<LockRecord>),
}

/// A ticket that has its name.
#[derive(Clone)]
pub(crate) struct TicketFile {
    pub(crate) place: QueuePlace,
    pub(crate) text: Arc<TicketContent>,
    /// The process that drew it; nobody else can have it but that one's command.
    pub(crate) drawer: usize,
    /// Whether that process has it open.
    pub(crate) supervisor: bool,
    /// Whether its command does.
    pub(crate) command: bool,
}

/// A program that knows no latch: it makes the record's file if there is none, and removes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Foreign {
    pub(crate) does: Doing,
    /// How often it may still begin.
    pub(crate) budget: u8,
    /// Whether its records end with the next tick; else never.
    pub(crate) expires: bool,
    /// Until which tick it counts on its record.
    pub(crate) until: Option<u8>,
}

/// What that program is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Doing {
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

impl World {
    pub(crate) fn new(foreign: Foreign) -> Self {
        Self {
            ticks: 0,
            counter: Fence::default(),
            lock: Content::Nothing,
            freeze: None,
            line: Vec::new(),
            foreign,
            ids: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        time(self.ticks)
    }

    pub(crate) fn slot(&self, kind: LockRecordKind) -> RecordSlot {
        match (kind, &self.lock, &self.freeze) {
            (LockRecordKind::Lock, Content::Empty(since), _) => {
                let age = TICK * u32::from(self.ticks.saturating_sub(*since));
                RecordSlot::Corrupted(RecordCorruption {
                    flaw: LockRecordFlaw::Empty,
                    age,
                    before_boot: false,
                })
            }
            (LockRecordKind::Lock, Content::Record(record), _)
            | (LockRecordKind::Freeze, _, Some(record)) => {
                RecordSlot::Record(Box::new((**record).clone()))
            }
            _ => RecordSlot::Absent,
        }
    }

    /// The lock record, where one stands.
    pub(crate) fn record(&self) -> Option<&LockRecord> {
        match &self.lock {
            Content::Record(record) => Some(record),
            _ => None,
        }
    }

    /// Whether an acquisition is named by the lock record.
    pub(crate) fn has_holder(&self, id: &LockId) -> bool {
        self.record().is_some_and(|record| record.holder(id).is_some())
    }

    /// The ticket with exactly this name.
    pub(crate) fn file(&self, place: &QueuePlace) -> Option<&TicketFile> {
        self.line.iter().find(|file| file.place == *place)
    }

    pub(crate) fn lives(&self, place: &QueuePlace) -> bool {
        self.file(place).is_some_and(TicketFile::lives)
    }

    /// Puts a ticket where its number belongs.
    pub(crate) fn add(&mut self, file: TicketFile) {
        self.line.push(file);
        self.line.sort_by_key(|file| (file.place.number, file.place.entered));
    }

    pub(crate) fn unlink(&mut self, place: &QueuePlace) {
        self.line.retain(|file| file.place != *place);
    }

    /// The process is gone, and with it the tickets that it had open; its command may live on.
    pub(crate) fn supervisor_dies(&mut self, process: usize) {
        self.line.iter_mut().filter(|it| it.drawer == process).for_each(|it| it.supervisor = false);
    }

    /// The last process of its command is gone.
    pub(crate) fn command_dies(&mut self, process: usize) {
        self.line.iter_mut().filter(|it| it.drawer == process).for_each(|it| it.command = false);
    }

    /// The command starts, and inherits the ticket.
    pub(crate) fn command_starts(&mut self, place: &QueuePlace) {
        self.line.iter_mut().filter(|it| it.place == *place).for_each(|it| it.command = true);
    }

    /// Does a step of the program that knows no latch, where it can; false where it cannot.
    pub(crate) fn foreign_step(&mut self, step: ForeignStep) -> bool {
        let (does, lock) = match (step, self.foreign.does, &self.lock) {
            (ForeignStep::Create, Doing::Nothing, Content::Nothing) if self.foreign.budget > 0 => {
                self.foreign.budget -= 1;
                (Doing::Filling, Some(Content::Empty(self.ticks)))
            }
            (ForeignStep::Fill, Doing::Filling, Content::Empty(_)) => {
                (Doing::Holding, Some(self.foreign_record()))
            }
            (ForeignStep::Renew, Doing::Holding, _)
                if self.foreign.expires && self.is_foreign() && self.foreign.budget > 0 =>
            {
                self.foreign.budget -= 1;
                (Doing::Holding, Some(self.foreign_record()))
            }
            (ForeignStep::Remove, Doing::Holding, _) => {
                (Doing::Nothing, self.is_foreign().then_some(Content::Nothing))
            }
            (ForeignStep::Die, Doing::Filling | Doing::Holding, _) => (Doing::Dead, None),
            _ => return false,
        };
        self.foreign.does = does;
        self.lock = lock.unwrap_or_else(|| self.lock.clone());
        true
    }

    /// Whether the record that stands is one of the program that knows no latch.
    pub(crate) fn is_foreign(&self) -> bool {
        self.record().is_some_and(|record| record.hold.is_none())
    }

    /// Whether that program counts on its record, or on the file that it is about to fill.
    pub(crate) fn foreign_counts(&self) -> bool {
        match self.foreign.does {
            Doing::Filling => true,
            Doing::Holding => self.foreign.until.is_none_or(|until| until > self.ticks),
            Doing::Nothing | Doing::Dead => false,
        }
    }

    fn foreign_record(&mut self) -> Content {
        self.ids += 1;
        self.foreign.until = self.foreign.expires.then(|| self.ticks + 1);
        Content::Record(Arc::new(LockRecord {
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

/// Without its text, which says when it was really drawn.
impl fmt::Debug for TicketFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, text: _, drawer, supervisor, command } = self;
        write!(formatter, "{place:?} of {drawer}: {supervisor} {command}")
    }
}

impl TicketFile {
    pub(crate) fn lives(&self) -> bool {
        self.supervisor || self.command
    }
}
