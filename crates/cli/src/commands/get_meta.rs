use crate::{completion, context::Context, exit::Code, failure::Failure, output};
use clap::Args;
use lokt_lock::{
    ops::{look, readable},
    record::Record,
    words::LockName,
};
use serde_json::Value;

/// Print one metadata value of a lock
///
/// The value and a newline, nothing else: a text as it is, any other JSON in compact form.
#[derive(Args, Debug)]
pub(crate) struct GetMeta {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// The key
    key: String,
}

impl GetMeta {
    pub(crate) fn run(&self, context: &Context) -> Result<Code, Failure> {
        let sight = look(&context.store, &self.name, &context.caller);
        let held = sight.held().is_some();
        match readable(sight.slot, "lock", &self.name)? {
            Some(record) if held => self.print(&record),
            Some(_) => Err(self.no_lock("has expired")),
            None => Err(self.no_lock("is not held")),
        }
    }

    fn print(&self, record: &Record) -> Result<Code, Failure> {
        let metadata = record.metadata.as_ref();
        match metadata.and_then(|metadata| metadata.get(&self.key)) {
            Some(Value::String(text)) => output::bytes(format!("{text}\n").as_bytes())?,
            Some(value) => output::json(value)?,
            None => return Err(self.no_key(record)),
        }
        Ok(Code::Done)
    }

    fn no_lock(&self, why: &str) -> Failure {
        Failure::new(Code::NotFound, format!("lock {:?} {why}", self.name.as_str())).hint(format!(
            "lokt lock {} --meta {}=VALUE   takes it with this key",
            self.name, self.key
        ))
    }

    fn no_key(&self, record: &Record) -> Failure {
        let keys: Vec<&str> =
            record.metadata.iter().flatten().map(|(key, _)| key.as_str()).collect();
        let text = format!("lock {:?} has no metadata key {:?}", self.name.as_str(), self.key);
        Failure::new(Code::NotFound, text).hint(if keys.is_empty() {
            "it has no metadata at all".to_owned()
        } else {
            format!("its keys: {}", keys.join(", "))
        })
    }
}
