//! The automaton of one pattern: it reads a path and says whether the pattern covers it.
//!
//! It is nondeterministic, and reads bytes. Each segment of a path comes behind a `/`, so the path `a/b` is read as
//! `/a/b`. That makes `**` for no segments easy: in `a/**`, the second `/` is read only if a segment follows.
//!
//! An automaton may also accept bytes that are no path (`//`, `/./`). Whatever asks about all paths combines it with
//! [`PathSyntaxState`], the automaton of paths.

use super::{
    Pattern,
    program::{GlobProgramStep, GlobStepGraph, StepId},
};
use std::collections::HashMap;

/// A number of a state.
pub(super) type StateId = u32;

/// Reads one byte of a range and goes to a state. A range of more than one byte does not contain `/`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) low: u8,
    pub(super) high: u8,
    pub(super) to: StateId,
}

impl Edge {
    pub(super) fn reads(self, byte: u8) -> bool {
        self.low <= byte && byte <= self.high
    }
}

/// One state, with its own parts of the automaton's edges and skips.
#[derive(Clone, Copy, Debug)]
struct State {
    edges_end: u32,
    skips_end: u32,
    accepts: bool,
}

/// The automaton of a pattern. State 0 is the start.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    states: Vec<State>,
    edges: Vec<Edge>,
    /// The states that are reached without a byte.
    skips: Vec<StateId>,
}

/// Why a glob has no automaton.
#[derive(Debug)]
pub(super) enum AutomatonBuildError {
    /// More than [`Pattern::MAX_TRANSITIONS`].
    TooLarge,
    /// The glob has a segment `.` or `..`.
    DotSegment,
}

impl Automaton {
    /// Returns the automaton of a path and all below it.
    pub(super) fn literal(path: &[u8]) -> Self {
        let mut automaton = Self { states: Vec::new(), edges: Vec::new(), skips: Vec::new() };
        let separator = if path.is_empty() { &b""[..] } else { b"/" };
        for (byte, to) in separator.iter().chain(path).zip(1_u32..) {
            automaton.edges.push(Edge { low: *byte, high: *byte, to });
            automaton.end_state(StateAcceptance::No);
        }
        let below = automaton.next_id() + 1;
        automaton.edges.push(Edge { low: b'/', high: b'/', to: below });
        automaton.end_state(StateAcceptance::Yes);
        automaton.edges.extend(ANY.map(|(low, high)| Edge { low, high, to: below }));
        automaton.end_state(StateAcceptance::Yes);
        automaton
    }

    /// Returns the automaton of a glob.
    pub(super) fn glob(program: &GlobStepGraph) -> Result<Self, AutomatonBuildError> {
        AutomatonBuilder::new(program).build()
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    pub(super) fn accepts(&self, id: StateId) -> bool {
        self.states.get(id as usize).is_some_and(|state| state.accepts)
    }

    pub(super) fn edges(&self, id: StateId) -> &[Edge] {
        let (start, end) = self.bounds(id, |state| state.edges_end);
        self.edges.get(start..end).unwrap_or_default()
    }

    pub(super) fn skips(&self, id: StateId) -> &[StateId] {
        let (start, end) = self.bounds(id, |state| state.skips_end);
        self.skips.get(start..end).unwrap_or_default()
    }

    fn bounds(&self, id: StateId, end: impl Fn(&State) -> u32) -> (usize, usize) {
        let at = |id: usize| self.states.get(id).map_or(0, &end) as usize;
        let id = id as usize;
        (id.checked_sub(1).map_or(0, at), at(id))
    }

    fn next_id(&self) -> StateId {
        count(self.states.len())
    }

    /// Ends the state whose edges and skips were added last.
    fn end_state(&mut self, accepting: StateAcceptance) {
        let accepts = matches!(accepting, StateAcceptance::Yes);
        let (edges_end, skips_end) = (count(self.edges.len()), count(self.skips.len()));
        self.states.push(State { edges_end, skips_end, accepts });
    }
}

#[derive(Clone, Copy)]
enum StateAcceptance {
    Yes,
    No,
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The bytes of a name, and all bytes of a path.
const NAME: [(u8, u8); 2] = [(0x01, b'/' - 1), (b'/' + 1, 0xff)];
const ANY: [(u8, u8); 3] = [(0x01, b'/' - 1), (b'/', b'/'), (b'/' + 1, 0xff)];

/// What was read before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Position {
    /// Nothing.
    Start,
    /// The end of a segment, and a `/` of the pattern behind it, which reads its `/` with the next segment.
    Boundary,
    /// The `/` of the current segment, and perhaps bytes of its name.
    Inside,
    /// All segments of a `**`; only the end of the segment can follow.
    BehindDoubleStar,
    /// The first segments of a `**`; or, at the pattern's end, what is below a match.
    Through,
}

/// Makes the states that can be reached, one for a step and a position.
struct AutomatonBuilder<'a> {
    program: &'a GlobStepGraph,
    automaton: Automaton,
    ids: HashMap<(StepId, Position), StateId>,
    places: Vec<(StepId, Position)>,
}

