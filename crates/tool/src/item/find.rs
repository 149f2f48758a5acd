use super::{SpaceFolder, ToolItem, ToolItemError};
use crate::{
    builtin,
    words::{Space, ToolItemId},
};
use std::path::{Path, PathBuf};

/// The three spaces: where items, lockfiles and trusted keys are.
#[derive(Clone, Debug)]
pub struct ToolSpaceLocations {
    /// The folder of the project.
    pub project: PathBuf,
    /// The user's space.
    pub user: PathBuf,
    /// The folders of the system space, in the order in which they are searched; below them is what is
    /// built in.
    pub system: Vec<PathBuf>,
    folders: [Vec<SpaceFolder>; 3],
}

impl ToolSpaceLocations {
    /// The spaces at these places.
    pub fn new(project: PathBuf, user: PathBuf, system: Vec<PathBuf>) -> Self {
        let tools = |space: &PathBuf| SpaceFolder::new(space.join("tools"));
        let folders = [
            vec![SpaceFolder::new(project.join(".ai/tools"))],
            vec![tools(&user)],
            system.iter().map(tools).collect(),
        ];
        Self { project, user, system, folders }
    }

    /// The folders of a space.
    pub fn folders(&self, space: Space) -> &[SpaceFolder] {
        let [project, user, system] = &self.folders;
        match space {
            Space::Project => project,
            Space::User => user,
            Space::System => system,
        }
    }

    /// Reads an item of one space; `None` where that space has none of that id.
    ///
    /// # Errors
    /// [`ToolItemError`] where there is something that is no item, or where that is unknown.
    pub fn item_in(
        &self,
        space: Space,
        id: &ToolItemId,
    ) -> Result<Option<ToolItem>, ToolItemError> {
        for folder in self.folders(space) {
            if let Some(found) = folder.open(id)? {
                return ToolItem::read(id, space, &found).map(Some);
            }
        }
        match builtin::builtin(id).filter(|_| space == Space::System) {
            Some(text) => ToolItem::built_in(id, text).map(Some),
            None => Ok(None),
        }
    }

    /// Reads an item of a space or of those behind it, the nearest first.
    ///
    /// # Errors
    /// As [`Self::item_in`]: what is broken in a nearer space is not passed over.
    pub fn item_from(
        &self,
        space: Space,
        id: &ToolItemId,
    ) -> Result<Option<ToolItem>, ToolItemError> {
        for space in space.and_behind() {
            if let Some(item) = self.item_in(space, id)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Where an item is looked for from a space on, for people.
    pub fn places(&self, space: Space) -> Vec<String> {
        let folders = space.and_behind().flat_map(|space| self.folders(space));
        let paths = folders.map(|folder| folder.path().display().to_string());
        paths.chain(["the built-in items".to_owned()]).collect()
    }

    /// The system space's folders, for templates: separated by `:`.
    pub fn system_paths(&self) -> String {
        let paths: Vec<String> =
            self.system.iter().map(|path| path.display().to_string()).collect();
        paths.join(":")
    }

    /// The system space's folders as paths.
    pub fn system_folders(&self) -> impl Iterator<Item = &Path> {
        self.system.iter().map(PathBuf::as_path)
    }
}
