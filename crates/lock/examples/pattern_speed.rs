//! Measures the patterns of reservations: reading, covering, overlap, and the worst that the limits allow.
//!
//! `cargo run --release -p lokt-lock --example pattern_speed`

#![expect(clippy::print_stdout, reason = "an example prints its results")]
#![expect(clippy::expect_used, reason = "an example that cannot go on must stop, and say where")]

use lokt_lock::pattern::{Pattern, PatternIndex, ProjectPath};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

fn main() {
    let paths: Vec<ProjectPath> = (0..1000).map(|at| path(&file(at))).collect();
    let literals: Vec<Pattern> =
        (1000..2000).map(|at| Pattern::literal(&path(&file(at)))).collect();
    let folder_globs = globs(|at| format!("packages/app{at}/src/**/*.{{ts,tsx}}"));
    let name_globs = globs(|at| format!("**/component_{at}.{{test,spec}}.ts"));
    let mixed: Vec<Pattern> = literals
        .iter()
        .take(800)
        .chain(folder_globs.iter().take(150))
        .chain(name_globs.iter().take(50))
        .cloned()
        .collect();
    let same_end = globs(|at| format!("**/x{at}_*.tsx"));
    let same_texts = globs(|at| {
        let class = |shift: usize| char::from(b'a' + u8::try_from((at >> shift) & 15).unwrap_or(0));
        format!("**/src/**/[{}-z]*[!{}]*[{}-z]?*.tsx", class(0), class(4), class(8))
    });
    let asked: Pattern = "**/src/*.{ts,tsx}".parse().expect("a pattern");
    for (name, reservations) in [
        ("800 files, 150 globs of a folder, 50 of a name", &mixed),
        ("1000 files", &literals),
        ("1000 globs of a folder", &folder_globs),
        ("1000 globs of a name", &name_globs),
        ("1000 globs that end as they do", &same_end),
        ("1000 globs that differ in classes alone", &same_texts),
    ] {
        report(&format!("1000 paths covered by {name}, one by one"), || {
            reservations.iter().map(|one| paths.iter().filter(|it| one.covers(it)).count()).sum()
        });
        report(&format!("1000 paths covered by {name}, at once"), || {
            PatternIndex::new(reservations).covering(&paths).iter().map(Vec::len).sum()
        });
        report(&format!("1 glob overlaps {name}"), || {
            reservations.iter().filter(|it| it.overlaps(&asked)).count()
        });
    }
    report("reading 1000 globs", || globs(|at| format!("src/app{at}/**/*.{{ts,tsx}}")).len());
    refused();
    hostile();
}

/// Texts that must be refused at once.
fn refused() {
    let deep = |depth: usize| format!("{}x{}", "{a,".repeat(depth), "}".repeat(depth));
    let mut texts = vec![deep(10_000), deep(2000), deep(17), "*".repeat(10_000), "*/".repeat(4000)];
    texts.extend(
        [
            "{a,b}",
            "{,}",
            "[a-z]",
            "[!a]",
            "?",
            "**/",
            "{*,**}",
            "{a,b}/",
            "*a",
            "[\u{80}-\u{10ffff}]",
        ]
        .into_iter()
        .flat_map(|unit| [unit.repeat(8192 / unit.len()), unit.repeat(1000 / unit.len())]),
    );
    texts.push(format!(
        "[{}]",
        (0_u32..2700).filter_map(|at| char::from_u32(0x100 + 2 * at)).collect::<String>()
    ));
    texts.push(format!("{{{}}}", "a,".repeat(4000)));
    texts.push(format!("{{{}}}{{{}}}", "*,".repeat(2000), "?,".repeat(2000)));
    let mut slowest: Vec<(Duration, String)> = Vec::new();
    for text in texts {
        let started = Instant::now();
        let read = black_box(text.parse::<Pattern>());
        let took = started.elapsed();
        let shown: String = text.chars().take(20).collect();
        let what = if read.is_ok() { "read" } else { "refused" };
        slowest.push((took, format!("{} bytes of {shown:?}: {what}", text.len())));
    }
    slowest.sort();
    for (time, what) in slowest.iter().rev().take(5) {
        println!("{:>10.3} ms  {what}", time.as_secs_f64() * 1e3);
    }
}

/// Pairs of patterns as large as the limits allow.
fn hostile() {
    let mut largest = Vec::new();
    for unit in [
        "*a",
        "*[ab]",
        "?",
        "[!a]",
        "**/",
        "{a,*}",
        "{a,b,*}",
        "{*a,*b}",
        "*/",
        "a",
        "{,a}",
        "*?",
        "*[!a]",
        "{*,?}",
        "**/*",
        "[acegikmoqsuwy]",
        "{[acegikmoqsuwy],*}",
        "**/[acegikmoqsuwy]*/",
    ] {
        let read = |count: usize| format!("{}x*", unit.repeat(count)).parse::<Pattern>();
        let most = (1..4000).take_while(|count| read(*count).is_ok()).last().expect("one is read");
        largest.push((unit, most, read(most).expect("it is read")));
    }
    let deep = format!("{}{}", "{*a,".repeat(15), "}".repeat(15));
    let long = "a/".repeat(2000);
    largest.push(("deep", 15, format!("{}*", deep.repeat(6)).parse().expect("it is read")));
    largest.push(("literal", 4000, long.parse().expect("it is read")));
    let mut slowest: Vec<(Duration, String)> = Vec::new();
    for (one, count, left) in &largest {
        for (two, _, right) in &largest {
            let started = Instant::now();
            black_box(left.overlaps(right));
            slowest.push((started.elapsed(), format!("{one} × {count} overlaps {two}")));
            let started = Instant::now();
            black_box(left.contains(right));
            slowest.push((started.elapsed(), format!("{one} × {count} contains {two}")));
        }
        let path = path(&long);
        let started = Instant::now();
        black_box(left.covers(&path));
        slowest.push((started.elapsed(), format!("{one} × {count} covers a path of 4000 bytes")));
    }
    slowest.sort();
    for (time, what) in slowest.iter().rev().take(12) {
        println!("{:>10.3} ms  {what}", time.as_secs_f64() * 1e3);
    }
}

fn globs(text: impl Fn(usize) -> String) -> Vec<Pattern> {
    (0..1000).map(|at| text(at).parse().expect("a pattern")).collect()
}

fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text.as_bytes()).expect("a path")
}

fn file(at: usize) -> String {
    format!("packages/app{}/src/components/component_{at}.tsx", at % 40)
}

fn report(what: &str, run: impl Fn() -> usize) {
    let started = Instant::now();
    let found = black_box(run());
    println!("{:>10.3} ms  {what}: {found}", started.elapsed().as_secs_f64() * 1e3);
}
