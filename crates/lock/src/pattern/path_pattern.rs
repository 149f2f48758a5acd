//! [`Pattern`]: what is read once, and asked often.

use super::{
    automaton::{Automaton, AutomatonBuildError},
    containment::{self, Containment},
    error::{InvalidPattern, PatternFlaw, excerpt},
    normal::{self, PatternNormalizationError},
    product,
    program::GlobStepGraph,
    project_path::{ProjectPath, WorkingFolder},
    simulation::AutomatonPathMatcher,
    token::{self, Token},
};
use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt, hash,
    os::unix::ffi::OsStrExt,
    str::FromStr,
    sync::{Arc, OnceLock},
};

/// A path of the project or a glob over such paths, in its normal form from the project's root.
///
/// Two patterns are equal if their texts are. Equal texts cover the same paths; different texts may do so too.
/// Cloning is cheap.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<[u8]>,
    kind: PatternKind,
}

#[derive(Clone)]
enum PatternKind {
    Literal(ProjectPath),
    Glob(Arc<Glob>),
}

struct Glob {
    automaton: Automaton,
    /// Made when a path is first asked about: most patterns of a list never are.
    simulation: OnceLock<AutomatonPathMatcher>,
    /// What all covered paths begin with, and end with.
    prefix: Vec<u8>,
    suffix: Vec<u8>,
}

impl Glob {
    /// Whether a path begins and ends as all covered paths do.
    fn can_cover(&self, path: &[u8]) -> bool {
        path.starts_with(&self.prefix) && path.ends_with(&self.suffix)
    }

    fn accepts(&self, path: &[u8]) -> bool {
        let simulation = self.simulation.get_or_init(|| AutomatonPathMatcher::new(&self.automaton));
        simulation.accepts(&self.automaton, path)
    }
}

impl Pattern {
    /// The longest pattern, in bytes: a path of [`ProjectPath::MAX_BYTES`] with each byte escaped.
    pub const MAX_BYTES: usize = 2 * ProjectPath::MAX_BYTES;
    /// How deep `{…}` can be nested.
    pub const MAX_DEPTH: usize = 16;
    /// The most transitions of a glob's automaton. A character of a name needs one, a `/` two at most, a `*` three, a
    /// `?` about 20, an alternative one more than its content.
    pub const MAX_TRANSITIONS: usize = 1000;

    /// Returns the pattern that covers a path and all below it.
    pub fn literal(path: &ProjectPath) -> Self {
        let mut text = Vec::new();
        path.as_bytes().iter().for_each(|byte| token::write_byte(*byte, &mut text));
        if text.is_empty() {
            text.push(b'.');
        }
        Self { text: text.into(), kind: PatternKind::Literal(path.clone()) }
    }

    /// Reads a pattern from the project's root, as a record has it.
    ///
    /// # Errors
    /// [`InvalidPattern`]; an absolute pattern is [`InvalidPattern::OutsideProject`].
    pub fn parse(text: &[u8]) -> Result<Self, InvalidPattern> {
        Self::read(text, None)
    }

    /// Reads a pattern as a user types it: from a folder of the project (`x`, `./x`, `../y`), or absolute.
    ///
    /// The caller first decides whether the text names an existing path: [`ProjectPath::resolve`] gives the path, and
    /// [`Pattern::literal`] its pattern, so that `app/[id]/page.tsx` is not read as a glob.
    ///
    /// # Errors
    /// [`InvalidPattern`]; a pattern that leaves the project is [`InvalidPattern::OutsideProject`].
    pub fn parse_in(text: &[u8], from: &WorkingFolder<'_>) -> Result<Self, InvalidPattern> {
        let root = from.project.as_os_str().as_bytes();
        let rest = text.strip_prefix(root).and_then(|rest| rest.strip_prefix(b"/"));
        match rest {
            // The names above the project are no pattern, also where they look like one.
            Some(rest) if !rest.is_empty() && root.iter().copied().any(token::is_operator) => {
                Self::read(rest, None).map_err(|error| error.moved(text, root.len() + 1))
            }
            _ => Self::read(text, Some(from)),
        }
    }

