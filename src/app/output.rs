//! What is printed, from the flags that ask for it.

use std::io::IsTerminal;

use crate::config::{OutputConfig, TraceKind};
use crate::event::{FilterSpec, TraceScope};

/// Whether the live table is shown: on a terminal, when no lines were asked for.
pub(super) fn wants_table(config: &OutputConfig) -> bool {
    let lines = config.log
        || config.trace_asked
        || config.errors_only
        || config.json
        || config.debug
        || config.quiet
        || !config.status_codes.is_empty();
    !lines && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// The filter's terms.
pub(super) fn filter(config: &OutputConfig, table: bool) -> FilterSpec {
    FilterSpec {
        log: config.log,
        trace: match config.trace {
            TraceKind::All => TraceScope::All,
            TraceKind::Application => TraceScope::Application,
            TraceKind::Minio => TraceScope::Minio,
        },
        errors: config.errors_only,
        status_codes: config.status_codes.clone(),
        json: config.json,
        debug: config.debug,
        quiet: config.quiet,
        terminal_table: table,
    }
}
