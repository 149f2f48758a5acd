//! The command `demo`, and the hidden form of it that one painter runs.

use crate::{
    demo::{
        exhibition::DemoCanvasPair,
        painters::{DemoGuardMode, DemoPainterEnvironment, DemoPaintingOutcome},
        picture::{DemoCanvas, DemoStroke, PAINTERS},
        stroke,
    },
    env,
    exit::ExitCode,
    failure::CliFailure,
    output::{self, AnimatedLines},
};
use clap::Args;
use lokt_lock::{
    guard::{ReceivedSignal, SignalReader},
    sys,
};
use std::{io, path::PathBuf};

/// Show with a picture why concurrent writers need a lock
///
/// Several processes paint one picture in one file, first without a lock, then with one. It takes a few seconds
/// and leaves no files behind.
#[derive(Args, Debug)]
pub(crate) struct DemoCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Paint only this stroke, as one of the painters
    #[arg(long, hide = true, requires = "canvas")]
    stroke: Option<usize>,
    /// On this canvas
    #[arg(long, hide = true, requires = "stroke")]
    canvas: Option<PathBuf>,
}

impl DemoCommand {
    /// With `--stroke` and `--canvas`, this process is a painter and paints one stroke. Else it is
    /// the whole demonstration.
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        match (&self.canvas, self.stroke) {
            (Some(file), Some(number)) => {
                let stroke =
                    DemoStroke::new(number).ok_or_else(|| CliFailure::usage("no such stroke"))?;
                stroke::paint(file, stroke).map_err(|error| cannot("paint", &error))?;
                Ok(ExitCode::Done)
            }
            _ => self.exhibit(),
        }
    }

    /// Paints in a temporary folder that is removed afterwards, also after a signal.
    fn exhibit(&self) -> Result<ExitCode, CliFailure> {
        let signals = SignalReader::hold().map_err(|error| cannot("hold signals back", &error))?;
        let folder = tempfile::Builder::new().prefix("lokt-demo-").tempdir_in(env::temporary());
        let folder = folder.and_then(|it| {
            sys::keep_owner_bits_of(it.path(), 0o700)?;
            Ok(it)
        });
        let folder = folder.map_err(|error| cannot("make a folder to paint in", &error))?;
        let program =
            std::env::current_exe().map_err(|error| cannot("find this program", &error))?;
        let painted = self.paint(&DemoPainterEnvironment {
            program,
            folder: folder.path(),
            signals: &signals,
        });
        // Before a signal ends this: nothing is left behind.
        drop(folder);
        match painted? {
            None => Ok(ExitCode::Done),
            Some(received) => {
                signals.die_of(received.signal);
                Ok(ExitCode::Command(received.signal.code()))
            }
        }
    }

    /// Paints both pictures; gives the signal that ended it before.
    fn paint(
        &self,
        studio: &DemoPainterEnvironment<'_>,
    ) -> Result<Option<ReceivedSignal>, CliFailure> {
        let mut exhibition = DemoCanvasPair::new();
        let width = output::width();
        let lines = exhibition.lines(width, output::glyphs()).len();
        let mut animation = (!self.json).then(|| AnimatedLines::new(lines));
        if animation.is_some() {
            let what = format!(
                "{PAINTERS} painters, one picture in one file: read it, add a stroke, write it back."
            );
            output::lines([&*what, ""])?;
        }
        for manner in [DemoGuardMode::Unlocked, DemoGuardMode::Guarded] {
            let mut show = |canvas: &DemoCanvas| {
                *part(&mut exhibition, manner) = canvas.clone();
                animation
                    .as_mut()
                    .map_or(Ok(()), |it| it.show(&exhibition.lines(width, output::glyphs())))
            };
            match studio.paint(manner, &mut show)? {
                DemoPaintingOutcome::Done(canvas) => show(&canvas)?,
                DemoPaintingOutcome::Interrupted(received) => return Ok(Some(received)),
            }
        }
        tell(&exhibition, animation, width)?;
        Ok(None)
    }
}

/// Shows both pictures as they have become, and what that says.
///
/// # Errors
/// A failure if the picture under the lock is not whole: then locks do not work here.
fn tell(
    exhibition: &DemoCanvasPair,
    animation: Option<AnimatedLines>,
    width: usize,
) -> Result<(), CliFailure> {
    match animation {
        None => output::json(&exhibition.json())?,
        Some(animation) => {
            animation.end(&exhibition.lines(width, output::glyphs()))?;
            output::lines(["", &exhibition.verdict()])?;
        }
    }
    if exhibition.is_guarded_whole() {
        return Ok(());
    }
    Err(CliFailure::new(
        ExitCode::Error,
        "strokes were lost under the lock, which must never happen",
    )
    .hint("lokt doctor   checks whether locks work on this machine"))
}

/// The picture that is painted in this way.
fn part(exhibition: &mut DemoCanvasPair, manner: DemoGuardMode) -> &mut DemoCanvas {
    match manner {
        DemoGuardMode::Unlocked => &mut exhibition.unlocked,
        DemoGuardMode::Guarded => &mut exhibition.guarded,
    }
}

/// The failure of a system call.
fn cannot(what: &str, error: &io::Error) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("cannot {what}: {error}"))
}
