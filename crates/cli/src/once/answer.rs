//! The answer to a request for a result: the JSON object of `--json`, and the exit code.
//!
//! All three ways to a result (running the command, following another's run, a kept result) end in
//! an [`OnceAnswer`]. The JSON fields are a contract; `json_fields.rs` lists them.

use super::session::OnceSession;
use crate::{exit::ExitCode, failure::CliFailure, output, span};
use lokt_lock::{
    guard::CommandEnd,
    sys,
    words::{LockName, Timestamp},
};
use lokt_once::{
    recording::{OnceRunOutcome, OutputRecorder, OutputTail, OutputTails, UnrecordedOutput},
    results::{ResultRecord, ResultStore},
};
use serde_json::{Value, json};
use std::{fmt, time::Duration};

/// Where a result came from, the `status` of the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultOrigin {
    /// The command was run.
    Ran,
    /// Another caller's run was followed to its end.
    Followed,
    /// It was kept from an earlier run.
    Hit,
}

impl ResultOrigin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Followed => "followed",
            Self::Hit => "hit",
        }
    }
}

/// The outcome of a request for a result.
pub(super) struct OnceAnswer {
    /// The JSON object.
    fields: Value,
    /// How long ago the kept result was finished; `None` if it was not kept.
    age: Option<Duration>,
    /// The exit code of this process, or the failure with its message.
    end: Result<ExitCode, CliFailure>,
}

impl OnceAnswer {
    /// A kept result.
    ///
    /// The output is in the JSON up to the length of an [`OutputTail`], with the path of the whole
    /// content. The exit code is that of the command.
    pub(super) fn of_kept(how: ResultOrigin, record: &ResultRecord, results: &ResultStore) -> Self {
        let now = Timestamp::now();
        let stream = |stored: lokt_once::recording::BlobReference| {
            let path = results.content(stored.digest);
            let tail = sys::open_regular(&path).and_then(|file| OutputTail::of(&file));
            shown(&tail.unwrap_or(OutputTail::unread(stored.bytes)), path.to_str())
        };
        let artifacts: Vec<_> =
            record.artifacts.iter().map(|it| it.path().display().to_string()).collect();
        let fields = json!({
            "status": how.as_str(),
            "name": record.name.as_str(),
            "digest": record.key.to_string(),
            "exit_code": record.exit_code,
            "kept": true,
            "duration_ms": record.duration_ms,
            "owner": record.owner.as_str(),
            "started_at": record.started_at.to_string(),
            "finished_at": record.finished_at.to_string(),
            "expires_at": record.expires_at.map(|it| it.to_string()),
            "stdout": stream(record.stdout),
            "stderr": stream(record.stderr),
            "artifacts": artifacts,
        });
        let age = Some(now.since(record.finished_at));
        Self { fields, age, end: Ok(ExitCode::Command(record.exit_code)) }
    }

    /// A verdict without a kept result, as the process that ran the command gives it.
    ///
    /// Unlike [`of_verdict`](Self::of_verdict), the answer has `duration_ms`. The output comes from
    /// the recording, or from what was kept of an output that could not be recorded.
    pub(super) fn of_run(
        sharing: &OnceSession<'_>,
        verdict: &OnceRunOutcome,
        recorder: Result<&OutputRecorder, &UnrecordedOutput>,
        took: Duration,
    ) -> Result<Self, CliFailure> {
        let tails = match recorder {
            Ok(recorder) => recorder.tails(),
            Err(unrecorded) => unrecorded.tails.clone(),
        };
        let mut answer = Self::of_verdict(ResultOrigin::Ran, sharing, verdict, &tails)?;
        if let Value::Object(fields) = &mut answer.fields {
            let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            fields.insert("duration_ms".to_owned(), took.into());
        }
        Ok(answer)
    }

