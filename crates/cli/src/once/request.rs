//! What a caller of `once` asks for: the inputs as they are now, their digest (the key), and where
//! results are kept.
//!
//! The inputs are the name, the words of the command, the folder that it runs in, `--key`, `--env`,
//! `--input`, `--artifact`, and the files of the project. All but the files are fixed when the
//! request is made; the files are read again when it must be known whether they changed.

use super::OnceCommand;
use crate::{
    context::CommandContext,
    env,
    exit::ExitCode,
    failure::{CliFailure, chain},
    locking::nesting,
    output,
};
use lokt_lock::{
    file::work_tree,
    store::{LockStore, NameReader},
    words::{LockId, LockName, Timestamp},
};
use lokt_once::{
    digest::Digest,
    files::FileError,
    manifest::{ResultInput, ResultInputs},
    results::{
        BootClockTime, DamagedResultPart, ResultFreshnessCriteria, ResultStore, VerifiedResult,
    },
    tree::{FileSelection, ProjectRepositoryLocation, ProjectTreeError, absolute},
};
use std::{
    cell::Cell,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// All that a result depends on.
pub(super) struct OnceRequest {
    /// The store of the results.
    pub(super) results: ResultStore,
    /// The name of the result.
    pub(super) name: LockName,
    /// The project's folder.
    pub(super) project: PathBuf,
    /// The artifacts, below that folder.
    pub(super) artifacts: Vec<PathBuf>,
    /// The inputs now.
    pub(super) manifest: ResultInputs,
    /// The digest of that.
    pub(super) key: Digest,
    /// What does not change while the command runs.
    fixed: Vec<ResultInput>,
    /// Which files count, and how they are read.
    tree: FileSelection,
    /// Whether a warning said that the kept result is damaged.
    said: Cell<bool>,
}

/// The results that belong to a root.
///
/// They are in the folder `once` of the root, so everything that shares locks shares results.
///
/// # Errors
/// A failure on a cluster, which keeps no results yet.
pub(crate) fn results_of(context: &CommandContext) -> Result<ResultStore, CliFailure> {
    let (root, _) = context.require_files(RESULTS)?;
    Ok(ResultStore::new(root.path.join("once")))
}

/// What a cluster does not have yet.
const RESULTS: &str = "shared results (lokt once, lokt results)";

impl OnceRequest {
    /// Reads all inputs. The project is the work tree that git has for the working folder, or that
    /// of the files which git lists, if that is another one.
    ///
    /// # Errors
    /// A failure if the inputs cannot be read, and a usage failure if they are not clear.
    pub(super) fn new(once: &OnceCommand, context: &CommandContext) -> Result<Self, CliFailure> {
        context.require_files(RESULTS)?;
        let (project, repository) = project()?;
        match Self::in_project(once, context, (&project, repository))? {
            Ok(question) => Ok(question),
            Err(work_tree) => {
                let repository = ProjectRepositoryLocation::At(project);
                require_inside(&work_tree)?;
                let asked = Self::in_project(once, context, (&work_tree, repository))?;
                asked.map_err(|other| ProjectTreeError::OtherWorkTree(other).into())
            }
        }
    }

    /// The request as it is in a project; or the work tree of the project's files, if that is another one.
    ///
    /// The outer error is a failure. The inner one is the other work tree, for a second try.
    fn in_project(
        once: &OnceCommand,
        context: &CommandContext,
        (project, repository): (&Path, ProjectRepositoryLocation),
    ) -> Result<Result<Self, PathBuf>, CliFailure> {
        let folder = working_folder()?;
        let (root, _) = context.require_files(RESULTS)?;
        let results = results_of(context)?;
        let root = absolute(&folder, &root.path);
        let real_root = without_links(&root);
        let artifacts = artifacts(once, project, (&folder, &[&root, &real_root]))?;
        let excluded = artifacts.iter().map(|path| project.join(path));
        let left_out = once.own.iter().flat_map(|own| own.left_out.iter().cloned());
        let tree = FileSelection {
            repository,
            inputs: once.inputs.patterns.clone(),
            excluded: excluded.chain(left_out).collect(),
            roots: vec![root, real_root],
            caches: results.trees(),
            boot: context.caller.here.boot_id.clone(),
            project: project.to_owned(),
            folder: folder.clone(),
        };
        let mut fixed = fixed(once, folder.strip_prefix(project).unwrap_or(&folder))?;
        let paths = artifacts.iter().map(|path| path.as_os_str().as_bytes().to_vec());
        fixed.extend(paths.map(ResultInput::Artifact));
        let manifest = match ask(&fixed, &tree) {
            Err(ProjectTreeError::OtherWorkTree(work_tree)) => return Ok(Err(work_tree)),
            manifest => manifest?,
        };
        let (name, key) = (once.name.clone(), manifest.key());
        let said = Cell::new(false);
        let project = project.to_owned();
        Ok(Ok(Self { results, name, project, artifacts, manifest, key, fixed, tree, said }))
    }

    /// The inputs by now: files may have changed since.
    ///
    /// Only the files are read again. Files whose state has not changed since are not read as a
    /// whole.
    pub(super) fn ask_again(&self) -> Result<ResultInputs, CliFailure> {
        Ok(ask(&self.fixed, &self.tree)?)
    }

    /// The lock under which the command runs: one for each key, so that what differs runs at the same time.
    ///
    /// The name is that of the result and the short form of the key: `tests.1f0c4be0…`.
    pub(super) fn lock(&self) -> Result<LockName, CliFailure> {
        LockName::new(format!("{}.{}", self.name, self.key.short())).map_err(|_| {
            CliFailure::usage(format!("{:?} is too long: at most 183 bytes", self.name.as_str()))
        })
    }

    /// What time it is: a result of any age counts, and none that was made later.
    pub(super) fn now(&self) -> ResultFreshnessCriteria {
        ResultFreshnessCriteria::at(Timestamp::now(), BootClockTime::now(&self.tree.boot))
    }

    /// The kept result, if there is one within a limit. A damaged one counts as absent, and that is said.
    ///
    /// Every digest of the result is checked before it counts. The warning comes once in a request.
    pub(super) fn find(
        &self,
        limit: &ResultFreshnessCriteria,
    ) -> Result<Option<VerifiedResult>, CliFailure> {
        Ok(match self.results.find(self.key, limit)? {
            Ok(found) => found,
            Err(damage) => {
                let what = match damage {
                    DamagedResultPart::Record => "its record".to_owned(),
                    DamagedResultPart::Content(digest) => format!("content {}", digest.short()),
                };
                let name = self.name.as_str();
                if !self.said.replace(true) {
                    let text = format!("the result of {name:?} is damaged ({what}) and not used");
                    output::warn(&text);
                }
                None
            }
        })
    }

    /// Refuses to wait for oneself: the command of a run asks for the result of that run. What the environment says is
    /// not believed: the run may be over, or of another root.
    ///
    /// # Errors
    /// [`ExitCode::Deadlock`] if a living guard around this process holds the lock of this key.
    pub(super) fn refuse_inside_itself(
        &self,
        context: &CommandContext,
        lock: &LockName,
    ) -> Result<(), CliFailure> {
        let reader = context.store.reader(lock);
        let line = reader.line().unwrap_or_default();
        let lives = |id: &LockId| line.iter().any(|it| it.lock_id == *id && reader.lives(it));
        if nesting::held().iter().any(|(name, id)| name == lock && lives(id)) {
            let name = self.name.as_str();
            let text =
                format!("the command of {name:?} asks for its own result, which would never end");
            return Err(CliFailure::new(ExitCode::Deadlock, text)
                .hint("let it run the program itself there, without lokt once"));
        }
        Ok(())
    }
}

/// All inputs: the fixed ones, and the files as they are now.
fn ask(fixed: &[ResultInput], tree: &FileSelection) -> Result<ResultInputs, ProjectTreeError> {
    let mut parts = fixed.to_vec();
    parts.extend(tree.read()?);
    Ok(ResultInputs { parts })
}

/// The inputs of a result that are not files.
///
/// The order is part of the key. A variable's value is kept as a digest, because it may be a
/// secret.
fn fixed(once: &OnceCommand, folder: &Path) -> Result<Vec<ResultInput>, CliFailure> {
    let bytes = |text: &OsString| text.clone().into_vec();
    let mut parts = vec![ResultInput::Name(once.name.to_string())];
    parts.extend(once.words().iter().map(|word| ResultInput::Word(bytes(word))));
    parts.push(ResultInput::Folder(folder.as_os_str().as_bytes().to_vec()));
    parts.extend(once.inputs.texts.iter().cloned().map(ResultInput::Text));
    for name in &once.inputs.variables {
        if name.is_empty() || name.contains('=') {
            return Err(CliFailure::usage(format!("--env {name:?}: no variable is called so")));
        }
        let value = std::env::var_os(name).map(|value| Digest::of(value.as_bytes()));
        parts.push(ResultInput::Variable(name.clone(), value));
    }
    if once.inputs.patterns.iter().any(|pattern| pattern.is_empty()) {
        return Err(CliFailure::usage("--input '': it must name something"));
    }
    parts.extend(once.inputs.patterns.iter().map(|pattern| ResultInput::Input(bytes(pattern))));
    Ok(parts)
}

/// The artifacts, below the project's folder.
///
/// `roots` are the root of the locks under its two names, as given and without links.
///
/// # Errors
/// A usage failure for a path outside of the project, for the project itself, and for anything that
/// is part of git's or lokt's folders, or has one of lokt's in it.
fn artifacts(
    once: &OnceCommand,
    project: &Path,
    (folder, roots): (&Path, &[&Path]),
) -> Result<Vec<PathBuf>, CliFailure> {
    let below = |path: &PathBuf| {
        let whole = absolute(folder, path);
        let below = whole.strip_prefix(project).ok().filter(|it| !it.as_os_str().is_empty());
        // The repository and the locks must never be restored from a result.
        let is_apart = |root: &&Path| !whole.starts_with(root) && !root.starts_with(&whole);
        let is_kept =
            |it: &&Path| it.iter().all(|part| part != ".git") && roots.iter().all(is_apart);
        below.filter(is_kept).map(Path::to_owned).ok_or_else(|| {
            let text = format!(
                "--artifact {}: it must be inside the project, and nothing of git's or lokt's",
                path.display()
            );
            CliFailure::usage(text)
        })
    };
    once.keeping.artifacts.iter().map(below).collect()
}

/// A path without symbolic links, as far as there is anything.
fn without_links(path: &Path) -> PathBuf {
    let real = |above: &Path| {
        let rest = path.strip_prefix(above).ok()?;
        Some(std::fs::canonicalize(above).ok()?.join(rest))
    };
    path.ancestors().find_map(real).unwrap_or_else(|| path.to_owned())
}

/// The project's folder, and what keeps it. `GIT_DIR` counts where `GIT_WORK_TREE` says whose files are in it, as
/// git has it; by itself, git gives it to hooks, and it would take the working folder for the work tree. No other
/// repository keeps a folder that has one.
fn project() -> Result<(PathBuf, ProjectRepositoryLocation), CliFailure> {
    let folder = working_folder()?;
    let found = work_tree(&folder);
    let Some(named) = env::literal_path(env::GIT_WORK_TREE) else {
        return Ok(found.map_or((folder, ProjectRepositoryLocation::None), |found| {
            (found, ProjectRepositoryLocation::Here)
        }));
    };
    let tree = std::fs::canonicalize(folder.join(&named)).map_err(|error| {
        CliFailure::usage(format!("cannot enter {} (GIT_WORK_TREE): {error}", named.display()))
    })?;
    require_inside(&tree)?;
    let repository = match (env::literal_path(env::GIT_DIR), found) {
        (Some(git_dir), _) => ProjectRepositoryLocation::Named(folder.join(git_dir)),
        (None, Some(found)) => ProjectRepositoryLocation::At(found),
        (None, None) => ProjectRepositoryLocation::None,
    };
    Ok((tree, repository))
}

/// Refuses a working folder that is outside of the work tree.
fn require_inside(work_tree: &Path) -> Result<(), CliFailure> {
    if working_folder()?.starts_with(work_tree) {
        return Ok(());
    }
    Err(CliFailure::usage(format!(
        "the working folder is not in the work tree {}, so it is not known which files matter",
        work_tree.display()
    )))
}

/// The working folder, or a failure if it is gone.
fn working_folder() -> Result<PathBuf, CliFailure> {
    std::env::current_dir().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot find the working folder: {error}"))
    })
}

