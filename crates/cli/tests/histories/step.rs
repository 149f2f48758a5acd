//! What may happen in a history, and how likely.
//!
//! A step is taken as it comes: one that needs something which is not there (a guard to end, a record to
//! change) is left out, so that any part of a history is a history and shrinking may leave out what it
//! likes.

use proptest::{collection::vec, prelude::*, sample::select};

/// Who acts. Eve says so by a flag, the others by a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Ada,
    Bob,
    Eve,
}

impl Owner {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Bob => "bob",
            Self::Eve => "eve",
        }
    }
}

/// Which lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    X,
    Y,
}

impl Name {
    pub(crate) const ALL: [Self; 2] = [Self::X, Self::Y];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Y => "y",
        }
    }
}

/// A lifetime that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ttl {
    /// `1h`: longer than any history.
    Long,
    /// `1ms`: over before the next step.
    Short,
}

/// The process that a lease is tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    Living,
    /// One that has ended; where none has yet, one that lives.
    Gone,
}

/// What a lease is asked for with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) ttl: Option<Ttl>,
    /// The text of the key `k`.
    pub(crate) meta: Option<&'static str>,
    pub(crate) tie: Option<Tie>,
    /// Taken by a script that ends at once, not by a process that lives on.
    pub(crate) by_script: bool,
    pub(crate) json: bool,
}

/// How much an unlock breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Might {
    Own,
    Stale,
    Force,
}

impl Might {
    pub(crate) fn flag(self) -> &'static [&'static str] {
        match self {
            Self::Own => &[],
            Self::Stale => &["--break-stale"],
            Self::Force => &["--force"],
        }
    }
}

/// What a guard runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    /// `true`
    Nothing,
    /// `lokt guard NAME -- true`
    Guard(Name),
    /// `lokt lock NAME --ttl 1h`
    Lock(Name),
    /// `lokt unlock NAME`
    Unlock(Name, Might),
}

/// Whom SIGKILL hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Supervisor,
    Command,
    Both,
}

/// When something is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Never,
    Ahead,
    Past,
}

/// What a program that knows no latch puts in a record's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A version 0 record of a process of another host.
    Record(Owner, End),
    /// A version 0 record without an expiry, of a process before this boot.
    RecordOfTheDead(Owner),
    /// A file without content, changed just now or a minute ago.
    Empty { young: bool },
    /// Half a record, changed just now or a minute ago.
    Half { young: bool },
    /// A record of a version to come.
    Newer,
    /// A folder.
    Folder,
}

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Exists(Owner, Name),
    GetMeta(Owner, Name),
    Status(Owner, Name),
    Why(Owner, Name),
    List(Owner),
    /// `lokt status --prune-expired`
    Prune(Owner),
    Lock(Owner, Name, Terms),
    Unlock(Owner, Name, Might),
    UnlockAll(Owner),
    /// A guard that runs to its end.
    Guard(Owner, Name, Inner),
    /// A guard that stays in, if it gets in.
    Enter(Owner, Name, Option<Ttl>),
    /// A guard that waits in the queue where it does not get in at once, and then stays in.
    Queue(Owner, Name),
    /// The first in the queue is told to end.
    GiveUp(Name),
    /// The oldest guard's command ends by itself.
    Leave(Name),
    /// The oldest guard, or its command, is killed.
    Kill(Name, Victim),
    /// The process that leases are tied to is killed; the next lease is tied to another.
    EndTied,
    Freeze(Owner, Name, Ttl),
    Unfreeze(Owner, Name, Might),
    /// A program creates a record exclusively, as one does that takes a lock.
    Create(Name, Thing),
    /// Something puts a thing in a record's place, whatever stood there.
    Overwrite(Name, Thing),
    /// Somebody deletes what stands in a record's place.
    Delete(Name),
    /// A record's expiry passes.
    Expire(Name),
    /// A broken file is not changed any more.
    Age(Name),
    /// Something that is no record stands in a freeze's place.
    BreakFreeze(Name),
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![3 => Just(Owner::Ada), 2 => Just(Owner::Bob), 1 => Just(Owner::Eve)]
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![3 => Just(Name::X), 1 => Just(Name::Y)]
}

fn ttl() -> impl Strategy<Value = Ttl> {
    prop_oneof![4 => Just(Ttl::Long), 1 => Just(Ttl::Short)]
}

fn might() -> impl Strategy<Value = Might> {
    select(vec![Might::Own, Might::Stale, Might::Force])
}

