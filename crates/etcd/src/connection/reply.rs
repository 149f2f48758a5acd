//! What the error of a server means: the texts are those of etcd's `api/v3rpc/rpctypes/error.go`.
//!
//! The texts decide, not the codes: etcd sends one code for many errors. Where a text is unknown, the code decides, and
//! in doubt the call may have had its effect.

use super::failure::{AttemptFailure, Fault};
use crate::error::ClusterErrorKind as Kind;
use tonic::Code;

type Judgement = fn(Fault) -> AttemptFailure;

/// The texts of etcd that mean something of their kind: a part of the text, the kind, and what may be done next.
const REPLIES: &[(&str, Kind, Judgement)] = &[
    // A member that knows no leader refuses before it proposes anything; one whose wait for the leader ended may have.
    ("etcdserver: no leader", Kind::NoLeader, AttemptFailure::Elsewhere),
    ("etcdserver: not leader", Kind::NoLeader, AttemptFailure::Elsewhere),
    ("etcdserver: leader changed", Kind::NoLeader, AttemptFailure::Unanswered),
    ("etcdserver: request timed out", Kind::NoLeader, AttemptFailure::Unanswered),
    ("etcdserver: server stopped", Kind::Unreachable, AttemptFailure::Unanswered),
    ("etcdserver: too many requests", Kind::Overloaded, AttemptFailure::Elsewhere),
    ("etcdserver: rpc not supported for learner", Kind::Refused, AttemptFailure::Elsewhere),
    ("etcdserver: not capable", Kind::Refused, AttemptFailure::Elsewhere),
    ("invalid user ID or password", Kind::WrongPassword, AttemptFailure::Refused),
    ("etcdserver: user name is empty", Kind::AccountNeeded, AttemptFailure::SignInAgain),
    ("etcdserver: invalid auth token", Kind::TokenRefused, AttemptFailure::SignInAgain),
    ("etcdserver: revision of auth store is old", Kind::TokenRefused, AttemptFailure::SignInAgain),
    ("etcdserver: permission denied", Kind::NotAuthorised, AttemptFailure::Refused),
    ("database space exceeded", Kind::NoSpace, AttemptFailure::Refused),
    ("etcdserver: corrupt cluster", Kind::Corrupt, AttemptFailure::Refused),
    ("requested lease not found", Kind::LeaseNotFound, AttemptFailure::Refused),
    ("lease already exists", Kind::LeaseExists, AttemptFailure::Refused),
    ("required revision has been compacted", Kind::Compacted, AttemptFailure::Refused),
    ("required revision is a future revision", Kind::FutureRevision, AttemptFailure::Refused),
    ("too many operations in txn request", Kind::TooLarge, AttemptFailure::Refused),
    ("etcdserver: request is too large", Kind::TooLarge, AttemptFailure::Refused),
    ("grpc: received message larger than max", Kind::TooLarge, AttemptFailure::Refused),
];

/// Judges the error of a server.
pub(super) fn judge_reply(code: Code, text: &str) -> AttemptFailure {
    let known = REPLIES.iter().find(|(part, ..)| text.contains(part));
    let shown = if text.is_empty() { code.description() } else { text };
    let shown = shown.strip_prefix("etcdserver: ").unwrap_or(shown);
    if let Some((_, kind, judgement)) = known {
        return judgement(Fault::new(kind.clone(), shown));
    }
    let fault = |kind| Fault::new(kind, shown);
    match code {
        // The server has no such service: it is another one, or an etcd that is too old.
        Code::Unimplemented => AttemptFailure::Elsewhere(fault(Kind::NotEtcd)),
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::PermissionDenied
        | Code::Unauthenticated
            if text.starts_with("etcdserver: ") =>
        {
            AttemptFailure::Refused(fault(Kind::Refused))
        }
        Code::Unavailable => AttemptFailure::Unanswered(fault(Kind::Unreachable)),
        _ => AttemptFailure::Unanswered(fault(Kind::Refused)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_without_a_leader_leaves_room_for_another() {
        let failure = judge_reply(Code::Unavailable, "etcdserver: no leader");
        let fault = Fault::new(Kind::NoLeader, "no leader");
        assert_eq!(failure, AttemptFailure::Elsewhere(fault), "the call had no effect");
    }

    #[test]
    fn an_unknown_error_may_have_had_an_effect() {
        for code in
            [Code::Unknown, Code::Internal, Code::Cancelled, Code::DataLoss, Code::Unavailable]
        {
            let failure = judge_reply(code, "something else");
            assert!(
                matches!(failure, AttemptFailure::Unanswered(_)),
                "doubt is no proof: {failure:?}"
            );
        }
    }

    #[test]
    fn an_unknown_refusal_of_etcd_had_no_effect() {
        let failure = judge_reply(Code::FailedPrecondition, "etcdserver: something new");
        let fault = Fault::new(Kind::Refused, "something new");
        assert_eq!(failure, AttemptFailure::Refused(fault));
        let failure = judge_reply(Code::FailedPrecondition, "a proxy's own words");
        assert!(matches!(failure, AttemptFailure::Unanswered(_)), "only etcd's word counts");
    }
}
