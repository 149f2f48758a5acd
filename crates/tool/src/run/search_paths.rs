//! Which variables decide what code a program loads, and what of them may lead into the working folder.
//!
//! A tool runs in the project's folder, which all contributors to the project can write to. An entry that is empty or
//! relative means that folder: `PYTHONPATH=/x:` lets the project's `json.py` run inside a signed tool. So
//! before a tool starts, such entries are taken out, of the caller's variables as of those that a config sets.
//! What a config wants to be looked for in the project it names with `{project_path}`.
//!
//! # Limits
//! An absolute path is the caller's choice. Variables that are not in [`TABLE`] stay as they are. Programs that look in
//! the working folder without being told (`python -m`, `node -e`, R, Lua, Java without a class path) do so still.

use super::{
    ToolEnvironment,
    options::{self, OptionVariableSyntax},
};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

/// What a variable holds, and so what of it is taken out.
#[derive(Clone, Copy, Debug)]
enum SearchVariableValueKind {
    /// Folders between separators; those that are not absolute go.
    Folders(&'static [u8]),
    /// The same, where an empty entry stands for what the program has built in, and stays.
    FoldersAndDefault(&'static [u8]),
    /// Libraries between separators: a name without a slash is looked for where the system keeps libraries.
    Libraries(&'static [u8]),
    /// One file or folder, which must be absolute.
    One,
    /// Nothing but a switch that puts the working folder among those that are searched.
    Switch,
    /// Words of a command line.
    Options(&'static OptionVariableSyntax),
}

use SearchVariableValueKind::{Folders, FoldersAndDefault, Libraries, One, Options, Switch};

/// A variable's name, what it holds, and where that is written down.
type SearchVariable = (&'static str, SearchVariableValueKind, &'static str);

/// The variables. A row belongs here if a program that people write tools for, or the loader under it, takes code from
/// where the variable says, and takes an empty or relative entry to be in the working folder.
const TABLE: &[SearchVariable] = &[
    // All programs.
    ("PATH", Folders(b":"), "execvp(3), environ(7): an empty entry is the working folder"),
    ("HOME", One, "sites of users, .zshenv, ~/.node_modules: all below it"),
    (
        "LD_LIBRARY_PATH",
        Folders(b":;"),
        "ld.so(8): colons or semicolons; empty is the working folder",
    ),
    ("LD_PRELOAD", Libraries(b": "), "ld.so(8): spaces or colons"),
    ("LD_AUDIT", Libraries(b":"), "ld.so(8)"),
    ("GCONV_PATH", Folders(b":"), "iconv(3): modules for character sets are libraries"),
    ("OPENSSL_CONF", One, "openssl-env(7): its file names libraries to load"),
    ("OPENSSL_ENGINES", One, "openssl-env(7)"),
    ("OPENSSL_MODULES", One, "openssl-env(7)"),
    // Shells.
    ("BASH_ENV", One, "bash(1): read by each script before its own text"),
    ("ENV", One, "sh(1): the same of interactive shells, and of ksh"),
    ("ZDOTDIR", One, "zsh(1): the folder of .zshenv, which each script reads"),
    ("CDPATH", Folders(b":"), "bash(1): `cd sub` may go elsewhere than it says"),
    ("FPATH", Folders(b":"), "ksh(1), zshparam(1): functions to load"),
    // Python: `python3 --help-env`, https://docs.python.org/3/using/cmdline.html#environment-variables
    ("PYTHONPATH", Folders(b":"), "put before the standard library"),
    ("PYTHONHOME", Folders(b":"), "where the standard library is"),
    ("PYTHONSTARTUP", One, "read by interactive ones, and by code.interact"),
    ("PYTHONUSERBASE", One, "the user's site-packages, usercustomize among them"),
    ("PYTHONPYCACHEPREFIX", One, "compiled modules are read from there"),
    // Node.js: https://nodejs.org/api/modules.html, https://nodejs.org/api/cli.html#environment-variables
    ("NODE_PATH", Folders(b":"), "searched for modules"),
    ("NODE_OPTIONS", Options(&options::NODE), "--require and the like begin at the working folder"),
    // Perl: perlrun(1).
    ("PERL5LIB", Folders(b":"), "put before the standard library"),
    ("PERLLIB", Folders(b":"), "the same without PERL5LIB"),
    ("PERL5OPT", Options(&options::PERL), "-I and -Mlib="),
    ("PERL5DB", One, "code for the debugger: never a path, so it goes"),
    ("PERL_UNSAFE_INC", Switch, "puts the working folder at the end of @INC"),
    // Ruby: ruby(1), gem(1), bundle-config(1).
    ("RUBYLIB", Folders(b":"), "put before the standard library"),
    ("RUBYOPT", Options(&options::RUBY), "-I and -r ./file"),
    ("GEM_HOME", One, "gems are loaded from there"),
    ("GEM_PATH", Folders(b":"), "gems are loaded from there"),
    ("BUNDLE_GEMFILE", One, "a program in Ruby that bundler/setup runs"),
    // Others.
    ("AWKPATH", Folders(b":"), "gawk(1)"),
    ("AWKLIBPATH", Folders(b":"), "gawk(1)"),
    ("CLASSPATH", Folders(b":"), "java(1): empty is the working folder"),
    ("JAVA_TOOL_OPTIONS", Options(&options::JAVA), "java(1): agents and class paths"),
    ("JDK_JAVA_OPTIONS", Options(&options::JAVA), "java(1)"),
    ("_JAVA_OPTIONS", Options(&options::JAVA), "java(1)"),
    ("LUA_PATH", FoldersAndDefault(b";"), "lua(1): an empty entry is the default"),
    ("LUA_CPATH", FoldersAndDefault(b";"), "lua(1)"),
    ("PHPRC", One, "php.ini may name a file to run before each script"),
    ("PHP_INI_SCAN_DIR", FoldersAndDefault(b":"), "the same"),
    ("R_LIBS", Folders(b":"), "R: Startup"),
    ("R_LIBS_USER", Folders(b":"), "R: Startup"),
    ("R_LIBS_SITE", Folders(b":"), "R: Startup"),
    ("R_PROFILE", One, "R: Startup"),
    ("R_PROFILE_USER", One, "R: Startup"),
    ("R_ENVIRON", One, "R: Startup"),
    ("R_ENVIRON_USER", One, "R: Startup"),
    ("TCLLIBPATH", Folders(b" "), "tclsh(1): a list, between spaces"),
    ("TCL_LIBRARY", One, "tclsh(1)"),
    ("GUILE_LOAD_PATH", Folders(b":"), "guile(1)"),
    ("GUILE_LOAD_COMPILED_PATH", Folders(b":"), "guile(1)"),
    ("ERL_LIBS", Folders(b":"), "erl(1)"),
    ("GIT_EXEC_PATH", One, "git(1): where its programs are"),
    ("CPATH", Folders(b":"), "gcc(1): an empty entry is the working folder"),
    ("C_INCLUDE_PATH", Folders(b":"), "gcc(1)"),
    ("CPLUS_INCLUDE_PATH", Folders(b":"), "gcc(1)"),
    ("LIBRARY_PATH", Folders(b":"), "gcc(1)"),
    ("COMPILER_PATH", Folders(b":"), "gcc(1)"),
    ("GCC_EXEC_PREFIX", One, "gcc(1)"),
    // Where version managers keep interpreters.
    ("PYENV_ROOT", One, "interpreters are started from there"),
    ("NVM_DIR", One, "interpreters are started from there"),
    ("RBENV_ROOT", One, "interpreters are started from there"),
    ("ASDF_DATA_DIR", One, "interpreters are started from there"),
];

/// What `PATH` is where it has no entry left: that of confstr(3). Without one, or with an empty one, some programs
/// search the working folder.
const USUAL_PATH: &str = "/usr/bin:/bin";

/// Takes out of the variables what leads into the working folder. A variable of which nothing is left is unset.
pub(super) fn clean(environment: &mut ToolEnvironment) {
    environment.retain_map(|name, value| {
        let row = TABLE.iter().find(|(known, ..)| name == *known);
        match row {
            Some((_, kind, _)) => kind.cleaned(value),
            None => Some(value.to_owned()),
        }
    });
}

/// Sets `PATH` where it is not set.
pub(super) fn complete(environment: &mut ToolEnvironment) {
    if environment.get("PATH").is_none() {
        environment.set("PATH", USUAL_PATH);
    }
}

impl SearchVariableValueKind {
    /// What is left of a value; none where that is nothing.
    fn cleaned(self, value: &OsStr) -> Option<OsString> {
        let bytes = value.as_bytes();
        let left = match self {
            Folders(separators) => kept(bytes, separators, is_absolute),
            FoldersAndDefault(separators) => {
                kept(bytes, separators, |entry| entry.is_empty() || is_absolute(entry))
            }
            Libraries(separators) => kept(bytes, separators, |entry| {
                is_absolute(entry) || !(entry.is_empty() || entry.contains(&b'/'))
            }),
            One => is_absolute(bytes).then(|| bytes.to_vec()),
            Switch => None,
            Options(grammar) => Some(grammar.cleaned(bytes)),
        };
        left.filter(|left| !left.is_empty()).map(OsString::from_vec)
    }
}

/// The entries that may stay, between the first of the separators.
fn kept(value: &[u8], separators: &[u8], stays: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let entries = value.split(|byte| separators.contains(byte));
    if entries.clone().all(&stays) {
        return Some(value.to_vec());
    }
    let left: Vec<&[u8]> = entries.filter(|entry| stays(entry)).collect();
    Some(left.join(separators.get(..1)?))
}

pub(super) fn is_absolute(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(name: &str, value: &str) -> Option<String> {
        let mut environment = ToolEnvironment::new(vec![(name.into(), value.into())]);
        clean(&mut environment);
        environment.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_empty_or_relative_goes_and_the_rest_stays() {
        for (name, value, left) in [
            ("PYTHONPATH", "/x:", Some("/x")),
            ("PYTHONPATH", ":/x::/y:", Some("/x:/y")),
            ("PYTHONPATH", "", None),
            ("PYTHONPATH", ".", None),
            ("PYTHONPATH", "lib:./lib:../lib:~/lib", None),
            ("PATH", "/usr/bin:node_modules/.bin:/bin", Some("/usr/bin:/bin")),
            ("LD_LIBRARY_PATH", "/a;:/b;c", Some("/a:/b")),
            ("LD_PRELOAD", "libjemalloc.so ./evil.so:/x/y.so", Some("libjemalloc.so:/x/y.so")),
            ("LD_PRELOAD", "libjemalloc.so /x/y.so", Some("libjemalloc.so /x/y.so")),
            ("LD_PRELOAD", "evil/x.so", None),
            ("BASH_ENV", "env.sh", None),
            ("BASH_ENV", "/home/ada/env.sh", Some("/home/ada/env.sh")),
            ("PYTHONHOME", "/usr:.", Some("/usr")),
            ("PYTHONSTARTUP", "start.py", None),
            ("PERL_UNSAFE_INC", "1", None),
            ("LUA_PATH", "./?.lua;/x/?.lua;;", Some("/x/?.lua;;")),
            ("CDPATH", ".:/home", Some("/home")),
            ("HOME", ".", None),
            ("TEXT", "lib:.:", Some("lib:.:")),
            ("OLD_PYTHONPATH", ".", Some(".")),
        ] {
            assert_eq!(cleaned(name, value).as_deref(), left, "{name}={value}");
        }
    }

    #[test]
    fn what_has_nothing_to_lose_stays_byte_by_byte() {
        for (name, kind, _) in TABLE {
            let value = match kind {
                Options(_) => "-w  -v",
                Switch => continue,
                _ => "/one",
            };
            assert_eq!(cleaned(name, value).as_deref(), Some(value), "{name}");
        }
        let bytes = OsString::from_vec(b"/\xff:/\xfe".to_vec());
        let mut environment = ToolEnvironment::new(vec![("PYTHONPATH".into(), bytes.clone())]);
        clean(&mut environment);
        assert_eq!(environment.get("PYTHONPATH"), Some(bytes.as_os_str()));
    }

    #[test]
    fn a_second_variable_of_the_same_name_is_cleaned_too() {
        let twice = |value: &str| (OsString::from("PYTHONPATH"), OsString::from(value));
        let mut environment = ToolEnvironment::new(vec![twice("."), twice("/x:"), twice("")]);
        clean(&mut environment);
        assert_eq!(environment.into_variables(), [twice("/x")]);
    }

    #[test]
    fn each_variable_stands_in_the_table_once() {
        for (at, (name, ..)) in TABLE.iter().enumerate() {
            assert!(!TABLE.iter().skip(at + 1).any(|(other, ..)| other == name), "{name}");
        }
    }

    #[test]
    fn without_a_path_there_is_the_usual_one() {
        let mut environment = ToolEnvironment::new(vec![("PATH".into(), ":.".into())]);
        clean(&mut environment);
        complete(&mut environment);
        assert_eq!(environment.get("PATH").unwrap(), USUAL_PATH);
    }
}
