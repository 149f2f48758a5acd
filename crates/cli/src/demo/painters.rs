//! The painters of `lokt demo`: four processes at a time, each painting one stroke.
//!
//! Without a lock, a painter runs `lokt demo --stroke`; under the lock it runs `lokt guard picture
//! --wait -- lokt demo --stroke`. Both read the canvas from a file and write it back, so strokes
//! are lost only without the lock.

use super::picture::{DemoCanvas, DemoStroke, PAINTERS};
use crate::{env, exit::ExitCode, failure::CliFailure};
use lokt_lock::guard::{ReceivedSignal, SignalReader};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    collections::VecDeque,
    fs,
    io::{self, Read},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The lock under which a picture is painted.
pub(crate) const LOCK: &str = "picture";

/// How long to wait for the next picture of the canvas, in milliseconds.
const FRAME: u16 = 40;

/// What would tie the painters to a guard or an agent around the demonstration.
const FOREIGN: [&str; 5] = [env::HELD, env::OWNER_DERIVED, env::AGENT_ID, env::NAME, env::LOCK_ID];

/// Whether the painters hold a lock while they paint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DemoGuardMode {
    Unlocked,
    Guarded,
}

/// How painting ended.
pub(crate) enum DemoPaintingOutcome {
    /// With the canvas as it is now.
    Done(DemoCanvas),
    /// By this signal; the picture is not finished.
    Interrupted(ReceivedSignal),
}

/// Where painters work.
pub(crate) struct DemoPainterEnvironment<'a> {
    /// This program.
    pub(crate) program: PathBuf,
    /// A folder for the painters only.
    pub(crate) folder: &'a Path,
    /// The signals that end the demonstration.
    pub(crate) signals: &'a SignalReader,
}

/// One painter: the stroke that it is at, and those that it has yet to paint.
struct DemoPainterProcess {
    /// Its number, from 0; its owner is `painter-` and the number from 1.
    number: usize,
    /// The process of its present stroke.
    at_work: Option<Child>,
    /// The strokes to come.
    left: VecDeque<DemoStroke>,
}

impl Drop for DemoPainterProcess {
    /// Stops the painter when the demonstration ends.
    fn drop(&mut self) {
        let Some(mut child) = self.at_work.take() else { return };
        if let Ok(pid) = i32::try_from(child.id()) {
            // A guard passes it on to what it runs. One that has ended by itself is collected all the same.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = child.wait();
    }
}

impl DemoPainterEnvironment<'_> {
    /// Lets all painters paint, and shows the canvas from time to time.
    ///
    /// `show` gets the canvas every 40 ms or more often. A painter that fails ends the whole
    /// demonstration, and the others are stopped.
    pub(crate) fn paint(
        &self,
        manner: DemoGuardMode,
        mut show: impl FnMut(&DemoCanvas) -> Result<(), CliFailure>,
    ) -> Result<DemoPaintingOutcome, CliFailure> {
        let file = self.folder.join(match manner {
            DemoGuardMode::Unlocked => "unlocked",
            DemoGuardMode::Guarded => "guarded",
        });
        fs::write(&file, DemoCanvas::blank().bytes())
            .map_err(|error| cannot("write the canvas", &error))?;
        let read = || fs::read(&file).map(|bytes| DemoCanvas::read(&bytes));
        let read = || read().map_err(|error| cannot("read the canvas", &error));
        let mut painters: Vec<DemoPainterProcess> = (0..PAINTERS).map(painter).collect();
        loop {
            for painter in &mut painters {
                self.go_on(painter, manner, &file)?;
            }
            if painters.iter().all(|painter| painter.at_work.is_none()) {
                return Ok(DemoPaintingOutcome::Done(read()?));
            }
            show(&read()?)?;
            if let Some(received) = self.wait()? {
                return Ok(DemoPaintingOutcome::Interrupted(received));
            }
        }
    }

    /// Starts a painter's next stroke, where the one before is done.
    fn go_on(
        &self,
        painter: &mut DemoPainterProcess,
        manner: DemoGuardMode,
        file: &Path,
    ) -> Result<(), CliFailure> {
        if let Some(child) = &mut painter.at_work {
            let Some(status) =
                child.try_wait().map_err(|error| cannot("wait for a painter", &error))?
            else {
                return Ok(());
            };
            if !status.success() {
                return Err(failed(child));
            }
            painter.at_work = None;
        }
        if let Some(stroke) = painter.left.pop_front() {
            let child = self.command(painter.number, manner, (file, stroke)).spawn();
            painter.at_work = Some(child.map_err(|error| cannot("start a painter", &error))?);
        }
        Ok(())
    }

    /// The command for one stroke. It has its root in the demonstration's folder, and its own
    /// owner.
    fn command(
        &self,
        painter: usize,
        manner: DemoGuardMode,
        (file, stroke): (&Path, DemoStroke),
    ) -> Command {
        let mut command = Command::new(&self.program);
        if manner == DemoGuardMode::Guarded {
            command.args(["guard", LOCK, "--wait", "--"]).arg(&self.program);
        }
        command
            .arg("demo")
            .arg("--canvas")
            .arg(file)
            .arg("--stroke")
            .arg(stroke.number().to_string());
        for key in FOREIGN {
            command.env_remove(key);
        }
        command.env(env::ROOT, self.folder.join("root"));
        command.env(env::OWNER, format!("painter-{}", painter + 1));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Waits for a painter's end, or for the next picture; gives the signal that is to end all this.
    fn wait(&self) -> Result<Option<ReceivedSignal>, CliFailure> {
        let mut sources = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut sources, PollTimeout::from(FRAME)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(cannot("wait for the painters", &errno.into())),
        }
        loop {
            match self.signals.next().map_err(|error| cannot("read signals", &error))? {
                Some(received) if received.ends_a_wait() => return Ok(Some(received)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}

/// A painter that has all its strokes before it.
fn painter(number: usize) -> DemoPainterProcess {
    let left = DemoStroke::all().filter(|stroke| stroke.painter() == number).collect();
    DemoPainterProcess { number, at_work: None, left }
}

/// The failure of a system call.
fn cannot(what: &str, error: &io::Error) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("cannot {what}: {error}"))
}

/// A painter that failed, with what it said last.
fn failed(child: &mut Child) -> CliFailure {
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        // What it said matters less than that it failed.
        let _ = stderr.read_to_string(&mut said);
    }
    let said =
        said.lines().filter(|line| !line.starts_with("note: ")).collect::<Vec<_>>().join("; ");
    CliFailure::new(ExitCode::Error, format!("a painter failed: {said}"))
}
