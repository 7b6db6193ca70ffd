//! Where the cache keeps its objects: a bucket of an S3-compatible store, or the memory of this
//! process. What the objects mean is the `cache`'s.
//!
//! A [`Backing`] is made once a process; each worker [opens](Backing::open) its own [`AnyStore`],
//! and one of them is [watched](watch). An object is visible whole or not at all. Every operation
//! is bounded in time: connecting, the head of the answer, and standing still in the middle of a
//! body that the store itself moves. A [`Delivery`] is moved by the caller, who bounds that.

mod answer;
mod any;
mod error;
mod exchange;
mod health;
mod keys;
mod memory;
mod object;
mod s3;
#[cfg(test)]
mod tests;
mod upload;

pub use any::{AnyStore, Backing};
pub use error::{Awaited, StoreError};
pub use health::watch;
pub use keys::NoKeys;
pub use memory::MemoryStore;
pub use object::{Body, Delivery, Object};
pub use s3::{Home, S3Store};
pub use upload::Upload;

/// Objects by name, as one worker uses them.
pub trait Store {
    /// An object, or the bytes of it from the first to the last of `range`, both included, as far as
    /// it reaches; nothing when there is none.
    ///
    /// # Errors
    /// [`StoreError::BeyondEnd`] for a range behind the end; any failure of the store.
    fn get(
        &self,
        name: &str,
        range: Option<(u64, u64)>,
    ) -> impl Future<Output = Result<Option<Object>, StoreError>>;

    /// A small object whole; nothing when there is none.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for more than `most` bytes; any failure of the store.
    fn read(
        &self,
        name: &str,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>>;

    /// Makes or replaces a small object.
    ///
    /// # Errors
    /// Any failure of the store.
    fn write(
        &self,
        name: &str,
        bytes: &[u8],
        content_type: &str,
    ) -> impl Future<Output = Result<(), StoreError>>;

    /// Begins to make or replace an object of so many bytes.
    ///
    /// # Errors
    /// There is no connection, or no room for so much ever.
    fn put(&self, name: &str, length: u64) -> impl Future<Output = Result<Upload, StoreError>>;

    /// Takes an object away, if there is one.
    ///
    /// # Errors
    /// Any failure of the store.
    fn delete(&self, name: &str) -> impl Future<Output = Result<(), StoreError>>;

    /// Whether the store answers and lets us in. It is asked even while it is down.
    ///
    /// # Errors
    /// It does not.
    fn check(&self) -> impl Future<Output = Result<(), StoreError>>;

    /// Whether it is asked at all: while it is not, every operation fails at once.
    fn is_up(&self) -> bool;
}