    /// A verdict, with the recording.
    ///
    /// A follower looks for the kept result first, because only that has the paths of the whole
    /// output. Without it, `kept` is false and `why` says why the result was not kept.
    pub(super) fn of_verdict(
        how: ResultOrigin,
        sharing: &OnceSession<'_>,
        verdict: &OnceRunOutcome,
        tails: &OutputTails,
    ) -> Result<Self, CliFailure> {
        // A kept result would be of another run.
        if how == ResultOrigin::Followed
            && verdict.is_kept()
            && let Some(kept) = sharing.question.find(&sharing.question.now())?
        {
            return Ok(Self::of_kept(how, &kept.record, &sharing.question.results));
        }
        let stream = |tail: &Option<OutputTail>| tail.as_ref().map(|tail| shown(tail, None));
        let (code, why) = match verdict {
            OnceRunOutcome::Exited { code, not_kept, .. } => (Some(*code), not_kept.clone()),
            OnceRunOutcome::Signaled { code, signal } => {
                (Some(*code), Some(format!("ended by {signal}")))
            }
            OnceRunOutcome::NotStarted { code, message } => (Some(*code), Some(message.clone())),
            OnceRunOutcome::TimedOut { message } => (Some(124), Some(message.clone())),
            OnceRunOutcome::Abandoned { why } => (None, Some(why.clone())),
        };
        let fields = json!({
            "status": how.as_str(),
            "name": sharing.once.name.as_str(),
            "digest": sharing.question.key.to_string(),
            "exit_code": code,
            "kept": false,
            "why": why,
            "stdout": stream(&tails.out),
            "stderr": stream(&tails.err),
        });
        Ok(Self { fields, age: None, end: end_of(verdict) })
    }

    /// The answer of a run whose lock was taken away while the command ran: [`ExitCode::Lost`],
    /// whatever the command's code was.
    pub(super) fn lost(self, lock: &LockName) -> Self {
        let text = format!("lock {:?} was lost while the command ran", lock.as_str());
        let failure = CliFailure::new(ExitCode::Lost, text)
            .hint(format!("{}   shows who broke it", crate::view::audit_of(lock)));
        Self { end: Err(failure), ..self }
    }

    /// The answer of a run that was interrupted by a signal: this process ends with the command's
    /// code.
    pub(super) fn interrupted(self, ending: CommandEnd) -> Self {
        Self { end: Ok(ExitCode::Command(ending.code())), ..self }
    }

    /// The object for `--json`.
    pub(super) fn to_json(&self) -> &Value {
        &self.fields
    }

    /// The exit code, with the messages to print.
    pub(super) fn end(self) -> Result<ExitCode, CliFailure> {
        self.end
    }
}

impl fmt::Display for OnceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |key: &str| self.fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let code = self.fields.get("exit_code").and_then(Value::as_u64).unwrap_or_default();
        let age = span::show(self.age.unwrap_or_default());
        write!(f, "{}: exit code {code}, {age} ago by {}", field("name"), field("owner"))
    }
}

/// The exit code for a verdict, or the failure. Warns if a signal ended the command.
fn end_of(verdict: &OnceRunOutcome) -> Result<ExitCode, CliFailure> {
    match verdict {
        OnceRunOutcome::Exited { code, .. } => Ok(ExitCode::Command(*code)),
        OnceRunOutcome::Signaled { code, signal } => {
            output::warn(&format!("the command was ended by {signal}"));
            Ok(ExitCode::Command(*code))
        }
        OnceRunOutcome::TimedOut { message } => {
            Err(CliFailure::new(ExitCode::MaxHold, message.clone()))
        }
        OnceRunOutcome::NotStarted { code, message } => {
            Err(CliFailure::new(ExitCode::Command(*code), message.clone()))
        }
        OnceRunOutcome::Abandoned { why } => {
            Err(CliFailure::new(ExitCode::Error, format!("there is no result: {why}")))
        }
    }
}

/// A stream as it is shown. Bytes that are not UTF-8 are shown as U+FFFD.
///
/// `truncated` says that `text` is only the end of the output, `bytes` how long the whole is;
/// `path` is `null` where the content was not kept.
fn shown(tail: &OutputTail, path: Option<&str>) -> Value {
    json!({
        "text": String::from_utf8_lossy(tail.bytes()),
        "truncated": tail.whole() > tail.bytes().len() as u64,
        "bytes": tail.whole(),
        "path": path,
    })
}
