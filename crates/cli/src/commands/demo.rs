use crate::{
    demo::{
        exhibition::Exhibition,
        painters::{Manner, Painted, Studio},
        picture::{Canvas, PAINTERS, Stroke},
        stroke,
    },
    env,
    exit::Code,
    failure::Failure,
    output::{self, Animation},
};
use clap::Args;
use lokt_lock::guard::{Received, Signals};
use std::{io, path::PathBuf};

/// Show what a lock is good for, with a picture
///
/// Some painters paint one picture in one file, first without a lock and then under one. It takes some seconds,
/// and leaves nothing behind.
#[derive(Args, Debug)]
pub(crate) struct Demo {
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

impl Demo {
    pub(crate) fn run(&self) -> Result<Code, Failure> {
        match (&self.canvas, self.stroke) {
            (Some(file), Some(number)) => {
                let stroke = Stroke::new(number).ok_or_else(|| Failure::usage("no such stroke"))?;
                stroke::paint(file, stroke).map_err(|error| cannot("paint", &error))?;
                Ok(Code::Done)
            }
            _ => self.exhibit(),
        }
    }

    fn exhibit(&self) -> Result<Code, Failure> {
        let signals = Signals::hold().map_err(|error| cannot("hold signals back", &error))?;
        let folder = tempfile::Builder::new().prefix("lokt-demo-").tempdir_in(env::temporary());
        let folder = folder.map_err(|error| cannot("make a folder to paint in", &error))?;
        let program =
            std::env::current_exe().map_err(|error| cannot("find this program", &error))?;
        let painted = self.paint(&Studio { program, folder: folder.path(), signals: &signals });
        // Before a signal ends this: nothing is left behind.
        drop(folder);
        match painted? {
            None => Ok(Code::Done),
            Some(received) => {
                signals.die_of(received.signal);
                Ok(Code::Command(received.signal.code()))
            }
        }
    }

    /// Paints both pictures; gives the signal that ended it before.
    fn paint(&self, studio: &Studio<'_>) -> Result<Option<Received>, Failure> {
        let mut exhibition = Exhibition::new();
        let width = output::width();
        let lines = exhibition.lines(width, output::glyphs()).len();
        let mut animation = (!self.json).then(|| Animation::new(lines));
        if animation.is_some() {
            let what = format!(
                "{PAINTERS} painters, one picture in one file: read it, add a stroke, write it back."
            );
            output::lines([&*what, ""])?;
        }
        for manner in [Manner::Unlocked, Manner::Guarded] {
            let mut show = |canvas: &Canvas| {
                *part(&mut exhibition, manner) = canvas.clone();
                animation
                    .as_mut()
                    .map_or(Ok(()), |it| it.show(&exhibition.lines(width, output::glyphs())))
            };
            match studio.paint(manner, &mut show)? {
                Painted::Done(canvas) => show(&canvas)?,
                Painted::Interrupted(received) => return Ok(Some(received)),
            }
        }
        tell(&exhibition, animation, width)?;
        Ok(None)
    }
}

/// Shows both pictures as they have become, and what that says.
fn tell(
    exhibition: &Exhibition,
    animation: Option<Animation>,
    width: usize,
) -> Result<(), Failure> {
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
    Err(Failure::new(Code::Error, "strokes were lost under the lock, which must never happen")
        .hint("lokt doctor   checks whether locks work on this machine"))
}

fn part(exhibition: &mut Exhibition, manner: Manner) -> &mut Canvas {
    match manner {
        Manner::Unlocked => &mut exhibition.unlocked,
        Manner::Guarded => &mut exhibition.guarded,
    }
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    Failure::new(Code::Error, format!("cannot {what}: {error}"))
}
