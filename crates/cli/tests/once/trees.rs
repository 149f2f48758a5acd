//! The files that count: all that a command can read in the project, regardless of git's configuration and
//! variables.

use super::Repository;
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

impl Repository {
    /// Asserts that the change of a file, which the command prints, is noticed; in a folder of the project.
    #[track_caller]
    fn sees(&self, folder: &str, file: &str) {
        let folder = self.path(folder);
        let ask = || self.lokt(["once", "t", "--", "cat", file]).folder(&folder).run().ok().out;
        for text in ["one", "two"] {
            fs::write(folder.join(file), text).unwrap();
            assert_eq!(ask(), text, "{file} has changed");
        }
        fs::write(folder.join(file), "one").unwrap();
        assert_eq!(ask(), "one", "{file} is what it was");
    }
}

#[test]
fn the_work_tree_is_where_git_has_it() {
    let it = Repository::new();
    it.shell("mkdir ../home ../home/dot && git init -q ../home/dot && git -C ../home/dot config core.worktree ../..");
    it.sees("../home/dot", "data");
    it.sees("../home/dot", "../beside");
    it.shell("mkdir ../elsewhere && git init -q ../away && git -C ../away config core.worktree ../../elsewhere");
    let away = it.path("../away");
    let done = it.lokt(["once", "t", "--", "true"]).folder(&away).run();
    done.fails_with(64, "is not in the work tree");
    let done = it.lokt(["once", "t", "--", "true"]).folder(&away);
    done.env("GIT_WORK_TREE", "/nowhere").run().fails_with(64, "cannot enter /nowhere");
}

#[test]
fn a_submodule_counts_with_or_without_a_repository() {
    let it = Repository::new();
    it.shell(
        "git init -q ../module && cd ../module && git config user.name Ada &&
        git config user.email ada@example.org && echo 1 >m && git add . && git commit -qm first && cd ../repo &&
        git -c protocol.file.allow=always submodule --quiet add ../module module && git commit -qm second",
    );
    it.sees(".", "module/m");
    it.shell("cp -r module copy && git add copy 2>/dev/null");
    it.sees(".", "copy/m");
    it.shell("git clone -q . ../clone");
    it.sees("../clone", "module/m");
    let named = ["once", "u", "--input", "module/*", "--", "cat", "module/m"];
    for text in ["1", "2"] {
        fs::write(it.path("module/m"), text).unwrap();
        assert_eq!(it.lokt(named).run().ok().out, text, "patterns reach into submodules");
    }
    for broken in ["echo 'gitdir: /nowhere' >module/.git", "rm module/.git && mkdir module/.git"] {
        it.shell(broken);
        let done = it.once(&[], "true").run().fails_with(1, "cannot list the project's files in ");
        assert!(done.err.contains("/module"), "{done:#?}");
    }
}

#[test]
fn a_repository_inside_the_project_counts_unless_it_is_ignored() {
    let it = Repository::new();
    it.shell("git init -q inner && git init -q inner/deep && git init -q ignored-inner && touch ignored-inner/x");
    it.sees(".", "inner/x");
    it.sees(".", "inner/deep/y");
    let runs = || {
        it.once(&[], "echo run >>ignored-runs").run().ok();
        it.runs()
    };
    assert_eq!(runs(), 1);
    it.shell("echo 2 >ignored-inner/x");
    assert_eq!(runs(), 1, "what is ignored does not count");
    it.shell("git init -q foreign && touch foreign/x");
    it.shell("[ $(id -u) != 0 ] || chown -R 65534 foreign");
    if nix::unistd::geteuid().is_root() {
        it.once(&[], "true").run().fails_with(1, "dubious ownership").says("safe.directory");
    }
}

#[test]
fn no_setting_and_no_variable_hides_a_file() {
    let it = Repository::new();
    it.shell(
        "echo '*' >../excludes && echo '*' >>.git/info/exclude && echo 1 >IGNORED && mkdir .GIT && echo 1 >.GIT/x &&
        printf '#!/bin/sh\\nprintf \"now\\\\0\"' >../hook && chmod +x ../hook && echo 1 >ignored-forced &&
        git add -f ignored-forced && git commit -qm forced && git config core.fsmonitor \"$PWD/../hook\" &&
        git config core.excludesFile \"$PWD/../excludes\" && git config core.ignoreCase true &&
        git config status.showUntrackedFiles no && git config core.untrackedCache true && git status --short &&
        git update-index --assume-unchanged a && git update-index --skip-worktree sub/b",
    );
    for file in ["new", "IGNORED", ".GIT/x", "ignored-forced", "a", "sub/b"] {
        it.sees(".", file);
    }
    let outside = it.it.folder().join("outside");
    it.shell("git init -q ../outside");
    for (variable, value) in [
        ("GIT_INDEX_FILE", Path::new("/nowhere/index")),
        ("GIT_DIR", &outside.join(".git")),
        ("GIT_COMMON_DIR", &outside.join(".git")),
        ("GIT_CEILING_DIRECTORIES", Path::new("/")),
        ("GIT_LITERAL_PATHSPECS", Path::new("1")),
        ("GIT_ICASE_PATHSPECS", Path::new("1")),
        ("GIT_NOGLOB_PATHSPECS", Path::new("1")),
        ("GIT_TRACE", Path::new("1")),
        ("GIT_NAMESPACE", Path::new("x")),
        ("GIT_PREFIX", Path::new("sub/")),
        ("GIT_CONFIG_PARAMETERS", Path::new("'core.ignorecase=true'")),
    ] {
        for inputs in [[].as_slice(), &["--input", "[s]*/*", "--input", "ignored-*"]] {
            for text in ["one", "two"] {
                fs::write(it.path("ignored-forced"), text).unwrap();
                let call =
                    it.lokt([&["once", "v"], inputs, &["--", "cat", "ignored-forced"]].concat());
                let done = call.env(variable, value).run().ok();
                assert_eq!(done.out, text, "{variable} {inputs:?}");
            }
        }
    }
}

