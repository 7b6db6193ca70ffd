//! Which events become lines. Asked before an event is built, so that what nobody wants costs
//! nothing.

use super::{Severity, TraceKind};

/// Which requests are traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceScope {
    /// The application's requests and health checks.
    #[default]
    All,
    /// The application's requests.
    Application,
    /// Health checks.
    Minio,
}

/// What the flags ask for.
#[derive(Clone, Debug, Default)]
pub struct FilterSpec {
    /// Up and down lines.
    pub log: bool,
    /// Which requests are traced.
    pub trace: TraceScope,
    /// Only requests that failed.
    pub errors: bool,
    /// Only requests with one of these statuses; empty means all.
    pub status_codes: Vec<u16>,
    /// Lines are JSON; says nothing about which.
    pub json: bool,
    /// Trace lines carry both heads' fields.
    pub debug: bool,
    /// Nothing but errors of the program itself.
    pub quiet: bool,
    /// The live table has the terminal: no lines at all.
    pub terminal_table: bool,
}

/// The decision, made from a [`FilterSpec`] once.
#[derive(Clone, Debug)]
pub struct Filter {
    spec: FilterSpec,
    lines: bool,
}

impl Filter {
    /// Decides by `spec`.
    pub fn new(spec: FilterSpec) -> Self {
        let lines = !spec.quiet && !spec.terminal_table;
        Self { spec, lines }
    }

    /// Whether a request or health check that ended so is traced. `failed` is for those that
    /// broke although they have a good status; no status at all is a failure anyway. Where both
    /// `--errors` and `--status-code` are given, both must hold.
    pub fn wants_trace(&self, kind: TraceKind, status: Option<u16>, failed: bool) -> bool {
        if !self.may_trace(kind) {
            return false;
        }
        let failed = failed || status.is_none_or(|status| status >= 400);
        if self.spec.errors && !failed {
            return false;
        }
        let codes = &self.spec.status_codes;
        codes.is_empty() || status.is_some_and(|status| codes.contains(&status))
    }

    /// Whether any request of this kind may be traced, however it ends: false spares a worker
    /// the gathering.
    pub fn may_trace(&self, kind: TraceKind) -> bool {
        self.lines
            && match self.spec.trace {
                TraceScope::All => true,
                TraceScope::Application => kind == TraceKind::Application,
                TraceScope::Minio => kind == TraceKind::HealthCheck,
            }
    }

    /// Whether trace events carry [`Detail`](super::Detail).
    pub fn wants_detail(&self) -> bool {
        self.lines && self.spec.debug
    }

    /// Whether up and down lines are written.
    pub fn wants_log(&self) -> bool {
        self.lines && self.spec.log
    }

    /// Whether notices are written. Under the live table none is: it shows the last one itself.
    pub fn wants_notice(&self, severity: Severity) -> bool {
        !self.spec.terminal_table && (!self.spec.quiet || severity == Severity::Error)
    }
}

#[cfg(test)]
mod tests {
    use TraceKind::{Application, HealthCheck};

    use super::*;

    #[test]
    fn without_flags_every_request_is_traced_and_no_transition_logged() {
        let filter = Filter::new(FilterSpec::default());
        assert!(filter.wants_trace(Application, Some(200), false));
        assert!(filter.wants_trace(HealthCheck, None, true));
        assert!(!filter.wants_log());
        assert!(!filter.wants_detail());
    }

    #[test]
    fn the_scope_tells_requests_from_health_checks() {
        let scoped = |trace| {
            Filter::new(FilterSpec {
                trace,
                ..FilterSpec::default()
            })
        };
        let wants = |trace| {
            [Application, HealthCheck].map(|kind| scoped(trace).wants_trace(kind, Some(200), false))
        };
        assert_eq!(wants(TraceScope::All), [true, true]);
        assert_eq!(wants(TraceScope::Application), [true, false]);
        assert_eq!(wants(TraceScope::Minio), [false, true]);
    }

    #[test]
    fn errors_are_statuses_from_400_no_status_and_broken_answers() {
        let filter = Filter::new(FilterSpec {
            errors: true,
            ..FilterSpec::default()
        });
        for (status, failed, wanted) in [
            (Some(200), false, false),
            (Some(304), false, false),
            (Some(200), true, true),
            (Some(400), false, true),
            (Some(503), false, true),
            (None, false, true),
        ] {
            assert_eq!(
                filter.wants_trace(Application, status, failed),
                wanted,
                "{status:?}"
            );
        }
    }

    #[test]
    fn status_codes_are_exact_and_combine_with_errors() {
        let status_codes = vec![200, 404];
        let exact = FilterSpec {
            status_codes,
            ..FilterSpec::default()
        };
        let filter = Filter::new(exact.clone());
        let wants = |status| filter.wants_trace(Application, status, false);
        assert_eq!(
            [Some(200), Some(404), Some(403), None].map(wants),
            [true, true, false, false]
        );
        let filter = Filter::new(FilterSpec {
            errors: true,
            ..exact
        });
        let wants = |status| filter.wants_trace(Application, status, false);
        assert_eq!(
            [Some(200), Some(404), Some(403), None].map(wants),
            [false, true, false, false]
        );
    }

    #[test]
    fn quiet_leaves_errors_of_the_program_alone() {
        let spec = FilterSpec {
            quiet: true,
            log: true,
            debug: true,
            ..FilterSpec::default()
        };
        let filter = Filter::new(spec);
        assert!(!filter.wants_trace(Application, None, true));
        assert!(!filter.wants_log());
        assert!(!filter.wants_notice(Severity::Info));
        assert!(filter.wants_notice(Severity::Error));
    }

    #[test]
    fn the_table_has_the_terminal_to_itself() {
        let filter = Filter::new(FilterSpec {
            terminal_table: true,
            ..FilterSpec::default()
        });
        assert!(!filter.wants_trace(Application, None, true));
        assert!(!filter.wants_notice(Severity::Error));
    }
}
