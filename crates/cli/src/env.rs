//! Every variable of the environment that Lokt reads or sets. An empty one counts as not set.

use crate::failure::CliFailure;
use lokt_lock::sys::home;
use std::{env, ffi::OsString, path::PathBuf};

/// The folder, or the cluster, that holds the locks.
pub(crate) const ROOT: &str = "LOKT_ROOT";
/// For how long a cluster keeps what a process holds when it hears of it no more.
pub(crate) const SESSION_TTL: &str = "LOKT_SESSION_TTL";
/// How etcd's own client proves who it is and by what it recognises a cluster; handled as it does, except that the
/// last one is refused.
pub(crate) const ETCDCTL: [&str; 6] = [
    "ETCDCTL_CACERT",
    "ETCDCTL_CERT",
    "ETCDCTL_KEY",
    "ETCDCTL_USER",
    "ETCDCTL_PASSWORD",
    "ETCDCTL_INSECURE_SKIP_TLS_VERIFY",
];
/// The owner to act as; also set for guarded commands.
pub(crate) const OWNER: &str = "LOKT_OWNER";
/// Set for guarded commands whose owner was not given: as long as [`OWNER`] has the same value, the
/// user has given no owner. Without it, every command inside a guard would act as a given owner, and two terminals
/// of one user would share their leases.
pub(crate) const OWNER_DERIVED: &str = "LOKT_OWNER_DERIVED";
/// Distinguishes the agents of one owner. Without it, the [variables of harnesses](lokt_lock::harness::variables) do.
pub(crate) const AGENT_ID: &str = lokt_lock::harness::AGENT_ID;
/// Set for hooks of Claude Code: the file whose lines its later shell commands run first.
pub(crate) const CLAUDE_ENV_FILE: &str = "CLAUDE_ENV_FILE";
/// Set for hooks of Codex, which has the variable above too.
pub(crate) const CODEX_ENV_FILE: &str = "CODEX_ENV_FILE";
/// Set for hooks: the folder where a session of Claude Code, of Cursor or of Gemini CLI works.
pub(crate) const PROJECT_FOLDERS: [&str; 3] =
    ["CLAUDE_PROJECT_DIR", "CURSOR_PROJECT_DIR", "GEMINI_PROJECT_DIR"];
/// Set for guarded commands: the name of the innermost lock.
pub(crate) const NAME: &str = "LOKT_NAME";
/// Set for guarded commands: the acquisition's id.
pub(crate) const LOCK_ID: &str = "LOKT_LOCK_ID";
/// Set for guarded commands: the acquisition's fence.
pub(crate) const FENCE: &str = "LOKT_FENCE";
/// Set for guarded commands: all acquisitions around it, outermost first, as `name=ticket,name=ticket`.
pub(crate) const HELD: &str = "LOKT_HELD";
/// Where git keeps the repository; honoured as git does.
pub(crate) const GIT_DIR: &str = "GIT_DIR";
/// Where git keeps what all worktrees share; honoured as git does.
pub(crate) const GIT_COMMON_DIR: &str = "GIT_COMMON_DIR";
/// How the variables begin by which `git merge` names the commits that it merges; the rest is the commit.
pub(crate) const GIT_MERGED_HEAD: &str = "GITHEAD_";
/// The folders where programs are searched for, separated by `:`.
pub(crate) const PATH: &str = "PATH";

/// The user's space: tools, keys and lockfiles of this user.
pub(crate) const USER_SPACE: &str = "USER_SPACE";
/// The home folder, which has the user's space where nothing else names one.
pub(crate) const HOME: &str = "HOME";
/// The folders of the system space, separated by `:`.
pub(crate) const SYSTEM_SPACE: &str = "LOKT_SYSTEM_SPACE";
/// The work tree of git, if it is not beside the repository; handled as git does.
pub(crate) const GIT_WORK_TREE: &str = "GIT_WORK_TREE";

/// How many columns the help may have.
pub(crate) const COLUMNS: &str = "COLUMNS";
/// Codex's folder of this user.
pub(crate) const CODEX_HOME: &str = "CODEX_HOME";

/// What kind of terminal there is.
pub(crate) const TERM: &str = "TERM";
/// The locale for everything: which characters can be shown.
pub(crate) const LC_ALL: &str = "LC_ALL";
/// The locale for characters.
pub(crate) const LC_CTYPE: &str = "LC_CTYPE";
/// The locale where nothing else says.
pub(crate) const LANG: &str = "LANG";

/// The user who runs this by `sudo`.
pub(crate) const SUDO_UID: &str = "SUDO_UID";
/// The folder for temporary files.
pub(crate) const TEMPORARY: &str = "TMPDIR";

/// A variable as a path. A `~` at its beginning, which a shell would have replaced, is the home folder.
pub(crate) fn path(key: &str) -> Result<Option<PathBuf>, CliFailure> {
    value(key).map(|it| expanded(key, it)).transpose()
}

/// A variable as paths with `:` between them, each as [`path`] reads it. Empty ones count as not there.
pub(crate) fn paths(key: &str) -> Result<Vec<PathBuf>, CliFailure> {
    let list = value(key).unwrap_or_default();
    let paths = env::split_paths(&list).filter(|path| !path.as_os_str().is_empty());
    paths.map(|path| expanded(key, path.into_os_string())).collect()
}

/// A variable of git's as a path: git takes a `~` for a name as any other.
pub(crate) fn literal_path(key: &str) -> Option<PathBuf> {
    value(key).map(PathBuf::from)
}

/// The home folder.
pub(crate) fn home() -> Option<PathBuf> {
    value(HOME).map(PathBuf::from).or_else(home::of_user)
}

/// The folder for temporary files: an absolute path, so that nothing is written where the caller works.
pub(crate) fn temporary() -> PathBuf {
    let named = path(TEMPORARY).ok().flatten().filter(|path| path.is_absolute());
    named.unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn expanded(key: &str, value: OsString) -> Result<PathBuf, CliFailure> {
    let shown = value.to_string_lossy().into_owned();
    home::expand(value, home).map_err(|error| {
        CliFailure::usage(format!("{key}={shown}: {error}"))
            .hint(format!("set {key} to an absolute path; a folder that is called so is ./{shown}"))
    })
}

/// A variable as text.
pub(crate) fn text(key: &str) -> Result<Option<String>, CliFailure> {
    let Some(value) = value(key) else {
        return Ok(None);
    };
    let text = value.into_string();
    text.map(Some).map_err(|_| CliFailure::usage(format!("{key} is not valid UTF-8")))
}

/// A variable as it is.
pub(crate) fn value(key: &str) -> Option<OsString> {
    env::var_os(key).filter(|value| !value.is_empty())
}

/// One of [`ETCDCTL`] as it is; any other counts as not set.
pub(crate) fn of_etcdctl(key: &str) -> Option<OsString> {
    ETCDCTL.contains(&key).then(|| value(key)).flatten()
}

/// What follows a text in the names of the variables that begin with it.
pub(crate) fn names_after(beginning: &str) -> impl Iterator<Item = String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(move |name| name.strip_prefix(beginning).map(str::to_owned))
}
