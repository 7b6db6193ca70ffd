//! Connections to backends: a worker's pool of idle ones, and the guard that counts each attempt.

mod attempt;
mod idle;
mod pool;

pub use attempt::Attempt;
pub use pool::{Pool, Upstream};
