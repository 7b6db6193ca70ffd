//! Limits the kernel puts on this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one and returns the limit in force.
///
/// Every client and every backend connection is an open file, and the soft limit of many shells
/// and service managers is 1,024. A refusal leaves the limit as it was.
pub fn raise_open_files() -> Option<u64> {
    let limits = getrlimit(Resource::Nofile);
    if limits.current != limits.maximum {
        let raised = Rlimit {
            current: limits.maximum,
            maximum: limits.maximum,
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            return limits.maximum;
        }
    }
    limits.current
}

#[cfg(test)]
mod tests {
    use super::raise_open_files;

    #[test]
    fn raising_twice_gives_the_same_limit() {
        assert_eq!(raise_open_files(), raise_open_files());
    }
}
