//! Keeps names looked up and the published snapshot in line with what was found.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::assemble::{Assembly, assemble};
use super::found::{Found, Query};
use crate::balance::LoadTable;
use crate::config::{DnsConfig, SiteConfig};
use crate::net::{ResolveError, Resolver};
use crate::topology::Publisher;

/// The shortest time between two look-ups of a name, whatever its records say.
const SHORTEST_TTL: Duration = Duration::from_secs(1);
/// Pause after a look-up that failed; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A look-up that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at whether backends that are to leave can be spared.
const GLANCE: Duration = Duration::from_millis(100);

/// The sites as configured, and what their names stand for now.
pub struct Directory {
    sites: RefCell<Vec<SiteConfig>>,
    dns: RefCell<DnsConfig>,
    found: RefCell<Found>,
    watches: RefCell<HashMap<Query, AbortHandle>>,
    loads: Arc<LoadTable>,
    publisher: Arc<Publisher>,
    resolver: Resolver,
    /// A new snapshot was published.
    published: Notify,
    /// Every name is to be looked up now.
    refresh: Notify,
    /// How many backends of the published snapshot stay only until others serve in their place.
    leaving: Cell<usize>,
    notice: Box<dyn Fn(String)>,
}

impl Directory {
    /// Publishes the first snapshot: backends with an address in place of a name can be used at
    /// once, the others as soon as [`Directory::watch`] has looked them up. What should be said
    /// to the operator goes to `notice`.
    ///
    /// # Errors
    /// One line: more backends than `loads` has places.
    pub fn open(
        sites: Vec<SiteConfig>,
        dns: DnsConfig,
        loads: Arc<LoadTable>,
        notice: Box<dyn Fn(String)>,
    ) -> Result<Rc<Self>, String> {
        let first = assemble(&sites, &Found::default(), dns.round_robin, None, &loads)?;
        Ok(Rc::new(Self {
            resolver: Resolver::new(dns.name_servers.clone()),
            sites: RefCell::new(sites),
            dns: RefCell::new(dns),
            found: RefCell::default(),
            watches: RefCell::default(),
            loads,
            publisher: Publisher::new(first.snapshot),
            published: Notify::new(),
            refresh: Notify::new(),
            leaving: Cell::default(),
            notice,
        }))
    }

    /// Where the snapshot is published.
    pub fn publisher(&self) -> &Arc<Publisher> {
        &self.publisher
    }

    /// Notified after each new snapshot.
    pub fn published(&self) -> &Notify {
        &self.published
    }

    /// Starts looking up the names that are not looked up yet and stops for those that are gone.
    /// Must run inside the control thread's runtime.
    pub fn watch(self: &Rc<Self>) {
        let queries = self.found.borrow().queries(&self.sites.borrow());
        let mut watches = self.watches.borrow_mut();
        watches.retain(|query, task| {
            let wanted = queries.contains(query);
            if !wanted {
                task.abort();
            }
            wanted
        });
        for query in queries {
            watches.entry(query.clone()).or_insert_with(|| {
                tokio::task::spawn_local(Rc::clone(self).follow(query)).abort_handle()
            });
        }
    }

    /// Looks every name up now, without waiting for its time.
    pub fn refresh(&self) {
        self.refresh.notify_waiters();
    }

    /// Takes over other sites; nothing changes when they cannot be built.
    ///
    /// # Errors
    /// One line: more backends than there are places.
    pub fn replace(self: &Rc<Self>, sites: Vec<SiteConfig>, dns: DnsConfig) -> Result<(), String> {
        let assembly = self.assemble(&sites, dns.round_robin)?;
        *self.sites.borrow_mut() = sites;
        *self.dns.borrow_mut() = dns;
        self.publish(assembly);
        self.watch();
        Ok(())
    }

    fn assemble(&self, sites: &[SiteConfig], round_robin: bool) -> Result<Assembly, String> {
        let current = self.publisher.current();
        assemble(
            sites,
            &self.found.borrow(),
            round_robin,
            Some(&current),
            &self.loads,
        )
    }

    fn reassemble(&self) -> Result<Assembly, String> {
        self.assemble(&self.sites.borrow(), self.dns.borrow().round_robin)
    }

    fn publish(self: &Rc<Self>, assembly: Assembly) {
        self.publisher.publish(assembly.snapshot);
        self.published.notify_one();
        let before = self.leaving.replace(assembly.leaving);
        if before == 0 && assembly.leaving > 0 {
            tokio::task::spawn_local(Rc::clone(self).hand_over());
        }
    }

    /// Lets backends go whose names have gone as soon as others serve in their place.
    async fn hand_over(self: Rc<Self>) {
        while self.leaving.get() > 0 {
            sleep(GLANCE).await;
            // Nothing is built anew here, so that nothing can be refused.
            if let Ok(assembly) = self.reassemble()
                && assembly.leaving != self.leaving.get()
            {
                self.publish(assembly);
            }
        }
    }

    /// Looks a name up for as long as it is wanted.
    async fn follow(self: Rc<Self>, query: Query) {
        let mut pause = FIRST_PAUSE;
        let mut failing = false;
        loop {
            // Asked for during a look-up, the next one follows at once.
            let refresh = self.refresh.notified();
            let wait = match self.look_up(&query).await {
                Ok(ttl) => {
                    pause = FIRST_PAUSE;
                    failing = false;
                    let longest = self.dns.borrow().ttl_max.max(SHORTEST_TTL);
                    ttl.clamp(SHORTEST_TTL, longest)
                }
                Err(error) => {
                    if !failing {
                        (self.notice)(self.said(&query, &error));
                    }
                    failing = true;
                    self.wake_backends_of(&query);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = refresh => {}
            }
        }
    }

    /// One look-up, and what follows from it; returns how long the answer may be used.
    async fn look_up(self: &Rc<Self>, query: &Query) -> Result<Duration, String> {
        match query {
            Query::Addresses(host) => {
                let answer = in_time(host, self.resolver.resolve(host)).await?;
                if self.found.borrow_mut().addresses(host, answer.found) {
                    self.publish(self.reassemble()?);
                }
                Ok(answer.ttl)
            }
            Query::Servers(service) => {
                let answer = in_time(service, self.resolver.servers(service)).await?;
                if self.found.borrow_mut().servers(service, answer.found) {
                    self.publish(self.reassemble()?);
                    self.watch();
                }
                Ok(answer.ttl)
            }
        }
    }

    fn said(&self, query: &Query, error: &str) -> String {
        if self.found.borrow().knows(query) {
            format!("{error}; its last answer stays in use")
        } else {
            error.to_owned()
        }
    }

    /// A failed look-up is news for checks that wait for an address.
    fn wake_backends_of(&self, query: &Query) {
        for backend in self.publisher.current().backends() {
            if Query::of(&backend.identity().endpoint).as_ref() == Some(query) {
                backend.doubt().notify_one();
            }
        }
    }
}

async fn in_time<T>(
    name: &str,
    look_up: impl Future<Output = Result<T, ResolveError>>,
) -> Result<T, String> {
    match timeout(PATIENCE, look_up).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("cannot resolve {name}: no answer in time")),
    }
}
