//! The table on a real terminal: its thread, its keys, and giving the terminal back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Key, Table, View, draw};
use crate::sys::await_terminal;

/// Time between two pictures.
const REFRESH: Duration = Duration::from_millis(500);

/// How long a closing screen may take to notice.
const NOTICE: Duration = Duration::from_millis(100);

/// The table's thread, while it has the terminal. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Takes the terminal of standard output and shows what `source` returns, on a thread of its own.
///
/// `quit` is called for every `q` and Ctrl-C, which the terminal does not turn into a signal
/// here, and when the terminal is gone: nobody looks any more, and its hang-up does not end a process
/// to which that signal means something else. The table stays until the screen is closed, and shows the draining. Fails when there is
/// no terminal to take. A panic anywhere gives the terminal back before its message is printed.
pub fn run(
    source: impl FnMut() -> Table + Send + 'static,
    mut quit: impl FnMut() + Send + 'static,
) -> io::Result<Screen> {
    // Before the terminal is taken, so that a half-taken one is given back too.
    let taken = Taken;
    let mut terminal = ratatui::try_init()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::Builder::new()
        .name("table".to_owned())
        .spawn(move || {
            // Dropped after the terminal, which shows the cursor again, and in a panic as well.
            let _taken = taken;
            let shown = show(&mut terminal, &stopped, source, &mut quit, read);
            if shown.is_err() {
                quit();
            }
            drop(terminal);
            shown.map_err(io::Error::other)
        })?;
    Ok(Screen {
        stop,
        thread: Some(thread),
    })
}

impl Screen {
    /// Gives the terminal back; tells what ended the table if it ended before.
    pub fn close(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map_or(Ok(Ok(())), JoinHandle::join);
        ended.unwrap_or_else(|_| Err(io::Error::other("the table's thread panicked")))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // What ended the table matters to those who close it; a drop only tidies up.
        let _ = self.end();
    }
}

/// A terminal in raw mode on its alternate screen, given back on drop.
struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = ratatui::try_restore();
    }
}

/// What came from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Quit,
    Scroll(Key),
    /// Another size: draw again.
    Resize,
    /// A key without a meaning, or nothing within the time.
    Nothing,
}

/// Waits for input, at most `patience`.
///
/// The waiting is not left to the library, which reads a terminal that has hung up for ever.
fn read(patience: Duration) -> io::Result<Input> {
    await_terminal(patience)?;
    if !event::poll(Duration::ZERO)? {
        return Ok(Input::Nothing);
    }
    Ok(match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => meaning(key),
        Event::Resize(..) => Input::Resize,
        _ => Input::Nothing,
    })
}

fn meaning(key: KeyEvent) -> Input {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Input::Quit,
        KeyCode::Char('q' | 'Q') if !control => Input::Quit,
        KeyCode::Up | KeyCode::Char('k') => Input::Scroll(Key::Up),
        KeyCode::Down | KeyCode::Char('j') => Input::Scroll(Key::Down),
        KeyCode::PageUp => Input::Scroll(Key::PageUp),
        KeyCode::PageDown | KeyCode::Char(' ') => Input::Scroll(Key::PageDown),
        KeyCode::Home | KeyCode::Char('g') => Input::Scroll(Key::Home),
        KeyCode::End | KeyCode::Char('G') => Input::Scroll(Key::End),
        _ => Input::Nothing,
    }
}

/// Draws until stopped: a new table every [`REFRESH`], the old one again for every key.
fn show<B: Backend>(
    terminal: &mut Terminal<B>,
    stop: &AtomicBool,
    mut source: impl FnMut() -> Table,
    mut quit: impl FnMut(),
    mut input: impl FnMut(Duration) -> io::Result<Input>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    B::Error: Send + Sync + 'static,
{
    let mut view = View::default();
    loop {
        let table = source();
        let now = Instant::now();
        view.observe(&table, now);
        let due = now + REFRESH;
        let mut stale = true;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if std::mem::take(&mut stale) {
                terminal.draw(|frame| draw(frame, &table, &mut view))?;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match input(left.min(NOTICE))? {
                Input::Quit => quit(),
                Input::Scroll(key) => {
                    view.press(key);
                    stale = true;
                }
                Input::Resize => stale = true,
                Input::Nothing => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use ratatui::backend::TestBackend;

    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Input {
        meaning(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn control_c_asks_for_the_end_because_raw_mode_swallows_the_signal() {
        assert_eq!(
            press(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Input::Quit
        );
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), Input::Quit);
        assert_eq!(
            press(KeyCode::Char('c'), KeyModifiers::NONE),
            Input::Nothing
        );
        assert_eq!(
            press(KeyCode::Char('q'), KeyModifiers::CONTROL),
            Input::Nothing
        );
    }

    #[test]
    fn the_table_stays_after_quit_until_it_is_stopped() {
        let mut terminal = Terminal::new(TestBackend::new(80, 10)).expect("a terminal");
        let (stop, quits, tables) = (AtomicBool::new(false), Cell::new(0), Cell::new(0));
        let mut script = [
            Input::Quit,
            Input::Scroll(Key::Down),
            Input::Resize,
            Input::Quit,
        ]
        .into_iter();
        let input = |_| {
            Ok(script.next().unwrap_or_else(|| {
                stop.store(true, Ordering::Relaxed);
                Input::Nothing
            }))
        };
        let source = || {
            tables.set(tables.get() + 1);
            Table::default()
        };
        show(
            &mut terminal,
            &stop,
            source,
            || quits.set(quits.get() + 1),
            input,
        )
        .expect("no error");
        assert_eq!((quits.get(), tables.get()), (2, 1));
    }

    #[test]
    fn a_terminal_that_is_gone_ends_the_table_with_its_error() {
        let mut terminal = Terminal::new(TestBackend::new(80, 10)).expect("a terminal");
        let gone = |_| Err(io::ErrorKind::UnexpectedEof.into());
        let stop = AtomicBool::new(false);
        assert!(show(&mut terminal, &stop, Table::default, || {}, gone).is_err());
    }
}
