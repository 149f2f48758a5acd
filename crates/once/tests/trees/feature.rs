use super::world::World;
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

/// Something that a project may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    /// Ignored files that are tracked all the same.
    Forced,
    /// A repository that is not tracked.
    Nested,
    /// One in one.
    NestedTwice,
    /// A work tree of the project's own repository.
    NestedWorktree,
    /// A submodule.
    Module,
    /// A submodule with files and no repository.
    ModuleOfFiles,
    /// A submodule that was not fetched.
    ModuleEmpty,
    /// A submodule whose repository says that its files are elsewhere.
    ModuleCopied,
    /// A submodule whose `.git` leads nowhere.
    ModuleBroken,
    /// A submodule in whose place a link is.
    ModuleLink,
    /// A bare repository.
    Bare,
    /// A folder with an empty `.git`.
    EmptyGit,
    /// A folder whose `.git` leads nowhere.
    BrokenGit,
    /// Files that git takes to be as they were.
    Assumed,
    /// Files that git takes to be left out of the work tree.
    Skipped,
    /// A file that will be added.
    Intended,
    /// Files that were not merged.
    Unmerged,
    /// A tracked file in whose place a folder is.
    FolderForFile,
    /// A tracked folder in whose place a link is.
    LinkForFolder,
    /// Links to files and folders, inside and outside.
    Links,
    /// Links to what is ignored.
    LinksToIgnored,
    /// A FIFO.
    Fifo,
    /// Names with every kind of byte.
    Names,
    /// An index in two files.
    SplitIndex,
    /// An index that remembers which files are not tracked.
    UntrackedCache,
    /// Patterns of which a file is excepted, in other folders.
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

    /// Whether a project that has it may be one of which nothing is known.
    pub(super) fn may_be_refused(self) -> bool {
        matches!(self, Self::ModuleBroken | Self::BrokenGit)
    }

    pub(super) fn make(self, world: &mut World) {
        match self {
            Self::Forced => {
                world.write("ignored-forced", "one\n");
                world.write("ignored-deep/forced.c", "one\n");
                world.git(&["add", "-f", "ignored-forced", "ignored-deep/forced.c"]);
            }
            Self::Nested => nested(world, "nested"),
            Self::NestedTwice => {
                nested(world, "src/outer");
                nested(world, "src/outer/deep/inner");
            }
            Self::NestedWorktree => {
                fs::create_dir_all(world.path("trees")).expect("the folder is made");
                let path = world.path("trees/other").display().to_string();
                let [git_dir, _] = world.git_dirs();
                world.git_in(git_dir, &["worktree", "add", "-q", "-f", "--detach", &path]);
            }
            Self::Module | Self::ModuleOfFiles | Self::ModuleEmpty | Self::ModuleCopied => {
                self.make_module(world);
            }
            Self::ModuleBroken | Self::ModuleLink => self.make_module(world),
            Self::Bare | Self::EmptyGit | Self::BrokenGit => self.make_odd_repository(world),
            Self::Assumed => drop(world.git(&["update-index", "--assume-unchanged", "a"])),
            Self::Skipped => drop(world.git(&["update-index", "--skip-worktree", "src/b.c"])),
            Self::Intended => drop(world.git(&["add", "-N", "new"])),
            Self::Unmerged => unmerged(world),
            Self::FolderForFile => {
                world.index(&format!("100644 {} 0\twas-file\n", object(world)));
                world.write("was-file/x", "one\n");
            }
            Self::LinkForFolder => {
                world.index(&format!("100644 {} 0\twas-folder/x\n", object(world)));
                world.link("was-folder", "../outside/folder");
            }
            Self::Links => links(world),
            Self::LinksToIgnored => {
                world.link("src/to-ignored", "../ignored");
                world.link("to-ignored-too", "src/ignored.c");
                world.lead_to("ignored");
                world.lead_to("src/ignored.c");
            }
            Self::Fifo => mkfifo(&world.path("fifo"), Mode::S_IRWXU).expect("a FIFO"),
            Self::Names => names(world),
            Self::SplitIndex => drop(world.git(&["update-index", "--split-index"])),
            Self::UntrackedCache => {
                world.git(&["update-index", "--force-untracked-cache"]);
                world.git(&["status", "--short", "--ignore-submodules=all"]);
            }
            Self::Patterns => {
                world.write("other/.gitignore", "*\n!data\n!.gitignore\n");
                world.write("other/data", "one\n");
            }
        }
    }

    fn make_odd_repository(self, world: &World) {
        match self {
            Self::Bare => {
                fs::create_dir_all(world.path("src/bare.git")).expect("the folder is made");
                world.git_in("src/bare.git", &["init", "-q", "--bare", "."]);
                world.write("src/bare.git/data", "one\n");
            }
            Self::EmptyGit => {
                fs::create_dir_all(world.path("odd/.git")).expect("the folder is made");
                world.write("odd/x", "one\n");
            }
            _ => {
                world.write("broken/.git", "gitdir: /nowhere\n");
                world.write("broken/x", "one\n");
            }
        }
    }

    fn make_module(self, world: &World) {
        let name = format!("module-{self:?}");
        let index = |name: &str| {
            world.index(&format!("160000 {} 0\t{name}\n", "1".repeat(40)));
        };
        index(&name);
        match self {
            Self::Module => nested(world, &name),
            Self::ModuleOfFiles => {
                world.write(format!("{name}/x"), "one\n");
                world.write(format!("{name}/deep/y"), "one\n");
            }
            Self::ModuleEmpty => {
                fs::create_dir_all(world.path(&name)).expect("the folder is made");
                index("module-gone");
            }
            Self::ModuleCopied => {
                fs::create_dir_all(world.path(&name)).expect("the folder is made");
                let separate = world.path("../modules").display().to_string();
                world.git_in(&name, &["init", "-q", "--separate-git-dir", &separate, "."]);
                world.git_in(&name, &["config", "core.worktree", "../elsewhere"]);
                world.write(format!("{name}/x"), "one\n");
            }
            Self::ModuleBroken => {
                world.write(format!("{name}/.git"), "gitdir: /nowhere\n");
                world.write(format!("{name}/x"), "one\n");
            }
            _ => world.link(&name, "../outside/folder"),
        }
    }
}

