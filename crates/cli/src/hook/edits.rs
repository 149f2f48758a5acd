//! What a session's events do to the files that it has reserved, in all roots where it has any.

use super::{
    HookFault,
    event::{HookAnswer, HookCall, HookEvent},
    places::{self, FilePlace, file_state},
    session::HookSession,
    text, uncommitted,
};
use crate::{
    failure::CliFailure,
    project_store::{files_at, files_of},
};
use lokt_lock::{
    file::{FileLockStore, LockRoot, RootMethod, SessionChange},
    ops::{
        EditEvent, EditOutcome, EditRequest, EditReservation, EditTarget, cancel_edit,
        note_edit_event, reserve_edit,
    },
    reservation::SessionActivity,
};
use std::path::{Path, PathBuf};

/// The files of an edit that are in one root.
struct RootTargets {
    root: LockRoot,
    projects: Vec<PathBuf>,
    targets: Vec<EditTarget>,
}

/// Reserves the files of an edit, in every project that they are in, or none of them.
pub(super) fn before(
    session: &HookSession,
    (files, call): (&[String], Option<&str>),
    folders: &[PathBuf],
) -> Result<HookAnswer, HookFault> {
    let folder = folders.first().map_or(Path::new("/"), PathBuf::as_path);
    let mut groups: Vec<RootTargets> = Vec::new();
    for file in files {
        places::of(file, folder)?.into_iter().for_each(|place| group(&mut groups, place));
    }
    let mut made: Vec<(FileLockStore, Vec<EditReservation>)> = Vec::new();
    for group in &groups {
        let store = store(&group.root);
        let request = EditRequest {
            caller: &session.caller,
            targets: group.targets.clone(),
            call: call.map(str::to_owned),
            harness_pid: session.process.map(|it| it.pid),
        };
        let outcome = reserve_edit(&store, &request, &uncommitted::has_none);
        match outcome {
            Ok(EditOutcome::Reserved(reserved)) => made.push((store, reserved)),
            Ok(EditOutcome::Denied(denial)) => {
                cancel(session, &made);
                let file = denied_file(group, &denial);
                return Ok(HookAnswer::Deny(text::denied(&file, &denial)));
            }
            Err(error) => {
                cancel(session, &made);
                return Err(CliFailure::from(error).into());
            }
        }
    }
    link(session, &groups, folders)?;
    Ok(HookAnswer::NoDecision)
}

fn group(groups: &mut Vec<RootTargets>, place: FilePlace) {
    let FilePlace { project, root, target } = place;
    match groups.iter_mut().find(|it| it.root.path == root.path) {
        Some(group) => {
            // One file that an edit names twice.
            let is_there =
                |it: &EditTarget| it.scope == target.scope && it.patterns == target.patterns;
            if !group.targets.iter().any(is_there) {
                group.targets.push(target);
            }
            group.projects.push(project);
        }
        None => groups.push(RootTargets { root, projects: vec![project], targets: vec![target] }),
    }
}

/// The file that a denial is about: the first one that a pattern of it names.
fn denied_file(group: &RootTargets, denial: &lokt_lock::ops::ReservationDenial) -> String {
    let standing = denial.standing.iter().flat_map(|(_, found)| found);
    let mut asked = standing.chain(denial.waiting.iter().flat_map(|(_, found)| found));
    let is_asked =
        |it: &&EditTarget, asked: &lokt_lock::pattern::Pattern| it.patterns.contains(asked);
    let first =
        asked.find_map(|conflict| group.targets.iter().find(|it| is_asked(it, &conflict.asked)));
    first.map(|it| it.file.clone()).unwrap_or_default()
}

/// Takes back what was reserved in other roots for an edit that is denied. What cannot be taken back is unconfirmed,
/// and ends with the turn.
fn cancel(session: &HookSession, made: &[(FileLockStore, Vec<EditReservation>)]) {
    for (store, reserved) in made {
        let _ = cancel_edit(store, &session.caller, reserved);
    }
}

