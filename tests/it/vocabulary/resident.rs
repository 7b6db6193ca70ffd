//! sidekick inside the test's own process, where it can be given a resolver configuration.

use sidekick::app::{self, Signals};
use sidekick::config::{self, Invocation, NameServers};

use super::client::Client;
use super::message::Response;
use super::patience::wait_until;
use super::sidekick::{Sidekick, sample};

pub(crate) struct Resident {
    running: app::Running,
}

impl Resident {
    /// Starts it by its command line, with names looked up at `name_servers`.
    pub(crate) fn start(sidekick: Sidekick, name_servers: NameServers) -> Self {
        let arguments = sidekick.flag("--quiet").arguments();
        let arguments = arguments.into_iter().map(Into::into);
        let invocation = config::parse(arguments, &|_| None, &config::read_file);
        let Ok(Invocation::Run(mut config, _)) = invocation else {
            panic!("the arguments do not ask to serve");
        };
        config.dns.name_servers = name_servers;
        let running = app::start(*config, None, Signals::Ignored);
        Self {
            running: running.expect("it starts"),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.running.address())
    }

    /// One GET on a connection of its own.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.client().get(target)
    }

    /// Whether the backend of this label is in rotation; none when there is no such backend.
    pub(crate) fn is_up(&self, label: &str) -> Option<bool> {
        let page = self.get("/.prometheus/metrics").text();
        let up = sample(&page, "sidekick_backend_up", &[("endpoint", label)]);
        up.map(|up| up > 0.0)
    }

    pub(crate) fn wait_until_up(&self, label: &str) {
        wait_until(&format!("{label} is up"), || {
            self.is_up(label) == Some(true)
        });
    }

    pub(crate) fn wait_until_down(&self, label: &str) {
        wait_until(&format!("{label} is down"), || {
            self.is_up(label) == Some(false)
        });
    }

    pub(crate) fn wait_until_gone(&self, label: &str) {
        wait_until(&format!("{label} is gone"), || self.is_up(label).is_none());
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        // Asked twice, it does not wait for what a failed test left open.
        self.running.stop().ask();
        self.running.stop().ask();
    }
}
