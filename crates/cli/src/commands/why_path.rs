//! Whether a path can be reserved, for `why`.

use super::reservations::{counts_in, covering_patterns};
use crate::{
    context::CommandContext,
    failure::CliFailure,
    view::path_reason::{
        PathExplanation, PathReservationReason, PathReservationReasonKind,
        PathReservationReasonSubject,
    },
};
use lokt_lock::{
    ops::ReservationList,
    pattern::Pattern,
    project::{PathOrPatternArgument, argument},
    reservation::{Reservation, WaitingReservation, WorktreeId, is_own},
    words::Owner,
};
use std::ffi::OsStr;

/// Whether the caller has reserved a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathOwnership {
    /// All of it.
    Own,
    /// Not, or not all of it.
    NotOwn,
}

/// A path of the project, as a caller typed it.
pub(super) struct TypedPath {
    typed: String,
    argument: PathOrPatternArgument,
    tree: Option<WorktreeId>,
    /// Whether anything stands there.
    is_there: bool,
}

impl TypedPath {
    /// Reads an argument as it is typed in the working folder.
    pub(super) fn read(context: &CommandContext, typed: &OsStr) -> Result<Self, CliFailure> {
        let project = context.project()?;
        Ok(Self {
            typed: typed.to_string_lossy().into_owned(),
            argument: argument(&project, typed)?,
            tree: project.worktree_id()?,
            is_there: std::path::Path::new(typed).symlink_metadata().is_ok(),
        })
    }

    /// Whether the text means this path, though a lock may have that name: the path is there, or is reserved by itself.
    pub(super) fn is_meant(&self, list: &ReservationList) -> bool {
        let is_same = |it: &Pattern| self.argument.patterns.contains(it);
        self.is_there || list.standing.iter().any(|it| it.patterns.iter().any(is_same))
    }

    /// What is known of the path.
    pub(super) fn explain<'a>(
        &self,
        list: &'a ReservationList,
        context: &CommandContext,
        owner: Option<Owner>,
    ) -> PathExplanation<'a> {
        let had = self.is_had(list, context);
        let standing = list.standing.iter();
        let standing = standing.filter_map(|it| self.of_reservation(it, context, had));
        let waiting = list.waiting.iter().filter_map(|it| self.of_waiter(it, context, had));
        let mut reasons: Vec<PathReservationReason<'a>> = standing.chain(waiting).collect();
        reasons.sort_by_key(|it| !it.blocks);
        PathExplanation { typed: self.typed.clone(), reasons, list, owner }
    }

    /// Whether the caller has reserved all of it.
    fn is_had(&self, list: &ReservationList, context: &CommandContext) -> PathOwnership {
        let me = &context.caller.identity;
        let is_mine = |it: &&Reservation| is_own(me, &it.owner, it.agent_id.as_ref());
        let own = list.standing.iter().filter(is_mine);
        let own = own.filter(|it| counts_in(&it.scope, self.tree.as_ref()));
        let patterns: Vec<&Pattern> = own.flat_map(|it| &it.patterns).collect();
        let has = |it: &Pattern, asked: &Pattern| match (&self.argument.path, asked.as_literal()) {
            (Some((_, false)), Some(path)) => it.covers(path),
            _ => it.contains(asked),
        };
        let is_had = |asked: &Pattern| patterns.iter().any(|it| has(it, asked));
        if self.argument.patterns.iter().all(is_had) {
            PathOwnership::Own
        } else {
            PathOwnership::NotOwn
        }
    }

    fn of_reservation<'a>(
        &self,
        record: &'a Reservation,
        context: &CommandContext,
        had: PathOwnership,
    ) -> Option<PathReservationReason<'a>> {
        let me = &context.caller.identity;
        let kind = if !counts_in(&record.scope, self.tree.as_ref()) {
            PathReservationReasonKind::ReservedElsewhere
        } else if is_own(me, &record.owner, record.agent_id.as_ref()) {
            PathReservationReasonKind::SelfReserved
        } else {
            PathReservationReasonKind::Reserved
        };
        // What the caller has, another can have only by sharing it.
        let blocks = kind == PathReservationReasonKind::Reserved && had == PathOwnership::NotOwn;
        let subject = PathReservationReasonSubject::Reservation(record);
        self.reason(&record.patterns, (kind, blocks), subject)
    }

    fn of_waiter<'a>(
        &self,
        waiter: &'a WaitingReservation,
        context: &CommandContext,
        had: PathOwnership,
    ) -> Option<PathReservationReason<'a>> {
        let (me, identity) = (&context.caller.identity, &waiter.identity);
        let is_mine = is_own(me, &identity.owner, Some(&identity.agent));
        if is_mine || !counts_in(&waiter.scope, self.tree.as_ref()) {
            return None;
        }
        // What the caller has, it keeps past all waiters.
        let blocks = had == PathOwnership::NotOwn;
        let subject = PathReservationReasonSubject::Waiter(waiter);
        self.reason(&waiter.patterns, (PathReservationReasonKind::Awaited, blocks), subject)
    }

    fn reason<'a>(
        &self,
        patterns: &[Pattern],
        (kind, blocks): (PathReservationReasonKind, bool),
        subject: PathReservationReasonSubject<'a>,
    ) -> Option<PathReservationReason<'a>> {
        let patterns: Vec<Pattern> = covering_patterns(patterns, &self.argument).cloned().collect();
        (!patterns.is_empty()).then_some(PathReservationReason { kind, blocks, subject, patterns })
    }

    /// Whether nothing is there, and no glob was typed: perhaps a lock was meant, which has no such name.
    pub(super) fn is_unknown(&self) -> bool {
        !self.is_there && self.argument.path.is_some()
    }
}
