//! Patterns of paths, as git reads those with `:(glob)` (gitglossary(7), and `wildmatch.c` with `WM_PATHNAME`).
//!
//! `*` and `?` stay in one folder, `**` between slashes does not, `[…]` is one byte, `\` takes the meaning from
//! the byte after it. All of it is bytes: a path need not be a text.

/// A pattern of a path.
#[derive(Clone, Debug)]
pub(super) struct InputPattern {
    tokens: Vec<PatternToken>,
}

#[derive(Clone, Debug)]
enum PatternToken {
    Byte(u8),
    /// One byte of a name.
    Any,
    /// Any number of bytes of a name.
    Star,
    /// Any number of bytes, slashes too.
    Everything,
    /// Nothing, or anything that ends with a slash.
    Folders,
    OneOf(Vec<BracketMember>, BracketNegation),
    /// What nothing matches: a set that does not end.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BracketNegation {
    No,
    Yes,
}

#[derive(Clone, Debug)]
enum BracketMember {
    Range(u8, u8),
    Class(fn(u8) -> bool),
}

/// The byte behind a backslash. At the end, the backslash stands for itself and for a byte that is not there.
fn escaped_token(after: &[u8]) -> (PatternToken, &[u8]) {
    match after.split_first() {
        Some((byte, after)) => (PatternToken::Byte(*byte), after),
        None => (PatternToken::Nothing, after),
    }
}

impl InputPattern {
    pub(super) fn new(text: &[u8]) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        // Git compares what comes before the first byte with a meaning by itself, and reads the rest as a whole
        // pattern.
        let mut is_literal = true;
        let mut before = None;
        while let Some((&byte, after)) = rest.split_first() {
            let (token, after) = match byte {
                b'*' => star(before, after),
                b'?' => (PatternToken::Any, after),
                b'[' => one_of(after).unwrap_or((PatternToken::Nothing, b"")),
                b'\\' => escaped_token(after),
                byte => (PatternToken::Byte(byte), after),
            };
            is_literal &= !b"*?[\\".contains(&byte);
            let count = rest.len() - after.len();
            before = rest.get(count.saturating_sub(1)).copied().filter(|_| !is_literal);
            tokens.push(token);
            rest = after;
        }
        Self { tokens }
    }

    pub(super) fn matches(&self, path: &[u8]) -> bool {
        // Which tokens may come next: of all ways to match at the same time.
        let mut next = vec![false; self.tokens.len() + 1];
        self.enter(0, &mut next);
        for &byte in path {
            let mut after = vec![false; next.len()];
            let possible =
                self.tokens.iter().enumerate().zip(&next).filter(|(_, may_come)| **may_come);
            possible.for_each(|(token, _)| self.step(token, byte, &mut after));
            next = after;
        }
        next.last() == Some(&true)
    }

    /// Notes that a token may come next, and those after it, where it may match nothing.
    fn enter(&self, at: usize, next: &mut [bool]) {
        if let Some(it) = next.get_mut(at) {
            *it = true;
        }
        if let Some(PatternToken::Star | PatternToken::Everything | PatternToken::Folders) =
            self.tokens.get(at)
        {
            self.enter(at + 1, next);
        }
    }

    fn step(&self, (at, token): (usize, &PatternToken), byte: u8, after: &mut [bool]) {
        let name = byte != b'/';
        match token {
            PatternToken::Byte(it) if *it == byte => self.enter(at + 1, after),
            PatternToken::Any if name => self.enter(at + 1, after),
            PatternToken::OneOf(members, negated) if name => {
                let found = members.iter().any(|member| member.has(byte));
                if found == (*negated == BracketNegation::No) {
                    self.enter(at + 1, after);
                }
            }
            PatternToken::Star if name => self.enter(at, after),
            PatternToken::Everything => self.enter(at, after),
            PatternToken::Folders => {
                if let Some(it) = after.get_mut(at) {
                    *it = true;
                }
                if !name {
                    self.enter(at + 1, after);
                }
            }
            _ => {}
        }
    }
}