fn terms() -> impl Strategy<Value = Terms> {
    let meta = prop_oneof![Just(None), select(vec!["one", "two"]).prop_map(Some)];
    let tie = prop_oneof![
        6 => Just(None),
        2 => Just(Some(Tie::Living)),
        1 => Just(Some(Tie::Gone)),
    ];
    (proptest::option::of(ttl()), meta, tie, prop::bool::weighted(0.2), any::<bool>())
        .prop_map(|(ttl, meta, tie, by_script, json)| Terms { ttl, meta, tie, by_script, json })
}

fn inner() -> impl Strategy<Value = Inner> {
    prop_oneof![
        4 => Just(Inner::Nothing),
        2 => name().prop_map(Inner::Guard),
        1 => name().prop_map(Inner::Lock),
        1 => (name(), might()).prop_map(|(name, might)| Inner::Unlock(name, might)),
    ]
}

fn thing() -> impl Strategy<Value = Thing> {
    let end = select(vec![End::Never, End::Ahead, End::Past]);
    prop_oneof![
        4 => (owner(), end).prop_map(|(owner, end)| Thing::Record(owner, end)),
        1 => owner().prop_map(Thing::RecordOfTheDead),
        2 => any::<bool>().prop_map(|young| Thing::Empty { young }),
        2 => any::<bool>().prop_map(|young| Thing::Half { young }),
        1 => Just(Thing::Newer),
        1 => Just(Thing::Folder),
    ]
}

fn who_and_what() -> impl Strategy<Value = (Owner, Name)> {
    (owner(), name())
}

fn look() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => who_and_what().prop_map(|(by, name)| Step::Exists(by, name)),
        2 => who_and_what().prop_map(|(by, name)| Step::GetMeta(by, name)),
        2 => who_and_what().prop_map(|(by, name)| Step::Status(by, name)),
        2 => who_and_what().prop_map(|(by, name)| Step::Why(by, name)),
        1 => owner().prop_map(Step::List),
        1 => owner().prop_map(Step::Prune),
    ]
}

fn victim() -> impl Strategy<Value = Victim> {
    select(vec![Victim::Supervisor, Victim::Command, Victim::Both])
}

fn act() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (owner(), name(), terms()).prop_map(|(by, name, terms)| Step::Lock(by, name, terms)),
        6 => (owner(), name(), might()).prop_map(|(by, name, might)| Step::Unlock(by, name, might)),
        1 => owner().prop_map(Step::UnlockAll),
        5 => (owner(), name(), inner()).prop_map(|(by, name, inner)| Step::Guard(by, name, inner)),
        8 => (owner(), name(), proptest::option::of(Just(Ttl::Long)))
            .prop_map(|(by, name, ttl)| Step::Enter(by, name, ttl)),
        4 => name().prop_map(Step::Leave),
        4 => (name(), victim()).prop_map(|(name, victim)| Step::Kill(name, victim)),
        1 => Just(Step::EndTied),
        2 => name().prop_map(Step::Expire),
        2 => (owner(), name(), ttl()).prop_map(|(by, name, ttl)| Step::Freeze(by, name, ttl)),
        3 => (owner(), name(), select(vec![Might::Own, Might::Force]))
            .prop_map(|(by, name, might)| Step::Unfreeze(by, name, might)),
    ]
}

/// What ends something that others may wait for.
fn ending() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => name().prop_map(Step::Leave),
        1 => (name(), victim()).prop_map(|(name, victim)| Step::Kill(name, victim)),
        2 => who_and_what().prop_map(|(by, name)| Step::Unlock(by, name, Might::Own)),
        2 => who_and_what().prop_map(|(by, name)| Step::Unfreeze(by, name, Might::Force)),
        1 => name().prop_map(Step::Expire),
    ]
}

fn mishap() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (name(), thing()).prop_map(|(name, thing)| Step::Create(name, thing)),
        2 => (name(), thing()).prop_map(|(name, thing)| Step::Overwrite(name, thing)),
        3 => name().prop_map(Step::Delete),
        2 => name().prop_map(Step::Age),
        1 => name().prop_map(Step::BreakFreeze),
    ]
}

fn wait() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => who_and_what().prop_map(|(by, name)| Step::Queue(by, name)),
        1 => name().prop_map(Step::GiveUp),
    ]
}

/// The longest history.
const LONGEST: usize = 24;

/// Histories of what owners do, and what is killed meanwhile.
pub(crate) fn among_owners() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![1 => look(), 3 => act()];
    vec(step, 1..=LONGEST)
}

/// Histories in which other programs and mishaps change files as well.
pub(crate) fn with_mishaps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => look(), 5 => act(), 3 => mishap()];
    vec(step, 1..=LONGEST)
}

/// Histories in which guards wait in the queue.
pub(crate) fn in_line() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![2 => look(), 4 => act(), 4 => wait(), 4 => ending(), 1 => mishap()];
    vec(step, 1..=LONGEST)
}