#[test]
fn the_targets_of_links_count() {
    let it = Repository::new();
    it.shell(
        "mkdir ../folder ../other && echo 1 >../outside && echo 1 >../folder/x && echo 1 >ignored &&
        ln -s ../outside out && ln -s ../folder folder && ln -s ignored to-ignored && ln -s out through &&
        ln -s ../hop hop && ln -s repo/a ../hop && ln -s nowhere dangling && ln -s self self && ln -s sub here",
    );
    for file in ["out", "folder/x", "to-ignored", "through", "hop", "here/b"] {
        it.sees(".", file);
    }
    let cat = |file| it.lokt(["once", "t", "--", "cat", file]).run().ok().out;
    it.shell("echo before >a && echo after >../other/b");
    assert_eq!(cat("hop"), "before\n");
    it.shell("ln -sfn other/b ../hop");
    assert_eq!(cat("hop"), "after\n", "a link outside the project leads elsewhere now");
    it.shell(
        "echo found >nowhere-else && ln -sfn ../nowhere-else dangling && echo 1 >../nowhere-else",
    );
    assert_eq!(cat("dangling"), "1\n");
    it.shell(
        "seq 10001 | sed 's,^,../many/,' | (mkdir ../many && xargs touch) && ln -s ../many many",
    );
    let done = it.once(&[], "true").run().fails_with(64, "has more than 10000 files");
    assert!(done.err.contains("hint: name the link in .gitignore"), "{done:#?}");
    it.shell("rm many && ln -s / ignored-all");
    it.once(&[], "true").run().ok();
}

#[test]
fn an_input_behind_a_link_is_its_target() {
    let it = Repository::new();
    it.shell("mkdir -p ../folder/deep && echo 1 >../folder/deep/x && ln -s ../folder out && ln -s sub here && mkdir sub/deep");
    it.shell("echo 1 >ignored-link-target && ln -s ../outside ignored-link && echo 1 >../outside");
    it.shell("echo 1 >sub/deep/x && echo 1 >ignored-setting && mkdir ignored-folder && echo 1 >ignored-folder/x");
    let flags = |input| ["once", "t", "--input", input, "--", "cat"];
    for (input, file) in [
        ("here/deep", "sub/deep/x"),
        ("here/*", "sub/b"),
        ("here/b", "sub/b"),
        ("here/../a", "a"),
        ("out/deep", "../folder/deep/x"),
        ("out/*/x", "../folder/deep/x"),
        ("out/../outside", "../outside"),
        ("ignored-link", "../outside"),
        ("out", "../folder/deep/x"),
        ("ignored-folder", "ignored-folder/x"),
    ] {
        for text in ["one", "two"] {
            fs::write(it.path(file), text).unwrap();
            let done = it.lokt([&flags(input)[..], &[file]].concat()).run().ok();
            assert_eq!(done.out, text, "--input {input}");
        }
    }
    it.shell("rm ../outside");
    it.once(&["--input", "ignored-link"], "true").run().fails_with(1, "cannot follow the link");
}

#[test]
fn a_reason_for_refusing_an_input_is_true() {
    let it = Repository::new();
    mkfifo(&it.path("fifo"), Mode::S_IRWXU).unwrap();
    it.shell("mkdir empty && echo 1 >sub/ignored.c");
    for (input, why) in [
        ("sub/*.c", "--input sub/*.c matches only files that git ignores"),
        ("empty", "--input empty matches no file"),
        ("sub/*.d", "--input sub/*.d matches no file"),
        ("nothing/*", "--input nothing/* matches no file"),
        ("a/b", "--input a/b matches no file"),
        ("fifo", "fifo is no regular file"),
    ] {
        it.once(&["--input", input], "true").run().fails_with(64, why);
    }
    it.shell("rm a && mkfifo a");
    it.once(&[], "true").run().fails_with(64, "a is no regular file");
}

