//! Where the next attempt of a request goes: the first site that can serve, its best backend, and
//! one that was tried before only when all others were.

use std::sync::Arc;
use std::time::Instant;

use crate::balance::{Accept, Candidates, MOST_TRIED, Picker};
use crate::topology::{Backend, Snapshot};

/// Failed attempts after which a site is passed over while another one can serve: a site that
/// dies takes many backends with it at once, and asking each of them would keep the client
/// waiting.
const PATIENCE: usize = 2;

/// Which backends an attempt may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those in rotation.
    InRotation,
    /// For want of those, the ejected ones too.
    AnyNotDown,
}

/// The way of one request through the backends.
#[derive(Debug)]
pub(super) struct Route {
    tried: [u32; MOST_TRIED],
    count: usize,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            tried: [0; MOST_TRIED],
            count: 0,
        }
    }
}

impl Route {
    /// The backend for the next attempt; `None` when there is nothing left to try. It counts as
    /// tried from now on.
    ///
    /// In this order: backends in rotation at sites that have not failed us yet, backends in
    /// rotation anywhere, within `reach` ejected backends whose checks do not say down, and then
    /// those that were tried, if they are in rotation all the same: they may have come back.
    pub(super) fn next<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        reach: Reach,
        picker: &mut Picker,
        now: Instant,
    ) -> Option<&'a Arc<Backend>> {
        if self.count == MOST_TRIED {
            return None;
        }
        let mut search =
            |accept, patience| self.search(snapshot, accept, patience, |all| picker.pick(all, now));
        let untried = search(Accept::InRotation, PATIENCE)
            .or_else(|| search(Accept::InRotation, usize::MAX))
            .or_else(|| match reach {
                Reach::InRotation => None,
                Reach::AnyNotDown => search(Accept::Ejected, usize::MAX),
            });
        let found = match untried {
            Some(found) => found,
            None if reach == Reach::AnyNotDown => {
                let all = |candidates: Candidates<'_>| picker.pick(candidates, now);
                let found =
                    Self::default().search(snapshot, Accept::InRotation, usize::MAX, all)?;
                self.count = 0;
                found
            }
            None => return None,
        };
        self.leave_out(found);
        Some(found)
    }

    /// Counts a backend as tried.
    pub(super) fn leave_out(&mut self, backend: &Backend) {
        if let Some(slot) = self.tried.get_mut(self.count) {
            *slot = backend.load().place();
            self.count += 1;
        }
    }

    fn search<'a>(
        &self,
        snapshot: &'a Snapshot,
        accept: Accept,
        patience: usize,
        mut pick: impl FnMut(Candidates<'_>) -> Option<usize>,
    ) -> Option<&'a Arc<Backend>> {
        let tried = &self.tried[..self.count];
        snapshot.sites().iter().find_map(|site| {
            let failures = || {
                tried
                    .iter()
                    .filter(|place| site.peers().places().contains(place))
                    .count()
            };
            if !tried.is_empty() && failures() >= patience {
                return None;
            }
            let candidates = Candidates::new(snapshot.loads(), site.peers(), tried, accept);
            pick(candidates).map(|index| &site.backends()[index])
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::{Reach, Route};
    use crate::balance::{LoadTable, Picker, Policy, Standing};
    use crate::topology::{Backend, Identity, Site, Snapshot};

    fn snapshot(sites: &[usize]) -> Snapshot {
        let loads = LoadTable::new(64, Instant::now());
        let mut number = 0;
        let sites = sites.iter().enumerate().map(|(site, count)| {
            let backends = (0..*count).map(|_| {
                number += 1;
                let label = format!("http://10.0.0.{number}:9000");
                let identity = Identity {
                    label: label.as_str().into(),
                    endpoint: label.parse().unwrap(),
                    configured: label.parse().unwrap(),
                    site,
                };
                let backend = Backend::new(identity, loads.register(site).unwrap(), Arc::new([]));
                backend.load().set_standing(Standing::Up);
                Arc::new(backend)
            });
            Site::new(backends.collect())
        });
        Snapshot::new(sites.collect(), Arc::clone(&loads))
    }

    fn sites_tried(snapshot: &Snapshot) -> Vec<usize> {
        let mut route = Route::default();
        let now = Instant::now();
        let mut picker = Picker::new(Policy::Least, fastrand::Rng::with_seed(1), now);
        std::iter::from_fn(|| route.next(snapshot, Reach::AnyNotDown, &mut picker, now))
            .scan(Vec::new(), |tried, backend| {
                let place = backend.load().place();
                (!tried.contains(&place)).then(|| {
                    tried.push(place);
                    backend.identity().site
                })
            })
            .collect()
    }

    fn set(snapshot: &Snapshot, site: usize, standing: Standing) {
        for backend in snapshot.sites()[site].backends() {
            backend.load().set_standing(standing);
        }
    }

    #[test]
    fn the_first_site_serves_while_it_has_a_backend_up() {
        let snapshot = snapshot(&[2, 2]);
        assert_eq!(sites_tried(&snapshot)[0], 0);
        set(&snapshot, 0, Standing::Down);
        assert_eq!(sites_tried(&snapshot), [1, 1]);
        snapshot.sites()[0].backends()[1]
            .load()
            .set_standing(Standing::Up);
        assert_eq!(sites_tried(&snapshot)[0], 0);
    }

    #[test]
    fn all_are_tried_before_one_is_tried_again() {
        let snapshot = snapshot(&[3, 2]);
        let mut sites = sites_tried(&snapshot);
        assert_eq!(sites.len(), 5);
        sites.sort_unstable();
        assert_eq!(sites, [0, 0, 0, 1, 1]);
    }

    #[test]
    fn who_was_tried_is_asked_again_only_in_rotation_and_only_within_reach() {
        let snapshot = snapshot(&[2]);
        let now = Instant::now();
        let mut picker = Picker::new(Policy::Least, fastrand::Rng::with_seed(1), now);
        let mut route = Route::default();
        for _ in 0..2 {
            let found = route.next(&snapshot, Reach::AnyNotDown, &mut picker, now);
            found.unwrap().load().set_standing(Standing::Ejected);
        }
        let mut next = |reach| {
            let found = route.next(&snapshot, reach, &mut picker, now);
            found.map(|backend| backend.load().place())
        };
        assert_eq!(next(Reach::AnyNotDown), None);
        let back = snapshot.sites()[0].backends()[1].load();
        back.set_standing(Standing::Up);
        assert_eq!(next(Reach::InRotation), None);
        assert_eq!(next(Reach::AnyNotDown), Some(back.place()));
    }

    #[test]
    fn after_two_failures_in_a_site_the_next_site_is_asked() {
        assert_eq!(sites_tried(&snapshot(&[8, 8]))[..5], [0, 0, 1, 1, 0]);
    }

    #[test]
    fn an_ejected_backend_of_the_first_site_comes_after_the_second_site() {
        let snapshot = snapshot(&[1, 1]);
        set(&snapshot, 0, Standing::Ejected);
        assert_eq!(sites_tried(&snapshot), [1, 0]);
    }

    #[test]
    fn everything_ejected_but_not_down_is_used_all_the_same() {
        let snapshot = snapshot(&[2]);
        set(&snapshot, 0, Standing::Ejected);
        assert_eq!(sites_tried(&snapshot), [0, 0]);
        set(&snapshot, 0, Standing::Down);
        assert!(sites_tried(&snapshot).is_empty());
    }
}
