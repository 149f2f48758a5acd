//! The possible steps of a history, and how likely each is.
//!
//! A step that needs something which is absent (a guard to end, a record to change) is skipped. So any part
//! of a history is a history, and shrinking may remove any step.

use proptest::{collection::vec, prelude::*, sample::select};

/// The owner of a step. Eve is passed as a flag, the others as a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestOwnerName {
    Ada,
    Bob,
    Eve,
}

impl TestOwnerName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Bob => "bob",
            Self::Eve => "eve",
        }
    }
}

/// The name of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TestLockName {
    X,
    Y,
}

impl TestLockName {
    pub(crate) const ALL: [Self; 2] = [Self::X, Self::Y];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::X => "x",
            Self::Y => "y",
        }
    }
}

/// The lifetime of a lease, a guard or a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ttl {
    /// `1h`: longer than any history.
    Long,
    /// `1ms`: over before the next step.
    Short,
}

/// The process that a lease is tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TiedProcessState {
    Living,
    /// A process that has ended, or a live one if no process has ended yet.
    Gone,
}

/// The options of `lokt lock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockCommandOptions {
    pub(crate) ttl: Option<Ttl>,
    /// The value of the key `k`.
    pub(crate) meta: Option<&'static str>,
    pub(crate) tied_to: Option<TiedProcessState>,
    /// Called by a script that ends at once, not by a process that lives on.
    pub(crate) by_script: bool,
    pub(crate) json: bool,
}

/// How much an unlock breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnlockForce {
    Own,
    Stale,
    Force,
}

impl UnlockForce {
    pub(crate) fn flag(self) -> &'static [&'static str] {
        match self {
            Self::Own => &[],
            Self::Stale => &["--break-stale"],
            Self::Force => &["--force"],
        }
    }
}

/// The command that a guard runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardedLoktCommand {
    /// `true`
    Nothing,
    /// `lokt guard NAME -- true`
    Guard(TestLockName),
    /// `lokt lock NAME --ttl 1h`
    Lock(TestLockName),
    /// `lokt unlock NAME`
    Unlock(TestLockName, UnlockForce),
}

/// The processes that SIGKILL ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Supervisor,
    Command,
    Both,
}

/// When a record expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Never,
    Future,
    Past,
}

/// The content that a program that does not use the latch writes to a record's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForeignRecordContent {
    /// A version 0 record of a process of another host.
    Record(TestOwnerName, Expiry),
    /// A version 0 record without an expiry, of a process before this boot.
    DeadRecord(TestOwnerName),
    /// A file without content, changed just now or a minute ago.
    Empty { young: bool },
    /// Half a record, changed just now or a minute ago.
    Half { young: bool },
    /// A record of a future version.
    Newer,
    /// A folder instead of a file.
    Folder,
}

/// One step of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Exists(TestOwnerName, TestLockName),
    GetMeta(TestOwnerName, TestLockName),
    Status(TestOwnerName, TestLockName),
    Why(TestOwnerName, TestLockName),
    List(TestOwnerName),
    /// `lokt status --prune-expired`
    Prune(TestOwnerName),
    Lock(TestOwnerName, TestLockName, LockCommandOptions),
    Unlock(TestOwnerName, TestLockName, UnlockForce),
    UnlockAll(TestOwnerName),
    /// A guard that runs to its end.
    RunGuard(TestOwnerName, TestLockName, GuardedLoktCommand),
    /// A guard whose command runs on, if it enters.
    StartGuard(TestOwnerName, TestLockName, Option<Ttl>),
    /// A guard that waits in the queue if it cannot enter at once. Its command runs on.
    StartWaitingGuard(TestOwnerName, TestLockName),
    /// The first waiter gets SIGTERM.
    EndFirstWaiter(TestLockName),
    /// The oldest guard's command ends by itself.
    EndOldestCommand(TestLockName),
    /// The oldest guard, its command, or both are killed.
    Kill(TestLockName, Victim),
    /// The process that leases are tied to is killed; the next lease is tied to another.
    EndTiedProcess,
    Freeze(TestOwnerName, TestLockName, Ttl),
    Unfreeze(TestOwnerName, TestLockName, UnlockForce),
    /// Another program creates a record exclusively, as one does that takes a lock.
    CreateRecord(TestLockName, ForeignRecordContent),
    /// Another program replaces a record's file, whatever it is.
    OverwriteRecord(TestLockName, ForeignRecordContent),
    /// Another program deletes a record's file.
    DeleteRecord(TestLockName),
    /// A record's expiry passes.
    ExpireRecord(TestLockName),
    /// A broken file gets too old to be still written.
    AgeRecord(TestLockName),
    /// A freeze's file becomes unreadable.
    BreakFreeze(TestLockName),
}

fn owner() -> impl Strategy<Value = TestOwnerName> {
    prop_oneof![3 => Just(TestOwnerName::Ada), 2 => Just(TestOwnerName::Bob), 1 => Just(TestOwnerName::Eve)]
}

fn name() -> impl Strategy<Value = TestLockName> {
    prop_oneof![3 => Just(TestLockName::X), 1 => Just(TestLockName::Y)]
}

fn ttl() -> impl Strategy<Value = Ttl> {
    prop_oneof![4 => Just(Ttl::Long), 1 => Just(Ttl::Short)]
}

fn force() -> impl Strategy<Value = UnlockForce> {
    select(vec![UnlockForce::Own, UnlockForce::Stale, UnlockForce::Force])
}

