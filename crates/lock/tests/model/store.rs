//! The store in memory: the verbs of [`LockStore`], done to a [`World`] as the store of files does them to a root.
//!
//! Every change is noted in a [`Tape`] with the world as it is right after it, which is what a process that
//! dies at that moment leaves. A [`Mishap`] befalls one chosen verb.

use crate::model::{
    section::{MemorySection, MemoryTicket},
    vigil::{MemoryVigil, NoAlarm, is_over},
    world::{ForeignStep, World},
};
use lokt_lock::{
    audit::AuditEvent,
    record::RecordSlot,
    rules::{Obstacle, QueuePlace, TicketContent, Waiter},
    store::{Durability, LockRecordKind, LockStore, LockStoreError},
    words::{LockId, LockName, Timestamp},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    io::ErrorKind,
    rc::Rc,
};

/// What befalls an operation, at which verb of the kind that it can befall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    None,
    /// Before the look at, the putting or the removal of a lock record, another program does something.
    Foreign(usize, ForeignStep),
    /// Before the clock is read, time passes.
    Tick(usize),
    /// The verb fails, and changes nothing.
    Failure(usize),
}

/// What is noted of an operation.
#[derive(Debug)]
pub(crate) struct Tape {
    /// Each change, and the world right after it.
    pub(crate) changes: Vec<(&'static str, World)>,
    /// How many verbs there were that touch a lock record.
    pub(crate) touches: usize,
    /// How often the clock was read.
    pub(crate) readings: usize,
    /// How many verbs could have failed.
    pub(crate) chances: usize,
    mishap: Mishap,
    /// Whether the mishap could happen, and did.
    pub(crate) befell: bool,
    /// Whether what was to be removed was not any more what had been judged.
    pub(crate) replaced: bool,
}

/// The store, as one process has it.
#[derive(Clone)]
pub(crate) struct MemoryStore(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(super) world: RefCell<World>,
    pub(super) tape: RefCell<Tape>,
    /// Whether somebody is in the section.
    pub(super) latched: Cell<bool>,
    pub(super) process: usize,
    /// How many more vigils end at once, whatever they are set on.
    pub(crate) restless: Cell<u32>,
}

impl MemoryStore {
    pub(crate) fn new(world: World, process: usize, mishap: Mishap) -> Self {
        let tape = Tape {
            changes: Vec::new(),
            touches: 0,
            readings: 0,
            chances: 0,
            mishap,
            befell: false,
            replaced: false,
        };
        Self(Rc::new(Inner {
            world: RefCell::new(world),
            tape: RefCell::new(tape),
            latched: Cell::new(false),
            process,
            restless: Cell::new(0),
        }))
    }

    /// The world as it is after all, and what was noted. No ticket may be left in anybody's hands.
    pub(crate) fn into_parts(self) -> (World, Tape) {
        let inner = Rc::into_inner(self.0).expect("an operation keeps no hold of the store");
        (inner.world.into_inner(), inner.tape.into_inner())
    }

    /// Changes the world, and notes that.
    pub(super) fn change(&self, what: &'static str, change: impl FnOnce(&mut World)) {
        let mut world = self.0.world.borrow_mut();
        change(&mut world);
        self.0.tape.borrow_mut().changes.push((what, world.clone()));
    }

    /// A moment before a lock record is touched.
    pub(super) fn touch(&self, kind: LockRecordKind) {
        if kind == LockRecordKind::Freeze {
            return;
        }
        let tape = &mut *self.0.tape.borrow_mut();
        if let Mishap::Foreign(at, step) = tape.mishap
            && at == tape.touches
        {
            tape.befell = self.0.world.borrow_mut().foreign_step(step);
        }
        tape.touches += 1;
    }

    /// A verb that can fail.
    pub(super) fn try_verb(&self, action: &'static str) -> Result<(), LockStoreError> {
        let tape = &mut *self.0.tape.borrow_mut();
        let fails = tape.mishap == Mishap::Failure(tape.chances);
        tape.chances += 1;
        tape.befell |= fails;
        let error = || LockStoreError::io(action, "memory")(ErrorKind::StorageFull.into());
        if fails { Err(error()) } else { Ok(()) }
    }
}

impl LockStore for MemoryStore {
    type Section<'s> = MemorySection<'s>;
    type Ticket = MemoryTicket;
    type ObstacleWatch = MemoryVigil;
    type LossWatcher = NoAlarm;

    fn now(&self) -> Timestamp {
        let tape = &mut *self.0.tape.borrow_mut();
        if tape.mishap == Mishap::Tick(tape.readings) {
            self.0.world.borrow_mut().ticks += 1;
            tape.befell = true;
        }
        tape.readings += 1;
        self.0.world.borrow().now()
    }

    fn new_id(&self) -> Result<LockId, LockStoreError> {
        let mut world = self.0.world.borrow_mut();
        world.ids += 1;
        Ok(LockId::from_record(&format!("{}-{}", self.0.process, world.ids)).unwrap())
    }

    fn section(&self, name: &LockName) -> Result<MemorySection<'_>, LockStoreError> {
        self.try_verb("enter the section")?;
        let was = self.0.latched.replace(true);
        assert!(!was, "who is in the section and wants to enter it would wait for itself");
        Ok(MemorySection { store: self, name: name.clone() })
    }

    fn peek(&self, _: &LockName, kind: LockRecordKind) -> RecordSlot {
        self.touch(kind);
        self.0.world.borrow().slot(kind)
    }

    fn line(&self, _: &LockName) -> Result<Vec<QueuePlace>, LockStoreError> {
        self.try_verb("list the line")?;
        // The last first: no rule may count on an order.
        Ok(self.0.world.borrow().line.iter().rev().map(|file| file.place.clone()).collect())
    }

    fn lives(&self, _: &LockName, place: &QueuePlace) -> bool {
        self.0.world.borrow().lives(place)
    }

    fn ticket_text(&self, _: &LockName, place: &QueuePlace) -> Option<TicketContent> {
        self.0.world.borrow().file(place).map(|file| (*file.text).clone())
    }

    fn keepers(&self, _: &LockName, _: &QueuePlace) -> Vec<i32> {
        Vec::new()
    }

    fn names(&self, _: LockRecordKind) -> Result<Vec<LockName>, LockStoreError> {
        Ok(Vec::new())
    }

    fn lines(&self) -> Result<BTreeSet<LockName>, LockStoreError> {
        Ok(BTreeSet::new())
    }

    fn nested(&self) -> Vec<Waiter> {
        Vec::new()
    }

    fn loss_watcher(&self, _: &[(&LockName, Option<&QueuePlace>)]) -> Option<NoAlarm> {
        None
    }

    fn watch(&self, _: &LockName, obstacle: &Obstacle) -> Result<MemoryVigil, LockStoreError> {
        let restless = self.0.restless.get();
        self.0.restless.set(restless.saturating_sub(1));
        Ok(MemoryVigil(restless > 0 || is_over(&self.0.world.borrow(), obstacle)))
    }

    fn log(&self, _: &AuditEvent, _: Durability) -> Result<(), LockStoreError> {
        self.try_verb("write the log")
    }
}