/// What a star means, and what comes after it. Two or more that have a folder's name to themselves mean any folders.
fn star(before: Option<u8>, mut rest: &[u8]) -> (PatternToken, &[u8]) {
    let mut several = false;
    while let Some(after) = rest.strip_prefix(b"*") {
        rest = after;
        several = true;
    }
    let begins = before.is_none_or(|byte| byte == b'/');
    match rest {
        _ if !several || !begins => (PatternToken::Star, rest),
        [] | [b'\\', b'/', ..] => (PatternToken::Everything, rest),
        [b'/', after @ ..] => (PatternToken::Folders, after),
        _ => (PatternToken::Star, rest),
    }
}

/// The set behind a `[`, and what comes after it.
fn one_of(text: &[u8]) -> Option<(PatternToken, &[u8])> {
    let (negated, mut rest) = match text {
        [b'!' | b'^', rest @ ..] => (BracketNegation::Yes, rest),
        rest => (BracketNegation::No, rest),
    };
    let mut members = Vec::new();
    let mut low = None;
    loop {
        let (&byte, after) = rest.split_first()?;
        match (byte, after) {
            (b']', after) if !members.is_empty() => {
                return Some((PatternToken::OneOf(members, negated), after));
            }
            (b'-', [next, after @ ..]) if low.is_some() && *next != b']' => {
                let (high, after) = escaped(*next, after)?;
                members.push(BracketMember::Range(low.take()?, high));
                rest = after;
            }
            (b'[', [b':', inside @ ..]) if is_class(inside) => {
                let (member, after) = class(inside)?;
                members.push(member);
                low = None;
                rest = after;
            }
            (byte, after) => {
                let (byte, after) = escaped(byte, after)?;
                members.push(BracketMember::Range(byte, byte));
                low = Some(byte);
                rest = after;
            }
        }
    }
}

/// A byte of a set, which a `\` may stand before.
fn escaped(byte: u8, after: &[u8]) -> Option<(u8, &[u8])> {
    if byte == b'\\' {
        after.split_first().map(|(byte, after)| (*byte, after))
    } else {
        Some((byte, after))
    }
}

/// Whether the first `]` has a colon before it. Otherwise, what looks like the begin of a class is two bytes.
fn is_class(text: &[u8]) -> bool {
    text.split(|byte| *byte == b']').next().is_some_and(|name| name.ends_with(b":"))
}

/// The class that stands between `[:` and `:]`, and what comes after it; `None` where the whole pattern matches
/// nothing.
fn class(text: &[u8]) -> Option<(BracketMember, &[u8])> {
    let end = text.iter().position(|byte| *byte == b']')?;
    let (inside, rest) = text.split_at_checked(end)?;
    let name = inside.strip_suffix(b":")?;
    let has: fn(u8) -> bool = match name {
        b"alnum" => |it| it.is_ascii_alphanumeric(),
        b"alpha" => |it| it.is_ascii_alphabetic(),
        b"blank" => |it| it == b' ' || it == b'\t',
        b"cntrl" => |it| it.is_ascii_control(),
        b"digit" => |it| it.is_ascii_digit(),
        b"graph" => |it| it.is_ascii_graphic(),
        b"lower" => |it| it.is_ascii_lowercase(),
        b"print" => |it| it.is_ascii_graphic() || it == b' ',
        b"punct" => |it| it.is_ascii_punctuation(),
        b"space" => |it| it.is_ascii_whitespace() || it == 0x0b,
        b"upper" => |it| it.is_ascii_uppercase(),
        b"xdigit" => |it| it.is_ascii_hexdigit(),
        _ => return None,
    };
    Some((BracketMember::Class(has), rest.strip_prefix(b"]")?))
}

impl BracketMember {
    fn has(&self, byte: u8) -> bool {
        match self {
            Self::Range(low, high) => (*low..=*high).contains(&byte),
            Self::Class(has) => has(byte),
        }
    }
}
