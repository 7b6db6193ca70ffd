//! The ways, and the processes that join them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::vocabulary::{Caller, Certificates, Origin, Running, Security, Sidekick, Speech};

/// One pair of a way in and a way out.
pub(super) struct Way<'r> {
    pub(super) speech: Speech,
    pub(super) sidekick: &'r Running,
    pub(super) origins: &'r [Origin],
}

impl Way<'_> {
    /// A client on a connection of its own.
    pub(super) fn caller(&self) -> Caller {
        Caller::connect(self.speech, self.sidekick.address())
    }
}

/// Holds the claim for every way in, and says of all that fail which they are.
#[track_caller]
pub(super) fn every_way_in(security: Security, origins: &[Origin], claim: impl Fn(&Way<'_>)) {
    let certificates = Certificates::new();
    let mut sidekick = Sidekick::new().site(origins);
    if security != Security::Clear {
        sidekick = sidekick.trusting(&certificates);
    }
    if security == Security::MutualTls {
        sidekick = sidekick.showing(&certificates);
    }
    let clear = sidekick.start();
    let secured = sidekick.listening_by(&certificates).start();
    let mut failures = Vec::new();
    for speech in Speech::ALL {
        let way = Way {
            speech,
            sidekick: if speech.is_secured() {
                &secured
            } else {
                &clear
            },
            origins,
        };
        if let Err(said) = catch_unwind(AssertUnwindSafe(|| claim(&way))) {
            let said = said.downcast_ref::<String>().cloned();
            failures.push(format!("{speech:?}: {}", said.unwrap_or_default()));
        }
    }
    assert!(
        failures.is_empty(),
        "{security:?} out, and in by\n{}",
        failures.join("\n")
    );
}

/// Makes the claim `fn(Security)` of this name a test for each way out.
macro_rules! every_way_out {
    ($($claim:ident)*) => {$(
        mod $claim {
            use crate::vocabulary::Security;

            #[test]
            fn clear_out() {
                super::$claim(Security::Clear);
            }

            #[test]
            fn tls_out() {
                super::$claim(Security::Tls);
            }

            #[test]
            fn mutual_tls_out() {
                super::$claim(Security::MutualTls);
            }
        }
    )*};
}

pub(super) use every_way_out;
