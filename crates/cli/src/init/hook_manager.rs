//! The programs that manage git's hooks, one row each: they write the files of hooks themselves, so `init` changes
//! none, and says what to add to their configuration instead. That is shared by all who work on the project, so what is
//! added passes where Lokt is not installed.

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
    /// The hooks of git that it runs.
    pub(super) hooks: &'static [GitHook],
    /// Where to add the lines.
    place: &'static str,
    /// What to add.
    lines: &'static str,
    /// The command that installs its hooks in a clone.
    install: &'static str,
}

/// All rows, checked in November 2026.
const TABLE: [HookManager; 5] = [
    // <https://typicode.github.io/husky/how-to.html>. It runs pre-merge-commit since 9.1.5
    // (<https://github.com/typicode/husky/pull/1497>).
    HookManager {
        name: "husky",
        traces: &[".husky/pre-commit", ".husky/pre-merge-commit", ".husky"],
        mark: "# husky",
        hooks: &GitHook::ALL,
        place: "the beginning of .husky/pre-commit, and the same with pre-merge-commit to .husky/pre-merge-commit",
        lines: "! command -v lokt >/dev/null || lokt git-hook pre-commit || exit 1",
        install: "npm install && npx husky",
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
        hooks: &GitHook::ALL,
        place: "its configuration, and run `lefthook install`",
        lines: "\
pre-commit:
  commands:
    lokt:
      run: '! command -v lokt >/dev/null || lokt git-hook pre-commit'
pre-merge-commit:
  commands:
    lokt:
      run: '! command -v lokt >/dev/null || lokt git-hook pre-merge-commit'",
        install: "lefthook install",
    },
    // <https://pre-commit.com/#repository-local-hooks>; the names of stages are those since 3.2.0.
    HookManager {
        name: "pre-commit",
        traces: &[".pre-commit-config.yaml", ".pre-commit-config.yml"],
        mark: "pre-commit.com",
        hooks: &GitHook::ALL,
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
        install: "pre-commit install -t pre-commit -t pre-merge-commit",
    },
    // <https://github.com/sds/overcommit#repo-specific-hooks>. It has no hook of merges.
    HookManager {
        name: "overcommit",
        traces: &[".overcommit.yml"],
        mark: "OVERCOMMIT",
        hooks: &[GitHook::PreCommit],
        place: ".overcommit.yml",
        lines: "\
PreCommit:
  Lokt:
    enabled: true
    required: true
    command: ['sh', '-c', '! command -v lokt >/dev/null || lokt git-hook pre-commit']",
        install: "overcommit --install",
    },
    // <https://github.com/toplenboren/simple-git-hooks>. Its configuration may be in package.json, which many projects
    // have.
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
        hooks: &GitHook::ALL,
        place: "its configuration, and run `npx simple-git-hooks`",
        lines: "\
\"pre-commit\": \"! command -v lokt >/dev/null || lokt git-hook pre-commit\",
\"pre-merge-commit\": \"! command -v lokt >/dev/null || lokt git-hook pre-merge-commit\"",
        install: "npx simple-git-hooks",
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
    /// Whether its configuration calls the check of each of its hooks. `texts` are the texts of the existing hooks: a
    /// manager may copy its configuration into them, from a file that is not only for hooks.
    pub(super) fn calls_all(&self, project: &Path, texts: &[String]) -> bool {
        let configuration = self.configuration(project);
        let is_called = |hook: &GitHook| {
            let own = texts.iter().filter(|it| it.contains(self.mark)).map(String::as_str);
            let written = configuration.iter().map(|(_, text)| text.as_str());
            written.chain(own).any(|text| calls_check(text, *hook))
        };
        self.hooks.iter().all(is_called)
    }

    /// The parts of its configuration that call a check.
    pub(super) fn calling(&self, project: &Path, texts: &[String]) -> Vec<String> {
        let calls = |text: &str| self.hooks.iter().any(|hook| calls_check(text, *hook));
        let files = self.configuration(project).into_iter().filter(|(_, text)| calls(text));
        let files: Vec<String> = files.map(|(path, _)| path.to_owned()).collect();
        let is_own = |text: &String| text.contains(self.mark) && calls(text);
        if files.is_empty() && texts.iter().any(is_own) {
            return vec![format!("the configuration of {}", self.name)];
        }
        files
    }

    /// The existing files of its configuration, with their texts.
    fn configuration(&self, project: &Path) -> Vec<(&'static str, String)> {
        let read = |path: &&'static str| {
            let bytes = sys::read_regular(&project.join(path)).ok()?;
            Some((*path, String::from_utf8_lossy(&bytes).into_owned()))
        };
        self.traces.iter().filter_map(read).collect()
    }

    /// What a person has to add, and where. The lines to copy follow the first one.
    pub(super) fn advice(&self) -> String {
        format!(
            "{} manages the hooks of git, so none is changed; add this to {}:\n{}",
            self.name, self.place, self.lines
        )
    }

    /// What to do if git does not run some of its hooks. The second line is the command to copy.
    pub(super) fn not_run(&self, hooks: &[String]) -> String {
        format!(
            "git finds no program at {}: {} has not installed its hooks here, or they are not executable; install them \
            in each clone, and in each worktree too if core.hooksPath is set:\n{}",
            hooks.join(" and "),
            self.name,
            self.install
        )
    }
}
