//! Taking a lock for several steps: a lease, until the connection ends or the lock is unlocked.

use super::{
    answer::{ToolAnswer, broken, done, failed, unfit},
    argument_types::{
        McpDurationArgument, McpLockNameArgument, McpWaitLimitArgument, sharing, waiting,
    },
    call::McpOperationCall,
    command_line::{LoktSubprocess, McpCommandResult},
    schema::{BLOCKED, McpFieldType, OutputField},
    server::{McpOperation, McpOperationEffect},
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpAcquireArguments {
    name: McpLockNameArgument,
    /// Unlock it automatically after this long, like 90s, 5m, 1h30m. Required with until "unlock"
    ttl: Option<McpDurationArgument>,
    /// When it ends, if you do not release it before: "connection" (the default): when this connection ends, for any
    /// reason; "unlock": when its ttl has passed, also after the connection
    #[serde(default)]
    until: McpLeaseLifetime,
    /// Store this JSON object with the lock, for others to read in status
    meta: Option<JsonObject>,
    /// Share it with other holders that also set this. Default: false
    shared: Option<bool>,
    /// Hold one of this many slots; all holders must ask for the same number
    slots: Option<u32>,
    /// Wait in the queue, first come, first served. Default: false
    wait: Option<bool>,
    /// With wait: the time limit. Default: 50s, at most 1h
    timeout: Option<McpWaitLimitArgument>,
}

/// How to give back a lease that a shell command may not unlock.
const NEXT: &str = "give it back with release: to locks, your shell is another caller";

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "rmcp::schemars")]
enum McpLeaseLifetime {
    #[default]
    Connection,
    Unlock,
}

impl McpLeaseLifetime {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Unlock => "unlock",
        }
    }
}

impl McpOperation for McpAcquireArguments {
    const NAME: &'static str = "acquire";
    const TITLE: &'static str = "Take a lock";
    const ABOUT: &'static str = "Take a lock for yourself, to work on something over several steps: a \
        lease. It lasts until you release it, its ttl passes, or this connection ends. A lease of your own is \
        renewed. To run one command under a lock, use run_guarded. If another holds it, the error says who.";
    const NATURE: McpOperationEffect = McpOperationEffect::Changes;

    fn fields() -> Vec<OutputField> {
        let own = [
            ("until", McpFieldType::Text, "When it ends: connection or unlock"),
            ("renewed", McpFieldType::Yes, "Whether you held it already"),
            ("lock_id", McpFieldType::Text, "ID of this acquisition"),
            ("fence", McpFieldType::Whole, "A number that rises with every acquisition"),
            ("owner", McpFieldType::Text, "Owner that you act as"),
            ("agent_id", McpFieldType::Text, "Your ID, as others see it"),
            ("host", McpFieldType::Text, "Hostname of this machine"),
            ("pid", McpFieldType::Whole, "Process that it is tied to, or that took it"),
            ("acquired_ts", McpFieldType::Text, "When it was taken or last renewed, RFC 3339"),
            ("held_since", McpFieldType::Text, "Start of the hold, RFC 3339"),
            ("ttl_sec", McpFieldType::Whole, "Its lifetime in seconds"),
            ("expires_at", McpFieldType::Text, "End of its lifetime, RFC 3339"),
            ("metadata", McpFieldType::Object, "Metadata stored with it"),
            ("waited_ms", McpFieldType::Whole, "Time spent waiting before giving up, ms"),
        ];
        BLOCKED.into_iter().chain(own).collect()
    }

    async fn call(self, call: &McpOperationCall) -> ToolAnswer {
        if self.until == McpLeaseLifetime::Unlock && self.ttl.is_none() {
            return unfit("until \"unlock\" needs a ttl: it must end even if no call unlocks it");
        }
        let ends = self.ends_with_connection(call);
        match self.order(call, ends).run(call).await {
            Ok(ended) => self.answer(call, &ended, ends).await,
            Err(error) => broken(&error),
        }
    }
}

impl McpAcquireArguments {
    fn order(&self, call: &McpOperationCall, ends: bool) -> LoktSubprocess {
        let me = call.connection.context.caller.pid.to_string();
        let meta = self.meta.as_ref().map(|it| Value::Object(it.clone()).to_string());
        // A lease that ends with the connection ends with this process too, should it be killed. One that
        // does not must not be tied to it by a renewal.
        let order = LoktSubprocess::new(["lock", "--json"])
            .flag("--ttl", self.ttl.as_ref())
            .flag("--pid", ends.then_some(me))
            .flag("--meta-json", meta)
            .words(sharing(self.shared, self.slots))
            .words(waiting(self.wait, self.timeout.as_ref()));
        let name = self.name.as_str().to_owned();
        let order = if self.wait == Some(true) { order.lasting([name.clone()]) } else { order };
        order.words(["--".to_owned(), name])
    }

    async fn answer(
        &self,
        call: &McpOperationCall,
        ended: &McpCommandResult,
        ends: bool,
    ) -> ToolAnswer {
        let mut fields = match ended.json() {
            Some(Value::Object(fields)) => fields,
            _ => JsonObject::new(),
        };
        if ended.code != Some(0) {
            return failed(ended, fields);
        }
        let was_mine = fields.contains_key("renewed");
        // The client does not learn of the lock, so it would never unlock it.
        let is_unwanted = (ended.stopped.is_some() || call.is_cancelled()) && !was_mine;
        let until = self.took(call, ends);
        if is_unwanted {
            self.unlock(call).await;
        }
        fields.insert("until".to_owned(), until.as_str().into());
        if call.connection.is_apart_from_shell {
            fields.insert("next".to_owned(), NEXT.into());
        }
        done(fields)
    }

    /// Whether the lease ends with the connection: that is asked for, or it does already. A lease that a shell command
    /// of the same agent took does not.
    fn ends_with_connection(&self, call: &McpOperationCall) -> bool {
        let (connection, name) = (&call.connection, self.name.lock());
        connection.is_holding(name)
            || (self.until == McpLeaseLifetime::Connection && !connection.has_lease_of_shell(name))
    }

    /// Notes that it was taken, and returns until when.
    fn took(&self, call: &McpOperationCall, ends: bool) -> McpLeaseLifetime {
        if !ends {
            return McpLeaseLifetime::Unlock;
        }
        call.connection.holds(self.name.lock());
        McpLeaseLifetime::Connection
    }

    async fn unlock(&self, call: &McpOperationCall) {
        let name = self.name.lock();
        let order = LoktSubprocess::new(["unlock", "--", name.as_str()]);
        if order.run_for(&call.connection).await.is_ok_and(|it| it.code == Some(0)) {
            call.connection.holds_no_more(name);
        }
    }
}
