//! What Linux offers, as safe functions: sockets with the options we want, and process limits.

mod limits;
mod socket;

pub use limits::raise_open_files;
pub use socket::{IO_BACKLOG, listen, reset_on_close, tune};
