//! What sidekick answers itself.

mod figures;
mod local;

pub use figures::Figures;
pub use local::{Local, Page};
