//! The rules of a project's `lokt.toml`, read strictly: a rule that is passed over leaves a command without its lock.

use super::CommandPattern;
use crate::span;
use lokt_lock::{
    file::{GUARD_KEY, ROOT_KEY},
    words::LockName,
};
use std::path::{Path, PathBuf};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

const KEYS: &str = "\"command\", \"name\", \"names\", \"wait\", \"once\" and \"max_hold\"";

/// Which commands run under which locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuardRule {
    /// The commands.
    pub(crate) pattern: CommandPattern,
    /// The locks, at least one.
    pub(crate) names: Vec<LockName>,
    /// Whether a command waits for them.
    pub(crate) waits: bool,
    /// Whether callers share the result, where that is possible.
    pub(crate) is_once: bool,
    /// After how long the command is stopped.
    pub(crate) max_hold: Option<String>,
    /// The line of the file where the rule begins.
    pub(crate) line: usize,
}

/// Says what is wrong with a file of rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: line {line}: {why}", file.display())]
pub(crate) struct GuardRuleError {
    file: PathBuf,
    line: usize,
    why: String,
}

/// Reads the rules of a file.
///
/// # Errors
/// [`GuardRuleError`] for anything that is not understood.
pub(crate) fn read_rules(file: &Path, text: &str) -> Result<Vec<GuardRule>, GuardRuleError> {
    let newlines = text.match_indices('\n').map(|(at, _)| at).collect();
    let reader = GuardRuleReader { file, newlines };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.error(at, error.message().trim().replace('\n', ", "))
    })?;
    let mut rules = Vec::new();
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            ROOT_KEY => {}
            GUARD_KEY => rules = reader.rules(value)?,
            other => {
                let why = format!("the key {other:?} is not known to this version of lokt");
                return Err(reader.error(key.span().start, why));
            }
        }
    }
    Ok(rules)
}

/// Reads one file.
struct GuardRuleReader<'a> {
    file: &'a Path,
    /// Where its lines end.
    newlines: Vec<usize>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl GuardRuleReader<'_> {
    fn error(&self, at: usize, why: impl Into<String>) -> GuardRuleError {
        GuardRuleError { file: self.file.to_owned(), line: self.line(at), why: why.into() }
    }

    fn line(&self, at: usize) -> usize {
        self.newlines.partition_point(|it| *it < at) + 1
    }

    fn rules(&self, value: &Value<'_>) -> Result<Vec<GuardRule>, GuardRuleError> {
        let wrong = || self.error(value.span().start, "\"guard\" is not a list: write [[guard]]");
        let tables = value.get_ref().as_array().ok_or_else(wrong)?;
        let rule = |it: &Value<'_>| {
            let table = it.get_ref().as_table().ok_or_else(wrong)?;
            self.rule(it.span().start, table)
        };
        tables.iter().map(rule).collect()
    }

    fn rule(&self, at: usize, table: &DeTable<'_>) -> Result<GuardRule, GuardRuleError> {
        let (mut pattern, mut names, mut max_hold) = (None, None, None);
        let (mut waits, mut is_once) = (false, false);
        for (key, value) in table {
            let at = key.span().start;
            let name = key.get_ref().as_ref();
            match name {
                "command" => pattern = Some(self.pattern(name, value)?),
                "name" | "names" if names.is_some() => {
                    return Err(self.error(at, "\"name\" and \"names\" are the same key twice"));
                }
                "name" => names = Some(vec![self.name(name, value)?]),
                "names" => names = Some(self.names(value)?),
                "wait" => waits = self.boolean(name, value)?,
                "once" => is_once = self.boolean(name, value)?,
                "max_hold" => max_hold = Some(self.duration(name, value)?),
                other => {
                    let why = format!("{other:?} is not a key of [[guard]], which has {KEYS}");
                    return Err(self.error(at, why));
                }
            }
        }
        let missing = |what: &str| self.error(at, format!("this [[guard]] has no {what}"));
        let pattern = pattern.ok_or_else(|| missing("\"command\""))?;
        let names = names.ok_or_else(|| missing("\"name\""))?;
        if is_once && names.len() > 1 {
            return Err(self.error(at, "\"once\" is for a rule with one \"name\""));
        }
        Ok(GuardRule { pattern, names, waits, is_once, max_hold, line: self.line(at) })
    }

    fn pattern(&self, key: &str, value: &Value<'_>) -> Result<CommandPattern, GuardRuleError> {
        let text = self.string(key, value)?;
        let wrong = |why| self.error(value.span().start, format!("{key:?}: {text:?} {why}"));
        CommandPattern::parse(text).map_err(wrong)
    }

    fn duration(&self, key: &str, value: &Value<'_>) -> Result<String, GuardRuleError> {
        let text = self.string(key, value)?;
        let wrong = |why| self.error(value.span().start, format!("{key:?}: {why}"));
        span::parse_positive(text).map(|_| text.to_owned()).map_err(wrong)
    }

    fn string<'v>(&self, key: &str, value: &'v Value<'_>) -> Result<&'v str, GuardRuleError> {
        let text = value.get_ref().as_str();
        text.ok_or_else(|| self.error(value.span().start, format!("{key:?} is not a string")))
    }

    fn boolean(&self, key: &str, value: &Value<'_>) -> Result<bool, GuardRuleError> {
        let truth = value.get_ref().as_bool();
        truth.ok_or_else(|| {
            self.error(value.span().start, format!("{key:?} is neither true nor false"))
        })
    }

    fn name(&self, key: &str, value: &Value<'_>) -> Result<LockName, GuardRuleError> {
        let text = self.string(key, value)?;
        let at = value.span().start;
        if text.starts_with('-') {
            let why = format!("{key:?}: {text:?} would be read as an option");
            return Err(self.error(at, why));
        }
        LockName::new(text).map_err(|why| self.error(at, format!("{key:?}: {why}")))
    }

    fn names(&self, value: &Value<'_>) -> Result<Vec<LockName>, GuardRuleError> {
        let at = value.span().start;
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| self.error(at, "\"names\" is not a list of strings"))?;
        let mut names = Vec::new();
        for value in list {
            let name = self.name("names", value)?;
            if names.contains(&name) {
                let why = format!("\"names\": {:?} is there twice", name.as_str());
                return Err(self.error(value.span().start, why));
            }
            names.push(name);
        }
        if names.is_empty() {
            return Err(self.error(at, "\"names\" is empty"));
        }
        Ok(names)
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
