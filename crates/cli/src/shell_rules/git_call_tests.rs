use super::*;
use crate::shell_text::read_line;

/// What a call discards: its text, the kind of its files, its paths.
fn found(line: &str) -> Option<(String, UncommittedFileKind, Vec<String>)> {
    let line = read_line(line).unwrap();
    let call = GitCall::read(&line.commands[0].words, Some(Path::new("/w")))?;
    call.discards().map(|it| (it.shown, it.files, it.paths))
}

#[test]
fn what_discards_changes_is_found() {
    use UncommittedFileKind::*;
    for (line, shown, files, paths) in [
        ("git stash", "git stash", Changed, vec![]),
        ("git stash -u", "git stash", ChangedAndUntracked, vec![]),
        ("git stash push -m 'a b' -- src x", "git stash", Changed, vec!["src", "x"]),
        ("git stash push src", "git stash", Changed, vec!["src"]),
        ("git stash save a", "git stash", Changed, vec![]),
        ("git stash -a", "git stash", All, vec![]),
        ("git reset --hard HEAD~1", "git reset --hard", Changed, vec![]),
        ("git -C sub reset --hard", "git reset --hard", Changed, vec![]),
        ("/usr/bin/git -c a=b --no-pager checkout -- a", "git checkout", Changed, vec!["a"]),
        ("git checkout .", "git checkout", Changed, vec!["."]),
        ("git checkout main -- a", "git checkout", Changed, vec!["a"]),
        ("git checkout main", "git checkout", Changed, vec!["main"]),
        ("git checkout -f main", "git checkout -f", Changed, vec![]),
        ("git restore a b", "git restore", Changed, vec!["a", "b"]),
        ("git restore -s HEAD -SW a", "git restore", Changed, vec!["a"]),
        ("git switch -f main", "git switch -f", Changed, vec![]),
        ("git switch --discard-changes main", "git switch --discard-changes", Changed, vec![]),
        ("git clean -fd", "git clean -f", Untracked, vec!["."]),
        ("git clean -xdf build", "git clean -f", UntrackedAndIgnored, vec!["build"]),
        ("git clean -fX", "git clean -f", Ignored, vec!["."]),
        ("git rm -rf a", "git rm -f", Changed, vec!["a"]),
        // A path that cannot be read may be any path.
        ("git checkout -- $FILES", "git checkout", Changed, vec![]),
        ("git -C $X restore a", "git restore", Changed, vec![]),
        ("git --git-dir=x restore a", "git restore", Changed, vec![]),
    ] {
        let paths: Vec<String> = paths.into_iter().map(str::to_owned).collect();
        assert_eq!(found(line), Some((shown.to_owned(), files, paths)), "{line}");
    }
}

#[test]
fn what_git_itself_keeps_is_not() {
    for line in [
        "git status",
        "git stash list",
        "git stash pop",
        "git reset HEAD a",
        "git reset --soft HEAD~1",
        "git checkout",
        "git checkout -b new",
        "git restore --staged a",
        "git switch main",
        "git switch -c new",
        "git clean -n",
        "git clean -nfd",
        "git clean",
        "git rm a",
        "git rm --cached -f a",
        "git commit -m 'git stash'",
        "git",
        "git -C",
        "git $X --hard",
        "echo git stash",
    ] {
        assert_eq!(found(line), None, "{line}");
    }
}
