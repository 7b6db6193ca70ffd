//! Several workers serve side by side, each its own clients.

use std::thread;

use crate::vocabulary::{Client, Objects, Security, Sidekick};

const ROUNDS: usize = 3;

/// Two clients for each worker. Connections to backends are a worker's own: clients that ask one
/// after the other need one for each worker that serves.
fn every_worker_serves(threads: usize) {
    let objects = Objects::of([10, 200_000]);
    let origin = objects.origin(Security::Clear);
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", threads.to_string())
        .start();
    let mut clients: Vec<Client> = (0..2 * threads).map(|_| sidekick.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/0").body, objects.bytes(0));
    }
    let connections = origin.connections();
    assert!(
        connections >= threads,
        "{threads} workers, {connections} connections"
    );
    thread::scope(|scope| {
        for mut client in clients {
            let objects = &objects;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    assert!(client.get("/1").body == objects.bytes(1), "wrong bytes");
                    assert_eq!(client.put("/1", objects.bytes(1)).status(), 200);
                }
            });
        }
    });
    assert_eq!(objects.wrong_uploads(), 0);
    let pipes = sidekick.pipes().len();
    assert!(pipes >= threads, "{threads} workers, {pipes} pipes");
}

#[test]
fn two_workers_serve() {
    every_worker_serves(2);
}

#[test]
fn sixteen_workers_serve() {
    every_worker_serves(16);
}
