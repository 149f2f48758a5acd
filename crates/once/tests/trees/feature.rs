use super::fixture::ProjectFixture;
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

/// Something that a project may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    /// Ignored files that git tracks.
    Forced,
    /// An untracked repository.
    Nested,
    /// A repository in an untracked repository.
    NestedTwice,
    /// A work tree of the project's own repository.
    NestedWorktree,
    /// A submodule.
    Module,
    /// A submodule with files and no repository.
    ModuleOfFiles,
    /// A submodule that was not fetched.
    ModuleEmpty,
    /// A submodule whose repository names another work tree.
    ModuleCopied,
    /// A submodule whose `.git` has no target.
    ModuleBroken,
    /// A submodule that a link replaces.
    ModuleLink,
    /// A bare repository.
    Bare,
    /// A folder with an empty `.git`.
    EmptyGit,
    /// A folder whose `.git` has no target.
    BrokenGit,
    /// Files that git assumes to be unchanged.
    Assumed,
    /// Files that git assumes to be outside the work tree.
    Skipped,
    /// A file that will be added.
    Intended,
    /// Unmerged files.
    Unmerged,
    /// A tracked file that a folder replaces.
    FolderForFile,
    /// A tracked folder that a link replaces.
    LinkForFolder,
    /// Links to files and folders, inside and outside.
    Links,
    /// Links to ignored files.
    LinksToIgnored,
    /// A FIFO.
    Fifo,
    /// Names with every kind of byte.
    Names,
    /// A split index.
    SplitIndex,
    /// An index that remembers the untracked files.
    UntrackedCache,
    /// Patterns with an exception, in other folders.
    Patterns,
}

impl Feature {
    pub(super) const ALL: [Self; 26] = [
        Self::Forced,
        Self::Nested,
        Self::NestedTwice,
        Self::NestedWorktree,
        Self::Module,
        Self::ModuleOfFiles,
        Self::ModuleEmpty,
        Self::ModuleCopied,
        Self::ModuleBroken,
        Self::ModuleLink,
        Self::Bare,
        Self::EmptyGit,
        Self::BrokenGit,
        Self::Assumed,
        Self::Skipped,
        Self::Intended,
        Self::Unmerged,
        Self::FolderForFile,
        Self::LinkForFolder,
        Self::Links,
        Self::LinksToIgnored,
        Self::Fifo,
        Self::Names,
        Self::SplitIndex,
        Self::UntrackedCache,
        Self::Patterns,
    ];

    /// Whether `once` may refuse a project with this feature.
    pub(super) fn may_be_refused(self) -> bool {
        matches!(self, Self::ModuleBroken | Self::BrokenGit)
    }

    pub(super) fn make(self, fixture: &mut ProjectFixture) {
        match self {
            Self::Forced => {
                fixture.write("ignored-forced", "one\n");
                fixture.write("ignored-deep/forced.c", "one\n");
                fixture.git(&["add", "-f", "ignored-forced", "ignored-deep/forced.c"]);
            }
            Self::Nested => nested(fixture, "nested"),
            Self::NestedTwice => {
                nested(fixture, "src/outer");
                nested(fixture, "src/outer/deep/inner");
            }
            Self::NestedWorktree => {
                fs::create_dir_all(fixture.path("trees")).expect("the folder is made");
                let path = fixture.path("trees/other").display().to_string();
                let [git_dir, _] = fixture.git_dirs();
                fixture.git_in(git_dir, &["worktree", "add", "-q", "-f", "--detach", &path]);
            }
            Self::Module | Self::ModuleOfFiles | Self::ModuleEmpty | Self::ModuleCopied => {
                self.make_module(fixture);
            }
            Self::ModuleBroken | Self::ModuleLink => self.make_module(fixture),
            Self::Bare | Self::EmptyGit | Self::BrokenGit => self.make_odd_repository(fixture),
            Self::Assumed => drop(fixture.git(&["update-index", "--assume-unchanged", "a"])),
            Self::Skipped => drop(fixture.git(&["update-index", "--skip-worktree", "src/b.c"])),
            Self::Intended => drop(fixture.git(&["add", "-N", "new"])),
            Self::Unmerged => unmerged(fixture),
            Self::FolderForFile => {
                fixture.index(&format!("100644 {} 0\twas-file\n", object(fixture)));
                fixture.write("was-file/x", "one\n");
            }
            Self::LinkForFolder => {
                fixture.index(&format!("100644 {} 0\twas-folder/x\n", object(fixture)));
                fixture.link("was-folder", "../outside/folder");
            }
            Self::Links => links(fixture),
            Self::LinksToIgnored => {
                fixture.link("src/to-ignored", "../ignored");
                fixture.link("to-ignored-too", "src/ignored.c");
                fixture.mark_ignored_target("ignored");
                fixture.mark_ignored_target("src/ignored.c");
            }
            Self::Fifo => mkfifo(&fixture.path("fifo"), Mode::S_IRWXU).expect("a FIFO"),
            Self::Names => names(fixture),
            Self::SplitIndex => drop(fixture.git(&["update-index", "--split-index"])),
            Self::UntrackedCache => {
                fixture.git(&["update-index", "--force-untracked-cache"]);
                fixture.git(&["status", "--short", "--ignore-submodules=all"]);
            }
            Self::Patterns => {
                fixture.write("other/.gitignore", "*\n!data\n!.gitignore\n");
                fixture.write("other/data", "one\n");
            }
        }
    }

