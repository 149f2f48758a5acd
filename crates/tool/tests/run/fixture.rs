//! Runs tools as the command line does.

use lokt_lock::{
    caller::Caller,
    file::FileLockStore,
    guard::{SignalReader, SupervisedLocks, SupervisionPolicy},
    rules::OwnerSource,
};
use lokt_tool::{
    builtin,
    metadata::{self, ToolItemExecutorDeclaration},
    run::{
        ChainElementConfig, SubprocessResult, ToolOutputMode, ToolParameterValues, ToolRunError,
        ToolRunOutcome, ToolRunRequest, ToolRunSupervision, run,
    },
    words::{ToolFileExtension, ToolItemId},
};
use serde_json::{Map, Value};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    time::Duration,
};
use tempfile::TempDir;

/// Runs a test's body in a separate process, whose threads all block SIGCHLD and SIGHUP: a supervisor reads
/// signals from a descriptor, and a thread of the test harness would take them away. Returns the output of that
/// process, or `None` inside it.
pub(crate) fn run_in_process<F: FnOnce()>(body: F) -> Option<process::Output> {
    run_in_process_with(&[], body)
}

/// The same, with variables in the environment of the process.
pub(crate) fn run_in_process_with<F: FnOnce()>(
    variables: &[(&str, &Path)],
    body: F,
) -> Option<process::Output> {
    const INSIDE: &str = "LOKT_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        body();
        return None;
    }
    // The closure has the name of the test around it.
    let closure = std::any::type_name::<F>();
    let name = closure.split_once("::").unwrap().1.trim_end_matches("::{{closure}}");
    let mut command = Command::new("env");
    command.args([
        "--block-signal=CHLD,HUP".into(),
        std::env::current_exe().unwrap().into_os_string(),
    ]);
    let output = command
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} passes in a separate process:\n{out}\n{err}");
    assert!(out.contains("1 passed"), "{name} is the name of a test:\n{out}");
    Some(output)
}

/// A project, a user space and a folder for temporary files.
pub(crate) struct ToolFixture {
    folder: TempDir,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) output: ToolOutputMode,
    pub(crate) grace: Duration,
}

/// A tool to run.
pub(crate) struct Tool<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    /// The built-in item that runs it.
    pub(crate) runtime: &'a str,
    pub(crate) config: Value,
    pub(crate) env_config: Value,
}

impl<'a> Tool<'a> {
    pub(crate) fn new(file: &'a str, runtime: &'a str, text: &'a str) -> Self {
        Self { file, text, runtime, config: Value::Null, env_config: Value::Null }
    }
}

impl ToolFixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a project (1)", "tmp", "user"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut environment: Vec<_> = std::env::vars_os().collect();
        let ours = ["TMPDIR", "RYE_PYTHON", "RYE_NODE", "RYE_BASH"];
        environment.retain(|(name, _)| !ours.iter().any(|it| name == it));
        environment.push(("TMPDIR".into(), folder.path().join("tmp").into()));
        let grace = Duration::from_secs(5);
        Self { folder, environment, output: ToolOutputMode::Capture, grace }
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("a project (1)")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs a tool. At that time its file has other content than the verified one.
    pub(crate) fn run(
        &self,
        tool: &Tool<'_>,
        parameters: &Value,
    ) -> Result<ToolRunOutcome, ToolRunError> {
        let original = self.write(&format!(".ai/tools/{}", tool.file), "exit 99 # replaced\n");
        let mut chain = vec![ToolChainItem {
            id: ToolItemId::new("web/x").unwrap(),
            config: object(&tool.config),
            env_config: object(&tool.env_config),
        }];
        let mut next = Some(tool.runtime.to_owned());
        while let Some(id) = next {
            let (item, executor) = ToolChainItem::built_in(&id);
            chain.push(item);
            next = executor;
        }
        self.run_chain(&chain, (tool, &original), parameters)
    }

    /// Runs a tool that starts a process.
    #[track_caller]
    pub(crate) fn process(&self, tool: &Tool<'_>, parameters: &Value) -> SubprocessResult {
        match self.run(tool, parameters) {
            Ok(ToolRunOutcome::Subprocess(result)) => result,
            other => panic!("a process was to be started: {other:?}"),
        }
    }

    fn run_chain(
        &self,
        chain: &[ToolChainItem],
        (tool, original): (&Tool<'_>, &Path),
        parameters: &Value,
    ) -> Result<ToolRunOutcome, ToolRunError> {
        let steps: Vec<ChainElementConfig<'_>> = chain
            .iter()
            .map(|it| ChainElementConfig {
                id: &it.id,
                config: it.config.as_ref(),
                env_config: it.env_config.as_ref(),
            })
            .collect();
        let parameters = ToolParameterValues::new(object(parameters).unwrap());
        let job = ToolRunRequest {
            steps: &steps,
            file_name: tool.file,
            bytes: tool.text.as_bytes(),
            original: Some(original),
            schema: None,
            parameters: &parameters,
            project: &self.project(),
            user_space: &self.folder.path().join("user"),
            system_space: "",
            environment: self.environment.clone(),
            output: self.output,
        };
        let store = FileLockStore::new(&self.folder.path().join("root"));
        let caller = Caller::current(None, OwnerSource::Derived, None);
        let signals = SignalReader::hold().unwrap();
        let world = ToolRunSupervision {
            watchers: SupervisedLocks { store: &store, caller: &caller, grants: &mut [] },
            signals: &signals,
            orders: SupervisionPolicy { grace: self.grace, ..SupervisionPolicy::default() },
            tell: &mut |_| {},
        };
        run(&job, world)
    }
}

struct ToolChainItem {
    id: ToolItemId,
    config: Option<Map<String, Value>>,
    env_config: Option<Map<String, Value>>,
}

impl ToolChainItem {
    /// A built-in item, and the item that runs it.
    fn built_in(id: &str) -> (Self, Option<String>) {
        let id = ToolItemId::new(id).unwrap();
        let text = builtin::builtin(&id).unwrap_or_else(|| panic!("{id} is built in"));
        let metadata = metadata::read(text, ToolFileExtension::Yaml).unwrap();
        let executor = match metadata.executor {
            ToolItemExecutorDeclaration::Item(id) => Some(id.to_string()),
            ToolItemExecutorDeclaration::Nothing | ToolItemExecutorDeclaration::Unsaid => None,
        };
        (Self { id, config: metadata.config, env_config: metadata.env_config }, executor)
    }
}

fn object(value: &Value) -> Option<Map<String, Value>> {
    value.as_object().cloned()
}

/// Whether a process runs. One that has ended and was not collected yet does not.
pub(crate) fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
