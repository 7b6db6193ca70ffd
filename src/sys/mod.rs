//! What Linux offers, as safe functions: sockets with the options we want, pipes between them,
//! process limits, a terminal that may hang up.

mod congestion;
mod limits;
mod pipe;
mod socket;
mod terminal;

pub use congestion::{Congestion, unpace};
pub use limits::raise_open_files;
pub use pipe::Pipe;
pub use socket::{IO_BACKLOG, listen, reset_on_close, tune};
pub use terminal::await_terminal;
