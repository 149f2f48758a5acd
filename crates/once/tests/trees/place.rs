use super::world::World;
use lokt_once::tree::ProjectRepository;
use std::fs;

/// How git comes by a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its folder has a `.git`.
    Plain,
    /// It is a work tree of a repository elsewhere.
    Worktree,
    /// Its `.git` is a file that leads to the repository.
    Separate,
    /// The repository says that its work tree is a folder above it.
    Above,
    /// Its repository says that its work tree is elsewhere, as that of a copied submodule does.
    Copied,
}

impl Place {
    pub(super) const ALL: [Self; 5] =
        [Self::Plain, Self::Worktree, Self::Separate, Self::Above, Self::Copied];

    /// Makes the project's folder and its repository.
    pub(super) fn make(self, world: &World) -> ProjectRepository {
        let project = world.project();
        fs::create_dir_all(&project).expect("the folder is made");
        match self {
            Self::Plain => drop(world.git_in(".", &["init", "-q", "."])),
            Self::Worktree => {
                fs::create_dir_all(world.path("../main")).expect("the folder is made");
                world.git_in("../main", &["init", "-q", "."]);
                world.git_in("../main", &["commit", "-q", "--allow-empty", "-m", "none"]);
                fs::remove_dir(&project).expect("the folder is removed");
                world.git_in("../main", &["worktree", "add", "-q", "../project"]);
            }
            Self::Separate => {
                world.git_in(".", &["init", "-q", "--separate-git-dir", "../separate", "."]);
            }
            Self::Above => {
                fs::create_dir_all(world.path("dot")).expect("the folder is made");
                world.git_in("dot", &["init", "-q", "."]);
                world.git_in("dot", &["config", "core.worktree", "../.."]);
                return ProjectRepository::At(world.path("dot"));
            }
            Self::Copied => {
                let original = world.path("../original");
                fs::create_dir_all(&original).expect("the folder is made");
                world.git_in(".", &["init", "-q", "."]);
                let original = original.display().to_string();
                world.git_in(".", &["config", "core.worktree", &original]);
                return ProjectRepository::At(project);
            }
        }
        ProjectRepository::Here
    }
}
