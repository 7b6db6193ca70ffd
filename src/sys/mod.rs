//! What Linux offers, as safe functions: sockets with the options we want, pipes between them,
//! a timer that is a file, process limits, a terminal that may hang up.

mod congestion;
mod interval;
mod limits;
mod pipe;
mod socket;
mod terminal;

pub use congestion::{Congestion, unpace};
pub use interval::{interval_timer, set_interval};
pub use limits::raise_open_files;
pub use pipe::Pipe;
pub use socket::{IO_BACKLOG, listen, reset_on_close, tune};
pub use terminal::await_terminal;
