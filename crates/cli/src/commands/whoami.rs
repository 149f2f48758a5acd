use super::whoami_holdings::{CallerHoldings, HeldLockJson};
use crate::{
    context::{OwnerOption, caller, find_root},
    env,
    exit::ExitCode,
    failure::CliFailure,
    output,
    project_store::{ProjectRoot, store_of},
    view::reservation::ListedReservationJson,
};
use clap::Args;
use lokt_lock::{
    caller::{Caller, unused_agent},
    file::RootMethod,
    harness::AgentSource,
    rules::OwnerSource,
    words::Harness,
};
use serde::Serialize;

/// Show who you are to locks, where that comes from, and what you have
///
/// The agent is `LOKT_AGENT_ID`, else the session of the harness that you run in, else the terminal session. Each line
/// says where its value comes from.
#[derive(Args, Debug)]
pub(crate) struct WhoamiCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The caller as JSON; the field names are a contract.
#[derive(Serialize)]
struct WhoamiJson<'a> {
    owner: String,
    /// Whether a person or a script chose it. With a given owner, the agent does not matter for
    /// ownership.
    owner_given: bool,
    /// Where it comes from: `flag`, `variable`, `guard` or `user`.
    owner_source: &'static str,
    /// The agent's id, as records have it.
    agent_id: String,
    /// The same in a short form for people.
    agent: String,
    /// Where it comes from, one word of a fixed list.
    agent_source: &'static str,
    /// The variables that the agent comes from.
    agent_variables: Vec<&'static str>,
    /// The harness that the agent runs in, if it is known.
    harness: Option<&'static str>,
    /// The process of that harness, if the agent is told by its process.
    harness_pid: Option<i32>,
    /// The root, a folder or the address of a cluster; `null` if it is not clear which it is.
    root_path: Option<String>,
    /// How the root was found.
    root_method: Option<&'static str>,
    /// Why the root cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    root_error: Option<String>,
    /// What the caller has; null where that cannot be read.
    locks: Option<Vec<HeldLockJson<'a>>>,
    reservations: Option<Vec<ListedReservationJson<'a>>>,
}

impl WhoamiCommand {
    /// Works also where the root cannot be used, because that may be the reason for the question.
    pub(crate) fn run(&self, acting: &OwnerOption) -> Result<ExitCode, CliFailure> {
        let caller = caller(acting)?;
        // The caller is known also where the locks cannot be used.
        let root = find_root();
        let owner = OwnerOrigin::of(acting, &caller)?;
        let holdings = root
            .as_ref()
            .ok()
            .map(|root| store_of(root).and_then(|store| CallerHoldings::find(&store, &caller)));
        let (holdings, fault) = match holdings {
            Some(Ok(holdings)) => (Some(holdings), None),
            Some(Err(failure)) => (None, Some(failure.message)),
            None => (None, None),
        };
        if let Some(fault) = fault {
            output::warn(&format!("what you hold cannot be read: {fault}"));
        }
        if self.json {
            output::json(&view(&caller, owner, &root, holdings.as_ref()))?;
        } else {
            let holdings = holdings.as_ref().map(CallerHoldings::lines);
            output::lines(lines(&caller, owner, (&root, holdings)))?;
        }
        Ok(ExitCode::Done)
    }
}

/// Where an owner comes from.
#[derive(Clone, Copy)]
enum OwnerOrigin {
    /// From `--owner`.
    Flag,
    /// From `LOKT_OWNER`.
    Variable,
    /// The guard around this process sets the variable to the user's name.
    Guard,
    /// The user of the system.
    User,
}

impl OwnerOrigin {
    /// The source of this caller's owner.
    fn of(acting: &OwnerOption, caller: &Caller) -> Result<Self, CliFailure> {
        let is_set = env::text(env::OWNER)?.is_some();
        Ok(match (acting.owner.is_some(), is_set, caller.identity.source) {
            (true, _, _) => Self::Flag,
            (false, true, OwnerSource::Given) => Self::Variable,
            (false, true, OwnerSource::Derived) => Self::Guard,
            (false, false, _) => Self::User,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Variable => "variable",
            Self::Guard => "guard",
            Self::User => "user",
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Flag => "from --owner",
            Self::Variable => "from LOKT_OWNER",
            Self::Guard => "the operating system's user, from the guard around this command",
            Self::User => "the operating system's user",
        }
    }
}

fn view<'a>(
    caller: &Caller,
    owner: OwnerOrigin,
    root: &Result<ProjectRoot, CliFailure>,
    holdings: Option<&'a CallerHoldings>,
) -> WhoamiJson<'a> {
    let identity = &caller.identity;
    let origin = AgentOrigin::of(&caller.agent_source);
    WhoamiJson {
        owner: identity.owner.to_string(),
        owner_given: identity.source == OwnerSource::Given,
        owner_source: owner.as_str(),
        agent_id: identity.agent.to_string(),
        agent: identity.agent.spoken(),
        agent_source: origin.word,
        agent_variables: origin.variables,
        harness: origin.harness.map(Harness::as_str),
        harness_pid: origin.pid,
        root_path: root.as_ref().ok().map(ProjectRoot::shown),
        root_method: root.as_ref().ok().map(|it| it.method().as_str()),
        root_error: root.as_ref().err().map(|it| it.message.clone()),
        locks: holdings.map(CallerHoldings::locks_json),
        reservations: holdings.and_then(|it| it.reservations_json(caller)),
    }
}

