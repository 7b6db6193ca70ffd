//! What Linux offers, as safe functions: sockets with the options we want, pipes between them,
//! and process limits.

mod congestion;
mod limits;
mod pipe;
mod socket;

pub use congestion::{Congestion, unpace};
pub use limits::raise_open_files;
pub use pipe::Pipe;
pub use socket::{IO_BACKLOG, listen, reset_on_close, tune};
