//! The commands `results …`: listing and removing what `once` keeps.
//!
//! The store of the results knows nothing of leases. Whatever is removed here also loses its lease,
//! so that `lokt status` shows no result that is gone.

use crate::once::withdraw::withdraw;
use crate::{
    context::{CommandContext, CommandWithOwnerOption, OwnerOption},
    exit::ExitCode,
    failure::{CliFailure, chain},
    once::results_of,
    output, span,
    view::{command_line, table::TextTable},
};
use clap::{Args, Subcommand};
use lokt_lock::words::{LockName, Timestamp};
use lokt_once::{
    recording::BlobReference,
    results::{self, PruneOutcome, ResultRecord, ResultStoreError, RetentionLimits},
};
use serde_json::{Value, json};
use std::time::Duration;

/// List and remove the results that `lokt once` keeps
///
/// Results are kept until their --ttl passes or space is needed: together they take at most 4 GiB, and the least
/// recently used are removed first.
#[derive(Args, Debug)]
pub(crate) struct ResultsCommand {
    #[command(subcommand)]
    action: ResultsAction,
}

#[derive(Debug, Subcommand)]
enum ResultsAction {
    List(ResultsListCommand),
    Show(ResultsShowCommand),
    Rm(CommandWithOwnerOption<ResultsRemoveCommand>),
    Prune(CommandWithOwnerOption<ResultsPruneCommand>),
}

/// List all results, most recently used first
#[derive(Args, Debug)]
struct ResultsListCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show one result: its command, when it ran, and where its output is
#[derive(Args, Debug)]
struct ResultsShowCommand {
    /// The result's name (shows the most recently used), or the beginning of its digest
    #[arg(value_name = "NAME|DIGEST")]
    which: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Remove all results of a name, or one result by its digest
#[derive(Args, Debug)]
struct ResultsRemoveCommand {
    /// The name, or the beginning of the digest
    #[arg(value_name = "NAME|DIGEST", required = true)]
    which: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Remove expired results, and files that crashes left behind
#[derive(Args, Debug)]
struct ResultsPruneCommand {
    /// Also remove results that were not used for this long
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse)]
    older: Option<Duration>,
    /// Also remove the least recently used results, until the rest takes at most this many bytes (like 500M or
    /// 2G)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ResultsCommand {
    /// The owner of an action that depends on one.
    pub(crate) fn owner(&mut self) -> Option<&mut OwnerOption> {
        match &mut self.action {
            ResultsAction::Rm(it) => Some(&mut it.acting),
            ResultsAction::Prune(it) => Some(&mut it.acting),
            ResultsAction::List(_) | ResultsAction::Show(_) => None,
        }
    }

    pub(crate) fn run(self) -> Result<ExitCode, CliFailure> {
        match self.action {
            ResultsAction::List(it) => it.run(&CommandContext::to_read()?),
            ResultsAction::Show(it) => it.run(&CommandContext::to_read()?),
            ResultsAction::Rm(it) => it.run(|it, context| it.run(context)),
            ResultsAction::Prune(it) => it.run(|it, context| it.run(context)),
        }
    }
}

impl ResultsListCommand {
    fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let results = results_of(context)?;
        let found = results.list()?;
        if self.json {
            let views: Vec<Value> =
                found.iter().map(|(record, used)| view(&results, record, *used)).collect();
            output::json(&views)?;
            return Ok(ExitCode::Done);
        }
        if found.is_empty() {
            output::note("no results; lokt once NAME -- COMMAND makes one");
            return Ok(ExitCode::Done);
        }
        let now = Timestamp::now();
        let mut table = TextTable::new(&[
            "NAME", "DIGEST", "CODE", "AGE", "USED", "ENDS IN", "SIZE", "COMMAND",
        ]);
        for (record, used) in &found {
            let ends = record.expires_at.map(|end| match end.since(now) {
                Duration::ZERO => "over".to_owned(),
                left => span::show(left),
            });
            table.row(vec![
                record.name.to_string(),
                record.key.short(),
                record.exit_code.to_string(),
                span::show(now.since(record.finished_at)),
                span::show(now.since(*used)),
                ends.unwrap_or_default(),
                bytes(record.bytes()),
                command_line(&record.command),
            ]);
        }
        output::lines(table.lines())?;
        Ok(ExitCode::Done)
    }
}

impl ResultsShowCommand {
    fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let results = results_of(context)?;
        let found = results.list()?;
        let meant = found.iter().find(|(record, _)| is_meant(&self.which, record));
        let (record, used) = meant.ok_or_else(|| unknown(&self.which))?;
        if self.json {
            output::json(&view(&results, record, *used))?;
            return Ok(ExitCode::Done);
        }
        let path = |stored: BlobReference| results.content(stored.digest).display().to_string();
        let mut lines = vec![
            format!("name:       {}", record.name),
            format!("digest:     {}", record.key),
            format!("exit code:  {}", record.exit_code),
            format!("command:    {}", command_line(&record.command)),
            format!("run by:     {} on {}{}", record.owner, record.host, agent_of(record)),
            format!("finished:   {}", record.finished_at),
            format!("took:       {}", span::show(Duration::from_millis(record.duration_ms))),
            format!("stdout:     {} ({})", path(record.stdout), bytes(record.stdout.bytes)),
            format!("stderr:     {} ({})", path(record.stderr), bytes(record.stderr.bytes)),
        ];
        lines.extend(record.expires_at.map(|end| format!("until:      {end}")));
        let artifacts = record.artifacts.iter();
        lines.extend(artifacts.map(|it| format!("artifact:   {}", it.path().display())));
        output::lines(lines)?;
        Ok(ExitCode::Done)
    }
}

