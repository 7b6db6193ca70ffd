//! When a failed attempt may be made again: a function of what happened, nothing else.

use super::fault::Fault;
use crate::http::Method;

/// What is known when an attempt has failed before the client got a final response head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed<'a> {
    /// What went wrong.
    pub(super) fault: &'a Fault,
    /// The request's method.
    pub(super) method: Method,
    /// Whether every body byte taken from the client is still here.
    pub(super) body_held: bool,
    /// Whether the backend may have got some of the request.
    pub(super) delivered: bool,
    /// Whether the connection had been idle in the pool before.
    pub(super) reused: bool,
    /// Whether part of a response has arrived.
    pub(super) answering: bool,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// On a fresh connection to the same backend: it had merely closed an idle one.
    SameBackend,
    /// At another backend.
    Elsewhere,
    /// None: the client is told so with this status.
    Answer(u16),
    /// There is nobody to tell.
    Abandon,
}

/// Decides what follows. A request that may have been delivered goes out again only if its method
/// is idempotent (RFC 9110 §9.2.2), and only if its body can be sent again from its beginning.
pub(super) fn verdict(failed: Failed<'_>) -> Verdict {
    let repeatable = failed.body_held && (failed.method.is_idempotent() || !failed.delivered);
    match failed.fault {
        Fault::ClientGone => Verdict::Abandon,
        Fault::Unconnected(_) if failed.body_held => Verdict::Elsewhere,
        fault if repeatable && stale(fault, failed.reused, failed.answering) => {
            Verdict::SameBackend
        }
        Fault::BackendClosed(_) | Fault::BackendStalled | Fault::BackendMalformed(_)
            if repeatable =>
        {
            Verdict::Elsewhere
        }
        fault => Verdict::Answer(fault.status()),
    }
}

/// Whether a connection had been closed while it was idle: that says nothing about the backend.
pub(super) fn stale(fault: &Fault, reused: bool, answering: bool) -> bool {
    matches!(fault, Fault::BackendClosed(_)) && reused && !answering
}

#[cfg(test)]
mod tests {
    use super::{Failed, Verdict, verdict};
    use crate::http::{Method, Rejection};
    use crate::net::DialError;
    use crate::proxy::fault::Fault;

    fn closed() -> Fault {
        Fault::BackendClosed(None)
    }

    fn failed(fault: &Fault, method: Method) -> Failed<'_> {
        Failed {
            fault,
            method,
            body_held: true,
            delivered: true,
            reused: false,
            answering: false,
        }
    }

    #[test]
    fn no_connection_sends_any_method_elsewhere_while_the_body_is_held() {
        for method in [Method::Get, Method::Post, Method::Put, Method::Other] {
            let fault = Fault::Unconnected(DialError::TimedOut);
            let situation = Failed {
                delivered: false,
                ..failed(&fault, method)
            };
            assert_eq!(verdict(situation), Verdict::Elsewhere);
            let consumed = Failed {
                body_held: false,
                ..situation
            };
            assert_eq!(verdict(consumed), Verdict::Answer(504));
        }
    }

    #[test]
    fn a_stale_connection_is_replaced_for_whatever_may_be_repeated() {
        let fault = closed();
        let stale = |method| Failed {
            reused: true,
            ..failed(&fault, method)
        };
        assert_eq!(verdict(stale(Method::Get)), Verdict::SameBackend);
        assert_eq!(verdict(stale(Method::Put)), Verdict::SameBackend);
        assert_eq!(verdict(stale(Method::Post)), Verdict::Answer(502));
        let unsent = Failed {
            delivered: false,
            ..stale(Method::Post)
        };
        assert_eq!(verdict(unsent), Verdict::SameBackend);
    }

    #[test]
    fn a_post_that_may_have_been_delivered_is_never_sent_twice() {
        let faults = [
            closed(),
            Fault::BackendStalled,
            Fault::BackendMalformed(Rejection::BadStatusLine),
        ];
        for fault in &faults {
            for reused in [false, true] {
                for answering in [false, true] {
                    let situation = Failed {
                        reused,
                        answering,
                        ..failed(fault, Method::Post)
                    };
                    assert!(matches!(verdict(situation), Verdict::Answer(502 | 504)));
                }
            }
        }
    }

    #[test]
    fn an_idempotent_request_goes_elsewhere_when_there_is_no_head_for_it() {
        let faults = [
            closed(),
            Fault::BackendStalled,
            Fault::BackendMalformed(Rejection::BadStatusLine),
        ];
        let methods = [
            Method::Get,
            Method::Head,
            Method::Options,
            Method::Put,
            Method::Delete,
        ];
        for (fault, method) in faults
            .iter()
            .flat_map(|fault| methods.map(|method| (fault, method)))
        {
            assert_eq!(verdict(failed(fault, method)), Verdict::Elsewhere);
            let consumed = Failed {
                body_held: false,
                ..failed(fault, method)
            };
            assert_eq!(verdict(consumed), Verdict::Answer(fault.status()));
        }
    }

    #[test]
    fn a_clients_own_fault_is_never_retried() {
        assert_eq!(
            verdict(failed(&Fault::ClientGone, Method::Get)),
            Verdict::Abandon
        );
        assert_eq!(
            verdict(failed(&Fault::ClientStalled, Method::Get)),
            Verdict::Answer(408)
        );
    }
}
