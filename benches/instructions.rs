//! How many instructions the parts of a small request take, and how many they may: run by
//! `bench/instructions`, under valgrind. Unlike time they are the same on a busy machine.

#![expect(
    missing_docs,
    clippy::exit,
    clippy::disallowed_methods,
    reason = "made by the macros"
)]

mod inputs;

use std::hint::black_box;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use inputs::{Field, RESPONSE, SIGNED_REQUEST, SMALL_REQUEST};
use sidekick::balance::Policy;
use sidekick::http::{RequestHead, ResponseHead};

/// At most this many instructions: some ten in a hundred more than when it was last looked at.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

/// A head that has been used before, as on a kept-alive connection.
fn used_request(bytes: &'static [u8]) -> (RequestHead, &'static [u8]) {
    let mut head = RequestHead::default();
    inputs::parse_request(&mut head, bytes);
    (head, bytes)
}

fn used_response() -> ResponseHead {
    let mut head = ResponseHead::default();
    inputs::parse_response(&mut head, RESPONSE);
    head
}

fn request_to_write(bytes: &'static [u8]) -> (RequestHead, &'static [u8], Vec<u8>) {
    let (head, out) = inputs::request_to_write(bytes);
    (head, bytes, out)
}

#[library_benchmark(setup = used_request)]
#[bench::small(args = (SMALL_REQUEST), config = at_most(2300))]
#[bench::signed(args = (SIGNED_REQUEST), config = at_most(5900))]
fn parse_request((mut head, bytes): (RequestHead, &'static [u8])) -> RequestHead {
    inputs::parse_request(&mut head, bytes);
    black_box(head)
}

#[library_benchmark]
#[bench::s3(args = (), setup = used_response, config = at_most(6500))]
fn parse_response(mut head: ResponseHead) -> ResponseHead {
    inputs::parse_response(&mut head, RESPONSE);
    black_box(head)
}

#[library_benchmark(setup = request_to_write)]
#[bench::small(args = (SMALL_REQUEST), config = at_most(790))]
#[bench::signed(args = (SIGNED_REQUEST), config = at_most(1010))]
fn write_request(
    (head, bytes, mut out): (RequestHead, &'static [u8], Vec<u8>),
) -> (RequestHead, Vec<u8>) {
    inputs::write_to_backend(&head, bytes, &mut out);
    black_box((head, out))
}

#[library_benchmark]
#[bench::s3(args = (), setup = inputs::response_to_write, config = at_most(520))]
fn write_response((head, mut out): (ResponseHead, Vec<u8>)) -> (ResponseHead, Vec<u8>) {
    inputs::write_to_client(&head, &mut out);
    black_box((head, out))
}

#[library_benchmark(setup = Field::of)]
#[bench::of_4(args = (Policy::Least, 4), config = at_most(560))]
#[bench::of_16(args = (Policy::Least, 16), config = at_most(790))]
#[bench::of_1000(args = (Policy::Least, 1000), config = at_most(1090))]
fn pick_least(mut field: Field) -> Field {
    field.request();
    black_box(field)
}

#[library_benchmark(setup = Field::of)]
#[bench::of_1000(args = (Policy::Random, 1000), config = at_most(405))]
fn pick_random(mut field: Field) -> Field {
    field.request();
    black_box(field)
}

#[library_benchmark(setup = Field::of)]
#[bench::of_1000(args = (Policy::RoundRobin, 1000), config = at_most(365))]
fn pick_round_robin(mut field: Field) -> Field {
    field.request();
    black_box(field)
}

#[library_benchmark(setup = Field::of)]
#[bench::of_1000(args = (Policy::P2c, 1000), config = at_most(860))]
fn pick_p2c(mut field: Field) -> Field {
    field.request();
    black_box(field)
}

#[library_benchmark(setup = inputs::chunked)]
#[bench::of_8192(args = (64 << 10, 8192), config = at_most(4200))]
#[bench::of_16(args = (64 << 10, 16), config = at_most(1_540_000))]
fn scan_chunks(body: Vec<u8>) -> Vec<u8> {
    inputs::scan(&body);
    black_box(body)
}

library_benchmark_group!(
    name = small_request;
    benchmarks =
        parse_request,
        parse_response,
        write_request,
        write_response,
        pick_least,
        pick_random,
        pick_round_robin,
        pick_p2c,
        scan_chunks
);
main!(library_benchmark_groups = small_request);
