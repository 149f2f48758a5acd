use crate::{Lokt, Sandbox};
use nix::unistd::geteuid;
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, lchown},
    path::{Path, PathBuf},
};

/// The user `nobody`.
const NOBODY_UID: u32 = 65534;

/// Runs a program as a user that owns nothing.
const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// Runs a shell line that may mount anything, in a new session; other processes do not see the mounts. New, because the
/// leader of the tests' session may be outside this container, and then each process is a separate agent.
const OWN_MOUNTS: [&str; 7] =
    ["setsid", "--wait", "unshare", "--mount", "--map-root-user", "bash", "-euc"];

/// Calls as other users, with other mounts, and beside a held latch.
impl Sandbox {
    /// A call by a user without root's rights. It is the user that runs the tests, or, if that is root, the
    /// user `nobody`, which may enter and write to the sandbox's folder, and owns the root.
    pub fn as_nobody<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Lokt {
        let lokt = if geteuid().is_root() {
            self.open_to_all();
            give_to_nobody(&self.root());
            let program = self.program_for_all();
            Lokt::shell(&self.places(), &NOBODY, &program.display().to_string())
        } else {
            Lokt::new(&self.places(), &[])
        };
        // Root runs it through setpriv(1), as this user.
        lokt.arguments(arguments).owner("nobody")
    }

    /// A `bash` line by a user without root's rights, with the program in the variable `LOKT`.
    pub fn shell_as_nobody(&self, line: &str) -> Lokt {
        let lokt = if geteuid().is_root() {
            self.open_to_all();
            let before: Vec<&str> = NOBODY.into_iter().chain(["bash", "-c"]).collect();
            Lokt::shell(&self.places(), &before, line).env("LOKT", self.program_for_all())
        } else {
            Lokt::shell(&self.places(), &["bash", "-c"], line).env("LOKT", self.program())
        };
        // Root runs it through setpriv(1), as this user.
        lokt.owner("nobody").env("HOME", self.folder())
    }

    /// A `bash -eu` line as root of a separate mount namespace.
    pub fn with_own_mounts(&self, line: &str) -> Lokt {
        Lokt::shell(&self.places(), &OWN_MOUNTS, line).owner("tester")
    }

    /// A Python program.
    pub fn python(&self, program: &str) -> Lokt {
        Lokt::shell(&self.places(), &["python3", "-c"], program)
    }

    /// Enters a lock's section as the program does, until the file is dropped. The lock must be the only one
    /// that the sandbox has used.
    #[track_caller]
    pub fn hold_latch(&self) -> File {
        let file = File::open(self.only_latch()).expect("the latch can be opened");
        file.lock().expect("the latch can be locked");
        file
    }

    /// The latch of the only lock that the sandbox has used.
    #[track_caller]
    pub fn only_latch(&self) -> PathBuf {
        let latches = fs::read_dir(self.root().join("latches")).expect("latches were used");
        let paths: Vec<PathBuf> = latches.flatten().map(|entry| entry.path()).collect();
        assert_eq!(paths.len(), 1, "one lock was used");
        paths.into_iter().next().expect("a latch")
    }

    /// Gives a file, or a folder with its content, to another user. Returns false if the user that runs the
    /// tests may not do that.
    #[must_use]
    pub fn give_away(&self, path: &Path) -> bool {
        geteuid().is_root() && {
            give_to_nobody(path);
            true
        }
    }

    fn open_to_all(&self) {
        fs::set_permissions(self.folder(), Permissions::from_mode(0o777)).expect("it is ours");
    }

    /// A copy of the program that every user can reach.
    fn program_for_all(&self) -> PathBuf {
        let copy = self.folder().join("lokt-for-all");
        if !copy.exists() {
            fs::copy(self.program(), &copy).expect("the program can be copied");
        }
        copy
    }
}

/// Gives a file, or a folder with its content, to the user `nobody`.
fn give_to_nobody(path: &Path) {
    let Ok(meta) = path.symlink_metadata() else { return };
    lchown(path, Some(NOBODY_UID), None).expect("root may give it away");
    if meta.is_dir() {
        for entry in fs::read_dir(path).expect("root may list it").flatten() {
            give_to_nobody(&entry.path());
        }
    }
}
