//! From the configured sites to backends with addresses, and again whenever a name's addresses or
//! the configuration change. Lives on the control thread.

mod assemble;
mod directory;
mod found;

pub use directory::Directory;
