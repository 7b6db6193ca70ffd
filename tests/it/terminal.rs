//! The live table on a terminal, and what follows when that is gone.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::vocabulary::{Origin, wait_until};

/// A window that is closed: the process must neither stay, nor spin.
#[test]
fn a_terminal_that_hangs_up_ends_the_process() {
    let origin = Origin::saying("ok");
    let window = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&window).unwrap();
    unlockpt(&window).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&window, size).unwrap();
    let name = ptsname(&window, Vec::new()).unwrap();
    let inside = || {
        let path = name.to_str().unwrap();
        Stdio::from(File::options().read(true).write(true).open(path).unwrap())
    };
    let mut sidekick = Command::new(env!("CARGO_BIN_EXE_sidekick"))
        .args(["--address", "127.0.0.1:0", &origin.url()])
        .env_clear()
        .stdin(inside())
        .stdout(inside())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut window = File::from(window);
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("SITE") {
        let mut piece = [0; 4096];
        let count = window.read(&mut piece).unwrap();
        shown.extend_from_slice(&piece[..count]);
    }
    drop(window);
    let mut status = None;
    wait_until("the process has ended", || {
        status = sidekick.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}
