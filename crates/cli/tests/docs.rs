//! The documentation is true: its examples run, its links have a target, and it describes every command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The setup of an example: a repository with one commit, and a home.
const REPOSITORY: &str = "mkdir home repo && git config --file home/.gitconfig user.name Ada &&
    git config --file home/.gitconfig user.email ada@example.org && export HOME=$PWD/home &&
    git init -q repo && git -C repo commit -q --allow-empty -m first";

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn project() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).unwrap()
}

/// All pages: those beside the README, and all below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut pages = markdown_in(&project());
    let mut folders = vec![project().join("docs")];
    while let Some(folder) = folders.pop() {
        pages.extend(markdown_in(&folder));
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        folders.extend(entries.filter(|path| path.is_dir()));
    }
    pages.sort();
    pages
}

fn markdown_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "md")).collect()
}

/// A fenced block of a page: its first line, its language, its content.
struct Block {
    line: usize,
    language: String,
    content: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                let language = language.trim().to_owned();
                open = Some(Block { line: number + 1, language, content: String::new() });
            }
            (None, Some(block)) => block.content.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A page's text without its fenced blocks.
fn prose(page: &str) -> String {
    let mut inside = false;
    let is_prose = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    };
    page.lines().filter(is_prose).collect::<Vec<_>>().join("\n")
}

/// Runs an example in a new repository.
fn run(page: &Path, block: &Block) {
    let it = sandbox();
    it.shell(REPOSITORY).run().ok();
    let call = it.shell(&format!("set -e\n{}", block.content)).without("LOKT_ROOT");
    let call = call.env("HOME", it.folder().join("home")).folder(it.folder().join("repo"));
    let done = call.in_time();
    let place = format!("{}, line {}", page.display(), block.line);
    assert_eq!(done.code, Some(0), "the example of {place} runs: {done:#?}\n{}", block.content);
}

#[test]
fn every_shell_example_runs_as_written() {
    for page in pages() {
        let examples = blocks(&fs::read_to_string(&page).unwrap());
        let examples = examples.iter().filter(|block| block.language == "sh");
        examples.for_each(|block| run(&page, block));
    }
}

#[test]
fn the_readme_has_examples() {
    let readme = fs::read_to_string(project().join("README.md")).unwrap();
    let examples = blocks(&readme).iter().filter(|block| block.language == "sh").count();
    assert!(examples > 0, "there is something to copy");
}

/// The targets of a page's links, except those to other sites.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let inner = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    inner.map(str::to_owned).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> Vec<String> {
    let prose = prose(page);
    let headings = prose.lines().filter_map(|line| line.strip_prefix('#'));
    headings.map(|heading| anchor(heading.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it.to_ascii_lowercase() }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let folder = page.parent().unwrap();
            let target = if path.is_empty() { page.clone() } else { folder.join(path) };
            assert!(target.exists(), "{} links to {link}, which is not there", page.display());
            if heading.is_empty() || target.extension().is_none_or(|it| it != "md") {
                continue;
            }
            let there = anchors(&fs::read_to_string(&target).unwrap());
            let found = there.iter().any(|anchor| anchor == heading);
            assert!(found, "{} links to {link}, but there is only {there:?}", page.display());
        }
    }
}

#[test]
fn every_command_and_every_flag_is_described() {
    let Ok(page) = fs::read_to_string(project().join("docs/commands.md")) else {
        return;
    };
    let it = sandbox();
    let help = it.lokt(["--help"]).run().ok().out;
    let list = help.lines().skip_while(|line| *line != "Locks:");
    let list = list.take_while(|line| *line != "Options:");
    let names = list.filter_map(|line| line.split(' ').nth(2)).filter(|name| !name.is_empty());
    for name in names.filter(|name| *name != "help") {
        assert!(page.contains(&format!("lokt {name}")), "docs/commands.md describes lokt {name}");
        let flags = it.lokt([name, "--help"]).run().ok().out;
        let words = flags.lines().filter(|line| line.trim_start().starts_with("--"));
        for flag in words.filter_map(|line| line.split_whitespace().next()) {
            assert!(page.contains(flag), "docs/commands.md describes {flag} of lokt {name}");
        }
    }
}
