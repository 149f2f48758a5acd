//! The programs that manage git's hooks, one row each: they write the files of hooks themselves, so `init` changes none,
//! and says what to add to their configuration instead. That is shared by all who work on the project, so what is added
//! passes where Lokt is not installed.

use crate::git_hook::hook::GitHook;
use lokt_lock::sys;
use std::path::Path;

/// What is known of a manager.
#[derive(Debug)]
pub(super) struct HookManager {
    /// Its name.
    pub(super) name: &'static str,
    /// Files and folders of a project that show it; the files have its configuration.
    traces: &'static [&'static str],
    /// What the hooks have in them that it writes.
    mark: &'static str,
    /// Where to add the lines.
    place: &'static str,
    /// What to add.
    lines: &'static str,
}

/// All rows, checked in November 2026.
const TABLE: [HookManager; 5] = [
    // <https://typicode.github.io/husky/how-to.html>. It runs pre-merge-commit since 9.1.5
    // (<https://github.com/typicode/husky/pull/1497>).
    HookManager {
        name: "husky",
        traces: &[".husky/pre-commit", ".husky/pre-merge-commit", ".husky"],
        mark: "# husky",
        place: ".husky/pre-commit, and the same with pre-merge-commit to .husky/pre-merge-commit",
        lines: "! command -v lokt >/dev/null || lokt git-hook pre-commit || exit 1",
    },
    // <https://lefthook.dev/configuration/>: its names of files; `commands` is in all versions.
    HookManager {
        name: "lefthook",
        traces: &[
            "lefthook.yml",
            ".lefthook.yml",
            ".config/lefthook.yml",
            "lefthook.yaml",
            ".lefthook.yaml",
            ".config/lefthook.yaml",
            "lefthook.toml",
            ".lefthook.toml",
            ".config/lefthook.toml",
            "lefthook.json",
            ".lefthook.json",
            ".config/lefthook.json",
            "lefthook.jsonc",
            ".lefthook.jsonc",
            ".config/lefthook.jsonc",
            "lefthook-local.yml",
            ".lefthook-local.yml",
        ],
        mark: "LEFTHOOK",
        place: "its configuration",
        lines: "\
pre-commit:
  commands:
    lokt:
      run: '! command -v lokt >/dev/null || lokt git-hook pre-commit'
pre-merge-commit:
  commands:
    lokt:
      run: '! command -v lokt >/dev/null || lokt git-hook pre-merge-commit'",
    },
    // <https://pre-commit.com/#repository-local-hooks>; the names of stages are those since 3.2.0.
    HookManager {
        name: "pre-commit",
        traces: &[".pre-commit-config.yaml", ".pre-commit-config.yml"],
        mark: "pre-commit.com",
        place: "repos in .pre-commit-config.yaml, and run `pre-commit install -t pre-commit -t pre-merge-commit`",
        lines: "\
- repo: local
  hooks:
  - id: lokt-commit
    name: lokt
    entry: sh -c '! command -v lokt >/dev/null || lokt git-hook pre-commit'
    language: system
    stages: [pre-commit]
    always_run: true
    pass_filenames: false
  - id: lokt-merge
    name: lokt
    entry: sh -c '! command -v lokt >/dev/null || lokt git-hook pre-merge-commit'
    language: system
    stages: [pre-merge-commit]
    always_run: true
    pass_filenames: false",
    },
    // <https://github.com/sds/overcommit#repo-specific-hooks>. It has no hook of merges.
    HookManager {
        name: "overcommit",
        traces: &[".overcommit.yml"],
        mark: "OVERCOMMIT",
        place: ".overcommit.yml",
        lines: "\
PreCommit:
  Lokt:
    enabled: true
    required: true
    command: ['sh', '-c', '! command -v lokt >/dev/null || lokt git-hook pre-commit']",
    },
    // <https://github.com/toplenboren/simple-git-hooks>. Its configuration may be in package.json, which many projects have.
    HookManager {
        name: "simple-git-hooks",
        traces: &[
            ".simple-git-hooks.json",
            "simple-git-hooks.json",
            ".simple-git-hooks.js",
            "simple-git-hooks.js",
            ".simple-git-hooks.cjs",
            "simple-git-hooks.cjs",
        ],
        mark: "SIMPLE_GIT_HOOKS",
        place: "its configuration, and run `npx simple-git-hooks`",
        lines: "\
\"pre-commit\": \"! command -v lokt >/dev/null || lokt git-hook pre-commit\",
\"pre-merge-commit\": \"! command -v lokt >/dev/null || lokt git-hook pre-merge-commit\"",
    },
];

/// The managers of a project, by its files and by the hooks that are there.
pub(super) fn found(project: &Path, hooks: &[String]) -> Vec<&'static HookManager> {
    let is_there = |it: &&HookManager| {
        let is_trace = |path: &&str| project.join(path).symlink_metadata().is_ok();
        it.traces.iter().any(is_trace) || hooks.iter().any(|text| text.contains(it.mark))
    };
    TABLE.iter().filter(is_there).collect()
}

/// Whether a text calls the check of a hook.
pub(super) fn calls_check(text: &str, hook: GitHook) -> bool {
    text.contains(&format!("lokt git-hook {}", hook.name()))
}

impl HookManager {
    /// The file of its configuration that calls the check.
    pub(super) fn calling(&self, project: &Path) -> Option<&'static str> {
        let calls = |path: &&&str| {
            let text = sys::read_regular(&project.join(path)).unwrap_or_default();
            calls_check(&String::from_utf8_lossy(&text), GitHook::PreCommit)
        };
        self.traces.iter().find(calls).copied()
    }

    /// What a person has to add, and where. The lines to copy follow the first one.
    pub(super) fn advice(&self) -> String {
        format!(
            "{} manages the hooks of git, so none is changed; add this to {}:\n{}",
            self.name, self.place, self.lines
        )
    }
}
