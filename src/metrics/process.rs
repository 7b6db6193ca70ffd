//! What is counted about the process as a whole: its clients, and what the kernel says of it.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::cells::WorkerCells;
use super::totals::Classes;

/// Clock ticks a second in `/proc`: a constant of the kernel's interface (`USER_HZ`), whatever
/// the kernel's own timer does.
const TICKS_PER_SECOND: f64 = 100.0;

/// The counters of the process.
#[derive(Debug)]
pub struct ProcessMetrics {
    started: SystemTime,
    workers: Mutex<Vec<Arc<WorkerCells>>>,
}

/// The counters of the process at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessSample {
    /// When the process started.
    pub started: SystemTime,
    /// Connections from clients that are open.
    pub connections: u64,
    /// Connections from clients since the start.
    pub accepted: u64,
    /// Retries wanted when the budget was spent.
    pub retries_bounded: u64,
    /// Clients that connected and did not come to a TLS session.
    pub handshakes_failed: u64,
    /// Answers that sidekick gave by itself, by class: index 1 to 5 for 1xx to 5xx.
    pub local: Classes<u64>,
    /// Log and trace lines that were dropped.
    pub dropped_lines: u64,
    /// What the kernel says.
    pub figures: ProcessFigures,
}

/// What the kernel says of this process; a figure it does not tell is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessFigures {
    /// Processor time used, user and system, seconds.
    pub cpu_seconds: Option<f64>,
    /// Resident memory, bytes.
    pub resident_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_files: Option<u64>,
    /// The limit on those; none also when there is no limit.
    pub max_files: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl ProcessMetrics {
    /// Counters at zero, of a process that started at `started`.
    pub fn new(started: SystemTime) -> Self {
        Self {
            started,
            workers: Mutex::default(),
        }
    }

    /// New cells for one worker, to be written by that worker alone.
    pub fn cells(&self) -> Arc<WorkerCells> {
        let cells = Arc::new(WorkerCells::default());
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&cells));
        cells
    }

    /// Sums the cells and asks the kernel. Reads files: not for a worker.
    pub fn sample(&self, dropped_lines: u64) -> ProcessSample {
        let mut local = Classes::default();
        let (mut accepted, mut closed) = (0, 0);
        let (mut retries_bounded, mut handshakes_failed) = (0, 0);
        for cells in self
            .workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            // First those that closed: the other way round the gauge could fall below zero.
            closed += cells.closed();
            accepted += cells.accepted();
            retries_bounded += cells.retries_bounded();
            handshakes_failed += cells.handshakes_failed();
            cells.add_local(&mut local);
        }
        ProcessSample {
            started: self.started,
            connections: accepted.saturating_sub(closed),
            accepted,
            retries_bounded,
            handshakes_failed,
            local,
            dropped_lines,
            figures: ProcessFigures::read(),
        }
    }
}

impl ProcessFigures {
    /// Reads them from `/proc/self`.
    pub fn read() -> Self {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        let (stat, status, limits) = (read("stat"), read("status"), read("limits"));
        Self {
            cpu_seconds: stat.as_deref().and_then(cpu_seconds),
            resident_bytes: status
                .as_deref()
                .and_then(|text| field(text, "VmRSS:"))
                .and_then(|kibibytes| kibibytes.checked_mul(1024)),
            // One of them is the open folder itself.
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|entries| (entries.count() as u64).saturating_sub(1)),
            max_files: limits
                .as_deref()
                .and_then(|text| field(text, "Max open files")),
            threads: status.as_deref().and_then(|text| field(text, "Threads:")),
        }
    }
}

/// The first number of the line that starts with `name`.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// User and system time of `/proc/self/stat`: fields 14 and 15. The second field, the command's
/// name in parentheses, may hold anything, spaces and parentheses too.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user.checked_add(system)? as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_all_figures() {
        let figures = ProcessFigures::read();
        assert!(figures.cpu_seconds.is_some());
        assert!(figures.resident_bytes.is_some_and(|bytes| bytes > 1 << 20));
        assert!(figures.open_files.is_some_and(|files| files >= 3));
        assert!(figures.threads.is_some_and(|threads| threads >= 1));
    }

    #[test]
    fn a_command_name_cannot_shift_the_fields() {
        let stat = "1 (a) b (c) S 0 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("1 (a"), None);
        assert_eq!(cpu_seconds("1 (a) S 1"), None);
    }

    #[test]
    fn no_limit_is_no_figure() {
        let limits = "Max open files            1024        4096      files\n";
        assert_eq!(field(limits, "Max open files"), Some(1024));
        assert_eq!(
            field(
                "Max open files   unlimited unlimited files",
                "Max open files"
            ),
            None
        );
    }

    #[test]
    fn open_connections_are_those_that_did_not_close() {
        let metrics = ProcessMetrics::new(SystemTime::UNIX_EPOCH);
        let (one, other) = (metrics.cells(), metrics.cells());
        one.connection_opened();
        one.connection_closed();
        other.connection_opened();
        other.answered(404);
        let sample = metrics.sample(7);
        assert_eq!(
            (sample.connections, sample.accepted, sample.dropped_lines),
            (1, 2, 7)
        );
        assert_eq!(sample.local, [0, 0, 0, 0, 1, 0]);
    }
}