    fn read(text: &[u8], from: Option<&WorkingFolder<'_>>) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPattern::TooLong(text.len()));
        }
        if from.is_none()
            && let Some(path) = plain_path(text)
        {
            return Ok(Self::literal(&path));
        }
        let malformed = |(at, flaw)| {
            let pattern = excerpt(text);
            InvalidPattern::Malformed { pattern, at: at + 1, flaw }
        };
        let typed = token::parse(text).map_err(malformed)?;
        let tokens = normal::from_root(&typed, from).map_err(|fault| match fault {
            PatternNormalizationError::Outside => InvalidPattern::OutsideProject(excerpt(text)),
            PatternNormalizationError::Flaw(flaw) => malformed(flaw),
        })?;
        if tokens.iter().all(token::is_literal) {
            return Self::from_literal(&tokens);
        }
        let alternatives = typed.iter().find_map(|token| match token {
            Token::Alternatives(it) => Some(it.at),
            _ => None,
        });
        let at = alternatives.unwrap_or_default();
        Self::from_glob(&tokens, text).map_err(|fault| match fault {
            GlobBuildError::Pattern(fault) => fault,
            GlobBuildError::Flaw(flaw) => malformed((at, flaw)),
        })
    }

    fn from_literal(tokens: &[Token]) -> Result<Self, InvalidPattern> {
        let path = plain(tokens);
        if path.len() > ProjectPath::MAX_BYTES {
            return Err(InvalidPattern::TooLong(path.len()));
        }
        Ok(Self::literal(&ProjectPath::from_normal(path)))
    }

    fn from_glob(tokens: &[Token], typed: &[u8]) -> Result<Self, GlobBuildError> {
        let mut text = Vec::new();
        token::write(tokens, &mut text);
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPattern::TooLong(text.len()).into());
        }
        let automaton =
            Automaton::glob(&GlobStepGraph::new(tokens)).map_err(|fault| match fault {
                AutomatonBuildError::TooLarge => InvalidPattern::TooComplex(excerpt(typed)).into(),
                AutomatonBuildError::DotSegment => GlobBuildError::Flaw(PatternFlaw::DotSegment),
            })?;
        // Nothing but a class can leave no byte for a name: `[.]`.
        if has_class(tokens) && product::common_path(&automaton, &Automaton::literal(b"")).is_none()
        {
            return Err(InvalidPattern::CoversNothing(excerpt(typed)).into());
        }
        let simulation = OnceLock::new();
        let glob = Glob { automaton, simulation, prefix: prefix(tokens), suffix: suffix(tokens) };
        Ok(Self { text: text.into(), kind: PatternKind::Glob(Arc::new(glob)) })
    }

    /// Returns the pattern's text, from the project's root. [`Pattern::parse`] makes an equal pattern of it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Returns the path of a literal; nothing for a glob.
    pub fn as_literal(&self) -> Option<&ProjectPath> {
        match &self.kind {
            PatternKind::Literal(path) => Some(path),
            PatternKind::Glob(_) => None,
        }
    }

    /// Returns bytes with which every covered path begins. For a literal this is its path.
    ///
    /// It may end within a name. Patterns overlap only if the prefix of one begins with the other's.
    pub fn literal_prefix(&self) -> &[u8] {
        match &self.kind {
            PatternKind::Literal(path) => path.as_bytes(),
            PatternKind::Glob(glob) => &glob.prefix,
        }
    }

    /// Returns whether the pattern covers a path.
    ///
    /// This is the question for a single file. [`Pattern::overlaps`] with the file's literal asks for more: a literal
    /// covers what is below it too, so `src/main.rs` and `**/*.md` overlap in `src/main.rs/a.md`.
    pub fn covers(&self, path: &ProjectPath) -> bool {
        match &self.kind {
            PatternKind::Literal(literal) => literal.holds(path),
            PatternKind::Glob(glob) => {
                let path = path.as_bytes();
                glob.can_cover(path) && glob.accepts(path)
            }
        }
    }

    /// Returns whether the pattern may cover a path, by what all covered paths begin and end with.
    pub(super) fn can_cover(&self, path: &[u8]) -> bool {
        match &self.kind {
            PatternKind::Literal(literal) => path.starts_with(literal.as_bytes()),
            PatternKind::Glob(glob) => glob.can_cover(path),
        }
    }

    /// Returns whether two patterns cover a path in common. Exact and symmetric.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (PatternKind::Literal(one), PatternKind::Literal(two)) => {
                one.holds(two) || two.holds(one)
            }
            _ => self.common_path(other).is_some(),
        }
    }

    /// Returns a path that both patterns cover, if there is one: one with the fewest bytes, and not the root unless
    /// both are the root.
    pub fn common_path(&self, other: &Self) -> Option<ProjectPath> {
        let (one, two) = (self.literal_prefix(), other.literal_prefix());
        if !one.starts_with(two) && !two.starts_with(one) {
            return None;
        }
        if let (PatternKind::Literal(one), PatternKind::Literal(two)) = (&self.kind, &other.kind) {
            let longer = if one.holds(two) { two } else { one };
            return (one.holds(two) || two.holds(one)).then(|| longer.clone());
        }
        let with_literal = |one: &Self, two: &Self| {
            let path = one.as_literal().filter(|path| !path.is_root() && two.covers(path));
            path.cloned()
        };
        // All paths of a literal begin with its path: none is shorter.
        if let Some(path) = with_literal(self, other).or_else(|| with_literal(other, self)) {
            return Some(path);
        }
        product::common_path(&self.automaton(), &other.automaton()).map(ProjectPath::from_normal)
    }

    /// Returns whether every path that the other pattern covers is covered by this one.
    ///
    /// `true` is exact. `false` means that there is a path outside, or that the search for one was too long: sets of
    /// states can be exponentially many.
    pub fn contains(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        if let (PatternKind::Literal(one), PatternKind::Literal(two)) = (&self.kind, &other.kind) {
            return one.holds(two);
        }
        self.containment(other) == Containment::Proven
    }

    pub(super) fn containment(&self, other: &Self) -> Containment {
        containment::contains(&self.automaton(), &other.automaton())
    }

    pub(super) fn automaton(&self) -> Cow<'_, Automaton> {
        match &self.kind {
            PatternKind::Literal(path) => Cow::Owned(Automaton::literal(path.as_bytes())),
            PatternKind::Glob(glob) => Cow::Borrowed(&glob.automaton),
        }
    }
}

