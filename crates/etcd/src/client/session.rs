use super::calls::{Answer, Call, SignIn};
use crate::{
    address::{ClusterAddress, Endpoint},
    connection::{AttemptFailure, CallHeaders, Connection, Fault, LeaderDemand, TransportSettings},
    credentials::{Account, Credentials},
    error::ClusterErrorKind,
    protocol::cluster::{AUTHENTICATE, AuthenticateRequest, AuthenticateResponse},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};
use tonic::metadata::{Ascii, MetadataValue};

/// What the client remembers between calls: connections, the token, and which member answered last.
pub(super) struct Session {
    endpoints: Vec<Endpoint>,
    transport: TransportSettings,
    account: Option<Account>,
    state: Mutex<SessionState>,
}

struct SessionState {
    connections: Vec<Option<Arc<Connection>>>,
    token: Token,
    /// The index of the member that is asked first.
    preferred: usize,
}

/// The token that a sign-in gave.
#[derive(Debug, Clone)]
enum Token {
    /// None yet.
    Missing,
    /// The cluster asks for none, or none can be had without an account.
    NotNeeded,
    Given(MetadataValue<Ascii>),
}

impl Session {
    pub(super) fn new(address: &ClusterAddress, credentials: &Credentials) -> Result<Self, String> {
        let endpoints = address.endpoints().to_vec();
        let token = match credentials.account {
            Some(_) => Token::Missing,
            None => Token::NotNeeded,
        };
        let connections = endpoints.iter().map(|_| None).collect();
        Ok(Self {
            endpoints,
            transport: TransportSettings::new(address.security(), credentials)?,
            account: credentials.account.clone(),
            state: Mutex::new(SessionState { connections, token, preferred: 0 }),
        })
    }

    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    fn with<T>(&self, look: impl FnOnce(&mut SessionState) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The index of the member that is asked first: the one that answered last.
    pub(super) fn preferred(&self) -> usize {
        self.with(|state| state.preferred)
    }

    /// Notes that a member answered.
    pub(super) fn prefer(&self, index: usize) {
        self.with(|state| state.preferred = index);
    }

    /// Notes that a member did not answer: others are asked before it, if nothing else has been noted meanwhile.
    pub(super) fn avoid(&self, index: usize) {
        self.with(|state| {
            if state.preferred == index {
                state.preferred = (index + 1) % self.endpoints.len().max(1);
            }
        });
    }

    /// The open connection to a member, or a new one.
    async fn connection(&self, index: usize) -> Result<Arc<Connection>, Fault> {
        let open = self.with(|state| state.connections.get(index).cloned().flatten());
        if let Some(open) = open.filter(|it| !it.is_closed()) {
            return Ok(open);
        }
        let endpoint = self.endpoints.get(index).ok_or_else(|| Fault::silent("no such member"))?;
        let connection = Arc::new(Connection::open(endpoint, &self.transport).await?);
        self.with(|state| {
            if let Some(slot) = state.connections.get_mut(index) {
                *slot = Some(Arc::clone(&connection));
            }
        });
        Ok(connection)
    }

    /// Leaves a member whose stream has ended: its connection is forgotten, and others are asked before it.
    pub(super) fn leave(&self, connection: &Arc<Connection>) {
        if let Some(index) = self.endpoints.iter().position(|it| it == connection.endpoint()) {
            self.discard(index, connection);
            self.avoid(index);
        }
    }

    /// Forgets a connection that does not answer, so that the next call makes another.
    pub(super) fn discard(&self, index: usize, connection: &Arc<Connection>) {
        self.with(|state| {
            let slot = state.connections.get_mut(index);
            if let Some(slot) = slot
                && slot.as_ref().is_some_and(|open| Arc::ptr_eq(open, connection))
            {
                *slot = None;
            }
        });
    }

    /// Connects to a member and signs in, if either is needed. Nothing of a call has been sent then.
    pub(super) async fn prepare(
        &self,
        index: usize,
        call: Call,
        until: Instant,
        limit: Duration,
    ) -> Result<Arc<Connection>, AttemptFailure> {
        let late = |_| AttemptFailure::Elsewhere(Fault::late(limit));
        let connection = timeout_at(until, self.connection(index)).await.map_err(late)?;
        let connection = connection.map_err(AttemptFailure::Elsewhere)?;
        if call.sign_in == SignIn::Needed && matches!(self.token(), Token::Missing) {
            let signed_in = timeout_at(until, self.sign_in(&connection)).await;
            if !matches!(signed_in, Ok(Ok(()))) {
                self.discard(index, &connection);
            }
            signed_in.map_err(late)??;
        }
        Ok(connection)
    }

    fn token(&self) -> Token {
        self.with(|state| state.token.clone())
    }

    fn headers(&self, call: Call) -> CallHeaders {
        let token = match self.token() {
            Token::Given(token) => Some(token),
            Token::Missing | Token::NotNeeded => None,
        };
        CallHeaders { token, leader: call.leader }
    }

    /// Sends a call to a prepared member. If the member does not accept the token, signs in and sends it again, once.
    pub(super) async fn send<T>(
        &self,
        connection: &Arc<Connection>,
        call: Call,
        send: &(dyn Fn(Arc<Connection>, CallHeaders) -> Answer<T> + Send + Sync),
    ) -> Result<T, AttemptFailure> {
        let answer = send(Arc::clone(connection), self.headers(call)).await;
        let Err(AttemptFailure::SignInAgain(fault)) = answer else { return answer };
        if self.account.is_none() {
            return Err(AttemptFailure::Refused(fault));
        }
        self.sign_in(connection).await?;
        match send(Arc::clone(connection), self.headers(call)).await {
            Err(AttemptFailure::SignInAgain(fault)) => Err(AttemptFailure::Refused(fault)),
            answer => answer,
        }
    }

    /// Gets a token. A failure is one of a call that was not sent yet, so it never says that the call is unanswered.
    pub(super) async fn sign_in(&self, connection: &Connection) -> Result<(), AttemptFailure> {
        let Some(account) = &self.account else { return Ok(()) };
        let request =
            AuthenticateRequest { name: account.user.clone(), password: account.password.clone() };
        let headers = CallHeaders { token: None, leader: LeaderDemand::Required };
        let answer: Result<AuthenticateResponse, _> =
            connection.unary(AUTHENTICATE, headers, request).await;
        let token = match answer {
            Ok(answer) => {
                MetadataValue::try_from(answer.token).map(Token::Given).map_err(|_| {
                    let text = "gave a token that cannot be sent";
                    AttemptFailure::Refused(Fault::new(ClusterErrorKind::Malformed, text))
                })?
            }
            // As etcd's own clients have it: an account does no harm where none is needed.
            Err(AttemptFailure::Refused(fault))
                if fault.text.contains("authentication is not enabled") =>
            {
                Token::NotNeeded
            }
            Err(AttemptFailure::Unanswered(fault)) => return Err(AttemptFailure::Elsewhere(fault)),
            Err(failure) => return Err(failure),
        };
        self.with(|state| state.token = token);
        Ok(())
    }
}