impl<'a> AutomatonBuilder<'a> {
    fn new(program: &'a GlobStepGraph) -> Self {
        let automaton = Automaton { states: Vec::new(), edges: Vec::new(), skips: Vec::new() };
        Self { program, automaton, ids: HashMap::new(), places: Vec::new() }
    }

    fn build(mut self) -> Result<Automaton, AutomatonBuildError> {
        self.id(self.program.start(), Position::Start);
        let mut at = 0;
        while let Some((step, position)) = self.places.get(at).copied() {
            let accepting = self.expand(step, position)?;
            self.automaton.end_state(accepting);
            if self.automaton.edges.len() + self.automaton.skips.len() > Pattern::MAX_TRANSITIONS {
                return Err(AutomatonBuildError::TooLarge);
            }
            at += 1;
        }
        Ok(self.automaton)
    }

    fn id(&mut self, mut step: StepId, mut position: Position) -> StateId {
        // A `/` reads nothing before the next segment does.
        while let GlobProgramStep::Slash(next) = self.program.step(step) {
            (step, position) = (*next, Position::Boundary);
        }
        let next = count(self.places.len());
        let id = *self.ids.entry((step, position)).or_insert(next);
        if id == next {
            self.places.push((step, position));
        }
        id
    }

    fn read(&mut self, ranges: &[(u8, u8)], step: StepId, position: Position) {
        let to = self.id(step, position);
        self.automaton.edges.extend(ranges.iter().map(|(low, high)| Edge {
            low: *low,
            high: *high,
            to,
        }));
    }

    fn skip(&mut self, step: StepId, position: Position) {
        let to = self.id(step, position);
        self.automaton.skips.push(to);
    }

    /// Adds the edges and skips of one state.
    fn expand(
        &mut self,
        step: StepId,
        position: Position,
    ) -> Result<StateAcceptance, AutomatonBuildError> {
        let program = self.program;
        match (program.step(step), position) {
            (GlobProgramStep::Split(ways), _) => {
                for way in ways {
                    self.skip(*way, position);
                }
            }
            (GlobProgramStep::End, _) => return Ok(self.end(step, position)),
            (GlobProgramStep::DoubleStar(next), Position::Through) => {
                self.read(&ANY, step, Position::Through);
                self.skip(*next, Position::BehindDoubleStar);
            }
            (GlobProgramStep::Slash(_), _)
            | (_, Position::BehindDoubleStar | Position::Through) => {}
            (_, Position::Inside) => self.inside(step),
            (kind, Position::Start | Position::Boundary) => {
                if program.is_dot_segment(step) {
                    return Err(AutomatonBuildError::DotSegment);
                }
                self.read(&[(b'/', b'/')], step, Position::Inside);
                if let GlobProgramStep::DoubleStar(next) = kind {
                    self.read(&[(b'/', b'/')], step, Position::Through);
                    self.skip(*next, Position::BehindDoubleStar);
                }
            }
        }
        Ok(StateAcceptance::No)
    }

    fn inside(&mut self, step: StepId) {
        let program = self.program;
        match program.step(step) {
            GlobProgramStep::Byte(byte, next) => {
                self.read(&[(*byte, *byte)], *next, Position::Inside);
            }
            GlobProgramStep::Ranges(ranges) => {
                for (low, high, next) in ranges {
                    self.read(&[(*low, *high)], *next, Position::Inside);
                }
            }
            GlobProgramStep::Star(next) | GlobProgramStep::DoubleStar(next) => {
                self.read(&NAME, step, Position::Inside);
                self.skip(*next, Position::Inside);
            }
            GlobProgramStep::Slash(_) | GlobProgramStep::Split(_) | GlobProgramStep::End => {}
        }
    }

    fn end(&mut self, step: StepId, position: Position) -> StateAcceptance {
        match position {
            Position::Inside | Position::BehindDoubleStar => StateAcceptance::Yes,
            // A `/` at the end: all below, and not the match itself. A glob that can be empty is refused earlier.
            Position::Boundary | Position::Start => {
                self.read(&[(b'/', b'/')], step, Position::Through);
                StateAcceptance::No
            }
            Position::Through => {
                self.read(&ANY, step, Position::Through);
                StateAcceptance::Yes
            }
        }
    }
}

/// The automaton of all paths: segments are not empty, not `.` and not `..`. The state is what the last segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PathSyntaxState {
    /// A name, or nothing at all before the first `/`.
    Name,
    /// Nothing yet.
    Empty,
    /// `.`
    Dot,
    /// `..`
    DotDot,
}

impl PathSyntaxState {
    /// How many states there are.
    pub(super) const COUNT: usize = 4;

    /// Reads one byte.
    pub(super) fn next(self, byte: u8) -> Option<Self> {
        match (byte, self) {
            (b'/', Self::Name) => Some(Self::Empty),
            (b'/', _) => None,
            (b'.', Self::Empty) => Some(Self::Dot),
            (b'.', Self::Dot) => Some(Self::DotDot),
            _ => Some(Self::Name),
        }
    }
}
