//! The shared cache between a client, a backend and a store: right bytes for those who may have
//! them, whatever the store does.

mod failing;
mod filling;
mod permission;
mod reading;
mod sharing;
mod site;
mod writing;
