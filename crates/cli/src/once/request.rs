use super::OnceCommand;
use crate::{
    context::Context,
    env,
    exit::ExitCode,
    failure::{Failure, chain},
    locking::nesting,
    output,
};
use lokt_lock::{
    file::work_tree,
    store::Store,
    words::{LockId, LockName, Timestamp},
};
use lokt_once::{
    digest::Digest,
    files::FileError,
    manifest::{Manifest, ManifestPart},
    results::{AgeLimit, BootTime, ResultDamage, ResultStore, VerifiedResult},
    tree::{GitPresence, ProjectFiles, TreeError, absolute},
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
    pub(super) manifest: Manifest,
    /// The digest of that.
    pub(super) key: Digest,
    /// What does not change while the command runs.
    fixed: Vec<ManifestPart>,
    tree: ProjectFiles,
    /// Whether a warning said that the kept result is damaged.
    said: Cell<bool>,
}

/// The results that belong to a root.
pub(crate) fn results_of(context: &Context) -> ResultStore {
    ResultStore::new(context.root.path.join("once"))
}

impl OnceRequest {
    pub(super) fn new(once: &OnceCommand, context: &Context) -> Result<Self, Failure> {
        let (project, repository) = project()?;
        match Self::in_project(once, context, (&project, repository))? {
            Ok(question) => Ok(question),
            Err(work_tree) => {
                let repository = GitPresence::At(project);
                require_inside(&work_tree)?;
                let asked = Self::in_project(once, context, (&work_tree, repository))?;
                asked.map_err(|other| TreeError::OtherWorkTree(other).into())
            }
        }
    }