/// Notes in each root of a session where else it has reserved files, so that its later events find them.
fn link(
    session: &HookSession,
    groups: &[RootTargets],
    folders: &[PathBuf],
) -> Result<(), HookFault> {
    let is_inside = |folder: &PathBuf| {
        groups.iter().flat_map(|it| &it.projects).any(|project| folder.starts_with(project))
    };
    if groups.len() <= 1 && folders.iter().all(is_inside) {
        return Ok(());
    }
    let mut roots: Vec<LockRoot> = groups.iter().map(|it| it.root.clone()).collect();
    for folder in folders.iter().filter(|it| !is_inside(it)) {
        let found = places::roots_of(folder).into_iter();
        roots.extend(found.filter(|it| it.path.is_dir()));
    }
    let agent = session.caller.identity.agent.session();
    let mut paths: Vec<PathBuf> = roots.iter().map(|it| it.path.clone()).collect();
    for root in &roots {
        paths.extend(store(root).noted_roots(&agent));
    }
    for root in &roots {
        store(root).note_roots(&agent, &paths).map_err(CliFailure::from)?;
    }
    Ok(())
}

/// Notes any other event in all roots of the session.
pub(super) fn note(
    session: &HookSession,
    call: &HookCall,
    folders: &[PathBuf],
) -> Result<(), HookFault> {
    let folder = folders.first().map_or(Path::new("/"), PathBuf::as_path);
    let files: Vec<String> = match &call.event {
        HookEvent::AfterEdit(files, _) => {
            files.iter().map(|it| folder.join(it).to_string_lossy().into_owned()).collect()
        }
        _ => Vec::new(),
    };
    let event = match &call.event {
        HookEvent::AfterEdit(_, how) => {
            EditEvent::EditEnded { files: &files, how: *how, call: call.call.as_deref() }
        }
        HookEvent::TurnEnds | HookEvent::PromptSubmitted => EditEvent::TurnEnded,
        HookEvent::SubagentEnds if call.subagent.is_some() => EditEvent::SubagentEnded,
        HookEvent::SessionEnds => EditEvent::SessionEnded,
        HookEvent::BeforeShell(_) | HookEvent::BeforeTool => {
            EditEvent::Activity(SessionActivity::CallBegins)
        }
        HookEvent::AfterTool => EditEvent::Activity(SessionActivity::CallEnds),
        HookEvent::PermissionAsked => EditEvent::Activity(SessionActivity::AsksPermission),
        _ => EditEvent::Activity(SessionActivity::Event),
    };
    let homes: Vec<LockRoot> = folders.iter().flat_map(|it| places::roots_of(it)).collect();
    // A file may be in a project where no folder of the session is.
    let edited =
        files.iter().flat_map(|it| places::roots_of(Path::new(it).parent().unwrap_or(folder)));
    note_session(session, call, &homes)?;
    let agent = session.caller.identity.agent.session();
    let mut paths: Vec<PathBuf> = Vec::new();
    for root in homes.iter().cloned().chain(edited) {
        let noted = store(&root).noted_roots(&agent);
        paths.extend([root.path].into_iter().chain(noted));
    }
    paths.sort_unstable();
    paths.dedup();
    let mut first_failure = None;
    for path in paths {
        let store = files_at(&path);
        let noted = note_edit_event(&store, &session.caller, event, &|it| Some(file_state(it)));
        first_failure = first_failure.or(noted.err());
        if matches!(event, EditEvent::SessionEnded) {
            let _ = store.forget_roots(&agent);
        }
    }
    first_failure.map_or(Ok(()), |error| Err(CliFailure::from(error).into()))
}

/// Notes which session the harness's process has now: its MCP server reads that.
fn note_session(
    session: &HookSession,
    call: &HookCall,
    homes: &[LockRoot],
) -> Result<(), HookFault> {
    let change = match call.event {
        HookEvent::SessionStarts { replaces: true } => SessionChange::Replaces,
        HookEvent::SessionStarts { replaces: false } => SessionChange::Begins,
        HookEvent::SessionEnds => SessionChange::Ends,
        _ => return Ok(()),
    };
    let (Some(process), Some(home)) = (session.process, homes.first()) else { return Ok(()) };
    // Without git, a root is made only where something is reserved.
    if home.method == RootMethod::Local && !home.path.is_dir() {
        return Ok(());
    }
    let agent = session.caller.identity.agent.session();
    let noted = store(home).note_session(process, change, &agent, &session.caller.here);
    noted.map_err(|error| CliFailure::from(error).into())
}

fn store(root: &LockRoot) -> FileLockStore {
    files_of(root).unannounced()
}
