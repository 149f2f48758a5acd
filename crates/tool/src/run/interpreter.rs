use super::{
    ToolEnvironment, command_answer,
    parameters::kind_of,
    program::{ProgramSearchOutcome, find, on_path},
    version_manager::VersionManager,
};
use crate::words::ToolItemId;
use lokt_lock::sys::home;
use serde_json::{Map, Value};
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// An item's order to find a program, and the variable to put its path into.
///
/// Paths are used as they are found and never resolved: Python knows its virtual environment by the symbolic
/// link that it was started through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InterpreterLookupConfig {
    item: ToolItemId,
    /// The variable.
    pub(super) variable: String,
    fallback: Option<String>,
    lookup: InterpreterLookupMethod,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum InterpreterLookupMethod {
    /// In one of some folders under each of some roots.
    Files { roots: Vec<String>, folders: Vec<String>, names: Vec<String> },
    /// On `PATH`.
    System { binary: String },
    /// Where a version manager keeps what it installs.
    Versions { manager: VersionManager, version: String, binary: String },
    /// What a command says.
    Command { words: Vec<String> },
}

/// Says why there is no interpreter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterpreterError {
    /// A field is missing.
    #[error("env_config.interpreter of {item} has no {field}")]
    Missing {
        /// The item.
        item: ToolItemId,
        /// The field.
        field: &'static str,
    },
    /// A field has a wrong value.
    #[error("env_config.interpreter.{field} of {item} must be {expected}, not {found}")]
    Field {
        /// The item.
        item: ToolItemId,
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The caller's own choice cannot be run.
    #[error("{item} needs {variable}, which is set to {value:?}, and that is no executable file")]
    Unusable {
        /// The item.
        item: ToolItemId,
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// Whether anything is there.
        is_there: bool,
    },
    /// It was found nowhere.
    #[error("no interpreter for {variable} of {item}: looked for {}", .looked.join(", "))]
    NotFound {
        /// The item.
        item: ToolItemId,
        /// The variable.
        variable: String,
        /// Everything that was looked for, and where.
        looked: Vec<String>,
        /// Whether something was found that cannot be executed.
        is_there: bool,
    },
}

impl InterpreterError {
    /// Whether there is no such program, or there is one that cannot be executed; none where the order is wrong.
    pub const fn is_there(&self) -> Option<bool> {
        match self {
            Self::Unusable { is_there, .. } | Self::NotFound { is_there, .. } => Some(*is_there),
            Self::Missing { .. } | Self::Field { .. } => None,
        }
    }
}

/// The places that were looked at without success.
#[derive(Debug, Default)]
struct InterpreterSearchFailure {
    places: Vec<String>,
    /// Whether something was there that cannot be executed.
    is_there: bool,
}

impl InterpreterSearchFailure {
    fn at(place: String) -> Self {
        Self { places: vec![place], is_there: false }
    }

    /// Notes a place, with the outcome of looking there.
    fn add(&mut self, place: String, search: &ProgramSearchOutcome) {
        let is_there = matches!(search, ProgramSearchOutcome::NotExecutable(_));
        self.is_there |= is_there;
        self.places.push(if is_there { format!("{place} (not executable)") } else { place });
    }
}

