use super::ProjectError;
use crate::{
    store::LockStoreError,
    sys::{self, nofollow},
    words::LockId,
};
use std::{
    io::{ErrorKind, Write},
    path::Path,
};

/// Reads the id of a repository; `None` where it has none.
pub(super) fn read(path: &Path) -> Result<Option<String>, ProjectError> {
    let bytes = match nofollow::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(LockStoreError::io("read", path))?,
    };
    let id = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n'));
    let is_valid = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = id.filter(is_valid).map(str::to_owned);
    id.map(Some).ok_or_else(|| ProjectError::BrokenId { path: path.to_owned() })
}

/// Reads the id of a repository, or gives it one. The file appears whole or not at all, and never over another.
pub(super) fn read_or_make(path: &Path) -> Result<String, ProjectError> {
    if let Some(id) = read(path)? {
        return Ok(id);
    }
    let random = || {
        let bytes =
            sys::random_bytes().map_err(|source| LockStoreError::NoRandomness { source })?;
        Ok::<_, LockStoreError>(LockId::from_random(bytes).to_string())
    };
    let id = random()?;
    if let Some(folder) = path.parent() {
        let made = nofollow::create_folders(folder, 0o700);
        made.map_err(LockStoreError::io("make the folder", folder))?;
    }
    // Another process may do the same; each has its own draft.
    let draft = path.with_file_name(format!(".lokt-repository-id-{}", random()?));
    let write = || {
        let mut file = nofollow::create(&draft, 0o644)?;
        file.write_all(format!("{id}\n").as_bytes())?;
        file.sync_all()?;
        nofollow::link(&draft, path)
    };
    let written = write();
    let _ = nofollow::remove_file(&draft);
    match written {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(LockStoreError::io("write", path)(error).into())
        }
        // The first one counts.
        _ => Ok(read(path)?.unwrap_or(id)),
    }
}
