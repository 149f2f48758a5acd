//! Folders that a thread keeps open for a moment.

use super::nofollow::{FOLDER, open_any};
use std::{
    cell::RefCell,
    io,
    marker::PhantomData,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    rc::Rc,
};

/// Keeps the folders open that this thread finds, until you drop the cache. Code that opens several files of one folder
/// finds the folder once. Keep the cache only for a moment: it does not notice that a folder is moved away.
#[derive(Debug)]
#[must_use = "the folders are closed as soon as this is dropped"]
pub struct OpenFolderCache {
    /// Keeps the cache in one thread.
    _thread: PhantomData<*const ()>,
}

impl OpenFolderCache {
    /// Begins to keep folders open.
    pub fn begin() -> Self {
        KEPT.with_borrow_mut(|kept| kept.get_or_insert_default().users += 1);
        Self { _thread: PhantomData }
    }

    /// Begins, and opens a folder. The thread finds the files of this folder faster from there.
    pub fn begin_in(folder: &Path) -> Self {
        let cache = Self::begin();
        // If the folder cannot be opened, each of its files reports that.
        let _ = opened(folder);
        cache
    }
}

impl Drop for OpenFolderCache {
    fn drop(&mut self) {
        KEPT.with_borrow_mut(|kept| {
            let users = kept.as_ref().map_or(0, |it| it.users.saturating_sub(1));
            *kept =
                kept.take().filter(|_| users > 0).map(|it| OpenFolderCacheState { users, ..it });
        });
    }
}

thread_local! {
    static KEPT: RefCell<Option<OpenFolderCacheState>> = const { RefCell::new(None) };
}

#[derive(Default)]
struct OpenFolderCacheState {
    users: usize,
    folders: Vec<(PathBuf, Rc<OwnedFd>)>,
}

/// Forgets the folders that are kept open: a missing folder that is made again is another folder.
pub(super) fn forget_folders() {
    KEPT.with_borrow_mut(|kept| kept.iter_mut().for_each(|it| it.folders.clear()));
}

/// A folder that is kept open.
pub(super) fn kept(folder: &Path) -> Option<Rc<OwnedFd>> {
    KEPT.with_borrow(|kept| {
        let folders = &kept.as_ref()?.folders;
        folders.iter().find(|(path, _)| path == folder).map(|(_, opened)| Rc::clone(opened))
    })
}

/// Opens a folder, and keeps it open if this thread keeps any.
pub(super) fn opened(folder: &Path) -> io::Result<Rc<OwnedFd>> {
    if let Some(opened) = kept(folder) {
        return Ok(opened);
    }
    let opened = Rc::new(open_any(folder, FOLDER, 0)?);
    KEPT.with_borrow_mut(|kept| {
        if let Some(it) = kept {
            it.folders.push((folder.to_owned(), Rc::clone(&opened)));
        }
    });
    Ok(opened)
}