    fn make_odd_repository(self, fixture: &ProjectFixture) {
        match self {
            Self::Bare => {
                fs::create_dir_all(fixture.path("src/bare.git")).expect("the folder is made");
                fixture.git_in("src/bare.git", &["init", "-q", "--bare", "."]);
                fixture.write("src/bare.git/data", "one\n");
            }
            Self::EmptyGit => {
                fs::create_dir_all(fixture.path("odd/.git")).expect("the folder is made");
                fixture.write("odd/x", "one\n");
            }
            _ => {
                fixture.write("broken/.git", "gitdir: /nowhere\n");
                fixture.write("broken/x", "one\n");
            }
        }
    }

    fn make_module(self, fixture: &ProjectFixture) {
        let name = format!("module-{self:?}");
        let index = |name: &str| {
            fixture.index(&format!("160000 {} 0\t{name}\n", "1".repeat(40)));
        };
        index(&name);
        match self {
            Self::Module => nested(fixture, &name),
            Self::ModuleOfFiles => {
                fixture.write(format!("{name}/x"), "one\n");
                fixture.write(format!("{name}/deep/y"), "one\n");
            }
            Self::ModuleEmpty => {
                fs::create_dir_all(fixture.path(&name)).expect("the folder is made");
                index("module-gone");
            }
            Self::ModuleCopied => {
                fs::create_dir_all(fixture.path(&name)).expect("the folder is made");
                let separate = fixture.path("../modules").display().to_string();
                fixture.git_in(&name, &["init", "-q", "--separate-git-dir", &separate, "."]);
                fixture.git_in(&name, &["config", "core.worktree", "../elsewhere"]);
                fixture.write(format!("{name}/x"), "one\n");
            }
            Self::ModuleBroken => {
                fixture.write(format!("{name}/.git"), "gitdir: /nowhere\n");
                fixture.write(format!("{name}/x"), "one\n");
            }
            _ => fixture.link(&name, "../outside/folder"),
        }
    }
}

/// A repository with files.
fn nested(fixture: &ProjectFixture, path: &str) {
    fs::create_dir_all(fixture.path(path)).expect("the folder is made");
    fixture.git_in(path, &["init", "-q", "."]);
    for file in ["tracked", "new", "deep/n.c"] {
        fixture.write(format!("{path}/{file}"), "one\n");
    }
    fixture.git_in(path, &["add", "tracked"]);
}

/// The id of some content.
fn object(fixture: &ProjectFixture) -> String {
    fixture.git(&["rev-parse", ":a"]).trim_end().to_owned()
}

fn unmerged(fixture: &ProjectFixture) {
    let object = object(fixture);
    let entry = |stage| format!("100644 {object} {stage}\tignored-conflict\n");
    fixture.index(&[1, 2, 3].map(entry).concat());
    fixture.write("ignored-conflict", "one\n");
}

fn links(fixture: &ProjectFixture) {
    let whole = fixture.path("../outside/file");
    fixture.link("link-whole", whole);
    fixture.link("link-inside", "src/b.c");
    fixture.link("src/deep/link-up", "../../a");
    fixture.link("link-folder", "../outside/folder");
    fixture.link("src/link-folder-inside", "deep");
    fixture.link("../outside/hop", "../project/a");
    fixture.link("link-hop", "../outside/hop");
    fixture.link("link-via", "link-folder/x");
    fixture.link("link-nowhere", "nowhere");
    fixture.link("link-self", "link-self");
    fixture.link("../outside/folder/on", "../file");
    fixture.link("../outside/folder/round", ".");
}

fn names(fixture: &ProjectFixture) {
    let names: [&[u8]; 11] = [
        b"new\nline",
        b"\xff\xfe.c",
        b"-dash",
        b":(top)colon",
        b"st*r",
        b"br[x]",
        b"back\\slash",
        b" spaces ",
        b"..dots",
        b"H 100644 0 0\ttab",
        b"d[*]/f.c",
    ];
    for name in names {
        fixture.write(OsStr::from_bytes(name), "one\n");
        let inside = [b"src/", name].concat();
        fixture.write(OsStr::from_bytes(&inside), "one\n");
    }
    fixture.write(".GIT/x", "one\n");
}
