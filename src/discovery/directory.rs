//! Keeps names looked up and the published snapshot in line with what was found.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::assemble::{Addresses, assemble};
use crate::balance::LoadTable;
use crate::config::{DnsConfig, Host, SiteConfig};
use crate::net::{ResolveError, Resolver};
use crate::topology::{Publisher, Snapshot};

/// The shortest time between two look-ups of a name, whatever its records say.
const SHORTEST_TTL: Duration = Duration::from_secs(1);
/// Pause after a look-up that failed; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A look-up that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sites as configured, and what their names stand for now.
pub struct Directory {
    sites: RefCell<Vec<SiteConfig>>,
    dns: RefCell<DnsConfig>,
    addresses: RefCell<Addresses>,
    watches: RefCell<HashMap<String, AbortHandle>>,
    loads: Arc<LoadTable>,
    publisher: Arc<Publisher>,
    resolver: Resolver,
    /// A new snapshot was published.
    published: Notify,
    /// Every name is to be looked up now.
    refresh: Notify,
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
        let first = assemble(&sites, &Addresses::new(), dns.round_robin, None, &loads)?;
        Ok(Rc::new(Self {
            sites: RefCell::new(sites),
            dns: RefCell::new(dns),
            addresses: RefCell::default(),
            watches: RefCell::default(),
            loads,
            publisher: Publisher::new(first),
            resolver: Resolver,
            published: Notify::new(),
            refresh: Notify::new(),
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
        let names: BTreeSet<String> = self
            .sites
            .borrow()
            .iter()
            .flat_map(|site| &site.endpoints)
            .filter_map(|endpoint| match &endpoint.host {
                Host::Name(name) => Some(name.clone()),
                Host::Ip(_) => None,
            })
            .collect();
        let mut watches = self.watches.borrow_mut();
        watches.retain(|name, task| {
            let wanted = names.contains(name);
            if !wanted {
                task.abort();
            }
            wanted
        });
        for name in names {
            watches.entry(name.clone()).or_insert_with(|| {
                tokio::task::spawn_local(Rc::clone(self).follow(name)).abort_handle()
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
        let snapshot = self.assemble(&sites, dns.round_robin)?;
        *self.sites.borrow_mut() = sites;
        *self.dns.borrow_mut() = dns;
        self.publish(snapshot);
        self.watch();
        Ok(())
    }

    fn assemble(&self, sites: &[SiteConfig], round_robin: bool) -> Result<Snapshot, String> {
        let current = self.publisher.current();
        assemble(
            sites,
            &self.addresses.borrow(),
            round_robin,
            Some(&current),
            &self.loads,
        )
    }

    fn publish(&self, snapshot: Snapshot) {
        self.publisher.publish(snapshot);
        self.published.notify_one();
    }

    /// Looks `name` up for as long as it is wanted.
    async fn follow(self: Rc<Self>, name: String) {
        let mut pause = FIRST_PAUSE;
        let mut failing = false;
        loop {
            let wait = match self.resolve(&name).await {
                Ok(ttl) => {
                    pause = FIRST_PAUSE;
                    failing = false;
                    let longest = self.dns.borrow().ttl_max.max(SHORTEST_TTL);
                    ttl.clamp(SHORTEST_TTL, longest)
                }
                Err(error) => {
                    if !failing {
                        (self.notice)(self.said(&name, &error));
                    }
                    failing = true;
                    self.wake_backends_of(&name);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.refresh.notified() => {}
            }
        }
    }

    async fn resolve(&self, name: &str) -> Result<Duration, String> {
        let found = timeout(PATIENCE, self.resolver.resolve(name)).await;
        let answer = found
            .map_err(|_| format!("cannot resolve {name}: no answer in time"))?
            .map_err(|error: ResolveError| error.to_string())?;
        let changed = self.addresses.borrow().get(name) != Some(&answer.addresses);
        if changed {
            self.addresses
                .borrow_mut()
                .insert(name.to_owned(), answer.addresses);
            let sites = self.sites.borrow();
            let snapshot = self.assemble(&sites, self.dns.borrow().round_robin)?;
            self.publish(snapshot);
        }
        Ok(answer.ttl)
    }

    fn said(&self, name: &str, error: &str) -> String {
        if self.addresses.borrow().contains_key(name) {
            format!("{error}; its last addresses stay in use")
        } else {
            error.to_owned()
        }
    }

    /// A failed look-up is news for checks that wait for an address.
    fn wake_backends_of(&self, name: &str) {
        for backend in self.publisher.current().backends() {
            if matches!(&backend.identity().endpoint.host, Host::Name(known) if known == name) {
                backend.doubt().notify_one();
            }
        }
    }
}
