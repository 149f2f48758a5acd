//! One stroke of `lokt demo`, in a process of one painter: the process that the lock excludes
//! others from.

use super::picture::{DemoCanvas, DemoStroke};
use std::{fs, io, path::Path, process, thread, time::Duration};

/// How long a painter looks at the canvas before it paints, like any program that reads, works and writes.
const LOOK: Duration = Duration::from_millis(15);

/// How long it rests afterwards.
const REST: Duration = Duration::from_millis(20);

/// Adds a stroke to the canvas in a file: reads it whole, and replaces it whole. What another process has painted
/// in between is lost.
///
/// Replacing by rename(2) keeps a reader from seeing half a file. It does not keep strokes: between
/// reading and replacing, only a lock does.
pub(crate) fn paint(file: &Path, stroke: DemoStroke) -> io::Result<()> {
    let mut canvas = DemoCanvas::read(&fs::read(file)?);
    thread::sleep(LOOK);
    canvas.paint(stroke);
    let draft = file.with_extension(process::id().to_string());
    fs::write(&draft, canvas.bytes())?;
    fs::rename(&draft, file)?;
    thread::sleep(REST);
    Ok(())
}
