//! Both pictures of `lokt demo` side by side, and the count of what was lost.

use super::{
    painters::LOCK,
    picture::{DemoCanvas, DemoStroke, PAINTERS, WIDTH},
};
use crate::output::{Glyphs, StyledLine};
use anstyle::Style;
use serde::Serialize;

/// Both pictures, as far as they are painted.
#[derive(Clone, Debug)]
pub(crate) struct DemoCanvasPair {
    /// The picture that was painted without a lock.
    pub(crate) unlocked: DemoCanvas,
    /// The picture that was painted under a lock.
    pub(crate) guarded: DemoCanvas,
}

/// The text between two pictures.
const GAP: &str = "    ";

/// The width that two pictures need.
const BOTH: usize = 2 * WIDTH + GAP.len();

/// An exhibition as JSON.
#[derive(Serialize)]
pub(crate) struct DemoJson {
    /// The number of painters.
    painters: usize,
    /// The number of strokes that make a whole picture.
    strokes: usize,
    unlocked: DemoCanvasJson,
    guarded: DemoCanvasJson,
}

/// One picture as JSON.
#[derive(Serialize)]
struct DemoCanvasJson {
    /// How many strokes are in it.
    kept: usize,
    picture: Vec<String>,
}

impl DemoCanvasPair {
    /// Two empty pictures.
    pub(crate) fn new() -> Self {
        Self { unlocked: DemoCanvas::blank(), guarded: DemoCanvas::blank() }
    }

    pub(crate) fn json(&self) -> DemoJson {
        let picture = |it: &DemoCanvas| DemoCanvasJson {
            kept: it.kept(),
            picture: it.lines(Glyphs::Unicode),
        };
        let (unlocked, guarded) = (picture(&self.unlocked), picture(&self.guarded));
        DemoJson { painters: PAINTERS, strokes: DemoStroke::all().count(), unlocked, guarded }
    }

    /// The pictures as lines: side by side where there is room, else one below the other.
    ///
    /// `width` is that of the terminal, in columns.
    pub(crate) fn lines(&self, width: usize, glyphs: Glyphs) -> Vec<StyledLine> {
        let titles = ["without a lock".to_owned(), format!("lokt guard {LOCK} --wait")];
        let [left, right] = titles;
        let plain = |text: String| vec![(Style::new(), text)];
        let mut unlocked = vec![plain(format!("{left:<WIDTH$}"))];
        unlocked.extend(self.unlocked.coloured(glyphs));
        let mut guarded = vec![plain(right)];
        guarded.extend(self.guarded.coloured(glyphs));
        if width < BOTH {
            return unlocked.into_iter().chain([StyledLine::new()]).chain(guarded).collect();
        }
        let pairs = unlocked.into_iter().zip(guarded);
        pairs.map(|(left, right)| [left, plain(GAP.to_owned()), right].concat()).collect()
    }

    /// The outcome, in one line.
    pub(crate) fn verdict(&self) -> String {
        let all = DemoStroke::all().count();
        let lost = |canvas: &DemoCanvas| match all - canvas.kept() {
            0 => "none".to_owned(),
            lost => format!("{lost} of {all}"),
        };
        let [unlocked, guarded] = [&self.unlocked, &self.guarded].map(lost);
        format!("Strokes lost without a lock: {unlocked}; under the lock: {guarded}.")
    }

    /// Whether the lock kept every stroke.
    pub(crate) fn is_guarded_whole(&self) -> bool {
        self.guarded.kept() == DemoStroke::all().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_painted() -> DemoCanvasPair {
        let mut exhibition = DemoCanvasPair::new();
        DemoStroke::all().step_by(2).for_each(|stroke| exhibition.unlocked.paint(stroke));
        DemoStroke::all().for_each(|stroke| exhibition.guarded.paint(stroke));
        exhibition
    }

    fn plain(width: usize) -> Vec<String> {
        let lines = half_painted().lines(width, Glyphs::Unicode).into_iter();
        lines.map(|line| line.into_iter().map(|(_, piece)| piece).collect()).collect()
    }

    #[test]
    fn pictures_hang_side_by_side_where_there_is_room() {
        let lines = plain(80);
        assert_eq!(
            lines[0].trim_end(),
            format!("{:<40}lokt guard picture --wait", "without a lock")
        );
        let [left, right] = [&lines[1][..], &plain(60)[1]];
        assert!(left.starts_with(right) && left.contains("······"), "{left:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
        assert_eq!(plain(60).len(), 2 * lines.len() + 1, "else one below the other");
        assert!(plain(60).iter().all(|line| line.chars().count() <= 60));
    }

    #[test]
    fn the_verdict_counts_what_is_lost() {
        let exhibition = half_painted();
        let expected = "Strokes lost without a lock: 36 of 72; under the lock: none.";
        assert_eq!(exhibition.verdict(), expected);
        assert!(exhibition.is_guarded_whole() && !DemoCanvasPair::new().is_guarded_whole());
    }
}
