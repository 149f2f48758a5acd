//! Reading a repository for guarded operations: the only place of this room that touches files.
//!
//! Reads `scripts/`, `bin/`, `.github/scripts/` (four folders deep), the scripts of the root, its Makefile,
//! justfile and `package.json`, and the rules of `lokt.toml`. Runs nothing, follows no link to a folder, and reads so
//! much and no more.

use super::{justfile, makefile, operation::GuardedOperation, package, quotation::cut, shell};
use crate::shell_rules;
use lokt_lock::file::PROJECT_FILE;
use lokt_tool::bounded;
use serde::Serialize;
use std::{
    fs, io,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What the names of drafts begin with.
pub(crate) const DRAFT: &str = ".lokt-init-";

/// The most bytes of a file that are read.
const MOST_BYTES: u64 = 256 * 1024;
/// The most bytes of all files that are searched: the start of a session must not take long.
const MOST_BYTES_OF_ALL: usize = 4 * 1024 * 1024;
/// The most files that are looked at.
const MOST_FILES: usize = 1000;
/// How deep folders of scripts are searched.
const DEPTH: usize = 4;
/// The maximum number of operations in the output.
const MOST_OPERATIONS: usize = 1000;
/// Folders of scripts.
const FOLDERS: [&str; 3] = ["scripts", "bin", ".github/scripts"];

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct GuardedOperationFindings {
    /// The operations, each once, in the order of their files.
    pub(crate) operations: Vec<GuardedOperation>,
    /// The files that could not be read, and why.
    pub(crate) unread: Vec<UnreadFile>,
    /// The bytes that were searched.
    #[serde(skip)]
    searched: usize,
}

/// A file that could not be read.
#[derive(Debug, Serialize)]
pub(crate) struct UnreadFile {
    /// The file, relative to the project.
    file: String,
    /// Why not.
    why: String,
}

/// Finds the guarded operations of a project.
pub(crate) fn find(project: &Path) -> GuardedOperationFindings {
    let mut findings = GuardedOperationFindings::default();
    let mut files = Vec::new();
    list(project, Path::new(""), 0, &mut files);
    for folder in FOLDERS {
        list(project, Path::new(folder), DEPTH, &mut files);
    }
    if files.len() > MOST_FILES {
        findings.miss("", &format!("only the first {MOST_FILES} files were looked at"));
    }
    for file in files.iter().take(MOST_FILES) {
        findings.look_at(project, file);
    }
    findings.add_rules(project);
    findings.operations.truncate(MOST_OPERATIONS);
    findings
}

/// Lists the files of a folder, and of those in it down to a depth, in their order.
fn list(project: &Path, folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(project.join(folder)) else { return };
    let mut entries: Vec<fs::DirEntry> = entries.flatten().take(MOST_FILES * 10).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if files.len() > MOST_FILES {
            return;
        }
        if entry.file_name().to_string_lossy().starts_with(DRAFT) {
            continue;
        }
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => list(project, &path, depth - 1, files),
            Ok(kind) if kind.is_dir() => {}
            Ok(_) => files.push(path),
            Err(_) => {}
        }
    }
}

impl GuardedOperationFindings {
    fn miss(&mut self, file: &str, why: &str) {
        let (file, why) = (cut(file, 200), cut(why, 200));
        self.unread.push(UnreadFile { file, why });
    }

    /// Adds the operations of a text that would be at `file`.
    pub(crate) fn add(&mut self, file: &str, text: &str) {
        let run = started_by(file, text, ScannedScriptMode::Executable);
        for operation in operations(file, text, &run) {
            self.put(operation);
        }
    }

    /// Adds the rules of the project's `lokt.toml`.
    fn add_rules(&mut self, project: &Path) {
        match shell_rules::project::rules(project) {
            Ok(rules) => {
                for rule in &rules {
                    self.put(GuardedOperation::of_rule(rule));
                }
            }
            Err(failure) => self.miss(PROJECT_FILE, &failure.message),
        }
    }

    fn put(&mut self, operation: GuardedOperation) {
        let same = |it: &GuardedOperation| it.names == operation.names && it.run == operation.run;
        if !self.operations.iter().any(same) && self.operations.len() < MOST_OPERATIONS {
            self.operations.push(operation);
        }
    }

    fn look_at(&mut self, project: &Path, path: &Path) {
        // The root of a project can have any files; a file whose name is not valid UTF-8 is not a script.
        let Some(file) = path.to_str() else { return };
        let read = read(&project.join(path));
        let (text, mode) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return,
            Err(error) => return self.miss(file, &error.to_string()),
        };
        if is_known(file) || is_shell(file, &text, mode) {
            self.searched += text.len();
            if self.searched > MOST_BYTES_OF_ALL {
                return self.miss(file, &format!("more than {MOST_BYTES_OF_ALL} bytes in all"));
            }
            let run = started_by(file, &text, mode);
            for operation in operations(file, &text, &run) {
                self.put(operation);
            }
        }
    }
}

/// Whether a file can be run by its path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScannedScriptMode {
    Executable,
    Plain,
}

/// The text of a file; `None` if it is not text.
fn read(path: &Path) -> io::Result<Option<(String, ScannedScriptMode)>> {
    let Some(file) = bounded::open(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mode = if metadata.permissions().mode() & 0o111 == 0 {
        ScannedScriptMode::Plain
    } else {
        ScannedScriptMode::Executable
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.contains(&0) {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    if bytes.len() as u64 > MOST_BYTES {
        let matters = is_known(name) || is_shell(name, &text, mode);
        let too_large = || io::Error::other(format!("more than {MOST_BYTES} bytes"));
        return if matters { Err(too_large()) } else { Ok(None) };
    }
    Ok(Some((text, mode)))
}

/// Files that have a separate reader.
fn is_known(file: &str) -> bool {
    ["Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile", "package.json"]
        .contains(&file)
}

/// Whether a file is a script for a shell: by its first line, by its name, or because it can be run and says
/// nothing else.
fn is_shell(file: &str, text: &str, mode: ScannedScriptMode) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    if let Some(first) = text.lines().next().and_then(|line| line.strip_prefix("#!")) {
        return interpreter(first).is_some();
    }
    match name.trim_start_matches('.').rsplit_once('.') {
        Some((_, extension)) => ["sh", "bash", "zsh", "ksh"].contains(&extension),
        None => mode == ScannedScriptMode::Executable,
    }
}

/// The shell that a first line names.
fn interpreter(first: &str) -> Option<&str> {
    let words = first.split_whitespace().filter_map(|word| word.rsplit('/').next());
    let mut programs = words.filter(|word| *word != "env" && !word.starts_with('-'));
    programs.next().filter(|it| ["sh", "bash", "dash", "zsh", "ksh"].contains(it))
}

/// What starts a script.
fn started_by(file: &str, text: &str, mode: ScannedScriptMode) -> String {
    let path = if file.contains('/') { file.to_owned() } else { format!("./{file}") };
    let path = crate::view::command_line(&[path]);
    if mode == ScannedScriptMode::Executable {
        return path;
    }
    let first = text.lines().next().and_then(|line| line.strip_prefix("#!"));
    format!("{} {path}", first.and_then(interpreter).unwrap_or("sh"))
}

fn operations(file: &str, text: &str, run: &str) -> Vec<GuardedOperation> {
    match file {
        "Makefile" | "makefile" | "GNUmakefile" => makefile::operations(text, file),
        "justfile" | "Justfile" | ".justfile" => justfile::operations(text, file),
        "package.json" => package::operations(text, file),
        _ => shell::operations(text, run, file),
    }
}
