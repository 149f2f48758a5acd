use super::fixture::ProjectFixture;
use lokt_once::tree::ProjectRepositoryLocation;
use std::fs;

/// Where the repository of a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RepositoryLayout {
    /// Its folder has a `.git`.
    Plain,
    /// It is a work tree of a repository elsewhere.
    Worktree,
    /// Its `.git` is a file that names the repository.
    Separate,
    /// The repository names a folder above it as its work tree.
    Above,
    /// Its repository names a work tree elsewhere, as that of a copied submodule does.
    Copied,
}

impl RepositoryLayout {
    pub(super) const ALL: [Self; 5] =
        [Self::Plain, Self::Worktree, Self::Separate, Self::Above, Self::Copied];

    /// Makes the project's folder and its repository.
    pub(super) fn make(self, fixture: &ProjectFixture) -> ProjectRepositoryLocation {
        let project = fixture.project();
        fs::create_dir_all(&project).expect("the folder is made");
        match self {
            Self::Plain => drop(fixture.git_in(".", &["init", "-q", "."])),
            Self::Worktree => {
                fs::create_dir_all(fixture.path("../main")).expect("the folder is made");
                fixture.git_in("../main", &["init", "-q", "."]);
                fixture.git_in("../main", &["commit", "-q", "--allow-empty", "-m", "none"]);
                fs::remove_dir(&project).expect("the folder is removed");
                fixture.git_in("../main", &["worktree", "add", "-q", "../project"]);
            }
            Self::Separate => {
                fixture.git_in(".", &["init", "-q", "--separate-git-dir", "../separate", "."]);
            }
            Self::Above => {
                fs::create_dir_all(fixture.path("dot")).expect("the folder is made");
                fixture.git_in("dot", &["init", "-q", "."]);
                fixture.git_in("dot", &["config", "core.worktree", "../.."]);
                return ProjectRepositoryLocation::At(fixture.path("dot"));
            }
            Self::Copied => {
                let original = fixture.path("../original");
                fs::create_dir_all(&original).expect("the folder is made");
                fixture.git_in(".", &["init", "-q", "."]);
                let original = original.display().to_string();
                fixture.git_in(".", &["config", "core.worktree", &original]);
                return ProjectRepositoryLocation::At(project);
            }
        }
        ProjectRepositoryLocation::Here
    }
}
