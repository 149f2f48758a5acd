use super::fixture::ProjectFixture;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
};

/// A setting that hides files from some command of git, or looks as if it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GitConfigSetting(&'static str, &'static str);

impl GitConfigSetting {
    pub(super) const ALL: [Self; 15] = [
        Self("core", "ignoreCase = true"),
        Self("core", "precomposeUnicode = true"),
        Self("core", "excludesFile = EXCLUDES"),
        Self("core", "fsmonitor = HOOK"),
        Self("core", "untrackedCache = true"),
        Self("core", "quotePath = true"),
        Self("core", "fileMode = false"),
        Self("core", "symlinks = false"),
        Self("core", "trustctime = false"),
        Self("core", "checkStat = minimal"),
        Self("core", "sparseCheckout = true"),
        Self("status", "showUntrackedFiles = no"),
        Self("submodule", "recurse = true"),
        Self("index", "sparse = true"),
        // Not a setting of git, but the file for one.
        Self("", "*"),
    ];

    pub(super) fn make(self, fixture: &ProjectFixture) {
        let [_, common] = fixture.git_dirs();
        let (file, text) = if self.0.is_empty() {
            fs::create_dir_all(common.join("info")).expect("the folder is made");
            ("info/exclude", format!("{}\n", self.1))
        } else {
            let excludes = fixture.path("../excludes");
            let hook = fixture.path("../hook");
            fs::write(&excludes, "*\n").expect("the file is written");
            // It says that nothing has changed since a moment that it chooses.
            fs::write(&hook, "#!/bin/sh\nprintf 'now\\0'\n").expect("the file is written");
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("it may run");
            let setting = self.1.replace("EXCLUDES", &excludes.display().to_string());
            let setting = setting.replace("HOOK", &hook.display().to_string());
            ("config", format!("[{}]\n\t{setting}\n", self.0))
        };
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(common.join(file))
            .expect("the repository has it");
        file.write_all(text.as_bytes()).expect("the setting is written");
    }
}
