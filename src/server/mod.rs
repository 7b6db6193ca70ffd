//! The data plane's threads: workers, the connections they get, and their end.

mod acceptor;
mod beat;
mod supervisor;
mod worker;

pub use supervisor::Supervisor;
pub use worker::Plan;
