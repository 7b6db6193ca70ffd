//! Doors for operators.

use crate::config::flag::Flag;

pub(crate) const ADMIN_ADDRESS: Flag = Flag::text(
    "admin-address",
    "HOST:PORT",
    "Serve health, metrics, dashboard and control here, and nothing of them to clients",
);

pub(crate) const PPROF: Flag = Flag::text("pprof", "HOST:PORT", "Serve profiles here");

pub(crate) const FLAGS: &[&Flag] = &[&ADMIN_ADDRESS, &PPROF];
