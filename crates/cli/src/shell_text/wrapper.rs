use super::line::PlacedWord;

/// A program that runs the program behind its own options.
struct ShellWrapper {
    name: &'static str,
    /// Its options whose value is the next word.
    with_value: &'static [&'static str],
    /// How many of its arguments come before the program.
    arguments: usize,
}

const fn wrapper(
    name: &'static str,
    with_value: &'static [&'static str],
    arguments: usize,
) -> ShellWrapper {
    ShellWrapper { name, with_value, arguments }
}

/// The options are those of GNU coreutils 9.5, util-linux 2.40, findutils 4.10, sudo 1.9 and doas 6.8.
const WRAPPERS: [ShellWrapper; 10] = [
    wrapper("env", &["-u", "--unset", "-C", "--chdir"], 0),
    wrapper("nice", &["-n", "--adjustment"], 0),
    wrapper("ionice", &["-c", "--class", "-n", "--classdata"], 0),
    wrapper("nohup", &[], 0),
    wrapper(
        "sudo",
        &[
            "-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D", "-R",
            "-T", "-U",
        ],
        0,
    ),
    wrapper("doas", &["-u", "-C"], 0),
    wrapper("timeout", &["-s", "--signal", "-k", "--kill-after"], 1),
    wrapper("stdbuf", &["-i", "-o", "-e", "--input", "--output", "--error"], 0),
    wrapper("setsid", &[], 0),
    wrapper("xargs", &["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"], 0),
];

/// Whether a program runs the program behind its own options.
pub(crate) fn is_wrapper(program: &str) -> bool {
    WRAPPERS.iter().any(|it| it.name == program)
}

/// The words from the program on that a wrapper runs, where the first of `words` is one. `time` is one where it is a
/// program.
pub(crate) fn wrapped(words: &[PlacedWord]) -> Option<&[PlacedWord]> {
    let (first, rest) = words.split_first()?;
    let program = super::file_name(first.literal()?);
    let of_time = wrapper("time", &["-f", "-o"], 0);
    let wrapper = WRAPPERS.iter().find(|it| it.name == program);
    let wrapper = wrapper.or_else(|| (program == "time").then_some(&of_time))?;
    let mut rest = rest;
    let mut arguments = wrapper.arguments;
    while let Some((word, after)) = rest.split_first() {
        let text = word.text();
        if text == "--" {
            return after.get(arguments..).filter(|it| !it.is_empty());
        }
        let is_variable = text.split_once('=').is_some_and(|(name, _)| super::is_identifier(name));
        if wrapper.with_value.contains(&text) {
            rest = after.get(1..)?;
        } else if text.starts_with('-') || is_variable {
            rest = after;
        } else if arguments > 0 {
            arguments -= 1;
            rest = after;
        } else {
            return Some(rest);
        }
    }
    None
}