impl From<FileError> for CliFailure {
    fn from(error: FileError) -> Self {
        Self::of(&error)
    }
}

impl From<ProjectTreeError> for CliFailure {
    fn from(error: ProjectTreeError) -> Self {
        let text = chain(&error);
        let code = match error {
            ProjectTreeError::NoRepository(_)
            | ProjectTreeError::NoMatch(_)
            | ProjectTreeError::OnlyIgnored(_)
            | ProjectTreeError::Special(_)
            | ProjectTreeError::TooManyFiles { .. }
            | ProjectTreeError::SharedRoot { .. } => ExitCode::Usage,
            _ => ExitCode::Error,
        };
        let hint = match error {
            ProjectTreeError::NoRepository(_) => Some("--input names the files that matter"),
            ProjectTreeError::NoMatch(_) | ProjectTreeError::OtherWorkTree(_) => None,
            ProjectTreeError::OnlyIgnored(_) => {
                Some("--input with the path of a file counts it all the same")
            }
            ProjectTreeError::Special(_) => Some("--input names other files"),
            ProjectTreeError::TooManyFiles { .. } => {
                Some("name the link in .gitignore, or the files that matter with --input")
            }
            ProjectTreeError::SharedRoot { .. } => Some(
                "LOKT_ROOT, or `root` in lokt.toml, must name a folder that has nothing else in it, for all participants",
            ),
            ProjectTreeError::NoGit(_)
            | ProjectTreeError::Git { .. }
            | ProjectTreeError::OldGit(_) => {
                Some("--input with paths of files, not folders or patterns, does without git")
            }
            ProjectTreeError::File(_) => {
                Some("--input names the files that matter, so others need not be readable")
            }
        };
        let failure = Self::new(code, text);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
