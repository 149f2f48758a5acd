//! The picture of `lokt demo`, cut into strokes, and canvases on which strokes are kept or lost.
//!
//! A canvas is one byte for each cell, row by row, without line ends. A stroke is [`STROKE`] cells
//! of one row.

use crate::output::{Glyphs, StyledLine};
use anstyle::{AnsiColor, Style};

/// The picture to paint: lines of one width, in ASCII.
const MODEL: &str = include_str!("picture.txt");

/// How wide the picture is.
pub(crate) const WIDTH: usize = 36;

/// How many cells a stroke has.
const STROKE: usize = 6;

/// The number of painters.
pub(crate) const PAINTERS: usize = 4;

/// A cell that is not painted yet.
const BLANK: u8 = b'.';

/// The character that shows a cell which is not painted.
const fn shown_blank(glyphs: Glyphs) -> char {
    match glyphs {
        Glyphs::Unicode => '·',
        Glyphs::Ascii => ':',
    }
}

/// The colour of each painter.
const COLOURS: [AnsiColor; PAINTERS] =
    [AnsiColor::Yellow, AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta];

/// A canvas: what of the picture has been painted, cell by cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoCanvas {
    /// The cells, in the order of the file.
    cells: Vec<u8>,
}

/// A part of the picture that is painted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DemoStroke(usize);

impl DemoStroke {
    /// All strokes, from the left to the right and from the top to the bottom.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..model().len() / STROKE).map(Self)
    }

    /// The stroke of a number.
    pub(crate) fn new(number: usize) -> Option<Self> {
        Self::all().find(|stroke| stroke.0 == number)
    }

    /// Its number, from 0.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// The painter of this stroke; every painter paints in all parts of the picture.
    pub(crate) fn painter(self) -> usize {
        let (row, column) = (self.0 / (WIDTH / STROKE), self.0 % (WIDTH / STROKE));
        (row + column) % PAINTERS
    }

    /// The place of its first cell.
    fn start(self) -> usize {
        self.0 * STROKE
    }
}

/// The cells of the whole picture. A dot of the picture is kept as a backquote, because a dot is a
/// blank cell.
fn model() -> Vec<u8> {
    MODEL.lines().flat_map(str::bytes).map(|cell| if cell == BLANK { b'`' } else { cell }).collect()
}

impl DemoCanvas {
    /// A canvas on which nothing is painted.
    pub(crate) fn blank() -> Self {
        Self { cells: vec![BLANK; model().len()] }
    }

    /// A canvas from the bytes of a file. Missing cells are blank, and bytes beyond the picture are
    /// ignored.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut canvas = Self::blank();
        for (cell, byte) in canvas.cells.iter_mut().zip(bytes) {
            *cell = *byte;
        }
        canvas
    }

    /// The bytes for a file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.cells
    }

    /// Adds a stroke.
    pub(crate) fn paint(&mut self, stroke: DemoStroke) {
        let model = model();
        let part = self.cells.iter_mut().zip(&model).skip(stroke.start()).take(STROKE);
        for (cell, painted) in part {
            *cell = *painted;
        }
    }

    /// Whether a stroke is there.
    ///
    /// Only if all its cells are as in the picture: half a stroke counts as lost.
    fn has(&self, stroke: DemoStroke) -> bool {
        let model = model();
        let mut part = self.cells.iter().zip(&model).skip(stroke.start()).take(STROKE);
        part.all(|(cell, painted)| cell == painted)
    }

    /// How many strokes are there.
    pub(crate) fn kept(&self) -> usize {
        DemoStroke::all().filter(|stroke| self.has(*stroke)).count()
    }

    /// The lines, as text.
    pub(crate) fn lines(&self, glyphs: Glyphs) -> Vec<String> {
        let shown = |cell: &u8| match *cell {
            BLANK => shown_blank(glyphs),
            b'`' => '.',
            other if other.is_ascii_graphic() => char::from(other),
            _ => ' ',
        };
        self.cells.chunks(WIDTH).map(|line| line.iter().map(shown).collect()).collect()
    }

    /// The lines, each stroke in the colour of its painter, and blank cells dimmed.
    pub(crate) fn coloured(&self, glyphs: Glyphs) -> Vec<StyledLine> {
        let strokes = WIDTH / STROKE;
        let lines = self.lines(glyphs).into_iter().zip(0..);
        lines.map(|(line, row)| self.coloured_line(&line, row * strokes)).collect()
    }

    /// One line. `first` is the number of its first stroke.
    fn coloured_line(&self, line: &str, first: usize) -> StyledLine {
        let cells: Vec<char> = line.chars().collect();
        let piece = |(part, number): (&[char], usize)| {
            let stroke = DemoStroke(number);
            let style = self.has(stroke).then(|| style_of(stroke));
            (style.unwrap_or(Style::new().dimmed()), part.iter().collect())
        };
        cells.chunks(STROKE).zip(first..).map(piece).collect()
    }
}

/// The colour of the painter of a stroke.
fn style_of(stroke: DemoStroke) -> Style {
    COLOURS.get(stroke.painter()).map_or_else(Style::new, |colour| colour.on_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_strokes_together_are_the_picture() {
        assert!(MODEL.lines().all(|line| line.len() == WIDTH && line.is_ascii()));
        let mut canvas = DemoCanvas::blank();
        assert_eq!(canvas.kept(), 0);
        assert!(canvas.lines(Glyphs::Ascii).iter().all(|line| *line == ":".repeat(WIDTH)));
        DemoStroke::all().for_each(|stroke| canvas.paint(stroke));
        assert_eq!(canvas.kept(), DemoStroke::all().count());
        assert_eq!(canvas.lines(Glyphs::Unicode), MODEL.lines().collect::<Vec<_>>());
        assert_eq!(DemoCanvas::read(canvas.bytes()), canvas, "it is the same from a file");
    }

    #[test]
    fn everybody_has_as_much_to_paint() {
        for painter in 0..PAINTERS {
            let strokes = DemoStroke::all().filter(|stroke| stroke.painter() == painter).count();
            assert_eq!(strokes * PAINTERS, DemoStroke::all().count());
        }
        assert_eq!(DemoStroke::new(DemoStroke::all().count()), None);
    }

    #[test]
    fn what_is_read_while_it_is_written_is_a_canvas_all_the_same() {
        let mut canvas = DemoCanvas::blank();
        DemoStroke::all().for_each(|stroke| canvas.paint(stroke));
        let half = DemoCanvas::read(&canvas.bytes()[..canvas.bytes().len() / 2]);
        assert_eq!(half.kept() * 2, canvas.kept());
        assert_eq!(DemoCanvas::read(b""), DemoCanvas::blank());
        assert_eq!(DemoCanvas::read(&[b'\x1b'; 9999]).lines(Glyphs::Ascii)[0], " ".repeat(WIDTH));
    }
}