/// A repository with files.
fn nested(world: &World, path: &str) {
    fs::create_dir_all(world.path(path)).expect("the folder is made");
    world.git_in(path, &["init", "-q", "."]);
    for file in ["tracked", "new", "deep/n.c"] {
        world.write(format!("{path}/{file}"), "one\n");
    }
    world.git_in(path, &["add", "tracked"]);
}

/// The id of some content.
fn object(world: &World) -> String {
    world.git(&["rev-parse", ":a"]).trim_end().to_owned()
}

fn unmerged(world: &World) {
    let object = object(world);
    let entry = |stage| format!("100644 {object} {stage}\tignored-conflict\n");
    world.index(&[1, 2, 3].map(entry).concat());
    world.write("ignored-conflict", "one\n");
}

fn links(world: &World) {
    let whole = world.path("../outside/file");
    world.link("link-whole", whole);
    world.link("link-inside", "src/b.c");
    world.link("src/deep/link-up", "../../a");
    world.link("link-folder", "../outside/folder");
    world.link("src/link-folder-inside", "deep");
    world.link("../outside/hop", "../project/a");
    world.link("link-hop", "../outside/hop");
    world.link("link-via", "link-folder/x");
    world.link("link-nowhere", "nowhere");
    world.link("link-self", "link-self");
    world.link("../outside/folder/on", "../file");
    world.link("../outside/folder/round", ".");
}

fn names(world: &World) {
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
        world.write(OsStr::from_bytes(name), "one\n");
        let inside = [b"src/", name].concat();
        world.write(OsStr::from_bytes(&inside), "one\n");
    }
    world.write(".GIT/x", "one\n");
}