#[test]
fn an_incomplete_list_of_files_is_refused() {
    let it = Repository::new();
    it.shell("mkdir shut && echo 1 >shut/x");
    fs::set_permissions(it.path("shut"), fs::Permissions::from_mode(0o711)).unwrap();
    let call = it.it.as_nobody(["once", "t", "--", "true"]).folder(it.folder());
    let safe = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", "*"),
    ];
    let call = safe.into_iter().fold(call, |call, (key, value)| call.env(key, value));
    if nix::unistd::geteuid().is_root() {
        call.env("LOKT_ROOT", "").run().fails_with(1, "could not open directory");
    }
    it.shell("echo nonsense >.git/index");
    it.once(&[], "true").run().fails_with(1, "cannot list the project's files");
    it.shell("rm -r .git && mkdir .git");
    it.once(&[], "true").run().fails_with(64, "is in no git repository");
}

#[test]
fn the_folder_of_the_locks_does_not_count() {
    let it = Repository::new();
    let call = |root: &str| it.once(&["--quiet"], "true").env("LOKT_ROOT", root).run();
    call(".")
        .fails_with(64, "is in the folder of the locks")
        .says("must name a folder that has nothing else in it");
    call("sub").fails_with(64, "sub/b is in the folder of the locks");
    assert_eq!(call("locks").ok().err, "", "a folder for the locks alone changes nothing");
    assert_eq!(call("locks").ok().err, "");
}

/// Puts a program with the name `git` before the real one on the path.
fn with_git(it: &Repository, script: &str) -> String {
    let folder = it.it.folder().join("bin");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn an_older_git_works_and_one_that_is_too_old_is_reported() {
    let it = Repository::new();
    let git = it.shell("command -v git");
    // A flag that git before 2.31 does not know.
    let older =
        "#!/bin/sh\nfor a; do case $a in --deduplicate|--format*|--sparse) exit 129; esac; done\n";
    let path = with_git(&it, &format!("{older}exec {} \"$@\"\n", git.trim()));
    it.once(&[], "true").env("PATH", &path).run().ok();
    let old = "#!/bin/sh\n[ \"$1\" != version ] || { echo git version 1.8.3.1; exit; }\necho no >&2; exit 129\n";
    let path = with_git(&it, old);
    let done = it.once(&[], "true").env("PATH", &path).run();
    done.fails_with(1, "it is version 1.8, and 2.7 or later is needed");
    let doctor = it.lokt(["doctor"]).env("PATH", &path).run().ok();
    assert!(doctor.out.contains("warn  git          version 1.8"), "{doctor:#?}");
    let path = with_git(&it, "#!/bin/sh\necho git version 2.99.0; exit 3\n");
    it.once(&[], "true").env("PATH", &path).run().fails_with(1, "cannot list the project's files");
    let program = it.it.program().to_owned();
    let empty = it.it.folder().join("empty");
    fs::create_dir(&empty).unwrap();
    let line = format!("PATH={} exec {} once t -- /bin/true", empty.display(), program.display());
    it.it.shell(&line).folder(it.folder()).run().fails_with(1, "cannot run git");
}

#[test]
fn a_result_from_the_future_is_not_used() {
    let it = Repository::new();
    let line = "date +%s; echo run >>ignored-runs";
    it.once(&[], line).run().ok();
    let record = it.shell("ls \"$LOKT_ROOT\"/once/results/*.json");
    let text = fs::read_to_string(record.trim()).unwrap();
    let (_, body) = text.trim_end().split_once('\n').unwrap();
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    for key in ["started_at", "finished_at"] {
        body[key] = "2999-01-01T00:00:00Z".into();
    }
    let digest = |body: &str| {
        fs::write(it.path("ignored-body"), body).unwrap();
        lokt_once::digest::Digest::of(body.as_bytes()).to_string()
    };
    let body = body.to_string();
    let head = format!("{{\"version\":1,\"digest\":\"{}\"}}", digest(&body));
    fs::write(record.trim(), format!("{head}\n{body}\n")).unwrap();
    it.once(&["--check"], line).run().fails_with(3, "no result of");
    it.once(&[], line).run().ok();
    assert_eq!(it.runs(), 2, "the clock was set back, so its age is not known");
    it.once(&[], line).run().ok();
    assert_eq!(it.runs(), 2, "the new result is used");
}

/// Images whose files only differ in their content: times and numbers come from the image.
const IMAGES: &str = r"mkdir m s1 s2; echo version-1 >s1/f; echo version-2 >s2/f
for i in 1 2; do mksquashfs s$i $i.img -all-time 1000000000 -mkfs-time 1000000000 -quiet -no-progress >/dev/null; done
mount -o loop,ro 1.img m || exit 0
lokt once t --input m/f -- cat m/f
umount m; mount -o loop,ro 2.img m
lokt once t --input m/f -- cat m/f";

#[test]
fn files_of_a_file_system_with_fixed_times_are_read_each_time() {
    let it = Repository::new();
    let done = it.it.with_own_mounts(IMAGES).in_time().ok();
    // Where images cannot be mounted, the test ends.
    let is_right = done.out.is_empty() || done.out == "version-1\nversion-2\n";
    assert!(is_right, "{done:#?}");
}
