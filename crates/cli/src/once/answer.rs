use super::sharing::Sharing;
use crate::{exit::Code, failure::Failure, output, span};
use lokt_lock::{
    guard::Ending,
    words::{LockName, Timestamp},
};
use lokt_once::{
    recording::{Recorder, Tail, Tails, Unrecorded, Verdict},
    results::{ResultRecord, Results},
};
use serde_json::{Value, json};
use std::{fmt, fs::File, time::Duration};

/// How a result was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The command was run.
    Ran,
    /// Another's run was watched.
    Followed,
    /// It was kept.
    Hit,
}

impl How {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Followed => "followed",
            Self::Hit => "hit",
        }
    }
}

/// What came of asking for a result.
pub(super) struct Answer {
    fields: Value,
    age: Option<Duration>,
    end: Result<Code, Failure>,
}

impl Answer {
    /// A kept result.
    pub(super) fn of_kept(how: How, record: &ResultRecord, results: &Results) -> Self {
        let now = Timestamp::now();
        let stream = |stored: lokt_once::recording::Stored| {
            let path = results.content(stored.digest);
            let tail = File::open(&path).and_then(|file| Tail::of(&file));
            shown(&tail.unwrap_or(Tail::unread(stored.bytes)), path.to_str())
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
        Self { fields, age, end: Ok(Code::Command(record.exit_code)) }
    }

    /// A verdict by which nothing is kept, as the one who ran it gives it.
    pub(super) fn of_run(
        sharing: &Sharing<'_>,
        verdict: &Verdict,
        recorder: Result<&Recorder, &Unrecorded>,
        took: Duration,
    ) -> Result<Self, Failure> {
        let tails = match recorder {
            Ok(recorder) => recorder.tails(),
            Err(unrecorded) => unrecorded.tails.clone(),
        };
        let mut answer = Self::of_verdict(How::Ran, sharing, verdict, &tails)?;
        if let Value::Object(fields) = &mut answer.fields {
            let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            fields.insert("duration_ms".to_owned(), took.into());
        }
        Ok(answer)
    }

    /// A verdict, with what was recorded.
    pub(super) fn of_verdict(
        how: How,
        sharing: &Sharing<'_>,
        verdict: &Verdict,
        tails: &Tails,
    ) -> Result<Self, Failure> {
        // What is kept otherwise is of another run.
        if how == How::Followed
            && verdict.is_kept()
            && let Some(kept) = sharing.question.find(&sharing.question.now())?
        {
            return Ok(Self::of_kept(how, &kept.record, &sharing.question.results));
        }
        let stream = |tail: &Option<Tail>| tail.as_ref().map(|tail| shown(tail, None));
        let (code, why) = match verdict {
            Verdict::Exited { code, not_kept, .. } => (Some(*code), not_kept.clone()),
            Verdict::Signaled { code, signal } => (Some(*code), Some(format!("ended by {signal}"))),
            Verdict::NotStarted { code, message } => (Some(*code), Some(message.clone())),
            Verdict::TimedOut { message } => (Some(124), Some(message.clone())),
            Verdict::Abandoned { why } => (None, Some(why.clone())),
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

    /// The same of one whose lock was taken away.
    pub(super) fn lost(self, lock: &LockName) -> Self {
        let text = format!("lock {:?} was lost while the command ran", lock.as_str());
        let failure = Failure::new(Code::Lost, text)
            .hint(format!("{}   tells who broke it", crate::view::audit_of(lock)));
        Self { end: Err(failure), ..self }
    }

    /// The same of one who was interrupted, and ends as the command did.
    pub(super) fn interrupted(self, ending: Ending) -> Self {
        Self { end: Ok(Code::Command(ending.code())), ..self }
    }

    pub(super) fn to_json(&self) -> &Value {
        &self.fields
    }

    /// The exit code, with what is to be said.
    pub(super) fn end(self) -> Result<Code, Failure> {
        self.end
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |key: &str| self.fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let code = self.fields.get("exit_code").and_then(Value::as_u64).unwrap_or_default();
        let age = span::show(self.age.unwrap_or_default());
        write!(f, "{}: exit code {code}, {age} ago by {}", field("name"), field("owner"))
    }
}

fn end_of(verdict: &Verdict) -> Result<Code, Failure> {
    match verdict {
        Verdict::Exited { code, .. } => Ok(Code::Command(*code)),
        Verdict::Signaled { code, signal } => {
            output::warn(&format!("the command was ended by {signal}"));
            Ok(Code::Command(*code))
        }
        Verdict::TimedOut { message } => Err(Failure::new(Code::MaxHold, message.clone())),
        Verdict::NotStarted { code, message } => {
            Err(Failure::new(Code::Command(*code), message.clone()))
        }
        Verdict::Abandoned { why } => {
            Err(Failure::new(Code::Error, format!("there is no result: {why}")))
        }
    }
}

/// A stream as it is told. Bytes that are no UTF-8 are shown as U+FFFD.
fn shown(tail: &Tail, path: Option<&str>) -> Value {
    json!({
        "text": String::from_utf8_lossy(tail.bytes()),
        "truncated": tail.whole() > tail.bytes().len() as u64,
        "bytes": tail.whole(),
        "path": path,
    })
}
