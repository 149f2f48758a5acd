use super::{Lockfile, LockfileFlaw, PinnedChainElement, format::LOCKFILE_VERSION};
use crate::metadata::json;
use crate::words::{ContentHash, Space, ToolItemId, ToolVersion};
use serde_json::{Map, Value};

impl Lockfile {
    /// Reads a lockfile's bytes. `name` is its path below its folder, which must say the same as it does.
    ///
    /// # Errors
    /// [`LockfileFlaw`]: doubt about a pin is never no pin.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, LockfileFlaw> {
        let value: Value = json::strict(bytes).map_err(LockfileFlaw::Json)?;
        let lockfile = LockfileObjectReader::of(&value, "the lockfile")?;
        let version = lockfile.get("lockfile_version")?;
        if version.as_u64() != Some(LOCKFILE_VERSION) {
            return Err(LockfileFlaw::Version(version.to_string()));
        }
        lockfile.text("generated_at")?;
        let root = lockfile.object("root")?;
        let elements = lockfile.get("resolved_chain")?.as_array();
        let elements = elements.ok_or_else(|| must_be("resolved_chain", "a list"))?;
        let chain = elements.iter().enumerate().map(pinned).collect::<Result<Vec<_>, _>>()?;
        let version = root.get("version")?;
        let version = ToolVersion::new(version)
            .map_err(|error| must_be("root.version", &format!("a version: {error}")))?;
        let read = Self { tool_id: root.item_id("tool_id")?, version, chain };
        read.check_root(root.integrity("integrity")?)?;
        read.check_name(name)?;
        Ok(read)
    }

    fn check_root(&self, integrity: ContentHash) -> Result<(), LockfileFlaw> {
        let first = self.chain.first().ok_or(LockfileFlaw::EmptyChain)?;
        if first.item_id != self.tool_id {
            return Err(LockfileFlaw::Root("the item id"));
        }
        if first.integrity != integrity {
            return Err(LockfileFlaw::Root("the integrity"));
        }
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<(), LockfileFlaw> {
        let inside = Self::path_of(&self.tool_id, &self.version);
        if inside == name {
            return Ok(());
        }
        let shown = |path: &str| path.trim_end_matches(".lock.json").to_owned();
        Err(LockfileFlaw::Name { inside: shown(&inside), name: shown(name) })
    }
}

fn pinned((index, value): (usize, &Value)) -> Result<PinnedChainElement, LockfileFlaw> {
    let element = LockfileObjectReader::of(value, &format!("resolved_chain[{index}]"))?;
    let space = element.text("space")?;
    Ok(PinnedChainElement {
        item_id: element.item_id("item_id")?,
        space: Space::of_lockfile(space)
            .ok_or_else(|| element.must_be("space", "project, user, system or system:<bundle>"))?,
        tool_type: match element.get("tool_type")? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            _ => return Err(element.must_be("tool_type", "a text or null")),
        },
        executor_id: match element.get("executor_id")? {
            Value::Null => None,
            _ => Some(element.item_id("executor_id")?),
        },
        integrity: element.integrity("integrity")?,
    })
}

/// An object of the file, and how errors call it.
struct LockfileObjectReader<'a> {
    name: String,
    fields: &'a Map<String, Value>,
}

impl<'a> LockfileObjectReader<'a> {
    fn of(value: &'a Value, name: &str) -> Result<Self, LockfileFlaw> {
        let fields = value.as_object().ok_or_else(|| must_be(name, "an object"))?;
        Ok(Self { name: name.to_owned(), fields })
    }

    fn path(&self, key: &str) -> String {
        if self.name == "the lockfile" { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn get(&self, key: &str) -> Result<&'a Value, LockfileFlaw> {
        self.fields.get(key).ok_or_else(|| LockfileFlaw::Missing(self.path(key)))
    }

    fn object(&self, key: &str) -> Result<Self, LockfileFlaw> {
        Self::of(self.get(key)?, &self.path(key))
    }

    fn text(&self, key: &str) -> Result<&'a str, LockfileFlaw> {
        self.get(key)?.as_str().ok_or_else(|| self.must_be(key, "a text"))
    }

    fn item_id(&self, key: &str) -> Result<ToolItemId, LockfileFlaw> {
        let text = self.text(key)?;
        ToolItemId::new(text).map_err(|error| self.must_be(key, &format!("an item id: {error}")))
    }

    fn integrity(&self, key: &str) -> Result<ContentHash, LockfileFlaw> {
        if self.get(key)?.is_null() {
            return Err(LockfileFlaw::NullIntegrity(self.path(key)));
        }
        let text = self.text(key)?;
        text.parse().map_err(|_| self.must_be(key, "a SHA-256 of 64 lowercase hex digits"))
    }

    fn must_be(&self, key: &str, expected: &str) -> LockfileFlaw {
        must_be(&self.path(key), expected)
    }
}

fn must_be(field: &str, expected: &str) -> LockfileFlaw {
    LockfileFlaw::Field { field: field.to_owned(), expected: expected.to_owned() }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
