//! What changes the cache's store: fills, updates, evictions, invalidations; and the looks at it
//! that have to mind them.
//!
//! A [`Cabinet`] is made once a process; each worker [opens](Cabinet::open) its own [`Keeper`]. A
//! client never waits for a change: each is a task of its own, and those of one resource follow
//! each other ([`Ledger`]). What a client waits for, a look-up or the head of a body, is bounded by
//! what the store usually takes.

mod change;
mod filling;
mod keeper;
mod ledger;
mod patience;
mod tap;
mod unstored;

pub use change::Asker;
pub use filling::FetchRest;
pub use keeper::{Cabinet, Keeper};
pub use ledger::{Ledger, Reading};
pub use tap::Tap;
