use super::{ToolEnvironment, interpreter::expanded};
use std::path::{Path, PathBuf};

/// A program that installs several versions of an interpreter side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionManager {
    Pyenv,
    Nvm,
    Rbenv,
    Asdf,
}

impl VersionManager {
    /// Where it keeps its things.
    pub(super) fn folder(self, environment: &ToolEnvironment) -> Option<PathBuf> {
        let (variable, folder) = match self {
            Self::Pyenv => ("PYENV_ROOT", ".pyenv"),
            Self::Nvm => ("NVM_DIR", ".nvm"),
            Self::Rbenv => ("RBENV_ROOT", ".rbenv"),
            Self::Asdf => ("ASDF_DATA_DIR", ".asdf"),
        };
        let set = |name| environment.get(name).filter(|value| !value.is_empty());
        match set(variable) {
            Some(value) => expanded(environment, value),
            None => Some(Path::new(set("HOME")?).join(folder)),
        }
    }

    /// The folders that may have the programs of a version.
    pub(super) fn places(self, folder: &Path, version: &str) -> Vec<PathBuf> {
        match self {
            Self::Pyenv | Self::Rbenv => vec![folder.join("versions").join(version).join("bin")],
            Self::Nvm => {
                let version = version.strip_prefix('v').unwrap_or(version);
                vec![folder.join("versions/node").join(format!("v{version}")).join("bin")]
            }
            Self::Asdf => {
                let installs = folder.join("installs");
                let plugins = installs.read_dir().into_iter().flatten().flatten();
                let mut plugins: Vec<PathBuf> = plugins.map(|plugin| plugin.path()).collect();
                plugins.sort();
                if plugins.is_empty() {
                    plugins.push(installs.join("*"));
                }
                plugins.into_iter().map(|plugin| plugin.join(version).join("bin")).collect()
            }
        }
    }
}
