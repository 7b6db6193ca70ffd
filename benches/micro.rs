//! The time that the parts of a small request take: `cargo bench --bench micro`.
//!
//! For comparing two builds on one quiet machine; what must not grow is in `instructions`.

mod inputs;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use inputs::{Field, RESPONSE, SIGNED_REQUEST, SMALL_REQUEST};
use sidekick::balance::Policy;
use sidekick::http::{RequestHead, ResponseHead};

const REQUESTS: [(&str, &[u8]); 2] = [("small", SMALL_REQUEST), ("signed", SIGNED_REQUEST)];

fn heads(criterion: &mut Criterion) {
    for (name, bytes) in REQUESTS {
        let mut head = RequestHead::default();
        criterion.bench_function(&format!("parse request/{name}"), |bencher| {
            bencher.iter(|| inputs::parse_request(&mut head, bytes));
        });
        let (head, mut out) = inputs::request_to_write(bytes);
        criterion.bench_function(&format!("write request/{name}"), |bencher| {
            bencher.iter(|| inputs::write_to_backend(&head, bytes, &mut out));
        });
    }
    let mut head = ResponseHead::default();
    criterion.bench_function("parse response", |bencher| {
        bencher.iter(|| inputs::parse_response(&mut head, RESPONSE));
    });
    let (head, mut out) = inputs::response_to_write();
    criterion.bench_function("write response", |bencher| {
        bencher.iter(|| inputs::write_to_client(&head, &mut out));
    });
}

fn picking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pick");
    for (name, policy) in [
        ("least", Policy::Least),
        ("random", Policy::Random),
        ("round-robin", Policy::RoundRobin),
        ("p2c", Policy::P2c),
    ] {
        for count in [4, 16, 1000] {
            let mut field = Field::of(policy, count);
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| field.request());
            });
        }
    }
}

fn chunks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan chunks");
    for chunk in [8192, 16] {
        let body = inputs::chunked(64 << 10, chunk);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(chunk), |bencher| {
            bencher.iter(|| inputs::scan(&body));
        });
    }
}

criterion_group!(micro, heads, picking, chunks);
criterion_main!(micro);