fn options() -> impl Strategy<Value = LockCommandOptions> {
    let meta = prop_oneof![Just(None), select(vec!["one", "two"]).prop_map(Some)];
    let tied_to = prop_oneof![
        6 => Just(None),
        2 => Just(Some(TiedProcessState::Living)),
        1 => Just(Some(TiedProcessState::Gone)),
    ];
    (proptest::option::of(ttl()), meta, tied_to, prop::bool::weighted(0.2), any::<bool>()).prop_map(
        |(ttl, meta, tied_to, by_script, json)| LockCommandOptions {
            ttl,
            meta,
            tied_to,
            by_script,
            json,
        },
    )
}

fn command() -> impl Strategy<Value = GuardedLoktCommand> {
    prop_oneof![
        4 => Just(GuardedLoktCommand::Nothing),
        2 => name().prop_map(GuardedLoktCommand::Guard),
        1 => name().prop_map(GuardedLoktCommand::Lock),
        1 => (name(), force()).prop_map(|(name, force)| GuardedLoktCommand::Unlock(name, force)),
    ]
}

fn content() -> impl Strategy<Value = ForeignRecordContent> {
    let end = select(vec![Expiry::Never, Expiry::Future, Expiry::Past]);
    prop_oneof![
        4 => (owner(), end).prop_map(|(owner, end)| ForeignRecordContent::Record(owner, end)),
        1 => owner().prop_map(ForeignRecordContent::DeadRecord),
        2 => any::<bool>().prop_map(|young| ForeignRecordContent::Empty { young }),
        2 => any::<bool>().prop_map(|young| ForeignRecordContent::Half { young }),
        1 => Just(ForeignRecordContent::Newer),
        1 => Just(ForeignRecordContent::Folder),
    ]
}

fn owner_and_name() -> impl Strategy<Value = (TestOwnerName, TestLockName)> {
    (owner(), name())
}

fn look() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => owner_and_name().prop_map(|(by, name)| Step::Exists(by, name)),
        2 => owner_and_name().prop_map(|(by, name)| Step::GetMeta(by, name)),
        2 => owner_and_name().prop_map(|(by, name)| Step::Status(by, name)),
        2 => owner_and_name().prop_map(|(by, name)| Step::Why(by, name)),
        1 => owner().prop_map(Step::List),
        1 => owner().prop_map(Step::Prune),
    ]
}

fn victim() -> impl Strategy<Value = Victim> {
    select(vec![Victim::Supervisor, Victim::Command, Victim::Both])
}

fn act() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (owner(), name(), options()).prop_map(|(by, name, options)| Step::Lock(by, name, options)),
        6 => (owner(), name(), force()).prop_map(|(by, name, force)| Step::Unlock(by, name, force)),
        1 => owner().prop_map(Step::UnlockAll),
        5 => (owner(), name(), command()).prop_map(|(by, name, command)| Step::RunGuard(by, name, command)),
        8 => (owner(), name(), proptest::option::of(Just(Ttl::Long)))
            .prop_map(|(by, name, ttl)| Step::StartGuard(by, name, ttl)),
        4 => name().prop_map(Step::EndOldestCommand),
        4 => (name(), victim()).prop_map(|(name, victim)| Step::Kill(name, victim)),
        1 => Just(Step::EndTiedProcess),
        2 => name().prop_map(Step::ExpireRecord),
        2 => (owner(), name(), ttl()).prop_map(|(by, name, ttl)| Step::Freeze(by, name, ttl)),
        3 => (owner(), name(), select(vec![UnlockForce::Own, UnlockForce::Force]))
            .prop_map(|(by, name, force)| Step::Unfreeze(by, name, force)),
    ]
}

/// Steps that end something that a waiter may wait for.
fn ending() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => name().prop_map(Step::EndOldestCommand),
        1 => (name(), victim()).prop_map(|(name, victim)| Step::Kill(name, victim)),
        2 => owner_and_name().prop_map(|(by, name)| Step::Unlock(by, name, UnlockForce::Own)),
        2 => owner_and_name().prop_map(|(by, name)| Step::Unfreeze(by, name, UnlockForce::Force)),
        1 => name().prop_map(Step::ExpireRecord),
    ]
}

fn fault() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (name(), content()).prop_map(|(name, content)| Step::CreateRecord(name, content)),
        2 => (name(), content()).prop_map(|(name, content)| Step::OverwriteRecord(name, content)),
        3 => name().prop_map(Step::DeleteRecord),
        2 => name().prop_map(Step::AgeRecord),
        1 => name().prop_map(Step::BreakFreeze),
    ]
}

fn wait() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => owner_and_name().prop_map(|(by, name)| Step::StartWaitingGuard(by, name)),
        1 => name().prop_map(Step::EndFirstWaiter),
    ]
}

/// The longest history.
const LONGEST: usize = 24;

/// Histories of what owners do, with killed processes.
pub(crate) fn histories_of_owners() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![1 => look(), 3 => act()];
    vec(step, 1..=LONGEST)
}

/// Histories in which other programs change files, too.
pub(crate) fn histories_with_faults() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => look(), 5 => act(), 3 => fault()];
    vec(step, 1..=LONGEST)
}

/// Histories in which guards wait in the queue.
pub(crate) fn histories_with_queue() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![2 => look(), 4 => act(), 4 => wait(), 4 => ending(), 1 => fault()];
    vec(step, 1..=LONGEST)
}
