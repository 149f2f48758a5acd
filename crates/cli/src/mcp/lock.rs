//! Taking a lock for several steps: a lease, until the connection ends or the lock is unlocked.

use super::{
    answer::{ToolAnswer, ToolError, broken, done, failed, unfit},
    argument_table::{McpArgument, McpArgumentKind, optional, required},
    argument_types::{
        McpDurationArgument, McpLockNameArgument, McpWaitLimitArgument, SHARED, SLOTS, SLOTS_KIND,
        TIMEOUT, WAITING, sharing, waiting,
    },
    call::McpCallHandle,
    command_line::{LoktCommandLine, McpCommandResult},
    next_step::OWN_LOCK,
    plain_text,
    server::{McpOperation, McpOperationEffect},
};
use lokt_lock::{
    record::HoldKind,
    store::{LockRecordKind, LockStore, NameReader},
    words::Timestamp,
};
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::Value;

/// Arguments of `lock`, which runs `lokt lock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct McpLockArguments {
    name: McpLockNameArgument,
    ttl: Option<McpDurationArgument>,
    until: Option<McpLeaseLifetime>,
    meta: Option<JsonObject>,
    shared: Option<bool>,
    slots: Option<u32>,
    wait: Option<bool>,
    timeout: Option<McpWaitLimitArgument>,
}

/// What ends a lease, if no call unlocks it before.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum McpLeaseLifetime {
    /// The end of the connection.
    Connection,
    /// Its lifetime.
    Unlock,
}

impl McpLeaseLifetime {
    /// All names, for the schema.
    const NAMES: &'static [&'static str] = &[Self::Connection.as_str(), Self::Unlock.as_str()];

    /// The name in arguments and results.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Unlock => "unlock",
        }
    }
}

/// How to unlock a lease that a shell command may not unlock.
const NEXT: &str = "unlock it with the tool unlock: to locks, your shell is another caller";

impl McpOperation for McpLockArguments {
    const NAME: &'static str = "lock";
    const TITLE: &'static str = "Take a lock";
    const ABOUT: &'static str = "Take a lock for several steps: a lease. It lasts until unlock, until its ttl passes, \
        or until this connection ends. A lease of your own is renewed: the result says its end before and now. For one \
        command, use run_guarded. If another holds it, the error says who and until when.";
    const EFFECT: McpOperationEffect = McpOperationEffect::Changes;
    const ARGUMENTS: &'static [McpArgument] = &[
        required("name", McpArgumentKind::Name, "The lock: 1 to 200 of A-Z a-z 0-9 . _ -"),
        optional(
            "ttl",
            McpArgumentKind::Duration,
            "Unlock it this long after now, like 90s, 5m, 1h30m. Required with until unlock",
        ),
        optional(
            "until",
            McpArgumentKind::Choice(McpLeaseLifetime::NAMES),
            "connection: it ends with this connection (default, except on renewal); unlock: it outlives it",
        ),
        optional(
            "meta",
            McpArgumentKind::Metadata,
            "Store this with it, for others to read in status",
        ),
        optional("shared", McpArgumentKind::Flag, SHARED),
        optional("slots", SLOTS_KIND, SLOTS),
        optional("wait", McpArgumentKind::Flag, WAITING),
        optional("timeout", McpArgumentKind::WaitLimit, TIMEOUT),
    ];

    async fn call(self, call: &McpCallHandle) -> ToolAnswer {
        if self.until == Some(McpLeaseLifetime::Unlock) && self.ttl.is_none() {
            return unfit(
                "\"ttl\" is missing: \"until\": \"unlock\" needs it, as the lock must end even if no call unlocks it",
            );
        }
        let outlives = self.outlives_its_connection(call);
        let wanted = self.until.unwrap_or(if outlives {
            McpLeaseLifetime::Unlock
        } else {
            McpLeaseLifetime::Connection
        });
        let mut fields = self.take(call, wanted).await?;
        if self.until.is_none() && outlives && !fields.contains_key("renewed") {
            // The lease has ended since, so this is a new one, which is to end with the connection.
            let tied = self.take(call, McpLeaseLifetime::Connection).await?;
            fields.extend(tied.into_iter().filter(|(name, _)| name == "hold" || name == "until"));
        }
        Ok(done(noted(fields, outlives), plain_text::lease))
    }
}

impl McpLockArguments {
    /// Whether the caller has a lease of this name that does not end with the connection. A renewal that does not say
    /// otherwise must not cut it.
    fn outlives_its_connection(&self, call: &McpCallHandle) -> bool {
        let (context, me) = (&call.connection.context, call.connection.identity());
        let slot = context.store.reader(self.name.lock()).slot(LockRecordKind::Lock);
        let now = Timestamp::now();
        slot.record().is_some_and(|record| {
            record
                .holders()
                .any(|it| it.hold == Some(HoldKind::Lease) && !it.is_expired(now) && me.owns(it))
        })
    }

    /// Takes or renews the lease once.
    async fn take(
        &self,
        call: &McpCallHandle,
        until: McpLeaseLifetime,
    ) -> Result<JsonObject, Box<ToolError>> {
        let order = match self.order(call, until) {
            Ok(order) => order,
            Err(error) => return unfit(error),
        };
        match order.run(call).await {
            Ok(ended) => self.answer(call, &ended, until).await,
            Err(error) => broken(&error),
        }
    }

