//! `audit --timeline`: holders and waiters over time, as bars, JSON or a page.
//!
//! The room [`timeline`](crate::timeline) gathers and draws. Here are the options and the file.

use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    output,
    timeline::{
        bars::{self, TimelineBarOptions},
        gather::{self, TimeRange},
        json, page,
        source::TimelineRepository,
    },
};
use clap::Args;
use lokt_lock::{
    audit::{Timeline, TimelineSubject},
    sys,
};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What `audit` shows in place of events.
#[derive(Args, Debug)]
pub(super) struct TimelineOptions {
    /// Show holders and waiters over time, instead of events
    #[arg(long, conflicts_with_all = ["event", "tail"])]
    timeline: bool,
    /// With --timeline: write it to this file as a page for a browser; `-` is standard output
    #[arg(long, value_name = "FILE", requires = "timeline", conflicts_with = "json")]
    html: Option<PathBuf>,
}

/// In which form a timeline is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimelineFormat {
    /// Bars on a terminal, or the page of `--html`.
    Text,
    /// One JSON object.
    Json,
}

impl TimelineOptions {
    /// Whether `--timeline` was given.
    pub(super) fn is_asked(&self) -> bool {
        self.timeline
    }

    /// Shows the spans that `wanted` chooses by their lane and their owner.
    pub(super) fn run(
        &self,
        context: &CommandContext,
        (asked, form): (&TimeRange, TimelineFormat),
        wanted: impl Fn((TimelineSubject, &str), &str) -> bool,
    ) -> Result<ExitCode, CliFailure> {
        let (root, _) = context.require_files("timelines (lokt audit --timeline)")?;
        let mut timeline = gather::timeline(context, asked)?;
        timeline.retain(|lane, span| wanted(lane, &span.who.owner));
        let source = TimelineRepository::of(root);
        match &self.html {
            Some(file) if file.as_os_str() == "-" => {
                let page = page::html(&timeline, &source);
                let page = page.map_err(|error| cannot_write(file, &error.into()))?;
                output::bytes(page.as_bytes())?;
            }
            Some(file) => {
                write_page(file, &timeline, &source)?;
                output::text(&format!("wrote {}", file.display()))?;
            }
            None if form == TimelineFormat::Json => output::json(&json::json(&timeline))?,
            None if timeline.lanes.is_empty() => {
                output::note("nothing happened to any lock in this time");
            }
            None => {
                let drawing =
                    TimelineBarOptions { width: output::width(), glyphs: output::glyphs() };
                output::painted(&bars::lines(&timeline, drawing))?;
            }
        }
        Ok(ExitCode::Done)
    }
}

/// Writes the page whole or not at all. Its content is as private as the log.
fn write_page(
    file: &Path,
    timeline: &Timeline,
    source: &TimelineRepository,
) -> Result<(), CliFailure> {
    let write = || -> io::Result<()> {
        let file = replaceable(file)?;
        let page = page::html(timeline, source)?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        sys::keep_owner_bits(draft.as_file(), 0o600)?;
        draft.write_all(page.as_bytes())?;
        draft.persist(&file)?;
        Ok(())
    };
    write().map_err(|error| cannot_write(file, &error))
}

/// The failure of writing the page.
fn cannot_write(file: &Path, error: &io::Error) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("cannot write {}: {error}", file.display()))
}

/// The file that a page may take the place of: a regular one or none, behind all symbolic links.
fn replaceable(file: &Path) -> io::Result<PathBuf> {
    match file.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(file.to_owned()),
        found => found?,
    };
    let file = file.canonicalize()?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it exists and is not a regular file"));
    }
    Ok(file)
}