impl ResultsRemoveCommand {
    fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let results = results_of(context)?;
        let found = results.list()?;
        for which in &self.which {
            if !found.iter().any(|(record, _)| is_meant(which, record)) {
                return Err(unknown(which));
            }
        }
        let pruned = results.remove(|record| self.which.iter().any(|it| is_meant(it, record)))?;
        withdraw(context, &pruned);
        report(&pruned, self.json)
    }
}

impl ResultsPruneCommand {
    fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let limits = RetentionLimits { older: self.older, most: self.max_size.unwrap_or(u64::MAX) };
        let pruned = results_of(context)?.prune(limits, Timestamp::now())?;
        withdraw(context, &pruned);
        report(&pruned, self.json)
    }
}

/// Whether a word names a result: its name, or the first digits of its digest, at least eight.
fn is_meant(which: &str, record: &ResultRecord) -> bool {
    let is_digest = which.len() >= 8 && which.bytes().all(|c| c.is_ascii_hexdigit());
    record.name.as_str() == which || (is_digest && record.key.to_string().starts_with(which))
}

/// The agent of a run in parentheses, with a space before it.
fn agent_of(record: &ResultRecord) -> String {
    record.agent_id.as_ref().map_or_else(String::new, |agent| format!(" ({agent})"))
}

/// The failure for a word that names no result. A word that could be no name is wrong usage.
fn unknown(which: &str) -> CliFailure {
    let is_name = LockName::new(which).is_ok();
    let text = format!("no result has the name {which:?} or a digest that begins with it");
    let failure = CliFailure::new(if is_name { ExitCode::NotFound } else { ExitCode::Usage }, text);
    failure.hint("lokt results list   shows all")
}

/// A result as JSON, with the paths of the stored contents.
fn view(results: &results::ResultStore, record: &ResultRecord, used: Timestamp) -> Value {
    let stream = |stored: BlobReference| json!({"bytes": stored.bytes, "path": results.content(stored.digest).display().to_string()});
    let artifacts = record.artifacts.iter().map(|it| it.path().display().to_string());
    json!({
        "name": record.name.as_str(),
        "digest": record.key.to_string(),
        "exit_code": record.exit_code,
        "command": record.command,
        "owner": record.owner.as_str(),
        "agent_id": record.agent_id,
        "host": record.host,
        "started_at": record.started_at.to_string(),
        "finished_at": record.finished_at.to_string(),
        "used_at": used.to_string(),
        "expires_at": record.expires_at.map(|it| it.to_string()),
        "duration_ms": record.duration_ms,
        "bytes": record.bytes(),
        "stdout": stream(record.stdout),
        "stderr": stream(record.stderr),
        "artifacts": artifacts.collect::<Vec<_>>(),
    })
}

/// Prints what was removed, and how many bytes were freed and are left.
fn report(pruned: &PruneOutcome, as_json: bool) -> Result<ExitCode, CliFailure> {
    let count = pruned.results.len();
    output::even_if_unread(if as_json {
        let removed: Vec<Value> = pruned
            .results
            .iter()
            .map(|it| json!({"name": it.name.as_str(), "digest": it.key.to_string()}))
            .collect();
        output::json(&json!({
            "removed": removed,
            "count": count,
            "freed_bytes": pruned.bytes,
            "left_bytes": pruned.left,
        }))
    } else {
        let results = if count == 1 { "result" } else { "results" };
        let (freed, left) = (bytes(pruned.bytes), bytes(pruned.left));
        output::text(&format!("removed {count} {results}: {freed} freed, {left} left"))
    })?;
    Ok(ExitCode::Done)
}

/// A size in readable form: `0 B`, `12 kB`, `1.4 GB`.
fn bytes(count: u64) -> String {
    let mut unit = ("B", 1);
    for larger in [("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)] {
        if count >= larger.1 {
            unit = larger;
        }
    }
    let (name, size) = unit;
    let whole = count / size;
    if size > 1 && whole < 10 {
        return format!("{whole}.{} {name}", count % size / (size / 10));
    }
    format!("{whole} {name}")
}

/// Reads `1000`, `500M`, `2G`: powers of 1024, as of `ls -h`.
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let shift = match unit {
        "" | "B" => 0,
        "k" | "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(format!("{text:?} is not a size like 1000, 500M or 2G")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is not a size like 500M"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text:?} is too large"))
}

impl From<ResultStoreError> for CliFailure {
    fn from(error: ResultStoreError) -> Self {
        match error {
            ResultStoreError::Latch(error) => error.into(),
            error => Self::new(ExitCode::Error, chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, count) in
            [("0", 0), ("1000", 1000), ("2k", 2048), ("3M", 3 << 20), ("1G", 1 << 30)]
        {
            assert_eq!(size(text), Ok(count), "{text}");
        }
        for bad in ["", "M", "1.5G", "-1", "1Q", "99999999999T"] {
            assert!(size(bad).is_err(), "{bad:?} is no size");
        }
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1400, "1.4 kB"),
            (25_000, "25 kB"),
            (2_500_000_000, "2.5 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