    /// The request as it is in a project; or the work tree of the project's files, if that is another one.
    fn in_project(
        once: &OnceCommand,
        context: &Context,
        (project, repository): (&Path, GitPresence),
    ) -> Result<Result<Self, PathBuf>, Failure> {
        let folder = working_folder()?;
        let results = results_of(context);
        let root = absolute(&folder, &context.root.path);
        let real_root = without_links(&root);
        let artifacts = artifacts(once, project, (&folder, &[&root, &real_root]))?;
        let excluded = artifacts.iter().map(|path| project.join(path));
        let left_out = once.own.iter().flat_map(|own| own.left_out.iter().cloned());
        let tree = ProjectFiles {
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
        fixed.extend(paths.map(ManifestPart::Artifact));
        let manifest = match ask(&fixed, &tree) {
            Err(TreeError::OtherWorkTree(work_tree)) => return Ok(Err(work_tree)),
            manifest => manifest?,
        };
        let (name, key) = (once.name.clone(), manifest.key());
        let said = Cell::new(false);
        let project = project.to_owned();
        Ok(Ok(Self { results, name, project, artifacts, manifest, key, fixed, tree, said }))
    }

    /// The inputs by now: files may have changed since.
    pub(super) fn ask_again(&self) -> Result<Manifest, Failure> {
        Ok(ask(&self.fixed, &self.tree)?)
    }

    /// The lock under which the command runs: one for each key, so that what differs runs at the same time.
    pub(super) fn lock(&self) -> Result<LockName, Failure> {
        LockName::new(format!("{}.{}", self.name, self.key.short())).map_err(|_| {
            Failure::usage(format!("{:?} is too long: at most 183 bytes", self.name.as_str()))
        })
    }

    /// What time it is: a result of any age counts, and none that was made later.
    pub(super) fn now(&self) -> AgeLimit {
        AgeLimit::at(Timestamp::now(), BootTime::now(&self.tree.boot))
    }

    /// The kept result, if there is one within a limit. A damaged one counts as absent, and that is said.
    pub(super) fn find(&self, limit: &AgeLimit) -> Result<Option<VerifiedResult>, Failure> {
        Ok(match self.results.find(self.key, limit)? {
            Ok(found) => found,
            Err(damage) => {
                let what = match damage {
                    ResultDamage::Record => "its record".to_owned(),
                    ResultDamage::Content(digest) => format!("content {}", digest.short()),
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
    pub(super) fn refuse_inside_itself(
        &self,
        context: &Context,
        lock: &LockName,
    ) -> Result<(), Failure> {
        let line = context.store.line(lock).unwrap_or_default();
        let lives =
            |id: &LockId| line.iter().any(|it| it.lock_id == *id && context.store.lives(lock, it));
        if nesting::held().iter().any(|(name, id)| name == lock && lives(id)) {
            let name = self.name.as_str();
            let text =
                format!("the command of {name:?} asks for its own result, which would never end");
            return Err(Failure::new(ExitCode::Deadlock, text));
        }
        Ok(())
    }
}

fn ask(fixed: &[ManifestPart], tree: &ProjectFiles) -> Result<Manifest, TreeError> {
    let mut parts = fixed.to_vec();
    parts.extend(tree.read()?);
    Ok(Manifest { parts })
}

/// The inputs of a result that are not files.
fn fixed(once: &OnceCommand, folder: &Path) -> Result<Vec<ManifestPart>, Failure> {
    let bytes = |text: &OsString| text.clone().into_vec();
    let mut parts = vec![ManifestPart::Name(once.name.to_string())];
    parts.extend(once.words().iter().map(|word| ManifestPart::Word(bytes(word))));
    parts.push(ManifestPart::Folder(folder.as_os_str().as_bytes().to_vec()));
    parts.extend(once.inputs.texts.iter().cloned().map(ManifestPart::Text));
    for name in &once.inputs.variables {
        if name.is_empty() || name.contains('=') {
            return Err(Failure::usage(format!("--env {name:?}: no variable is called so")));
        }
        let value = std::env::var_os(name).map(|value| Digest::of(value.as_bytes()));
        parts.push(ManifestPart::Variable(name.clone(), value));
    }
    if once.inputs.patterns.iter().any(|pattern| pattern.is_empty()) {
        return Err(Failure::usage("--input '': it must name something"));
    }
    parts.extend(once.inputs.patterns.iter().map(|pattern| ManifestPart::Input(bytes(pattern))));
    Ok(parts)
}

/// The artifacts, below the project's folder.
fn artifacts(
    once: &OnceCommand,
    project: &Path,
    (folder, roots): (&Path, &[&Path]),
) -> Result<Vec<PathBuf>, Failure> {
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
            Failure::usage(text)
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
fn project() -> Result<(PathBuf, GitPresence), Failure> {
    let folder = working_folder()?;
    let found = work_tree(&folder);
    let Some(named) = env::literal_path(env::GIT_WORK_TREE) else {
        return Ok(found.map_or((folder, GitPresence::None), |found| (found, GitPresence::Here)));
    };
    let tree = std::fs::canonicalize(folder.join(&named)).map_err(|error| {
        Failure::usage(format!("cannot enter {} (GIT_WORK_TREE): {error}", named.display()))
    })?;
    require_inside(&tree)?;
    let repository = match (env::literal_path(env::GIT_DIR), found) {
        (Some(git_dir), _) => GitPresence::Named(folder.join(git_dir)),
        (None, Some(found)) => GitPresence::At(found),
        (None, None) => GitPresence::None,
    };
    Ok((tree, repository))
}

fn require_inside(work_tree: &Path) -> Result<(), Failure> {
    if working_folder()?.starts_with(work_tree) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the working folder is not in the work tree {}, so it is not known which files matter",
        work_tree.display()
    )))
}

fn working_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(ExitCode::Error, format!("cannot find the working folder: {error}"))
    })
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::of(&error)
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        let text = chain(&error);
        let code = match error {
            TreeError::NoRepository(_)
            | TreeError::NoMatch(_)
            | TreeError::OnlyIgnored(_)
            | TreeError::Special(_)
            | TreeError::TooManyFiles { .. }
            | TreeError::SharedRoot { .. } => ExitCode::Usage,
            _ => ExitCode::Error,
        };
        let hint = match error {
            TreeError::NoRepository(_) => Some("--input names the files that matter"),
            TreeError::NoMatch(_) | TreeError::OtherWorkTree(_) => None,
            TreeError::OnlyIgnored(_) => {
                Some("--input with the path of a file counts it all the same")
            }
            TreeError::Special(_) => Some("--input names other files"),
            TreeError::TooManyFiles { .. } => {
                Some("name the link in .gitignore, or the files that matter with --input")
            }
            TreeError::SharedRoot { .. } => {
                Some("set LOKT_ROOT to a folder that has nothing else in it")
            }
            TreeError::NoGit(_) | TreeError::Git { .. } | TreeError::OldGit(_) => {
                Some("--input with paths of files, not folders or patterns, does without git")
            }
            TreeError::File(_) => {
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
