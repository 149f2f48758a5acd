use super::{
    EtcdClient,
    api::unary,
    calls::{Call, Tried},
};
use crate::{
    address::Endpoint,
    connection::{AttemptFailure, Fault},
    error::{ClusterError, ClusterErrorKind},
    protocol::{
        cluster::{
            ALARM, AlarmRequest, AlarmResponse, MEMBER_LIST, MemberListRequest, MemberListResponse,
            STATUS, StatusRequest, StatusResponse,
        },
        status_of,
    },
    values::{Alarm, Member, MemberStatus},
};
use std::sync::Arc;

const LIST: Call = Call::harmless("list the members").without_leader().without_sign_in();
const STATE: Call =
    Call::harmless("read the status of a member").without_leader().without_sign_in();
const ALARMS: Call = Call::harmless("list the alarms");

impl EtcdClient {
    /// Lists the members, as one of them knows them. It works without a leader.
    ///
    /// # Errors
    /// No member answers within the limits.
    pub fn members(&self) -> Result<Vec<Member>, ClusterError> {
        let answer: MemberListResponse =
            self.ask_message(LIST, MEMBER_LIST, MemberListRequest {})?;
        Ok(answer.members.into_iter().map(Member::from).collect())
    }

    /// Asks one member for its state. It works without a leader and without an account.
    ///
    /// # Errors
    /// The member does not answer within the limit of a member, or the address does not name it.
    pub fn status(&self, endpoint: &Endpoint) -> Result<MemberStatus, ClusterError> {
        let Some(index) = self.session.endpoints().iter().position(|it| it == endpoint) else {
            let kind = ClusterErrorKind::Client(format!("{endpoint} is not in the address"));
            return Err(ClusterError { call: STATE.name, kind, replies: Vec::new() });
        };
        let (session, limits) = (Arc::clone(&self.session), self.limits);
        let limit = limits.per_member.min(limits.total);
        let answer = self.background.run(async move {
            let send = unary(STATUS, StatusRequest {});
            session.attempt(index, STATE, limit, &send).await
        });
        let answer: Result<StatusResponse, Fault> = match answer {
            Some(answer) => answer.map_err(AttemptFailure::into_fault),
            None => Err(Fault::silent("the background thread has ended")),
        };
        answer.map(status_of).map_err(|fault| {
            let mut tried = Tried::new(&self.session, STATE);
            tried.note(index, fault);
            tried.error(&self.session)
        })
    }

    /// Lists the alarms of all members.
    ///
    /// # Errors
    /// No member answers within the limits.
    pub fn alarms(&self) -> Result<Vec<Alarm>, ClusterError> {
        let answer: AlarmResponse = self.ask_message(ALARMS, ALARM, AlarmRequest {})?;
        Ok(answer.alarms.iter().map(Alarm::from).collect())
    }
}
