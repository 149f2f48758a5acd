//! A glob's tokens as a graph of steps, each of which knows the step behind it.

use super::{class::any_character, token::Token};
use regex_syntax::utf8::Utf8Sequences;
use std::collections::{HashMap, HashSet};

/// A number of a step.
pub(super) type StepId = u32;

/// One step of a glob.
#[derive(Debug)]
pub(super) enum GlobProgramStep {
    /// One given byte of a name.
    Byte(u8, StepId),
    /// One byte of a range, each range with its next step.
    Ranges(Vec<(u8, u8, StepId)>),
    /// `*`
    Star(StepId),
    /// `**`
    DoubleStar(StepId),
    /// `/`
    Slash(StepId),
    /// Any of these steps, without a byte.
    Split(Vec<StepId>),
    /// The end of the pattern.
    End,
}

/// The steps of a glob; step 0 is the end.
#[derive(Debug)]
pub(super) struct GlobStepGraph {
    steps: Vec<GlobProgramStep>,
    start: StepId,
}

impl GlobStepGraph {
    /// Builds the graph from its end, so that each step's next one is there already.
    pub(super) fn new(tokens: &[Token]) -> Self {
        let mut program = Self { steps: vec![GlobProgramStep::End], start: 0 };
        program.start = program.sequence(tokens, 0);
        program
    }

    pub(super) fn start(&self) -> StepId {
        self.start
    }

    pub(super) fn step(&self, id: StepId) -> &GlobProgramStep {
        self.steps.get(id as usize).unwrap_or(&GlobProgramStep::End)
    }

    /// Returns whether a segment that begins at a step can be a given number of dots, written as such, and no more.
    pub(super) fn is_dot_segment(&self, start: StepId) -> bool {
        let one = self.behind_dots(vec![start]);
        let two = self.behind_dots(one.clone());
        one.into_iter()
            .chain(two)
            .any(|id| matches!(self.step(id), GlobProgramStep::Slash(_) | GlobProgramStep::End))
    }

    /// Returns the steps that follow a written dot, behind all splits.
    fn behind_dots(&self, from: Vec<StepId>) -> Vec<StepId> {
        let next = from.into_iter().filter_map(|id| match self.step(id) {
            GlobProgramStep::Byte(b'.', next) => Some(*next),
            _ => None,
        });
        let mut pending: Vec<StepId> = next.collect();
        let mut reached = Vec::new();
        let mut seen = HashSet::new();
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.step(id) {
                GlobProgramStep::Split(ways) => pending.extend_from_slice(ways),
                _ => reached.push(id),
            }
        }
        reached
    }

    fn push(&mut self, step: GlobProgramStep) -> StepId {
        self.steps.push(step);
        StepId::try_from(self.steps.len() - 1).unwrap_or(StepId::MAX)
    }

    fn sequence(&mut self, tokens: &[Token], next: StepId) -> StepId {
        tokens.iter().rev().fold(next, |next, token| self.token(token, next))
    }

    fn token(&mut self, token: &Token, next: StepId) -> StepId {
        let step = match token {
            Token::Byte(byte) => GlobProgramStep::Byte(*byte, next),
            Token::Slash(_) => GlobProgramStep::Slash(next),
            Token::Star => GlobProgramStep::Star(next),
            Token::DoubleStar => GlobProgramStep::DoubleStar(next),
            Token::AnyCharacter => return self.characters(&any_character(), next),
            Token::Class(class) => return self.characters(&class.ranges(), next),
            Token::Alternatives(it) => {
                let ways = it.branches.iter().map(|branch| self.sequence(branch, next)).collect();
                GlobProgramStep::Split(ways)
            }
        };
        self.push(step)
    }

    /// Adds the UTF-8 of characters: sequences of byte ranges that share their ends.
    fn characters(&mut self, ranges: &[(char, char)], next: StepId) -> StepId {
        let mut known = HashMap::new();
        let mut first = Vec::new();
        for sequence in ranges.iter().flat_map(|(low, high)| Utf8Sequences::new(*low, *high)) {
            let Some((head, tail)) = sequence.as_slice().split_first() else { continue };
            let target = tail.iter().rev().fold(next, |target, range| {
                let key = (range.start, range.end, target);
                *known.entry(key).or_insert_with(|| self.push(GlobProgramStep::Ranges(vec![key])))
            });
            first.push((head.start, head.end, target));
        }
        self.push(GlobProgramStep::Ranges(first))
    }
}
