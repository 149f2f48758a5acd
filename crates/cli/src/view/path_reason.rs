//! Text and JSON that explain whether a path can be reserved.

use super::{
    command_line,
    reservation::{self, ListedReservationJson},
};
use crate::span;
use lokt_lock::{
    caller::Caller,
    ops::ReservationList,
    pattern::Pattern,
    reservation::{Reservation, ReservationMode, WaitingReservation},
    words::Owner,
};
use serde::Serialize;
use serde_json::Value;

/// What keeps a caller from reserving a path, or is worth knowing about it.
pub(crate) struct PathReservationReason<'a> {
    pub(crate) kind: PathReservationReasonKind,
    /// Whether it keeps the caller from reserving the path now.
    pub(crate) blocks: bool,
    pub(crate) subject: PathReservationReasonSubject<'a>,
    /// The patterns that cover the path.
    pub(crate) patterns: Vec<Pattern>,
}

/// What a reason is about.
pub(crate) enum PathReservationReasonSubject<'a> {
    /// A reservation that covers the path.
    Reservation(&'a Reservation),
    /// A request that waits for it.
    Waiter(&'a WaitingReservation),
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathReservationReasonKind {
    /// Another has reserved it.
    Reserved,
    /// The caller has reserved it.
    SelfReserved,
    /// Another has reserved it in another worktree, where it is another file.
    ReservedElsewhere,
    /// Another waits for it: a request gets its place behind that one.
    Awaited,
}

impl PathReservationReasonKind {
    /// The word that `why --json` has for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::SelfReserved => "self_reserved",
            Self::ReservedElsewhere => "reserved_elsewhere",
            Self::Awaited => "awaited",
        }
    }
}

/// What was found out about a path.
pub(crate) struct PathExplanation<'a> {
    /// The path or the glob, as it was typed.
    pub(crate) typed: String,
    /// What stands in the way comes first.
    pub(crate) reasons: Vec<PathReservationReason<'a>>,
    pub(crate) list: &'a ReservationList,
    /// The owner that was named with `--owner`: it has to be named again.
    pub(crate) owner: Option<Owner>,
}

impl PathExplanation<'_> {
    /// Whether the caller can reserve the path now, or has reserved it.
    pub(crate) fn is_free(&self) -> bool {
        !self.reasons.iter().any(|reason| reason.blocks)
    }

    fn has(&self, kind: PathReservationReasonKind) -> bool {
        self.reasons.iter().any(|reason| reason.kind == kind)
    }
}

/// A path as JSON; the field names are a contract.
#[derive(Serialize)]
pub(crate) struct PathExplanationJson<'a> {
    path: &'a str,
    status: &'static str,
    reasons: Vec<PathReservationReasonJson<'a>>,
    suggestions: Vec<String>,
}

/// A reason of a path as JSON.
#[derive(Serialize)]
pub(crate) struct PathReservationReasonJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<ListedReservationJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiter: Option<Value>,
}

/// A path as JSON.
pub(crate) fn json<'a>(path: &'a PathExplanation<'a>, caller: &Caller) -> PathExplanationJson<'a> {
    PathExplanationJson {
        path: &path.typed,
        status: if path.is_free() { "free" } else { "blocked" },
        reasons: json_reasons(path, caller),
        suggestions: suggestions(path),
    }
}

/// The reasons of a path as JSON.
pub(crate) fn json_reasons<'a>(
    path: &'a PathExplanation<'a>,
    caller: &Caller,
) -> Vec<PathReservationReasonJson<'a>> {
    let reason = |it: &'a PathReservationReason<'a>| {
        let (reservation, waiter) = match it.subject {
            PathReservationReasonSubject::Reservation(record) => {
                (Some(reservation::json(record, path.list, caller)), None)
            }
            PathReservationReasonSubject::Waiter(waiter) => {
                (None, Some(reservation::waiter_json(waiter)))
            }
        };
        let message = message(it, path.list);
        PathReservationReasonJson { kind: it.kind.as_str(), message, reservation, waiter }
    };
    path.reasons.iter().map(reason).collect()
}

