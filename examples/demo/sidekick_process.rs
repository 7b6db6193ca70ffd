//! sidekick itself, in this process. The one place of the demo that knows how it is started and
//! stopped.

use sidekick::app::{self, Outcome, Signals};
use sidekick::config::{self, Invocation};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;

/// A running sidekick.
pub(crate) struct Running(app::Running);

impl Running {
    /// Starts sidekick by its own command line; the environment has no say.
    pub(crate) fn start(arguments: &[String]) -> io::Result<Self> {
        let arguments = arguments.iter().map(OsString::from);
        let invocation = config::parse(arguments, &|_| None, &config::read_file);
        let Invocation::Run(config, _) = invocation.map_err(io::Error::other)? else {
            return Err(io::Error::other("the arguments do not ask to serve"));
        };
        let running = app::start(*config, None, Signals::Ignored).map_err(io::Error::other)?;
        Ok(Self(running))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Lets it finish what it has, and waits.
    pub(crate) fn stop(self) -> io::Result<()> {
        match self.0.shutdown() {
            Outcome::Drained => Ok(()),
            Outcome::Cut | Outcome::Failed => Err(io::Error::other("sidekick did not drain")),
        }
    }
}
