//! Giving a lease back.

use super::{
    answer::{Answer, broken, done, failed},
    call::Call,
    order::{Ended, Order},
    schema::{Field, Of},
    server::{Nature, Operation},
    words::Name,
};
use rmcp::{model::JsonObject, schemars::JsonSchema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct Release {
    name: Name,
}

/// What all operations tell that give locks back.
pub(super) const RELEASED: [Field; 2] = [
    ("released", Of::Texts, "The locks that are free now"),
    ("count", Of::Whole, "How many these are"),
];

impl Operation for Release {
    const NAME: &'static str = "release";
    const TITLE: &'static str = "Give a lock back";
    const ABOUT: &'static str = "Give back a lock that you took with acquire. Only your own.";
    const NATURE: Nature = Nature::Changes;

    fn fields() -> Vec<Field> {
        RELEASED.to_vec()
    }

    async fn call(self, call: &Call) -> Answer {
        match Order::new(["unlock", "--json", "--", self.name.as_str()]).run(call).await {
            Ok(ended) => released(call, &self.name, &ended),
            Err(error) => broken(&error),
        }
    }
}

/// The answer where a lock was given back or taken away.
pub(super) fn released(call: &Call, name: &Name, ended: &Ended) -> Answer {
    if matches!(ended.code, Some(0 | 3)) {
        call.connection.holds_no_more(name.lock());
    }
    plain(ended)
}

/// What a command printed as a JSON object, or how it failed.
pub(super) fn plain(ended: &Ended) -> Answer {
    let printed = match ended.json() {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    match (ended.code, printed) {
        (Some(0), Some(fields)) => done(fields),
        (_, fields) => failed(ended, fields.unwrap_or_else(JsonObject::new)),
    }
}
