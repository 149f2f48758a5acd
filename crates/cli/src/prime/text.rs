//! The text for an agent's context, in Markdown. It is less than 300 words long and no line is longer than 120
//! characters, however much there is to tell: lists end with "and N more" where the room does.

use super::{
    GuardedOperation, InstructionFileKind,
    call::ScriptLoktCallKind,
    project::GuardedOperationFindings,
    quotation::{code, plain},
};
use lokt_lock::{
    caller::{Caller, unused_agent},
    harness::AgentSource,
    rules::OwnerSource,
};

/// Below this many words is every text.
const MOST_WORDS: usize = 300;
/// No line is longer, in characters.
pub(super) const WIDTH: usize = 120;

/// The caller that a text is for.
#[derive(Clone, Copy)]
pub(crate) struct BriefedCaller<'a> {
    pub(crate) caller: &'a Caller,
    /// Whether the shell commands of its session are the same agent, as far as is known.
    pub(crate) is_known_to_shell: bool,
}

/// The text at this moment, for a context. `held` is a line for each name, or why that is not known. `trouble` is a
/// title and items; what has no room beside what is held is left out at its end.
pub(crate) fn live(
    findings: &GuardedOperationFindings,
    held: Result<Vec<String>, String>,
    trouble: &[String],
    me: BriefedCaller<'_>,
) -> String {
    let (rules, identity) = (rules(findings, findings.unread.len()), identity(me));
    let room = MOST_WORDS.saturating_sub(words(&[TITLE, opening(findings), &rules, &identity]));
    let needed = held.as_ref().map_or(0, |held| held.iter().map(|it| words(&[it])).sum::<usize>());
    let trouble = briefly(trouble, room.saturating_sub(needed.min(room / 2) + ROOM_FOR_REST));
    let end = paragraphs(&[&trouble, &rules, &identity]);
    let (held, fallback) = match held {
        Ok(lines) => (lines, "Now: nothing is held, frozen or reserved."),
        Err(_) => (
            Vec::new(),
            "What is held now cannot be read; run `lokt doctor` before any of these operations.",
        ),
    };
    let beginning = format!("{TITLE}\n\n{}", opening(findings));
    let fixed = words(&[&beginning, fallback, &end]);
    // A project with many operations and many held locks gets some of both.
    let room = MOST_WORDS.saturating_sub(fixed + 1);
    let room_for_held = room / if findings.operations.is_empty() { 1 } else { 2 };
    let now = match list(
        &held,
        "`lokt status` lists all",
        PrimeListTextBudget::of_words(room_for_held),
    ) {
        lines if lines.is_empty() => fallback.to_owned(),
        lines => format!("Now:\n\n{}", lines.join("\n")),
    };
    let room = MOST_WORDS.saturating_sub(words(&[&beginning, &now, &end]) + 1);
    let operations = listed(findings, PrimeListTextBudget::of_words(room));
    paragraphs(&[&beginning, &operations, &now, &end])
}

/// What is said where it is unclear which root counts: a title, then the message and the hints of the failure. They may
/// quote a file, so nothing in them can pass for Markdown.
pub(crate) fn without_root(told: &[&String]) -> Vec<String> {
    let title =
        "No lock can be taken here, so run none of the operations that need one. Tell your user:";
    let told = told.iter().map(|it| format!("- {}", plain(it, 300)));
    std::iter::once(title.to_owned()).chain(told).collect()
}

/// Words that are kept for what the lists end with, and for what stands in place of an empty one.
const ROOM_FOR_REST: usize = 24;

/// The items for which there is room, with lines that are not too long; the title in any case.
fn briefly(items: &[String], room: usize) -> String {
    const REST: &str = "- `lokt doctor` says the rest";
    let mut left = room.saturating_sub(words(&[REST]));
    let mut lines = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let count = words(&[item]);
        if at > 0 && count > left {
            lines.push(REST.to_owned());
            break;
        }
        left = left.saturating_sub(count);
        let mut item = item.lines();
        lines.extend(item.next().map(wrapped));
        // What is to be copied stays as it is.
        lines.extend(item.map(str::to_owned));
    }
    lines.join("\n")
}

/// A line, broken between words where it is too long.
fn wrapped(line: &str) -> String {
    let mut text = String::new();
    let mut used = 0;
    for word in line.split(' ') {
        let count = word.chars().count();
        if used > 0 && used + 1 + count > WIDTH {
            text.push_str("\n  ");
            used = 2;
        } else if used > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += count;
    }
    text
}

/// The text for an instruction file, which says nothing that is true only now.
pub(crate) fn lasting(findings: &GuardedOperationFindings, format: InstructionFileKind) -> String {
    let beginning = format!("#{TITLE}\n\n{}", opening(findings));
    let end = format!("{}\n\n{}\n{IDENTITY}", rules(findings, 0), format.sight());
    let fixed = paragraphs(&[&beginning, "", &end]);
    let room = PrimeListTextBudget {
        words: MOST_WORDS.saturating_sub(words(&[&fixed]) + 16),
        // The marks around a section count too.
        characters: format.most_characters().saturating_sub(fixed.chars().count() + 160),
    };
    paragraphs(&[&beginning, &listed(findings, room), &end])
}

const TITLE: &str = "# Shared operations, guarded by lokt";

fn opening(findings: &GuardedOperationFindings) -> &'static str {
    if findings.operations.is_empty() {
        return "Other agents, jobs and people work in this repository at the same time. No guarded operations\n\
                were found in scripts/, bin/, .github/scripts/, Makefile, justfile or package.json.";
    }
    "Other agents, jobs and people work in this repository at the same time. Run these as shown, never\n\
     the bare command:"
}