/// A path as lines of text.
pub(crate) fn lines(path: &PathExplanation<'_>) -> Vec<String> {
    let status = if !path.is_free() {
        "reserved"
    } else if path.has(PathReservationReasonKind::SelfReserved) {
        "reserved by you"
    } else {
        "free"
    };
    let mut lines = vec![format!("the path {:?} is {status}", path.typed)];
    let line = |it: &PathReservationReason<'_>| {
        format!("  {}: {}", it.kind.as_str(), message(it, path.list))
    };
    lines.extend(path.reasons.iter().map(line));
    lines.extend(suggestions(path).iter().map(|it| format!("  try: {it}")));
    lines
}

fn message(reason: &PathReservationReason<'_>, list: &ReservationList) -> String {
    let patterns = reservation::list(&reason.patterns);
    match reason.subject {
        PathReservationReasonSubject::Reservation(record) => {
            let told = reservation::told(record, list.seen, "");
            match reason.kind {
                PathReservationReasonKind::SelfReserved => format!("yours: {patterns} is {told}"),
                PathReservationReasonKind::ReservedElsewhere => {
                    format!("in another worktree, {patterns} is {told}")
                }
                _ => format!("{patterns} is {told}"),
            }
        }
        PathReservationReasonSubject::Waiter(waiter) => {
            let who = reservation::who(&waiter.identity.owner, Some(&waiter.identity.agent));
            let since = span::show(list.seen.since(waiter.since));
            format!("{who} has waited for {patterns} for {since}")
        }
    }
}

/// Commands that work, or wait, exactly as they are printed. None takes what is another's.
pub(crate) fn suggestions(path: &PathExplanation<'_>) -> Vec<String> {
    if path.is_free() {
        let back = |id: String| path.call(&["unreserve", &format!("--id={id}")], None);
        return path.own_ids().map(|id| format!("{}   gives that back", back(id))).collect();
    }
    let reserve = |flag: &str| path.call(&["reserve", flag], Some(&path.typed));
    let wait = format!("{}   waits for it, first come, first served", reserve("--wait"));
    let share = format!("{}   shares it", reserve("--shared"));
    if path.is_shared() { vec![share, wait] } else { vec![wait] }
}

impl PathExplanation<'_> {
    /// Whether all that is in the way can be shared.
    fn is_shared(&self) -> bool {
        let is_shared = |it: &PathReservationReason<'_>| match it.subject {
            PathReservationReasonSubject::Reservation(record) => {
                record.mode == ReservationMode::Shared
            }
            PathReservationReasonSubject::Waiter(waiter) => waiter.mode == ReservationMode::Shared,
        };
        self.reasons.iter().filter(|it| it.blocks).all(is_shared)
    }

    /// The ids of the caller's reservations of the path.
    fn own_ids(&self) -> impl Iterator<Item = String> {
        self.reasons.iter().filter_map(|it| match (it.kind, &it.subject) {
            (
                PathReservationReasonKind::SelfReserved,
                PathReservationReasonSubject::Reservation(record),
            ) => Some(record.id.to_string()),
            _ => None,
        })
    }

    /// A call of lokt, ready to type.
    fn call(&self, words: &[&str], subject: Option<&str>) -> String {
        let owner = self.owner.as_ref().map(|it| ["--owner".to_owned(), it.to_string()]);
        let is_like_a_flag = subject.is_some_and(|it| it.starts_with('-'));
        let words = std::iter::once("lokt").chain(words.iter().copied()).map(str::to_owned);
        let words = words
            .chain(owner.into_iter().flatten())
            .chain(is_like_a_flag.then(|| "--".to_owned()))
            .chain(subject.map(str::to_owned));
        command_line(&words.collect::<Vec<_>>())
    }
}
