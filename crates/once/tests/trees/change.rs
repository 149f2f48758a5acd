use super::{fixture::ProjectFixture, readable::ReadablePath};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

/// A change of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Another content of the same length, at the same times.
    Content,
    /// More content.
    Append,
    /// Another file replaces it.
    Replace,
    /// It becomes executable.
    Mode,
    /// It is removed.
    Remove,
    /// A link replaces it.
    Link,
    /// A folder replaces it.
    Folder,
}

/// How to restore the old state.
pub(super) struct SavedFileState {
    path: PathBuf,
    content: Vec<u8>,
    mode: u32,
    link: Option<PathBuf>,
}

impl Change {
    /// All changes, those of the content twice.
    const ALL: [Self; 9] = [
        Self::Content,
        Self::Append,
        Self::Mode,
        Self::Replace,
        Self::Remove,
        Self::Content,
        Self::Link,
        Self::Append,
        Self::Folder,
    ];
    pub(super) const COUNT: usize = Self::ALL.len();

    /// The changes in turn.
    pub(super) fn at(turn: usize) -> Self {
        Self::ALL.get(turn % Self::COUNT).copied().unwrap_or(Self::Content)
    }

    /// Applies the change to the target of a path, or to the path itself. Returns `None` if that changes nothing.
    pub(super) fn apply(
        self,
        fixture: &ProjectFixture,
        readable: &ReadablePath,
    ) -> Option<SavedFileState> {
        let path = fixture.path(&readable.path);
        let metadata = fs::metadata(&path).expect("it is there");
        let content = fs::read(&path).expect("it can be read");
        let mode = metadata.permissions().mode();
        let link = fs::read_link(&path).ok();
        match self {
            Self::Content => {
                let mut other = content.clone();
                match other.first_mut() {
                    Some(byte) => *byte ^= 1,
                    None => return None,
                }
                let modified = metadata.modified().expect("a time");
                fs::write(&path, other).expect("it can be written");
                let file = File::options().append(true).open(&path).expect("it can be written");
                file.set_modified(modified).expect("its time can be set");
            }
            Self::Append => {
                let mut file = File::options().append(true).open(&path).expect("it can be written");
                file.write_all(b"more").expect("it can be written");
            }
            Self::Replace => {
                let draft = path.with_file_name("ignored-draft");
                fs::write(&draft, [&content[..], b"other"].concat()).expect("it can be written");
                fs::rename(draft, &path).expect("it can be replaced");
            }
            Self::Mode if mode & 0o100 != 0 => return None,
            Self::Mode => {
                let permissions = fs::Permissions::from_mode(mode | 0o100);
                fs::set_permissions(&path, permissions).expect("its mode can be set");
            }
            Self::Remove => fs::remove_file(&path).expect("it can be removed"),
            Self::Link => {
                fs::remove_file(&path).expect("it can be removed");
                symlink("nowhere", &path).expect("a link can be made");
            }
            Self::Folder => {
                fs::remove_file(&path).expect("it can be removed");
                fs::create_dir(&path).expect("a folder can be made");
                fs::write(path.join("inside"), b"inside").expect("it can be written");
            }
        }
        Some(SavedFileState { path, content, mode, link })
    }
}

impl SavedFileState {
    pub(super) fn undo(self) {
        let Self { path, content, mode, link } = self;
        let is_dir = fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir());
        if is_dir {
            fs::remove_dir_all(&path).expect("it can be removed");
        }
        if let Some(link) = link {
            let target = fs::canonicalize(path.with_file_name("")).expect("a folder").join(&link);
            let _ = fs::remove_file(&path);
            symlink(link, &path).expect("a link can be made");
            if target.exists() {
                fs::write(&path, content).expect("it can be written");
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
            }
            return;
        }
        let _ = fs::remove_file(&path);
        fs::write(&path, content).expect("it can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode can be set");
    }
}
