//! What this one run of the program is for.

use crate::config::flag::{Flag, Reach};

pub(crate) const CONFIG: Flag = Flag::text(
    "config",
    "FILE",
    "Read settings and sites from this TOML file too",
)
.reach(Reach::NotInFile);

pub(crate) const CHECK: Flag =
    Flag::switch("check", "Say what would run, or what is wrong, and end")
        .reach(Reach::CommandLine);

pub(crate) const HELP: Flag = Flag::switch("help", "Print this text")
    .short('h')
    .reach(Reach::CommandLine);

pub(crate) const VERSION: Flag = Flag::switch("version", "Print the version")
    .short('v')
    .reach(Reach::CommandLine);

pub(crate) const FLAGS: &[&Flag] = &[&CONFIG, &CHECK, &HELP, &VERSION];
