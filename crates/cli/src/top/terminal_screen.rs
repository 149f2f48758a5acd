use super::draw::{ColourMode, TopScreenContent};
use crate::output;
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor, execute, queue,
        terminal::{
            BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
            LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
        },
    },
};
use std::{
    io::{self, Write},
    mem::ManuallyDrop,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether this program uses the terminal at the moment. The panic hook reads it, too.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while the view uses it. It is restored on every way out: when this is dropped, and before a panic
/// message.
pub(super) struct TerminalScreen {
    /// Never dropped: the library would write to the terminal once more, and panic where that is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<output::BufferedScreenWriter>>>,
}

impl TerminalScreen {
    /// Takes the terminal: another screen, keys without their lines.
    pub(super) fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
        let mut screen = Self { terminal: terminal()? };
        screen.take_again()?;
        Ok(screen)
    }

    /// Takes the terminal after it was released, and draws all of it the next time.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        self.leave();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        // Not cleared by the library: that would ask the terminal where its cursor is, and wait for an answer.
        self.terminal = terminal()?;
        let screen = self.terminal.backend_mut();
        execute!(screen, EnterAlternateScreen, cursor::Hide, Clear(ClearType::All))
    }

    /// Draws a screen; only what differs is written, and shown at once.
    pub(super) fn draw(&mut self, screen: &TopScreenContent<'_>) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|frame| screen.draw(frame)).map(|_| ());
        let shown = execute!(self.terminal.backend_mut(), EndSynchronizedUpdate);
        drawn.and(shown)
    }

    /// Releases the terminal while this program is stopped.
    pub(super) fn leave(&mut self) {
        // What is still to be written belongs to this screen.
        let _ = Write::flush(self.terminal.backend_mut());
        restore();
    }

    /// The palette that this terminal and the user's settings allow.
    pub(super) fn palette() -> ColourMode {
        if output::may_be_coloured() { ColourMode::Colours } else { ColourMode::Plain }
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        restore();
    }
}

/// A terminal on which nothing is drawn yet.
fn terminal() -> io::Result<ManuallyDrop<Terminal<CrosstermBackend<output::BufferedScreenWriter>>>>
{
    Terminal::new(CrosstermBackend::new(output::screen())).map(ManuallyDrop::new)
}

/// Restores the terminal as it was, once. If the terminal is gone, there is nothing left to do.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut screen = output::screen();
    let _ = execute!(screen, EndSynchronizedUpdate, LeaveAlternateScreen, cursor::Show);
    let _ = screen.flush();
    let _ = disable_raw_mode();
}