fn rules(findings: &GuardedOperationFindings, unread: usize) -> String {
    let unread = match unread {
        0 => String::new(),
        count => format!("{count} files were not read: `lokt prime --json` names them."),
    };
    let limits = if findings.operations.is_empty() { "" } else { LIMITS };
    paragraphs(&[[limits, &unread].join("\n").trim(), RULES])
}

const LIMITS: &str =
    "What other programs start under a lock is not found here: read before you run.";

const RULES: &str = "\
If a lock is held or frozen, nothing is run: `error: lock \"NAME\" is held by …`, exit code 2 (of make,
2 is any failure). Then do other work and try again later, or wait in the queue with the same command:
`lokt guard NAME --wait -- COMMAND`. `lokt why NAME` says who holds it: ask them if you cannot wait. Never
use --force, --break-stale or --owner, never delete lock files, never run the bare command
instead. If a lock \"was lost\", the work was stopped: do it again.
Guard what else must not happen twice at once: `lokt guard NAME --ttl 5m -- COMMAND`.
Never edit a file that another has reserved (`lokt why PATH` says so). To keep others off yours:
`lokt reserve PATH`, then `lokt unreserve PATH`.";

/// How to commit where others edit: a worktree has one index, and this is its lock.
pub(crate) fn turns(index_lock: &str) -> String {
    let call = format!("`lokt guard {index_lock} --wait -- git commit …`");
    wrapped(&format!("Others edit files here. Take turns with git: {call}."))
}

const IDENTITY: &str = "\
`lokt whoami` says who you are. If that is a terminal, set `LOKT_AGENT_ID` in all your commands to the new id
that it prints: no other session may have it.";

fn identity(BriefedCaller { caller, is_known_to_shell }: BriefedCaller<'_>) -> String {
    let owner = code(caller.identity.owner.as_str(), 40);
    let agent = code(&caller.identity.agent.spoken(), 40);
    match (&caller.agent_source, caller.identity.source) {
        (AgentSource::Terminal { .. }, OwnerSource::Given) => format!("You act as {owner}."),
        (AgentSource::Terminal { .. }, OwnerSource::Derived) => format!(
            "You are a terminal session of the user {owner}.\n\
            If your commands run in separate sessions, {}",
            one_agent()
        ),
        (_, OwnerSource::Derived) if !is_known_to_shell => format!(
            "You are {agent}, of the user {owner},\nbut your shell commands do not know it: {}",
            one_agent()
        ),
        _ => format!(
            "You are {agent}, of the user {owner}:\nwhat you lock is yours in all your commands."
        ),
    }
}

/// How commands in separate sessions are one agent, and no other one.
fn one_agent() -> String {
    match unused_agent() {
        Some(id) => format!(
            "set `LOKT_AGENT_ID={id}` in all of them.\nThis id is new: keep it, and give it to no other session."
        ),
        None => {
            "set `LOKT_AGENT_ID` in all of them, to an id that no other session has.".to_owned()
        }
    }
}

/// The operations as a list.
fn listed(findings: &GuardedOperationFindings, room: PrimeListTextBudget) -> String {
    let lines: Vec<String> = findings.operations.iter().map(line).collect();
    list(&lines, "`lokt prime --json` lists all", room).join("\n")
}

fn line(operation: &GuardedOperation) -> String {
    let most = if operation.names.len() > 1 { 20 } else { 32 };
    let names: Vec<String> = operation.names.iter().take(2).map(|it| code(it, most)).collect();
    let more = if operation.names.len() > 2 { ", …" } else { "" };
    let once = if operation.kind == ScriptLoktCallKind::Once { " (once)" } else { "" };
    let names = names.join(", ");
    let line = format!("- {names}{more}{once}: run {}", code(&operation.run, 44));
    let Some(instead_of) = &operation.instead_of else { return line };
    let room = WIDTH.saturating_sub(line.chars().count() + ", not ``".len());
    if room < 6 {
        return line;
    }
    format!("{line}, not {}", code(instead_of, room.min(36)))
}

/// What a list may take.
#[derive(Clone, Copy)]
struct PrimeListTextBudget {
    words: usize,
    characters: usize,
}

impl PrimeListTextBudget {
    const fn of_words(words: usize) -> Self {
        Self { words, characters: usize::MAX }
    }

    /// What is left of it after a line.
    fn after(self, line: &str) -> Option<Self> {
        let words = self.words.checked_sub(words(&[line]))?;
        let characters = self.characters.checked_sub(line.chars().count() + 1)?;
        Some(Self { words, characters })
    }
}

/// As many lines as there is room for. The last one says how many are missing, and where they are.
fn list(lines: &[String], rest: &str, room: PrimeListTextBudget) -> Vec<String> {
    if lines.iter().try_fold(room, |left, line| left.after(line)).is_some() {
        return lines.to_vec();
    }
    let closing = |shown: usize| format!("- and {} more: {rest}", lines.len() - shown);
    let mut left = room;
    let mut fitting = Vec::new();
    for line in lines {
        let Some(after) = left.after(line) else { break };
        if after.after(&closing(fitting.len() + 1)).is_none() {
            break;
        }
        left = after;
        fitting.push(line.clone());
    }
    fitting.push(closing(fitting.len()));
    fitting
}

fn words(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.split_whitespace().count()).sum()
}

fn paragraphs(texts: &[&str]) -> String {
    let texts: Vec<&str> = texts.iter().copied().filter(|it| !it.is_empty()).collect();
    texts.join("\n\n")
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
