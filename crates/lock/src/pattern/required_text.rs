//! Texts that occur in every path that a glob covers. A path without them is not covered, and many texts can be looked
//! for at once.
//!
//! A path is read as the automata read it: each of its segments behind a `/`.

use super::token::Token;

/// Texts of which every covered path has at least one.
pub(super) type TextChoice = Vec<Vec<u8>>;

/// The longest text, in bytes: the end of a longer one is enough to find few paths.
const LONGEST: usize = 32;
/// The most texts of a choice. More make each lookup dearer and find hardly fewer paths.
const MOST_TEXTS: usize = 16;

/// Returns the choices that hold for all paths of a glob. There can be none, as for `**/?`.
pub(super) fn required_texts(tokens: &[Token]) -> Vec<TextChoice> {
    // A pattern begins with a segment.
    sequence(tokens, b"/")
}

/// Returns the choices of tokens in a row. The first text begins with `before`.
fn sequence(tokens: &[Token], before: &[u8]) -> Vec<TextChoice> {
    let mut choices = Vec::new();
    let mut text = before.to_vec();
    for token in tokens {
        match token {
            Token::Byte(byte) => text.push(*byte),
            // `//` is `/`.
            Token::Slash(_) if text.last() == Some(&b'/') => {}
            Token::Slash(_) => text.push(b'/'),
            Token::AnyCharacter | Token::Class(_) | Token::Star => {
                end_text(&mut text, &mut choices);
            }
            Token::DoubleStar => {
                leave_out_slash(&mut text);
                end_text(&mut text, &mut choices);
            }
            Token::Alternatives(it) => {
                leave_out_slash(&mut text);
                end_text(&mut text, &mut choices);
                choices.extend(choice_of(&it.branches));
            }
        }
    }
    leave_out_slash(&mut text);
    end_text(&mut text, &mut choices);
    choices
}

/// No segment needs to follow: `a/**` covers `a`, and `a/` in an alternative can stand before a `/`.
fn leave_out_slash(text: &mut Vec<u8>) {
    while text.last() == Some(&b'/') {
        text.pop();
    }
}

fn end_text(text: &mut Vec<u8>, choices: &mut Vec<TextChoice>) {
    let text = std::mem::take(text);
    // Every path but the root has a `/`.
    if text.iter().any(|byte| *byte != b'/') {
        let start = text.len().saturating_sub(LONGEST);
        choices.extend(text.get(start..).map(|end| vec![end.to_vec()]));
    }
}

/// Returns the texts of which one occurs, whichever branch is taken. Nothing if a branch needs none.
fn choice_of(branches: &[Vec<Token>]) -> Option<TextChoice> {
    let mut texts = Vec::new();
    for branch in branches {
        let shortest = |choice: &TextChoice| choice.iter().map(Vec::len).min();
        texts.extend(sequence(branch, b"").into_iter().max_by_key(shortest)?);
    }
    (texts.len() <= MOST_TEXTS).then_some(texts)
}
