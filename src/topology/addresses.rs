//! The addresses of one backend, while its name comes to stand for others.

use std::net::SocketAddr;
use std::sync::Arc;

/// Which addresses are in use, and which are to be. An address that joins is used once it has
/// passed a check; one that has gone is left as soon as another is in use.
#[derive(Debug)]
pub struct Addresses {
    in_use: Arc<[SocketAddr]>,
    resolved: Arc<[SocketAddr]>,
}

impl Addresses {
    /// The first addresses are in use at once: nobody goes there before the backend is up.
    pub fn new(found: Arc<[SocketAddr]>) -> Self {
        Self {
            in_use: Arc::clone(&found),
            resolved: found,
        }
    }

    /// Where connections may go.
    pub fn in_use(&self) -> &Arc<[SocketAddr]> {
        &self.in_use
    }

    /// Whether the name stands for `found` already.
    pub fn are_from(&self, found: &[SocketAddr]) -> bool {
        *self.resolved == *found
    }

    /// What is to be checked before it is used.
    pub fn unchecked(&self) -> Vec<SocketAddr> {
        let joins = |address: &&SocketAddr| !self.in_use.contains(address);
        self.resolved.iter().filter(joins).copied().collect()
    }

    /// The name stands for `found` now. Returns whether an address went out of use.
    pub fn resolve(&mut self, found: Arc<[SocketAddr]>) -> bool {
        if self.in_use.is_empty() {
            *self = Self::new(found);
            return false;
        }
        self.resolved = found;
        self.settle(None)
    }

    /// `address` has passed its check. Returns whether another one went out of use.
    pub fn admit(&mut self, address: SocketAddr) -> bool {
        self.settle(Some(address))
    }

    fn settle(&mut self, passed: Option<SocketAddr>) -> bool {
        let stays = |address: &&SocketAddr| {
            self.in_use.contains(address) || passed.as_ref() == Some(*address)
        };
        let next: Arc<[SocketAddr]> = self.resolved.iter().filter(stays).copied().collect();
        if next.is_empty() {
            return false;
        }
        let moved = self.in_use.iter().any(|address| !next.contains(address));
        self.in_use = next;
        moved
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::Addresses;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 9000))
    }

    fn addresses<const N: usize>(last: [u8; N]) -> std::sync::Arc<[SocketAddr]> {
        last.map(address).into()
    }

    #[test]
    fn first_addresses_are_in_use_at_once() {
        let mut known = Addresses::new(addresses([]));
        assert!(!known.resolve(addresses([1, 2])));
        assert_eq!(**known.in_use(), *addresses([1, 2]));
        assert!(known.unchecked().is_empty());
    }

    #[test]
    fn an_address_that_joins_is_used_once_it_has_passed() {
        let mut known = Addresses::new(addresses([1]));
        assert!(!known.resolve(addresses([1, 2, 3])));
        assert_eq!(**known.in_use(), *addresses([1]));
        assert_eq!(known.unchecked(), *addresses([2, 3]));
        assert!(!known.admit(address(3)));
        assert_eq!(**known.in_use(), *addresses([1, 3]));
        assert_eq!(known.unchecked(), *addresses([2]));
    }

    #[test]
    fn one_that_has_gone_is_left_while_others_serve() {
        let mut known = Addresses::new(addresses([1, 2]));
        assert!(known.resolve(addresses([2])));
        assert_eq!(**known.in_use(), *addresses([2]));
    }

    #[test]
    fn the_last_one_stays_until_another_has_passed() {
        let mut known = Addresses::new(addresses([1]));
        assert!(!known.resolve(addresses([2, 3])));
        assert_eq!(**known.in_use(), *addresses([1]));
        assert!(known.admit(address(2)));
        assert_eq!(**known.in_use(), *addresses([2]));
        assert_eq!(known.unchecked(), *addresses([3]));
    }

    #[test]
    fn a_check_that_comes_too_late_changes_nothing() {
        let mut known = Addresses::new(addresses([1]));
        known.resolve(addresses([2]));
        known.resolve(addresses([1]));
        assert!(!known.admit(address(2)));
        assert_eq!(**known.in_use(), *addresses([1]));
        assert!(known.unchecked().is_empty());
    }
}
