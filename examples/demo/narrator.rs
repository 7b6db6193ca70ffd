//! Tells what happens: at once, or after the live table has given the terminal back.

use std::cell::RefCell;
use std::time::Instant;

/// Prints lines with the time since its start.
pub(crate) struct Narrator {
    started: Instant,
    withheld: Option<RefCell<Vec<String>>>,
}

impl Narrator {
    /// A narrator that keeps its lines back while the live table is on the terminal.
    pub(crate) fn new(table_is_shown: bool) -> Self {
        Self {
            started: Instant::now(),
            withheld: table_is_shown.then(RefCell::default),
        }
    }

    /// Says one line.
    pub(crate) fn say(&self, line: &str) {
        let line = format!("{:>5.1} s  {line}", self.started.elapsed().as_secs_f64());
        match &self.withheld {
            Some(lines) => lines.borrow_mut().push(line),
            None => println!("{line}"),
        }
    }

    /// Prints what was withheld.
    pub(crate) fn release(&self) {
        for line in self.withheld.iter().flat_map(RefCell::take) {
            println!("{line}");
        }
    }
}
