use super::{
    draw::TopScreenContent,
    keys::{KeyDecoder, KeyPress},
    requests,
    snapshot::{LockNameStatus, TopSnapshot},
    state::{TopUserRequest, TopViewState},
    terminal_screen::TerminalScreen,
};
use crate::{context::CommandContext, exit::ExitCode, failure::CliFailure, failure::chain, output};
use lokt_lock::{
    audit::{AuditLogLine, AuditLogReadError, LogReader},
    file::{FileLockStore, LockRootChangeWatch},
    guard::SignalReader,
    ops::{list_reservations, survey_all},
    reservation::{Reservation, WaitingReservation},
    sys::SignalNumber,
    words::Timestamp,
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{SigSet, Signal, kill},
    unistd::{Pid, read},
};
use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

/// How much of the log's end is read for the last events, in bytes.
const TAIL: u64 = 8 * 1024;

/// The least time between two looks: what changes faster cannot be read anyway.
const PAUSE: Duration = Duration::from_millis(100);

/// How many times as long as a look the pause after it is at least: a long list must not take all of a processor.
const SHARE: u32 = 9;

/// The least time between two pictures of the same: seconds of different locks do not begin together.
const STEADY: Duration = Duration::from_millis(500);

/// How often to look where the kernel tells of no changes.
const BLIND: Duration = Duration::from_secs(1);

/// Shows the locks until the user quits.
pub(crate) fn run(context: &CommandContext) -> Result<ExitCode, CliFailure> {
    let (_, files) = context.require_files("the live view (lokt top)")?;
    // Ctrl-Z comes as a key; others may send its signal, and the terminal must be given back before it stops us.
    let signals = SignalReader::hold().map_err(|error| trouble(&error))?;
    hold_stop().map_err(|error| trouble(&error))?;
    let mut live = LiveView::new((context, files), signals).map_err(|error| trouble(&error))?;
    let ended = live.run();
    let LiveView { screen, signals, .. } = live;
    drop(screen);
    match ended.map_err(|error| trouble(&error))? {
        TopLoopEnd::Wanted => Ok(ExitCode::Done),
        TopLoopEnd::Signal(signal) => {
            signals.die_of(signal);
            Ok(ExitCode::Command(signal.code()))
        }
    }
}

/// Holds the signal of Ctrl-Z back.
fn hold_stop() -> io::Result<()> {
    Ok(SigSet::from(Signal::SIGTSTP).thread_block()?)
}

fn trouble(error: &io::Error) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("cannot use the terminal: {error}"))
}

enum TopLoopEnd {
    Wanted,
    Signal(SignalNumber),
}

/// What ended a sleep.
#[derive(Default)]
struct TopWakeReason {
    by_signal: bool,
    by_key: bool,
    by_change: bool,
}

struct LiveView<'a> {
    context: &'a CommandContext,
    files: &'a FileLockStore,
    screen: TerminalScreen,
    signals: SignalReader,
    watch: LockRootChangeWatch,
    keys: KeyDecoder,
    state: TopViewState,
    snapshot: TopSnapshot,
    looked: Instant,
    /// How long after that not to look again.
    pause: Duration,
}

impl<'a> LiveView<'a> {
    fn new(
        (context, files): (&'a CommandContext, &'a FileLockStore),
        signals: SignalReader,
    ) -> io::Result<Self> {
        let mut watch = LockRootChangeWatch::begin(files);
        let snapshot = look((context, files), &mut watch);
        Ok(Self {
            context,
            files,
            screen: TerminalScreen::take()?,
            signals,
            watch,
            keys: KeyDecoder::default(),
            state: TopViewState::default(),
            snapshot,
            looked: Instant::now(),
            pause: PAUSE,
        })
    }

    fn run(&mut self) -> io::Result<TopLoopEnd> {
        let (palette, glyphs) = (TerminalScreen::palette(), output::glyphs());
        let mut is_changed = false;
        loop {
            let now = Timestamp::now();
            let is_due = is_changed || self.watch.is_blind() || self.snapshot.is_outdated(now);
            if is_due && self.looked.elapsed() >= self.pause {
                self.look();
                is_changed = false;
            }
            let (snapshot, state) = (&self.snapshot, &self.state);
            self.screen.draw(&TopScreenContent {
                snapshot,
                state,
                now: Timestamp::now(),
                palette,
                glyphs,
            })?;
            let woken = self.sleep(is_changed)?;
            is_changed |= woken.by_change;
            if woken.by_signal
                && let Some(signal) = self.read_signals()?
            {
                return Ok(TopLoopEnd::Signal(signal));
            }
            if woken.by_key
                && let Some(ending) = self.read_keys()?
            {
                return Ok(ending);
            }
        }
    }

    fn look(&mut self) {
        let began = Instant::now();
        self.snapshot = look((self.context, self.files), &mut self.watch);
        self.looked = Instant::now();
        self.pause = PAUSE.max(began.elapsed().saturating_mul(SHARE));
    }