impl InterpreterLookupConfig {
    /// Reads an order.
    pub(super) fn new(
        item: &ToolItemId,
        object: &Map<String, Value>,
    ) -> Result<Self, InterpreterError> {
        let fields = InterpreterConfigReader { item, object };
        let variable = fields.text("var")?;
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(fields.wrong("var", "the name of a variable", format!("{variable:?}")));
        }
        Ok(Self {
            item: item.clone(),
            variable,
            fallback: fields.optional("fallback")?,
            lookup: InterpreterLookupMethod::new(&fields)?,
        })
    }

    /// Finds the program: by the lookup, else the one that the variable names already, else the fallback.
    pub(super) fn find(
        &self,
        environment: &ToolEnvironment,
        project: &Path,
    ) -> Result<OsString, InterpreterError> {
        let mut looked = match self.lookup.find(environment, project) {
            Ok(found) => return Ok(found.into()),
            Err(looked) => looked,
        };
        match environment.get(&self.variable).filter(|value| !value.is_empty()) {
            Some(value) => {
                return self.chosen(value.to_string_lossy().as_ref(), environment, project);
            }
            None => looked.places.push(format!("${} (not set)", self.variable)),
        }
        if let Some(fallback) = &self.fallback {
            let place = if fallback.contains('/') {
                project.join(fallback).display().to_string()
            } else {
                on_no_path(environment, fallback)
            };
            match find(environment, fallback, project) {
                ProgramSearchOutcome::Found(found) => return Ok(found.into()),
                search => looked.add(place, &search),
            }
        }
        Err(InterpreterError::NotFound {
            item: self.item.clone(),
            variable: self.variable.clone(),
            looked: looked.places,
            is_there: looked.is_there,
        })
    }

    fn chosen(
        &self,
        value: &str,
        environment: &ToolEnvironment,
        project: &Path,
    ) -> Result<OsString, InterpreterError> {
        let path = expanded(environment, OsStr::new(value));
        let path = path.as_deref().and_then(Path::to_str);
        let search =
            path.map_or(ProgramSearchOutcome::Missing, |path| find(environment, path, project));
        let is_there = search != ProgramSearchOutcome::Missing;
        search.found().map(OsString::from).ok_or_else(|| InterpreterError::Unusable {
            item: self.item.clone(),
            variable: self.variable.clone(),
            value: value.to_owned(),
            is_there,
        })
    }
}

impl InterpreterLookupMethod {
    fn new(fields: &InterpreterConfigReader<'_>) -> Result<Self, InterpreterError> {
        let kind = fields.text("type")?;
        match kind.as_str() {
            "venv_python" => Ok(Self::Files {
                roots: Vec::new(),
                folders: vec![fields.optional("venv_path")?.unwrap_or_else(|| ".venv".to_owned())],
                names: vec!["bin/python".to_owned(), "bin/python3".to_owned()],
            }),
            "local_binary" => Ok(Self::Files {
                roots: fields.list("search_roots")?.unwrap_or_default(),
                folders: fields.list("search_paths")?.unwrap_or_else(|| vec![String::new()]),
                names: match fields.list("candidates")?.filter(|names| !names.is_empty()) {
                    Some(names) => names,
                    None => vec![fields.text("binary")?],
                },
            }),
            "node_modules" => Ok(Self::Files {
                roots: fields.list("search_roots")?.unwrap_or_default(),
                folders: fields
                    .list("search_paths")?
                    .unwrap_or_else(|| vec!["node_modules/.bin".to_owned()]),
                names: vec![fields.optional("binary")?.unwrap_or_else(|| "node".to_owned())],
            }),
            "system_binary" => Ok(Self::System { binary: fields.text("binary")? }),
            "version_manager" => Self::versions(fields),
            "command" => {
                let words = fields.list("resolve_cmd")?.filter(|words| !words.is_empty());
                words.map(|words| Self::Command { words }).ok_or(fields.missing("resolve_cmd"))
            }
            _ => Err(fields.wrong(
                "type",
                "venv_python, local_binary, system_binary, node_modules, version_manager or command",
                format!("{kind:?}"),
            )),
        }
    }

    fn versions(fields: &InterpreterConfigReader<'_>) -> Result<Self, InterpreterError> {
        let manager = fields.text("manager")?;
        let binary = fields.optional("binary")?;
        let usual = |name: &str| Ok(binary.clone().unwrap_or_else(|| name.to_owned()));
        let (manager, binary) = match manager.as_str() {
            "pyenv" => (VersionManager::Pyenv, usual("python")),
            "nvm" => (VersionManager::Nvm, usual("node")),
            "rbenv" => (VersionManager::Rbenv, usual("ruby")),
            "asdf" => (VersionManager::Asdf, binary.ok_or(fields.missing("binary"))),
            _ => {
                let found = format!("{manager:?}");
                return Err(fields.wrong("manager", "pyenv, nvm, rbenv or asdf", found));
            }
        };
        Ok(Self::Versions { manager, version: fields.text("version")?, binary: binary? })
    }