/// The path that a text stands for, if it is already in its normal form and has no operators and no escapes. Most
/// patterns of records are such paths, and need not be read token by token.
fn plain_path(text: &[u8]) -> Option<ProjectPath> {
    let is_name = |name: &[u8]| !name.is_empty() && name != b"." && name != b"..";
    let is_plain = !text.iter().copied().any(|byte| token::is_operator(byte) || byte == 0)
        && text.len() <= ProjectPath::MAX_BYTES
        && text.split(|byte| *byte == b'/').all(is_name);
    is_plain.then(|| ProjectPath::from_normal(text.to_vec()))
}

/// Why tokens are no glob.
enum GlobBuildError {
    Pattern(InvalidPattern),
    Flaw(PatternFlaw),
}

impl From<InvalidPattern> for GlobBuildError {
    fn from(fault: InvalidPattern) -> Self {
        Self::Pattern(fault)
    }
}

fn has_class(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| match token {
        Token::Class(_) => true,
        Token::Alternatives(it) => it.branches.iter().any(|branch| has_class(branch)),
        _ => false,
    })
}

/// Returns the bytes of the tokens up to the first operator.
fn plain(tokens: &[Token]) -> Vec<u8> {
    let bytes = tokens.iter().map_while(|token| match token {
        Token::Byte(byte) => Some(*byte),
        Token::Slash(_) => Some(b'/'),
        _ => None,
    });
    bytes.collect()
}

/// Returns what all paths of a glob begin with.
fn prefix(tokens: &[Token]) -> Vec<u8> {
    let mut prefix = plain(tokens);
    // `a/**` covers `a`.
    let is_optional =
        matches!(tokens.get(prefix.len()), Some(Token::DoubleStar | Token::Alternatives(_)));
    if is_optional && prefix.last() == Some(&b'/') {
        prefix.pop();
    }
    prefix
}

/// Returns what all paths of a glob end with.
fn suffix(tokens: &[Token]) -> Vec<u8> {
    let bytes = tokens.iter().rev().map_while(|token| match token {
        Token::Byte(byte) => Some(*byte),
        _ => None,
    });
    let reversed: Vec<u8> = bytes.collect();
    reversed.into_iter().rev().collect()
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for Pattern {
    /// Writes the pattern's text; bytes that are not UTF-8 become U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", String::from_utf8_lossy(&self.text))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl hash::Hash for Pattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}
