//! Many clients at once, some of whom leave in the middle: nobody gets a byte of another's body,
//! and no backend does.

use std::thread;

use fastrand::Rng;

use crate::vocabulary::{Client, Objects, Running, Security, Sidekick};

const CLIENTS: u64 = 16;
const BODIES: usize = 4;
/// From 8 MiB on, downloads get larger pipes.
const SIZES: [usize; 5] = [1 << 20, 2_000_003, 4_000_011, 8 << 20, 10_000_019];

/// Where a client leaves that does.
fn leaves_at(random: &mut Rng, size: usize) -> Option<usize> {
    random.bool().then(|| random.usize(..size))
}

fn download(client: &mut Client, number: usize, bytes: &[u8]) {
    client.send(format!("GET /{number} HTTP/1.1\r\nHost: b\r\n\r\n"));
    client.read_head();
    let body = client.connection.exactly(bytes.len()).expect("the body");
    assert!(body == bytes, "another's bytes in object {number}");
}

fn upload(client: &mut Client, number: usize, size: usize, bytes: &[u8]) {
    client.send(format!(
        "PUT /{number} HTTP/1.1\r\nHost: b\r\nContent-Length: {size}\r\n\r\n"
    ));
    client.send(bytes);
    if bytes.len() == size {
        assert_eq!(client.read_response().status(), 200);
    }
}

/// One client after the other, as one that leaves is followed by the next.
fn clients(sidekick: &Running, objects: &Objects, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let mut client = sidekick.client();
    for _ in 0..BODIES {
        let number = random.usize(..SIZES.len());
        let object = objects.bytes(number);
        let leaves = leaves_at(&mut random, object.len());
        if leaves.is_some() {
            client.connection.narrow().expect("a size");
        }
        let bytes = &object[..leaves.unwrap_or(object.len())];
        if random.bool() {
            download(&mut client, number, bytes);
        } else {
            upload(&mut client, number, object.len(), bytes);
        }
        if leaves.is_some() {
            client.vanish();
            client = sidekick.client();
        }
    }
}

#[test]
fn bodies_never_mix_where_clients_leave_in_the_middle() {
    let objects = Objects::of(SIZES);
    let origin = objects.origin(Security::Clear);
    let sidekick = Sidekick::new().site([&origin]).start();
    thread::scope(|scope| {
        for seed in 0..CLIENTS {
            let (sidekick, objects) = (&sidekick, &objects);
            scope.spawn(move || clients(sidekick, objects, seed));
        }
    });
    assert!(!sidekick.pipes().is_empty());
    assert_eq!(objects.wrong_uploads(), 0, "another's bytes in an upload");
}
