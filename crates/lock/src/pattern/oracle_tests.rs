//! A second, simple reading of the language, for tests: it writes all alternatives out, and matches by trying.

/// One part of a pattern without alternatives.
#[derive(Clone, Debug, PartialEq)]
enum OraclePatternPart {
    Byte(u8),
    Slash,
    Any,
    Class(bool, Vec<(char, char)>),
    Star,
    DoubleStar,
}

/// A pattern that is valid, as the oracle reads it.
pub(super) struct Oracle {
    is_literal: bool,
    expansions: Vec<OraclePatternAlternative>,
}

struct OraclePatternAlternative {
    segments: Vec<Vec<OraclePatternPart>>,
    is_folder: bool,
}

impl Oracle {
    pub(super) fn new(text: &[u8]) -> Self {
        let mut reader = OraclePatternParser { text, at: 0, has_operator: false };
        let all = reader.expansions(false);
        let is_literal = !reader.has_operator;
        Self {
            is_literal,
            expansions: all.iter().map(|parts| OraclePatternAlternative::new(parts)).collect(),
        }
    }

    pub(super) fn covers(&self, path: &[u8]) -> bool {
        let path: Vec<&[u8]> = path.split(|it| *it == b'/').filter(|it| !it.is_empty()).collect();
        self.expansions.iter().any(|expansion| {
            let matches = |length: usize| segments_match(&expansion.segments, &path[..length]);
            match (self.is_literal, expansion.is_folder) {
                (true, _) => (0..=path.len()).any(matches),
                (false, true) => (0..path.len()).any(matches),
                (false, false) => matches(path.len()),
            }
        })
    }
}

impl OraclePatternAlternative {
    fn new(parts: &[OraclePatternPart]) -> Self {
        let mut segments: Vec<Vec<OraclePatternPart>> = Vec::new();
        let mut is_folder = false;
        for segment in parts.split(|part| *part == OraclePatternPart::Slash) {
            is_folder = true;
            match segment {
                [] | [OraclePatternPart::Byte(b'.')] => {}
                [OraclePatternPart::Byte(b'.'), OraclePatternPart::Byte(b'.')] => {
                    drop(segments.pop());
                }
                _ => {
                    segments.push(segment.to_vec());
                    is_folder = false;
                }
            }
        }
        Self { segments, is_folder }
    }
}

fn segments_match(pattern: &[Vec<OraclePatternPart>], path: &[&[u8]]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return path.is_empty();
    };
    if first.as_slice() == [OraclePatternPart::DoubleStar] {
        return (0..=path.len()).any(|skipped| segments_match(rest, &path[skipped..]));
    }
    path.split_first()
        .is_some_and(|(name, below)| name_matches(first, name) && segments_match(rest, below))
}

fn name_matches(parts: &[OraclePatternPart], name: &[u8]) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return name.is_empty();
    };
    let character = |is_member: &dyn Fn(char) -> bool| {
        (1..=name.len().min(4)).any(|length| {
            let mut found = str::from_utf8(&name[..length]).into_iter().flat_map(str::chars);
            let is_one = found.next().is_some_and(is_member) && found.next().is_none();
            is_one && name_matches(rest, &name[length..])
        })
    };
    match first {
        OraclePatternPart::Byte(byte) => {
            name.first() == Some(byte) && name_matches(rest, &name[1..])
        }
        OraclePatternPart::Star | OraclePatternPart::DoubleStar => {
            (0..=name.len()).any(|skipped| name_matches(rest, &name[skipped..]))
        }
        OraclePatternPart::Any => character(&|_| true),
        OraclePatternPart::Class(is_negated, members) => character(&|found| {
            members.iter().any(|(low, high)| *low <= found && found <= *high) != *is_negated
        }),
        OraclePatternPart::Slash => unreachable!("a segment has no slash"),
    }
}

struct OraclePatternParser<'a> {
    text: &'a [u8],
    at: usize,
    has_operator: bool,
}

impl OraclePatternParser<'_> {
    fn take(&mut self) -> u8 {
        self.at += 1;
        self.text[self.at - 1]
    }

    fn expansions(&mut self, is_inside: bool) -> Vec<Vec<OraclePatternPart>> {
        let mut all = vec![Vec::new()];
        while self.at < self.text.len() && !(is_inside && b",}".contains(&self.text[self.at])) {
            let ways = self.ways();
            let join = |start: &Vec<OraclePatternPart>| -> Vec<Vec<OraclePatternPart>> {
                ways.iter().map(|way| [start.as_slice(), way].concat()).collect()
            };
            all = all.iter().flat_map(join).collect();
        }
        all
    }

    fn ways(&mut self) -> Vec<Vec<OraclePatternPart>> {
        let byte = self.take();
        self.has_operator |= b"*?[{".contains(&byte);
        let part = match byte {
            b'\\' => match self.take() {
                b'/' => OraclePatternPart::Slash,
                escaped => OraclePatternPart::Byte(escaped),
            },
            b'/' => OraclePatternPart::Slash,
            b'?' => OraclePatternPart::Any,
            b'[' => self.class(),
            b'*' => {
                let more = self.text[self.at..].iter().take_while(|it| **it == b'*').count();
                self.at += more;
                if more > 0 { OraclePatternPart::DoubleStar } else { OraclePatternPart::Star }
            }
            b'{' => {
                let mut ways = self.expansions(true);
                while self.take() == b',' {
                    ways.extend(self.expansions(true));
                }
                return ways;
            }
            byte => OraclePatternPart::Byte(byte),
        };
        vec![vec![part]]
    }

    /// Reads a class whose members are not escaped, as the tests write them.
    fn class(&mut self) -> OraclePatternPart {
        let end =
            self.at + self.text[self.at..].iter().position(|it| *it == b']').expect("it ends");
        let text = str::from_utf8(&self.text[self.at..end]).expect("it is text");
        self.at = end + 1;
        let (is_negated, text) = match text.strip_prefix(['!', '^']) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let all: Vec<char> = text.chars().collect();
        let mut members = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let is_range = all.get(at + 1) == Some(&'-') && at + 2 < all.len();
            let last = if is_range { at + 2 } else { at };
            members.push((all[at], all[last]));
            at = last + 1;
        }
        OraclePatternPart::Class(is_negated, members)
    }
}