/// Where an agent comes from.
struct AgentOrigin {
    /// The word for JSON.
    word: &'static str,
    /// The variables that the agent comes from.
    variables: Vec<&'static str>,
    /// The harness, if it is known.
    harness: Option<Harness>,
    /// The harness's process, if the agent is told by that.
    pid: Option<i32>,
}

impl AgentOrigin {
    fn of(source: &AgentSource) -> Self {
        let plain = |word| Self { word, variables: Vec::new(), harness: None, pid: None };
        match source {
            AgentSource::Given => Self { variables: vec![env::AGENT_ID], ..plain("given") },
            AgentSource::Variable { harness, variable } => {
                Self { variables: vec![*variable], harness: Some(*harness), ..plain("variable") }
            }
            AgentSource::Process { harness, pid } => {
                Self { harness: Some(*harness), pid: Some(*pid), ..plain("process") }
            }
            AgentSource::Nested(sessions) => {
                let variables = sessions.iter().map(|(_, variable)| *variable).collect();
                Self { variables, ..plain("nested") }
            }
            AgentSource::Terminal { marker } => {
                Self { harness: marker.map(|(harness, _)| harness), ..plain("terminal") }
            }
            AgentSource::Connection => plain("connection"),
        }
    }

    fn told(&self) -> String {
        match (self.word, self.pid) {
            ("terminal", _) => "the terminal session".to_owned(),
            (_, Some(pid)) => format!("the harness's process, pid {pid}"),
            _ => format!("from {}", self.variables.join(" and ")),
        }
    }
}

fn lines(
    caller: &Caller,
    owner: OwnerOrigin,
    (root, holdings): (&Result<ProjectRoot, CliFailure>, Option<Vec<String>>),
) -> Vec<String> {
    let identity = &caller.identity;
    let origin = AgentOrigin::of(&caller.agent_source);
    let (id, spoken) = (identity.agent.as_str(), identity.agent.spoken());
    let agent = if id == spoken { spoken } else { format!("{spoken}, in full {id}") };
    let harness = match (&caller.agent_source, origin.harness) {
        (AgentSource::Nested(all), _) => {
            let all: Vec<&str> = all.iter().map(|(harness, _)| harness.as_str()).collect();
            format!("{}: which is the inner one is unknown", all.join(" and "))
        }
        (_, Some(harness)) => harness.to_string(),
        (_, None) => "none that Lokt recognizes".to_owned(),
    };
    let root = match root {
        Ok(root) => format!("{}: {}", root.shown(), found(root.method())),
        Err(failure) => format!("not usable: {}", failure.message),
    };
    let mut lines = vec![
        format!("owner    {}: {}", identity.owner, owner.told()),
        format!("agent    {agent}: {}", origin.told()),
        format!("harness  {harness}"),
        format!("root     {root}"),
    ];
    lines.extend(holdings.into_iter().flatten());
    lines.push(String::new());
    lines.extend(meaning(caller));
    lines
}

/// How a root was found, in words.
const fn found(method: RootMethod) -> &'static str {
    match method {
        RootMethod::Env => "from LOKT_ROOT",
        RootMethod::Project => "named by the project's lokt.toml",
        RootMethod::Git => "in the git repository",
        RootMethod::Local => "in the working folder, because nothing else names one",
    }
}

/// Which other commands are the same caller.
fn meaning(caller: &Caller) -> Vec<String> {
    let identity = &caller.identity;
    if identity.source == OwnerSource::Given {
        let given = format!(
            "The owner was given: every command with the owner {} is you, and may unlock your locks.",
            identity.owner
        );
        let advice =
            "Do not give it to several agents: without it, each session is a separate caller.";
        let is_session = identity.agent.is_of_harness();
        return std::iter::once(given).chain(is_session.then(|| advice.to_owned())).collect();
    }
    let line = match &caller.agent_source {
        AgentSource::Given => {
            "Every command of this user with this LOKT_AGENT_ID is you, in any terminal."
        }
        AgentSource::Variable { .. } => {
            "Every command of this session is you: a later command renews and unlocks your locks."
        }
        AgentSource::Process { .. } => {
            "Every command below this process is you: a later command renews and unlocks your locks."
        }
        AgentSource::Nested(_) => {
            "One session runs within the other. Every command that has both variables is you."
        }
        AgentSource::Connection => "Every call of this connection is you.",
        AgentSource::Terminal { marker: None } => {
            let line = "Every command of this terminal session is you; another terminal is another caller.";
            return std::iter::once(line.to_owned()).chain(one_agent()).collect();
        }
        AgentSource::Terminal { marker: Some((harness, variable)) } => {
            let lines = [
                format!(
                    "{variable} says that {harness} is above, but neither its session nor its process is known."
                ),
                "Only commands of this terminal session are you.".to_owned(),
            ];
            return lines.into_iter().chain(one_agent()).collect();
        }
    };
    vec![line.to_owned()]
}

/// How commands in separate sessions are one agent.
fn one_agent() -> Option<String> {
    let id = unused_agent()?;
    let variable = env::AGENT_ID;
    Some(format!(
        "To be one caller in separate sessions, set {variable} in all your commands; this id is new, for you alone: {variable}={id}"
    ))
}