    /// The command line. An error names the arguments that are wrong.
    fn order(
        &self,
        call: &McpCallHandle,
        until: McpLeaseLifetime,
    ) -> Result<LoktCommandLine, &'static str> {
        let me = call.connection.context.caller.pid.to_string();
        let meta = self.meta.as_ref().map(|it| Value::Object(it.clone()).to_string());
        // A lease that ends with the connection ends with this process too, should it be killed. One that
        // does not must not be tied to it by a renewal.
        let ends =
            until == McpLeaseLifetime::Connection || call.connection.is_holding(self.name.lock());
        let order = LoktCommandLine::new(["lock", "--json"])
            .flag("--ttl", self.ttl.as_ref())
            .flag("--pid", ends.then_some(me))
            .flag("--meta-json", meta)
            .words(sharing(self.shared, self.slots)?)
            .words(waiting(self.wait, self.timeout.as_ref())?);
        let name = self.name.as_str().to_owned();
        let order = if self.wait == Some(true) { order.lasting([name.clone()]) } else { order };
        Ok(order.words(["--".to_owned(), name]))
    }

    /// The fields of a lease, or the error. A lease that was taken for a call which the client has
    /// cancelled is unlocked at once.
    async fn answer(
        &self,
        call: &McpCallHandle,
        ended: &McpCommandResult,
        until: McpLeaseLifetime,
    ) -> Result<JsonObject, Box<ToolError>> {
        let mut fields = match ended.json() {
            Some(Value::Object(fields)) => fields,
            _ => JsonObject::new(),
        };
        if ended.code != Some(0) {
            let is = |key: &str, value: Value| fields.get(key) == Some(&value);
            let is_mine = is("holder_mine", true.into()) && !is("reason", "frozen".into());
            let refusal = failed(ended, fields);
            return refusal
                .map_err(|it| if is_mine { Box::new(it.with_next(OWN_LOCK)) } else { it });
        }
        let was_mine = fields.contains_key("renewed");
        // The client does not learn of the lock, so it would never unlock it.
        let is_unwanted = (ended.stopped.is_some() || call.is_cancelled()) && !was_mine;
        let until = self.took(call, until);
        if is_unwanted {
            self.unlock(call).await;
        }
        fields.insert("until".to_owned(), until.as_str().into());
        if call.connection.is_apart_from_shell() {
            fields.insert("next".to_owned(), NEXT.into());
        }
        Ok(fields)
    }

    /// Notes that it was taken, and returns until when.
    fn took(&self, call: &McpCallHandle, until: McpLeaseLifetime) -> McpLeaseLifetime {
        let name = self.name.lock();
        let until = match until {
            McpLeaseLifetime::Unlock if call.connection.is_holding(name) => {
                McpLeaseLifetime::Connection
            }
            until => until,
        };
        if until == McpLeaseLifetime::Connection {
            call.connection.holds(name);
        }
        until
    }

    /// Unlocks a lease that the client does not learn of.
    async fn unlock(&self, call: &McpCallHandle) {
        let name = self.name.lock();
        let order = LoktCommandLine::new(["unlock", "--", name.as_str()]);
        if order.run_for(&call.connection).await.is_ok_and(|it| it.code == Some(0)) {
            call.connection.holds_no_more(name);
        }
    }
}

/// Adds a note if the lease ends earlier than it did before it was renewed.
///
/// `outlived` says that it did not end with the connection before.
fn noted(mut fields: JsonObject, outlived: bool) -> JsonObject {
    let note = if ends_earlier(&fields) {
        "it ends earlier than before: see previous_expires_at and expires_at"
    } else if outlived
        && fields.get("until").is_some_and(|it| it == McpLeaseLifetime::Connection.as_str())
    {
        "it ends with this connection now; before, it outlived it"
    } else {
        return fields;
    };
    fields.insert("note".to_owned(), note.into());
    fields
}

/// Whether a renewed lease ends earlier than before. No end is later than any.
fn ends_earlier(fields: &JsonObject) -> bool {
    let end = |name: &str| fields.get(name)?.as_str()?.parse::<Timestamp>().ok();
    let renewed = fields.contains_key("renewed");
    match (end("previous_expires_at"), end("expires_at")) {
        (Some(before), Some(now)) => renewed && now < before,
        (None, Some(_)) => renewed,
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn note(fields: Value, outlived: bool) -> Option<String> {
        let Value::Object(fields) = fields else { unreachable!("an object") };
        noted(fields, outlived).get("note").map(|it| it.as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_renewal_that_cuts_a_lease_says_so() {
        let (early, late) = ("2026-02-01T10:00:00Z", "2026-02-01T10:00:00.5Z");
        let lease = |before: Value, now: Value| json!({"renewed": true, "previous_expires_at": before, "expires_at": now, "until": "connection"});
        assert!(note(lease(json!(late), json!(early)), false).unwrap().contains("earlier"));
        assert!(note(lease(Value::Null, json!(early)), false).unwrap().contains("earlier"));
        assert_eq!(note(lease(json!(early), json!(late)), false), None);
        assert_eq!(note(lease(json!(early), json!(early)), false), None);
        assert_eq!(note(lease(json!(early), Value::Null), false), None);
        assert_eq!(note(json!({"expires_at": early, "until": "connection"}), false), None);
        assert!(note(lease(json!(early), json!(late)), true).unwrap().contains("this connection"));
    }
}
