//! What the process under test has open, as the kernel shows it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::io::ioctl_fionread;
use rustix::pipe::fcntl_getpipe_size;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::sidekick::Running;

/// A pipe both of whose ends the process holds: what goes in there comes out there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pipe {
    pub(crate) capacity: usize,
    pub(crate) filled: usize,
}

impl Running {
    /// The pipes it moves bodies through, spare ones included.
    pub(crate) fn pipes(&self) -> Vec<Pipe> {
        let mut ends: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        let files = fs::read_dir(format!("/proc/{}/fd", self.process_id()));
        for file in files.expect("the process lives").flatten() {
            // What is closed meanwhile was not meant.
            if let Ok(target) = fs::read_link(file.path())
                && target.to_string_lossy().starts_with("pipe:")
            {
                ends.entry(target).or_default().push(file.path());
            }
        }
        let both = ends.values().filter(|ends| ends.len() == 2);
        both.filter_map(|ends| {
            let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag");
            let mut options = OpenOptions::new();
            let pipe = options.read(true).custom_flags(flags).open(&ends[0]).ok()?;
            Some(Pipe {
                capacity: fcntl_getpipe_size(&pipe).ok()?,
                filled: ioctl_fionread(&pipe).ok()?.try_into().ok()?,
            })
        })
        .collect()
    }

    /// Lets it open files below this number only, and returns the bound so far. Open ones stay.
    pub(crate) fn bound_files(&self, bound: u64) -> u64 {
        let process = i32::try_from(self.process_id())
            .ok()
            .and_then(Pid::from_raw);
        let limits = |current, maximum| {
            let limits = Rlimit { current, maximum };
            prlimit(process, Resource::Nofile, limits).expect("a child can be limited")
        };
        // The hard limit is what it has raised the soft one to: that is the way back.
        let hard = self.hard_bound();
        limits(Some(bound), Some(hard)).current.expect("a bound")
    }

    fn hard_bound(&self) -> u64 {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.process_id()));
        let limits = limits.expect("the process lives");
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let hard = line.and_then(|line| line.split_whitespace().nth(4));
        hard.expect("a limit").parse().expect("a bound")
    }
}