    /// Sleeps until a key, a signal, a change, or the moment at which something looks different. A change that is
    /// known already waits for the end of the pause.
    fn sleep(&self, is_changed: bool) -> io::Result<TopWakeReason> {
        let next = self.snapshot.until_change(Timestamp::now()).map(|next| next.max(STEADY));
        let blind = self.watch.is_blind().then_some(BLIND);
        let pause = is_changed.then(|| self.pause.saturating_sub(self.looked.elapsed()));
        let limit = [next, blind, pause].into_iter().flatten().min();
        let keyboard = io::stdin();
        let changes = if is_changed { Vec::new() } else { self.watch.sources() };
        let own = [self.signals.as_fd(), keyboard.as_fd()];
        let all = own.into_iter().chain(changes);
        let mut sources: Vec<PollFd<'_>> =
            all.map(|it| PollFd::new(it, PollFlags::POLLIN)).collect();
        match poll(&mut sources, timeout(limit)) {
            Err(Errno::EINTR) => return Ok(TopWakeReason::default()),
            polled => polled?,
        };
        let mut told = sources.iter().map(|source| source.any().unwrap_or(true));
        let (by_signal, by_key) = (told.next() == Some(true), told.next() == Some(true));
        Ok(TopWakeReason { by_signal, by_key, by_change: told.any(|it| it) })
    }

    /// The signal that ends this, where one came.
    fn read_signals(&mut self) -> io::Result<Option<SignalNumber>> {
        while let Some(received) = self.signals.next()? {
            match received.signal.standard() {
                Some(Signal::SIGTSTP) => self.stop()?,
                // While this was stopped, a shell may have changed the terminal.
                Some(Signal::SIGCONT) => self.screen.take_again()?,
                _ if received.ends_a_wait() => return Ok(Some(received.signal)),
                // A terminal that changed its size is redrawn in any case.
                _ => {}
            }
        }
        Ok(None)
    }

    fn read_keys(&mut self) -> io::Result<Option<TopLoopEnd>> {
        let mut buffer = [0; 1024];
        let count = match read(io::stdin().as_fd(), &mut buffer) {
            Err(Errno::EINTR | Errno::EAGAIN) => return Ok(None),
            // The terminal is gone, or says that nothing more will come.
            Ok(0) | Err(Errno::EIO) => return Ok(Some(TopLoopEnd::Wanted)),
            count => count?,
        };
        for key in self.keys.take(buffer.get(..count).unwrap_or_default()) {
            if let Some(ending) = self.press(key)? {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }

    fn press(&mut self, key: KeyPress) -> io::Result<Option<TopLoopEnd>> {
        match self.state.press(key, &self.snapshot) {
            None => {}
            Some(TopUserRequest::Quit) => return Ok(Some(TopLoopEnd::Wanted)),
            // The whole job, as the terminal would have done it.
            Some(TopUserRequest::Stop) => kill(Pid::from_raw(0), Signal::SIGTSTP)?,
            Some(request) => {
                self.state.message = Some(requests::act(self.context, &request));
                self.look();
            }
        }
        Ok(None)
    }

    /// Stops this program until it gets SIGCONT.
    fn stop(&mut self) -> io::Result<()> {
        self.screen.leave();
        self.signals.die_of(Signal::SIGTSTP.into());
        hold_stop()?;
        self.screen.take_again()
    }
}

/// poll(2) counts whole milliseconds; rounding up keeps it from waking before anything is different.
fn timeout(limit: Option<Duration>) -> PollTimeout {
    let Some(limit) = limit else { return PollTimeout::NONE };
    let milliseconds = limit.as_micros().div_ceil(1000).min(1_000_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

/// Finds out what there is to show, and watches for changes of it.
fn look(
    (context, files): (&CommandContext, &FileLockStore),
    watch: &mut LockRootChangeWatch,
) -> TopSnapshot {
    watch.rearm();
    let (entries, unlisted) = match survey_all(&context.store, &context.caller) {
        Ok(entries) => (entries, None),
        Err(error) => (Vec::new(), Some(chain(&error))),
    };
    let (events, unread) = match last_events(files) {
        Ok(events) => (events, None),
        Err(error) => (Vec::new(), Some(chain(&error))),
    };
    let (reserved, requests, unclear) = reservations(context);
    let snapshot = TopSnapshot {
        root: context.root.shown(),
        names: LockNameStatus::all(entries),
        reserved,
        requests,
        events,
        looked: Timestamp::now(),
        trouble: unlisted.or(unclear).or(unread),
    };
    watch.watch_processes(snapshot.processes());
    snapshot
}

/// What is reserved, which requests wait, and the first thing that cannot be read.
fn reservations(
    context: &CommandContext,
) -> (Vec<Reservation>, Vec<WaitingReservation>, Option<String>) {
    match list_reservations(&context.store, &context.caller) {
        Ok(list) => (list.standing, list.waiting, list.faults.first().map(|it| chain(it))),
        Err(error) => (Vec::new(), Vec::new(), Some(chain(&error))),
    }
}

fn last_events(files: &FileLockStore) -> Result<Vec<AuditLogLine>, AuditLogReadError> {
    let Some(mut reader) = LogReader::open(&files.layout().audit_log())? else {
        return Ok(Vec::new());
    };
    reader.seek_near_end(TAIL)?;
    let events = reader.collect::<Result<Vec<AuditLogLine>, AuditLogReadError>>()?;
    Ok(events.into_iter().filter(|event| matches!(event, AuditLogLine::Event(_))).collect())
}
