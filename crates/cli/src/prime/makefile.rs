//! Operations of a Makefile: which target's recipe calls Lokt.
//!
//! Reads rules as GNU make's manual describes them ("Rule Syntax", "Recipe Syntax"). Included files,
//! `define` and what only make could evaluate are not looked into.

use super::{call::LoktProgramVariableNames, operation::GuardedOperation, shell};
use crate::{
    shell_text::{is_identifier, names_lokt},
    view::command_line,
};

/// A target and the text of its recipe.
struct MakeRule {
    target: String,
    recipe: String,
    line: usize,
}

/// The operations of a Makefile.
pub(super) fn operations(text: &str, file: &str) -> Vec<GuardedOperation> {
    let (rules, programs) = read(text);
    rules.iter().flat_map(|rule| of_rule(rule, &programs, file)).collect()
}

fn of_rule(
    rule: &MakeRule,
    programs: &LoktProgramVariableNames,
    file: &str,
) -> Vec<GuardedOperation> {
    let run = format!("make {}", command_line(std::slice::from_ref(&rule.target)));
    let calls = shell::calls(&unfolded(&rule.recipe, &rule.target), programs).into_iter();
    calls
        .map(|mut call| {
            call.line += rule.line - 1;
            GuardedOperation::new(call, &run, file)
        })
        .collect()
}

fn read(text: &str) -> (Vec<MakeRule>, LoktProgramVariableNames) {
    let mut rules: Vec<MakeRule> = Vec::new();
    let mut programs = LoktProgramVariableNames::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let recipe = line.strip_prefix('\t');
        if let (Some(rule), Some(recipe)) = (rules.last_mut(), recipe) {
            // Empty lines in between keep the lines' numbers.
            let missing =
                (number + 1).saturating_sub(rule.line + rule.recipe.matches('\n').count());
            let line = recipe_line(recipe, &rule.recipe);
            rule.recipe.push_str(&"\n".repeat(missing));
            rule.recipe.push_str(line);
            continue;
        }
        let begins = !std::mem::replace(&mut goes_on, line.ends_with('\\'));
        if !begins {
            continue;
        }
        if let Some((name, value)) = assigned(line) {
            if names_lokt(value) {
                programs.insert(name.to_owned());
            }
        } else if let Some((target, recipe)) = rule(line) {
            rules.push(MakeRule { target, recipe, line: number + 1 });
        }
    }
    (rules, programs)
}

/// A line of a recipe without what it tells the program that reads it; a line that goes on has no such thing.
pub(super) fn recipe_line<'a>(line: &'a str, before: &str) -> &'a str {
    let line = line.trim_start();
    if before.trim_end_matches('\n').ends_with('\\') {
        return line;
    }
    line.trim_start_matches(['@', '-', '+', ' '])
}

/// A variable and its value.
fn assigned(line: &str) -> Option<(&str, &str)> {
    let line = line.split('#').next()?;
    let (left, value) = line.split_once('=')?;
    let name = left.trim_end_matches([':', '?', '+', '!']).split_whitespace().last()?;
    (is_identifier(name) && !left.trim_end_matches(':').contains(':')).then(|| (name, value.trim()))
}

/// The first target of a rule, and the recipe in the same line.
fn rule(line: &str) -> Option<(String, String)> {
    if line.starts_with([' ', '#']) {
        return None;
    }
    let (targets, rest) = line.split_once(':')?;
    let target = targets.split_whitespace().next()?;
    let recipe = rest.split_once(';').map(|(_, recipe)| recipe_line(recipe.trim(), "").to_owned());
    Some((target.to_owned(), recipe.unwrap_or_default()))
}

/// A recipe as the shell gets it, as far as that can be known: `$$` is a dollar, `$@` the target, `$(NAME)` a
/// variable, and what make works out itself is `${…}`.
fn unfolded(recipe: &str, target: &str) -> String {
    let mut text = String::new();
    let mut rest = recipe;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        rest = after.split_at(after.chars().next().map_or(0, char::len_utf8)).1;
        match after.chars().next() {
            Some('$') => text.push('$'),
            Some('@') => text.push_str(target),
            Some(open @ ('(' | '{')) => {
                let close = if open == '(' { ')' } else { '}' };
                let Some((inner, behind)) = rest.split_once(close) else { break };
                let inner = if is_identifier(inner) { inner } else { "…" };
                text.extend(["${", inner, "}"]);
                rest = behind;
            }
            Some(_) => text.push_str("${…}"),
            None => {}
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
#[path = "makefile_tests.rs"]
mod tests;
