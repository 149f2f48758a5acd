//! The home folder in paths that no shell has read: values of the environment, of configurations.

use nix::unistd::{Uid, User};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Says why a path that begins with `~` leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TildeExpansionError {
    /// It names the home folder of a user, which a shell would look up.
    #[error("only ~ and ~/… stand for a home folder")]
    OfUser,
    /// Nothing says where the home folder is.
    #[error("nothing says where the home folder is: HOME is no absolute path")]
    Unknown,
}

/// A path with the home folder in the place of a `~` at its beginning. A folder that is called `~` is `./~`.
///
/// # Errors
/// [`TildeExpansionError`] for `~name`, and where there is no home folder that is an absolute path.
pub fn expand(
    value: OsString,
    home: impl FnOnce() -> Option<PathBuf>,
) -> Result<PathBuf, TildeExpansionError> {
    let rest = match value.as_bytes().strip_prefix(b"~") {
        None => return Ok(value.into()),
        Some([b'/', rest @ ..]) => rest,
        Some([]) => b"",
        Some(_) => return Err(TildeExpansionError::OfUser),
    };
    let home = home().filter(|home| home.is_absolute()).ok_or(TildeExpansionError::Unknown)?;
    // Else a second slash would make it an absolute path.
    let start = rest.iter().position(|byte| *byte != b'/').unwrap_or(rest.len());
    let rest = rest.get(start..).unwrap_or_default();
    Ok(if rest.is_empty() { home } else { home.join(Path::new(OsStr::from_bytes(rest))) })
}

/// The home folder that the user database has for this user.
pub fn of_user() -> Option<PathBuf> {
    Some(User::from_uid(Uid::current()).ok()??.dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder_at_the_beginning_alone() {
        let at = |value: &str| expand(value.into(), || Some("/home/ada".into()));
        for (value, expected) in [
            ("~", "/home/ada"),
            ("~/", "/home/ada"),
            ("~/locks", "/home/ada/locks"),
            ("~//locks", "/home/ada/locks"),
            ("./~", "./~"),
            ("/a/~/b", "/a/~/b"),
            ("a~", "a~"),
            ("locks", "locks"),
        ] {
            assert_eq!(at(value).as_deref(), Ok(Path::new(expected)), "{value}");
        }
        assert_eq!(at("~bob/locks"), Err(TildeExpansionError::OfUser));
        assert_eq!(expand("~/a".into(), || None), Err(TildeExpansionError::Unknown));
        assert_eq!(expand("~/a".into(), || Some("home".into())), Err(TildeExpansionError::Unknown));
        assert_eq!(expand("a".into(), || None).as_deref(), Ok(Path::new("a")), "needs no home");
    }
}
