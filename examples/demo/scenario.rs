//! What is stopped and started when, and whether the requests went where they should.

use crate::human;
use crate::narrator::Narrator;
use crate::sites::{Sites, Tally, wait_until};
use std::io;
use std::time::Duration;
use tokio::time::sleep;

/// The smallest share of a site's requests that one of its two servers may have while both run.
const FAIR_SHARE: f64 = 0.3;

/// What requests that were under way when traffic moved may take to arrive.
const SETTLE: Duration = Duration::from_millis(250);

/// Something that had to be so.
pub(crate) struct Check {
    pub(crate) what: &'static str,
    pub(crate) holds: bool,
}

/// How the play went.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) checks: Vec<Check>,
    /// Each time that requests moved, in words.
    pub(crate) failovers: Vec<String>,
}

struct Scene<'a> {
    sites: &'a Sites,
    narrator: &'a Narrator,
    outcome: Outcome,
    part: Duration,
}

/// Plays all five parts, `length` together.
pub(crate) async fn play(
    sites: &Sites,
    length: Duration,
    narrator: &Narrator,
) -> io::Result<Outcome> {
    let mut scene = Scene {
        sites,
        narrator,
        outcome: Outcome::default(),
        part: length / 5,
    };
    scene.all_servers_run().await;
    scene.one_server_stops().await?;
    scene.the_server_comes_back().await?;
    scene.the_site_stops().await?;
    scene.the_site_comes_back().await?;
    Ok(scene.outcome)
}

impl Scene<'_> {
    async fn all_servers_run(&mut self) {
        self.narrator.say("all four servers run");
        sleep(SETTLE).await;
        let served = self.watch().await;
        self.check(
            "while all ran, site 1 shared the work fairly",
            shared(served[0]),
        );
        self.check("while all ran, site 2 rested", served[1] == [0, 0]);
    }

    async fn one_server_stops(&mut self) -> io::Result<()> {
        let [one, _] = self.sites.first();
        self.narrator
            .say(&format!("server 1 of site 1 stops ({})", one.address()));
        one.stop_gracefully().await?;
        let [[first, second], other_site] = self.watch().await;
        self.check(
            "while server 1 was gone, server 2 took its work",
            first == 0 && second > 0,
        );
        self.check(
            "while server 1 was gone, site 2 rested",
            other_site == [0, 0],
        );
        self.outcome
            .failovers
            .push("from server 1 to server 2 of site 1".to_owned());
        Ok(())
    }

    async fn the_server_comes_back(&mut self) -> io::Result<()> {
        let [one, _] = self.sites.first();
        self.narrator.say("server 1 of site 1 comes back");
        let before = self.sites.tally();
        one.restart().await?;
        let took = wait_until(|now| now[0][0] > before[0][0], self.sites).await;
        self.moved("server 1 of site 1 serves again", took);
        let [[first, second], other_site] = self.watch().await;
        self.check(
            "once server 1 was back, both had work",
            first > 0 && second > 0,
        );
        self.check(
            "once server 1 was back, site 2 rested",
            other_site == [0, 0],
        );
        Ok(())
    }

    async fn the_site_stops(&mut self) -> io::Result<()> {
        self.narrator.say("all of site 1 stops");
        let [one, two] = self.sites.first();
        let before = self.sites.tally();
        let (first, second, took) = tokio::join!(
            one.stop_gracefully(),
            two.stop_gracefully(),
            wait_until(|now| now[1] != before[1], self.sites),
        );
        first.and(second)?;
        self.moved("site 2 serves", took);
        let served = self.watch().await;
        self.check("while site 1 was gone, it got nothing", served[0] == [0, 0]);
        self.check(
            "while site 1 was gone, site 2 shared the work fairly",
            shared(served[1]),
        );
        Ok(())
    }

    async fn the_site_comes_back(&mut self) -> io::Result<()> {
        self.narrator.say("all of site 1 comes back");
        let [one, two] = self.sites.first();
        let before = self.sites.tally()[0];
        let (first, second) = tokio::join!(one.restart(), two.restart());
        first.and(second)?;
        let both = |now: Tally| now[0][0] > before[0] && now[0][1] > before[1];
        let took = wait_until(both, self.sites).await;
        self.moved("site 1 serves again", took);
        sleep(SETTLE).await;
        let served = self.watch().await;
        self.check(
            "once site 1 was back, both its servers had work",
            !served[0].contains(&0),
        );
        self.check("once site 1 was back, site 2 rested", served[1] == [0, 0]);
        Ok(())
    }

    /// Notes that requests went elsewhere `took` after the cause for it, or never did.
    fn moved(&mut self, what: &'static str, took: Option<Duration>) {
        self.check(what, took.is_some());
        let line = took.map_or_else(
            || format!("waited in vain until {what}"),
            |took| format!("{what}, {} after that", human::time(took)),
        );
        self.narrator.say(&line);
        self.outcome
            .failovers
            .extend(took.map(|took| format!("{what}: {}", human::time(took))));
    }

    /// Lets a part pass; the requests that arrived in it.
    async fn watch(&self) -> Tally {
        let before = self.sites.tally();
        sleep(self.part).await;
        let now = self.sites.tally();
        let served =
            [0, 1].map(|site| [0, 1].map(|server| now[site][server] - before[site][server]));
        let [one, two] = served.map(|site: [u64; 2]| site.map(human::count).join(" + "));
        self.narrator
            .say(&format!("  requests to site 1: {one}, to site 2: {two}"));
        served
    }

    fn check(&mut self, what: &'static str, holds: bool) {
        self.outcome.checks.push(Check { what, holds });
    }
}

/// Whether two servers shared their site's work: not equally, requests differ in size.
fn shared([one, two]: [u64; 2]) -> bool {
    let smaller = one.min(two) as f64;
    smaller > 0.0 && smaller >= FAIR_SHARE * (one + two) as f64
}
