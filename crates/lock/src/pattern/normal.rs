//! From a pattern as it is typed to the same pattern from the project's root.

use super::{
    error::PatternFlaw,
    project_path::{WorkingFolder, root_segments},
    token::{Flaw, Token, is_literal},
};

/// Why a pattern cannot be taken from the project's root.
pub(super) enum PatternNormalizationError {
    Outside,
    Flaw(Flaw),
}

/// Returns a typed pattern from the project's root: without empty segments, `.` and `..`, and with a `/` at the end
/// only if a glob has one; `.` and `..` at its end are the same as a `/`. A relative pattern is taken from the folder,
/// or from the root if there is no folder.
pub(super) fn from_root(
    tokens: &[Token],
    from: Option<&WorkingFolder<'_>>,
) -> Result<Vec<Token>, PatternNormalizationError> {
    check_alternatives(tokens).map_err(PatternNormalizationError::Flaw)?;
    let is_absolute = matches!(tokens.first(), Some(Token::Slash(_)));
    let mut segments: Vec<Vec<Token>> = match from {
        Some(from) if !is_absolute => from.folder.segments().map(literal).collect(),
        _ => Vec::new(),
    };
    let mut is_folder = false;
    let mut start = 0_usize;
    for segment in tokens.split(|token| matches!(token, Token::Slash(_))) {
        let at = start.checked_sub(1).and_then(|slash| position(tokens.get(slash)));
        start += segment.len() + 1;
        match segment {
            [] | [Token::Byte(b'.')] => is_folder = true,
            [Token::Byte(b'.'), Token::Byte(b'.')] => {
                let parent = segments.pop();
                if parent.is_none() && !is_absolute {
                    return Err(PatternNormalizationError::Outside);
                }
                if parent.is_some_and(|parent| !parent.iter().all(is_literal)) {
                    let at = at.map_or(0, |slash| slash + 1);
                    return Err(PatternNormalizationError::Flaw((at, PatternFlaw::ParentOfGlob)));
                }
                is_folder = true;
            }
            _ => {
                segments.push(segment.to_vec());
                is_folder = false;
            }
        }
    }
    if is_absolute {
        let root = from
            .map(|from| root_segments(from.project))
            .ok_or(PatternNormalizationError::Outside)?;
        segments = below(&root, segments).ok_or(PatternNormalizationError::Outside)?;
    }
    if is_folder && segments.iter().flatten().any(|token| !is_literal(token)) {
        segments.push(Vec::new());
    }
    let tokens = segments.join(&Token::Slash(0));
    // Behind a `./` that was left out.
    check_alternatives(&tokens).map_err(PatternNormalizationError::Flaw)?;
    Ok(tokens)
}

fn position(token: Option<&Token>) -> Option<usize> {
    match token {
        Some(Token::Slash(at)) => Some(*at),
        _ => None,
    }
}

fn literal(name: &[u8]) -> Vec<Token> {
    name.iter().copied().map(Token::Byte).collect()
}

/// Returns the segments behind those of the project's root.
fn below(root: &[&[u8]], mut segments: Vec<Vec<Token>>) -> Option<Vec<Vec<Token>>> {
    let is_name = |segment: &[Token], name: &[u8]| {
        segment.len() == name.len()
            && segment
                .iter()
                .zip(name)
                .all(|(token, byte)| matches!(token, Token::Byte(it) if it == byte))
    };
    let begins = segments.len() >= root.len()
        && segments.iter().zip(root).all(|(segment, name)| is_name(segment, name));
    begins.then(|| segments.split_off(root.len()))
}

/// Refuses alternatives that mean the empty pattern or an absolute one: where they stand behind a folder's name, they
/// would mean something else.
fn check_alternatives(tokens: &[Token]) -> Result<(), Flaw> {
    let Some(Token::Alternatives(first)) = tokens.first() else {
        return Ok(());
    };
    if may_be_empty(tokens) {
        return Err((first.at, PatternFlaw::EmptyAlternative));
    }
    if may_begin_with_slash(tokens) {
        return Err((first.at, PatternFlaw::AbsoluteAlternative));
    }
    Ok(())
}

fn may_be_empty(tokens: &[Token]) -> bool {
    tokens.iter().all(|token| match token {
        Token::Alternatives(it) => it.branches.iter().any(|branch| may_be_empty(branch)),
        _ => false,
    })
}

fn may_begin_with_slash(tokens: &[Token]) -> bool {
    for token in tokens {
        match token {
            Token::Slash(_) => return true,
            Token::Alternatives(it) => {
                if it.branches.iter().any(|branch| may_begin_with_slash(branch)) {
                    return true;
                }
                if !it.branches.iter().any(|branch| may_be_empty(branch)) {
                    return false;
                }
            }
            _ => return false,
        }
    }
    false
}
