//! Sites, their backends, what is known of each backend's health, and the snapshot that workers
//! read.

mod addresses;
mod backend;
mod health_state;
mod snapshot;

pub use addresses::Addresses;
pub use backend::{Backend, Identity};
pub use health_state::{HealthState, Transition};
pub use snapshot::{LocalSnapshot, Publisher, Site, Snapshot, SnapshotHandle};
