//! A timer that is a file: it becomes readable again and again.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// A non-blocking timer that is not set. A read of eight bytes takes the number of times that it has
/// expired since the last one.
///
/// # Errors
/// No more files.
pub fn interval_timer() -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    Ok(timerfd_create(TimerfdClockId::Monotonic, flags)?)
}

/// Has a timer expire `every` so often from now on, or never when that is zero. What has expired before
/// is forgotten.
///
/// # Errors
/// It is not such a timer, or the interval is more than the kernel can count.
pub fn set_interval(timer: &impl AsFd, every: Duration) -> io::Result<()> {
    let every = Timespec::try_from(every).map_err(|_| io::ErrorKind::InvalidInput)?;
    let both = Itimerspec {
        it_interval: every,
        it_value: every,
    };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &both)?;
    Ok(())
}