    fn find(
        &self,
        environment: &ToolEnvironment,
        project: &Path,
    ) -> Result<PathBuf, InterpreterSearchFailure> {
        match self {
            Self::Files { roots, folders, names } => {
                let roots = roots.iter().map(|root| project.join(root));
                let mut roots: Vec<PathBuf> = roots.collect();
                if roots.is_empty() {
                    roots.push(project.to_owned());
                }
                let folders = roots.iter().flat_map(|root| folders.iter().map(|it| root.join(it)));
                first(folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))))
            }
            Self::System { binary } => match on_path(environment, binary) {
                ProgramSearchOutcome::Found(path) => Ok(path),
                search => {
                    let mut looked = InterpreterSearchFailure::default();
                    looked.add(on_no_path(environment, binary), &search);
                    Err(looked)
                }
            },
            Self::Versions { manager, version, binary } => {
                let Some(folder) = manager.folder(environment) else {
                    let place = format!("{binary} {version} of {manager:?} (HOME is not set)");
                    return Err(InterpreterSearchFailure::at(place));
                };
                first(manager.places(&folder, version).into_iter().map(|it| it.join(binary)))
            }
            Self::Command { words } => {
                command_answer::ask(words, environment, project).map_err(|why| {
                    InterpreterSearchFailure::at(format!("what `{}` says ({why})", words.join(" ")))
                })
            }
        }
    }
}

/// A path in which a `~` at the beginning is the home folder: what set the variable may have been no shell.
pub(super) fn expanded(environment: &ToolEnvironment, value: &OsStr) -> Option<PathBuf> {
    home::expand(value.to_owned(), || environment.get("HOME").map(PathBuf::from)).ok()
}

/// The first that is a program, or all that were looked at.
fn first(candidates: impl Iterator<Item = PathBuf>) -> Result<PathBuf, InterpreterSearchFailure> {
    let mut looked = InterpreterSearchFailure::default();
    for path in candidates {
        let place = path.display().to_string();
        match ProgramSearchOutcome::among(std::iter::once(path)) {
            ProgramSearchOutcome::Found(path) => return Ok(path),
            search => looked.add(place, &search),
        }
    }
    Err(looked)
}

/// The fields of an order, with the item that they belong to.
struct InterpreterConfigReader<'a> {
    item: &'a ToolItemId,
    object: &'a Map<String, Value>,
}

impl InterpreterConfigReader<'_> {
    fn text(&self, field: &'static str) -> Result<String, InterpreterError> {
        self.optional(field)?.ok_or_else(|| self.missing(field))
    }

    /// A text, or a number as it is written: a version often looks like one.
    fn optional(&self, field: &'static str) -> Result<Option<String>, InterpreterError> {
        match self.object.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(self.wrong(field, "a text", kind_of(other).to_owned())),
        }
    }

    fn list(&self, field: &'static str) -> Result<Option<Vec<String>>, InterpreterError> {
        let wrong = |found: &Value| self.wrong(field, "a list of texts", kind_of(found).to_owned());
        match self.object.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                let text =
                    |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| wrong(item));
                items.iter().map(text).collect::<Result<_, _>>().map(Some)
            }
            Some(other) => Err(wrong(other)),
        }
    }

    fn missing(&self, field: &'static str) -> InterpreterError {
        InterpreterError::Missing { item: self.item.clone(), field }
    }

    fn wrong(
        &self,
        field: &'static str,
        expected: &'static str,
        found: String,
    ) -> InterpreterError {
        InterpreterError::Field { item: self.item.clone(), field, expected, found }
    }
}

/// How a search of `PATH` is reported, with all that it was.
fn on_no_path(environment: &ToolEnvironment, name: &str) -> String {
    match environment.get("PATH") {
        Some(path) => format!("{name} on PATH ({})", path.to_string_lossy()),
        None => format!("{name} on PATH (not set)"),
    }
}

#[cfg(test)]
#[path = "interpreter_tests.rs"]
mod tests;
