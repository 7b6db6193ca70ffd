use std::sync::{Arc, Mutex};

use super::*;
use crate::event::channel;

/// A wait that no test that passes ever sits out.
const LONG: Duration = Duration::from_mins(1);

/// What was written, and how often.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<(Vec<u8>, usize)>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.clone()).expect("lines are text")
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut page = self.0.lock().unwrap();
        page.0.extend_from_slice(bytes);
        page.1 += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that does nothing until it is told to go on, then fails in its way or reads on.
struct Slow {
    reached: mpsc::Sender<()>,
    go_on: mpsc::Receiver<io::Result<()>>,
    page: Page,
}

impl Slow {
    fn new() -> (Self, mpsc::Receiver<()>, mpsc::Sender<io::Result<()>>, Page) {
        let ((reached, arrived), (open, go_on)) = (mpsc::channel(), mpsc::channel());
        let page = Page::default();
        (
            Self {
                reached,
                go_on,
                page: page.clone(),
            },
            arrived,
            open,
            page,
        )
    }
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.reached.send(());
        // When the gate is left open for good, every write goes through.
        self.go_on.recv().unwrap_or(Ok(()))?;
        self.page.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn format() -> Format {
    Format::with_zone(false, jiff::tz::TimeZone::UTC)
}

fn event(text: &str) -> Event {
    Event::info(text, SystemTime::UNIX_EPOCH)
}

#[test]
fn what_is_queued_is_flushed_at_the_end_in_one_write() {
    let (sender, receiver) = channel(1000);
    for number in 0..100 {
        sender.send(event(&number.to_string()));
    }
    let page = Page::default();
    let writer = Writer::spawn(receiver, format(), page.clone()).expect("a thread");
    assert!(writer.finish(LONG));
    let lines = (0..100).map(|number| format!("LOG  : 00:00:00.000  {number}\n"));
    assert_eq!(page.text(), lines.collect::<String>());
    assert_eq!(page.writes(), 1);
}

#[test]
fn a_reader_that_does_not_read_costs_lines_and_never_a_wait() {
    let (sender, receiver) = channel(8);
    let (slow, arrived, open, page) = Slow::new();
    let writer = Writer::spawn(receiver, format(), slow).expect("a thread");
    sender.send(event("first"));
    arrived.recv().expect("the writer writes");
    for _ in 0..100 {
        sender.send(event("flood"));
    }
    assert_eq!(sender.dropped(), 92);
    drop(open);
    assert!(writer.finish(LONG));
    let text = page.text();
    assert_eq!(text.matches("flood").count(), 8);
    assert!(
        text.ends_with("  92 lines dropped: nobody read them in time\n"),
        "{text}"
    );
}

#[test]
fn a_loss_is_told_once_the_flood_is_over_without_another_line() {
    let (sender, receiver) = channel(1);
    let (slow, arrived, open, page) = Slow::new();
    let _writer = Writer::spawn(receiver, format(), slow).expect("a thread");
    sender.send(event("first"));
    arrived.recv().expect("the writer writes");
    sender.send(event("kept"));
    sender.send(event("lost"));
    open.send(Ok(())).expect("the writer waits");
    arrived.recv().expect("the writer writes what was kept");
    open.send(Ok(())).expect("the writer waits");
    arrived.recv().expect("the writer tells of the loss");
    drop(open);
    assert!(!page.text().contains("lost"));
}

#[test]
fn a_broken_pipe_ends_writing_and_goes_on_counting() {
    let (sender, receiver) = channel(8);
    let (slow, arrived, open, page) = Slow::new();
    let writer = Writer::spawn(receiver, format(), slow).expect("a thread");
    sender.send(event("first"));
    arrived.recv().expect("the writer writes");
    sender.send(event("second"));
    open.send(Err(ErrorKind::BrokenPipe.into()))
        .expect("the writer waits");
    assert!(writer.finish(LONG));
    assert!(
        arrived.recv().is_err(),
        "nothing is written after a broken pipe"
    );
    assert_eq!((page.text().as_str(), sender.dropped()), ("", 2));
}

#[test]
fn a_full_disk_costs_the_lines_of_the_moment() {
    let (sender, receiver) = channel(8);
    let (slow, arrived, open, page) = Slow::new();
    let writer = Writer::spawn(receiver, format(), slow).expect("a thread");
    sender.send(event("first"));
    arrived.recv().expect("the writer writes");
    open.send(Err(ErrorKind::StorageFull.into()))
        .expect("the writer waits");
    drop(open);
    sender.send(event("second"));
    assert!(writer.finish(LONG));
    assert!(page.text().contains("second"));
    assert!(
        page.text()
            .ends_with("  1 line dropped: nobody read them in time\n")
    );
}

#[test]
fn an_interrupted_or_not_yet_ready_sink_gets_everything() {
    let (sender, receiver) = channel(8);
    let (slow, arrived, open, page) = Slow::new();
    let writer = Writer::spawn(receiver, format(), slow).expect("a thread");
    sender.send(event("whole"));
    for kind in [ErrorKind::Interrupted, ErrorKind::WouldBlock] {
        arrived.recv().expect("the writer writes");
        open.send(Err(kind.into())).expect("the writer waits");
    }
    drop(open);
    assert!(writer.finish(LONG));
    assert_eq!(page.text(), "LOG  : 00:00:00.000  whole\n");
    assert_eq!(sender.dropped(), 0);
}

#[test]
fn the_end_does_not_wait_for_a_reader_that_never_reads() {
    let (sender, receiver) = channel(8);
    let (slow, arrived, _open, _page) = Slow::new();
    let writer = Writer::spawn(receiver, format(), slow).expect("a thread");
    sender.send(event("stuck"));
    arrived.recv().expect("the writer writes");
    assert!(!writer.finish(Duration::ZERO));
}
