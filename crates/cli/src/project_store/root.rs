use crate::{env, exit::ExitCode, failure::CliFailure};
use lokt_etcd::ClusterAddress;
use lokt_lock::file::{LockRoot, RootMethod};
use std::path::PathBuf;

/// Where the locks of a project are.
#[derive(Clone, Debug)]
pub(crate) enum ProjectRoot {
    /// In a folder of this machine.
    Folder(LockRoot),
    /// Below the prefix of a cluster.
    Cluster(ClusterAddress),
}

impl ProjectRoot {
    /// The folder; `None` on a cluster.
    pub(crate) fn folder(&self) -> Option<&LockRoot> {
        match self {
            Self::Folder(root) => Some(root),
            Self::Cluster(_) => None,
        }
    }

    /// The folder, for something that a cluster does not have yet.
    ///
    /// # Errors
    /// A failure that names `what`, on a cluster.
    pub(crate) fn require_folder(&self, what: &str) -> Result<&LockRoot, CliFailure> {
        match self {
            Self::Folder(root) => Ok(root),
            Self::Cluster(address) => Err(unsupported(what, address)),
        }
    }

    /// The folder's path, or the address, which never has an account in it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Folder(root) => root.path.display().to_string(),
            Self::Cluster(address) => address.to_string(),
        }
    }

    /// How it was found.
    pub(crate) fn method(&self) -> RootMethod {
        match self {
            Self::Folder(root) => root.method,
            Self::Cluster(_) => RootMethod::Env,
        }
    }
}

/// The failure of something that a cluster does not have yet.
fn unsupported(what: &str, address: &ClusterAddress) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("not supported on a cluster yet: {what}"))
        .hint(format!("the locks of this project are at {address}, which LOKT_ROOT names"))
}

/// What `LOKT_ROOT` names.
#[derive(Clone, Debug)]
pub(crate) enum RootVariable {
    /// Nothing.
    Absent,
    /// A folder, relative to the working folder if it is not absolute.
    Folder(PathBuf),
    /// A cluster.
    Cluster(ClusterAddress),
}

impl RootVariable {
    /// Reads the variable. What looks like a URL is never taken for a folder: others would lock elsewhere.
    ///
    /// # Errors
    /// A failure if the value is a URL of another kind, or no valid address; a usage failure if a `~` cannot be
    /// expanded.
    pub(crate) fn read() -> Result<Self, CliFailure> {
        let value = env::value(env::ROOT);
        let Some(text) = value.as_deref().and_then(|it| it.to_str()).filter(|it| is_url(it)) else {
            return Ok(env::path(env::ROOT)?.map_or(Self::Absent, Self::Folder));
        };
        text.parse().map(Self::Cluster).map_err(|error| {
            let text = format!("{} names no usable cluster: {error}", env::ROOT);
            CliFailure::new(ExitCode::Error, text).hint(format!(
                "write {}=etcd://HOST:PORT,HOST:PORT/PREFIX, with etcds:// for TLS, or the path of a folder",
                env::ROOT
            ))
        })
    }

    /// The folder, if it names one.
    pub(crate) fn folder(self) -> Option<PathBuf> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Absent | Self::Cluster(_) => None,
        }
    }
}

/// Whether a text begins as a URL does, or as one of a cluster whose slashes were forgotten.
fn is_url(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        let is_allowed = |it: char| it.is_ascii_alphanumeric() || "+-.".contains(it);
        scheme.starts_with(|it: char| it.is_ascii_alphabetic()) && scheme.chars().all(is_allowed)
    };
    let is_of_cluster = ["etcd:", "etcds:"].iter().any(|it| text.starts_with(it));
    is_of_cluster || text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_a_path() {
        for url in ["etcd://a/b", "etcds://a:1/b", "etcd:a/b", "etcds:/a", "https://a", "x+y.z://"]
        {
            assert!(is_url(url), "{url}");
        }
        for path in
            ["/a://b", "./etcd://a", "a/b://c", "~/x", "etcd", "locks", "://a", "1a://b", ""]
        {
            assert!(!is_url(path), "{path}");
        }
    }
}
