use crate::words::Timestamp;
use std::time::Duration;

/// For how long a hook reserves a file before an edit, and renews it.
pub const EDIT_TTL: Duration = Duration::from_mins(15);
/// Events of a session renew its files no longer than this after the last edit of each.
pub const RENEWED_AFTER_EDIT: Duration = Duration::from_hours(1);
/// A tool call that runs, or that waits for a permission, keeps files no longer than this.
pub const KEPT_BY_CALL: Duration = Duration::from_hours(2);
/// A file that was not edited for this long may be given to another, if it has no uncommitted change.
pub const QUIET_BEFORE_YIELD: Duration = Duration::from_mins(1);
/// A reservation that lasts this long is not renewed yet: renewing at each event would be a write for each file.
const RENEWED_BELOW: Duration = Duration::from_mins(10);

/// What kind of thing an edit changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditTargetKind {
    /// A file, or something that is not there yet. Nothing can be below it.
    File,
    /// A folder with all below it.
    Folder,
}

impl EditTargetKind {
    /// Reads the kind as it stands in a record. An unknown one covers what a folder covers.
    pub fn from_record(text: &str) -> Self {
        if text == "file" { Self::File } else { Self::Folder }
    }

    /// The kind as it stands in a record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
        }
    }
}

/// What a reservation that a hook made says of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditState {
    /// The file, absolute, as the harness names it.
    pub file: String,
    /// A file or a folder.
    pub kind: EditTargetKind,
    /// Whether no edit of the file is under way: the last one has ended.
    pub is_confirmed: bool,
    /// When the last edit ended.
    pub last_edit: Option<Timestamp>,
    /// The tool call that is to edit the file, where the harness names its calls.
    pub call: Option<String>,
    /// What the file was like before the edit that is under way. Only equality counts.
    pub file_state: Option<String>,
    /// Until when the reservation stood before the edit that is under way; nothing where there was none.
    pub earlier_end: Option<Timestamp>,
}

impl EditState {
    /// The state of a file that no agent has edited yet.
    pub fn new(file: String, kind: EditTargetKind) -> Self {
        Self {
            file,
            kind,
            is_confirmed: false,
            last_edit: None,
            call: None,
            file_state: None,
            earlier_end: None,
        }
    }
}

/// What a session does that keeps its files, or ends that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionActivity {
    /// Anything.
    Event,
    /// A tool call begins that may take long.
    CallBegins,
    /// The session asks a person for a permission.
    AsksPermission,
    /// A tool call has ended.
    CallEnds,
}

/// How an edit has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditEnd {
    /// The tool says that it was made.
    Made,
    /// The tool failed, the edit was refused, or the turn ended without a word of it: the file says whether it was
    /// made.
    Unknown,
}

/// What becomes of a reservation of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditChange {
    /// Nothing.
    None,
    /// It has this state, and ends at this time.
    Changed(Box<EditState>, Timestamp),
    /// It is given back.
    GivenBack,
}

/// Begins an edit: the reservation is unconfirmed until the edit has ended.
///
/// `end` is when the reservation ends now. An edit that begins while another is under way leaves the earlier state as
/// it is: that one is what a refusal goes back to.
pub fn begin_edit(
    state: &EditState,
    end: Option<Timestamp>,
    call: Option<String>,
    file_state: Option<String>,
) -> EditState {
    let mut state = state.clone();
    if state.is_confirmed {
        state.earlier_end = end;
        state.file_state = file_state;
    }
    state.is_confirmed = false;
    state.call = call;
    state
}

/// Ends an edit. `end` is when the reservation ends now; `call` is the tool call that has ended, where it is known;
/// `file_state` is asked for what the file is like now.
///
/// The end of another tool call than the last that began says nothing of the last: the reservation stays unconfirmed.
pub fn end_edit(
    state: &EditState,
    (now, end): (Timestamp, Timestamp),
    (how, call): (EditEnd, Option<&str>),
    file_state: impl FnOnce(&str) -> Option<String>,
) -> EditChange {
    if state.is_confirmed {
        return EditChange::None;
    }
    let is_made = how == EditEnd::Made || file_state(&state.file) != state.file_state;
    let is_of_another = state.call.as_deref().zip(call).is_some_and(|(one, two)| one != two);
    if is_of_another {
        let noted = || EditState { last_edit: Some(now), ..state.clone() };
        return if is_made {
            EditChange::Changed(Box::new(noted()), end)
        } else {
            EditChange::None
        };
    }
    let confirmed = |last_edit| {
        let (call, file_state, earlier_end) = (None, None, None);
        let is_confirmed = true;
        Box::new(EditState {
            is_confirmed,
            last_edit,
            call,
            file_state,
            earlier_end,
            ..state.clone()
        })
    };
    if is_made {
        return EditChange::Changed(confirmed(Some(now)), now.saturating_add(EDIT_TTL));
    }
    match (state.earlier_end, state.last_edit) {
        (Some(earlier), last_edit) => {
            let end = earlier.max(renewed(last_edit.unwrap_or(now), now));
            EditChange::Changed(confirmed(last_edit), end)
        }
        // Another call of the same turn has changed it.
        (None, Some(last_edit)) => EditChange::Changed(confirmed(Some(last_edit)), end),
        (None, None) => EditChange::GivenBack,
    }
}

/// Keeps a reservation while its session works. `end` is when it ends now.
pub fn keep_edit(
    state: &EditState,
    (now, end): (Timestamp, Timestamp),
    activity: SessionActivity,
) -> EditChange {
    let by_call = now.saturating_add(KEPT_BY_CALL);
    let renewed = renewed(state.last_edit.unwrap_or(now), now);
    let wanted = match (activity, state.is_confirmed) {
        // A minute more or less is not worth a write.
        (SessionActivity::CallBegins, true) | (SessionActivity::AsksPermission, _)
            if end.saturating_add(Duration::from_mins(1)) < by_call =>
        {
            by_call
        }
        // What a call has kept ends as it would without that call.
        (SessionActivity::CallEnds, true) if end > now.saturating_add(EDIT_TTL) => renewed.max(now),
        (_, true) if end < now.saturating_add(RENEWED_BELOW) && renewed > end => renewed,
        _ => return EditChange::None,
    };
    EditChange::Changed(Box::new(state.clone()), wanted)
}

/// When a reservation ends that an event renews now.
fn renewed(last_edit: Timestamp, now: Timestamp) -> Timestamp {
    now.saturating_add(EDIT_TTL).min(last_edit.saturating_add(RENEWED_AFTER_EDIT))
}

/// Whether a reservation may be given to another, if its file has no uncommitted change.
pub fn may_yield(state: &EditState, now: Timestamp) -> bool {
    let is_quiet = |last: Timestamp| last.saturating_add(QUIET_BEFORE_YIELD) <= now;
    state.is_confirmed
        && state.kind == EditTargetKind::File
        && state.last_edit.is_some_and(is_quiet)
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
