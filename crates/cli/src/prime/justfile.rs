//! Operations of a justfile: which recipe calls Lokt.
//!
//! Reads recipes as the manual of just describes them. Imports and modules are not looked into; what only just
//! could evaluate, `{{…}}`, stays a variable.

use super::{
    call::LoktProgramVariableNames, makefile::recipe_line, operation::GuardedOperation, shell,
};
use crate::shell_text::{is_identifier, names_lokt};

/// What begins a line that is no recipe.
const OTHERS: [&str; 6] = ["set ", "import ", "import? ", "mod ", "mod? ", "alias "];

/// The operations of a justfile.
pub(super) fn operations(text: &str, file: &str) -> Vec<GuardedOperation> {
    let mut programs = LoktProgramVariableNames::new();
    let mut recipes: Vec<(&str, usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with([' ', '\t']) || line.is_empty() {
            if let Some((_, _, body)) = recipes.last_mut() {
                let line = recipe_line(line, body);
                body.push_str(line);
                body.push('\n');
            }
        } else if let Some((name, value)) = line.split_once(":=") {
            let name = name.trim().trim_start_matches("export ");
            if names_lokt(value.trim().trim_matches(['"', '\''])) {
                programs.insert(name.to_owned());
            }
        } else if let Some(name) = recipe(line) {
            recipes.push((name, number + 1, "\n".to_owned()));
        }
    }
    let of_recipe = |(name, line, body): (&str, usize, String)| {
        let calls = shell::calls(&unfolded(&body), &programs).into_iter();
        let run = format!("just {name}");
        let operations = calls.map(move |mut call| {
            call.line += line - 1;
            GuardedOperation::new(call, &run, file)
        });
        operations.collect::<Vec<_>>()
    };
    recipes.into_iter().flat_map(of_recipe).collect()
}

/// The name of the recipe that a line begins.
fn recipe(line: &str) -> Option<&str> {
    if line.starts_with(['#', '[']) || OTHERS.iter().any(|it| line.starts_with(it)) {
        return None;
    }
    let (head, _) = line.split_once(':')?;
    let name = head.split_whitespace().next()?.trim_start_matches('@');
    is_identifier(&name.replace('-', "_")).then_some(name)
}

/// A body with variables in place of what just would put in.
fn unfolded(body: &str) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inner, behind)) = after.split_once("}}") else { break };
        let inner = Some(inner.trim()).filter(|it| is_identifier(it)).unwrap_or("…");
        text.push_str(before);
        text.extend(["${", inner, "}"]);
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
#[path = "justfile_tests.rs"]
mod tests;
