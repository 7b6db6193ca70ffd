//! What is printed.

use crate::config::error::{Error, Problem};
use crate::config::flag::Flag;
use crate::config::setting::{Settings, whole};

pub(crate) const LOG: Flag =
    Flag::switch("log", "Print a line when a backend goes down or comes back").short('l');

pub(crate) const TRACE: Flag = Flag::choice(
    "trace",
    &["all", "application", "minio"],
    "Which requests get a line; application is those of clients, minio the health checks",
)
.short('t')
.default("all");

pub(crate) const ERRORS: Flag =
    Flag::switch("errors", "Trace only requests that failed").short('e');

pub(crate) const STATUS_CODE: Flag = Flag::numbers(
    "status-code",
    "CODE",
    "Trace only answers with this status; repeat the flag for more",
);

pub(crate) const JSON: Flag = Flag::switch("json", "Print lines as JSON");

pub(crate) const DEBUG: Flag = Flag::switch(
    "debug",
    "Trace with header fields, and say more; secrets are left out",
);

pub(crate) const QUIET: Flag = Flag::switch("quiet", "Print nothing but errors").short('q');

pub(crate) const FLAGS: &[&Flag] = &[&LOG, &TRACE, &ERRORS, &STATUS_CODE, &JSON, &DEBUG, &QUIET];

/// What is printed, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputConfig {
    /// Lines for backends that go down or come back.
    pub log: bool,
    /// Which requests get a line.
    pub trace: TraceKind,
    /// Whether trace lines were asked for by name: on a terminal the live table gives way.
    pub trace_asked: bool,
    /// Trace only requests that failed.
    pub errors_only: bool,
    /// Trace only these statuses; empty means every status.
    pub status_codes: Vec<u16>,
    /// Lines as JSON.
    pub json: bool,
    /// Trace lines with header fields.
    pub debug: bool,
    /// Nothing but errors.
    pub quiet: bool,
}

/// Which requests get a trace line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// Every one.
    All,
    /// Those of clients.
    Application,
    /// Health checks.
    Minio,
}

impl OutputConfig {
    pub(crate) fn build(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            log: settings.switch(&LOG)?,
            trace: settings.value(&TRACE, |text| match text {
                "all" => Ok(TraceKind::All),
                "application" => Ok(TraceKind::Application),
                "minio" => Ok(TraceKind::Minio),
                _ => Err(Problem::new("expected all, application or minio")),
            })?,
            trace_asked: settings.is_given(&TRACE),
            errors_only: settings.switch(&ERRORS)?,
            status_codes: settings.each(&STATUS_CODE, |text| {
                whole(text, 100, 599).map(|code| code as u16)
            })?,
            json: settings.switch(&JSON)?,
            debug: settings.switch(&DEBUG)?,
            quiet: settings.switch(&QUIET)?,
        })
    }
}
