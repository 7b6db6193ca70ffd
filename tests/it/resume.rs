//! A download whose backend dies goes on from another one, or is cut: never a wrong byte.

#![expect(
    clippy::disallowed_methods,
    reason = "what freezes, or is slow, does so for a time"
)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::vocabulary::{Head, Health, Origin, OriginConnection, Running, Sidekick, wait_until};

const ETAG: &str = "\"0123-7\"";

/// Bytes that tell their own position.
fn object(size: usize) -> Arc<[u8]> {
    (0..size)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
        .collect()
}

/// How a connection breaks.
#[derive(Clone, Copy)]
enum Death {
    Fin,
    Rst,
    /// Nothing more comes, and the connection stays.
    Silence,
}

/// Answers as S3 does: a range if one is asked for, 412 when the object is another one. Sends at
/// most `limit` bytes of the body and dies then.
fn serve(
    connection: &mut OriginConnection,
    object: &[u8],
    etag: &str,
    limit: usize,
    death: Death,
) -> io::Result<()> {
    let head = connection.request.clone();
    let (status, body, range) = match asked_range(&head, object.len()) {
        _ if head.field("If-Match").is_some_and(|asked| asked != etag) => {
            return connection
                .send("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n");
        }
        Some((first, last)) => (
            "206 Partial Content",
            &object[first..=last],
            format!("Content-Range: bytes {first}-{last}/{}\r\n", object.len()),
        ),
        None => ("200 OK", object, String::new()),
    };
    connection.send(format!(
        "HTTP/1.1 {status}\r\nETag: {etag}\r\n{range}Content-Length: {}\r\n\r\n",
        body.len()
    ))?;
    connection.send(&body[..body.len().min(limit)])?;
    if limit < body.len() {
        match death {
            Death::Fin => connection.close(),
            Death::Rst => {
                // A reset discards what is on its way: let it arrive first.
                std::thread::sleep(Duration::from_millis(50));
                connection.reset();
            }
            Death::Silence => std::thread::sleep(Duration::from_secs(20)),
        }
    }
    Ok(())
}

/// `bytes=N-M` or `bytes=N-`.
fn asked_range(head: &Head, size: usize) -> Option<(usize, usize)> {
    let text = head.field("Range")?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let last = last.parse().unwrap_or(size - 1);
    Some((first.parse().ok()?, last))
}

/// The first request that comes, wherever, dies after `limit` bytes; every other one is served.
fn dying(count: usize, object: &Arc<[u8]>, limit: usize, death: Death) -> Vec<Origin> {
    let asked = Arc::new(AtomicUsize::new(0));
    (0..count)
        .map(|_| {
            let (asked, object) = (Arc::clone(&asked), Arc::clone(object));
            Origin::scripted(move |connection| {
                let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
                let limit = if first { limit } else { usize::MAX };
                serve(connection, &object, ETAG, limit, death)
            })
        })
        .collect()
}

/// All requests at these origins in the order of the ranges that they ask for.
fn asked(origins: &[Origin]) -> Vec<Head> {
    let mut heads: Vec<Head> = origins
        .iter()
        .flat_map(Origin::requests)
        .map(|received| received.head)
        .collect();
    heads.sort_by_key(|head| asked_range(head, usize::MAX).map(|range| range.0));
    heads
}

fn resumes(sidekick: &Running, origins: &[Origin]) -> u64 {
    origins
        .iter()
        .map(|origin| sidekick.metric_of("sidekick_resumes_total", origin) as u64)
        .sum()
}

#[test]
fn download_goes_on_from_another_backend_at_the_very_byte() {
    let object = object(3 << 20);
    for death in [Death::Fin, Death::Rst] {
        for limit in [0, 1, 2_000, 100_000, 2 << 20, (3 << 20) - 1] {
            let origins = dying(2, &object, limit, death);
            let sidekick = Sidekick::new().site(&origins).start();
            let response = sidekick.get("/bucket/key");
            assert_eq!(response.status(), 200, "cut after {limit}");
            assert!(response.body[..] == object[..], "cut after {limit}");
            let heads = asked(&origins);
            assert_eq!(heads.len(), 2);
            let range = format!("bytes={limit}-{}", object.len() - 1);
            assert_eq!(heads[1].values("Range"), [range]);
            assert_eq!(heads[1].values("If-Match"), [ETAG]);
            assert_eq!(resumes(&sidekick, &origins), 1);
        }
    }
}

#[test]
fn connection_of_the_client_goes_on_afterwards() {
    let object = object(300_000);
    let origins = dying(2, &object, 1000, Death::Fin);
    let sidekick = Sidekick::new().site(&origins).start();
    let mut client = sidekick.client();
    for _ in 0..3 {
        assert!(client.get("/key").body[..] == object[..]);
    }
    let line = sidekick.stdout_line_where(|line| line.contains("GET /key"));
    assert!(line.contains("[200 OK]"), "{line}");
    assert!(
        !line.contains("closed"),
        "nothing to complain of is left: {line}"
    );
}

#[test]
fn download_goes_on_as_often_as_needed() {
    let object = object(6 << 20);
    let origins: Vec<Origin> = (0..3)
        .map(|_| {
            let object = Arc::clone(&object);
            Origin::scripted(move |connection| {
                serve(connection, &object, ETAG, 700_000, Death::Fin)
            })
        })
        .collect();
    let sidekick = Sidekick::new().site(&origins).start();
    assert!(sidekick.get("/key").body[..] == object[..]);
    assert_eq!(asked(&origins).len(), 9);
}

#[test]
fn ranged_download_goes_on_within_its_range() {
    let object = object(1 << 20);
    let origins = dying(2, &object, 200_000, Death::Fin);
    let sidekick = Sidekick::new().site(&origins).start();
    let response =
        sidekick.exchange("GET /key HTTP/1.1\r\nHost: b\r\nRange: bytes=100000-899999\r\n\r\n");
    assert_eq!(response.status(), 206);
    assert!(response.body[..] == object[100_000..900_000]);
    assert_eq!(asked(&origins)[1].values("Range"), ["bytes=300000-899999"]);
}

#[test]
fn signed_range_is_asked_for_again_and_its_beginning_left_out() {
    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AK/20260101/r/s3/aws4_request, \
                                 SignedHeaders=host;range, Signature=00";
    let object = object(1 << 20);
    let origins = dying(2, &object, 200_000, Death::Fin);
    let sidekick = Sidekick::new().site(&origins).start();
    let response = sidekick.exchange(format!(
        "GET /key HTTP/1.1\r\nHost: b\r\nRange: bytes=100000-899999\r\n\
         Authorization: {AUTHORIZATION}\r\n\r\n"
    ));
    assert!(response.body[..] == object[100_000..900_000]);
    for head in asked(&origins) {
        assert_eq!(head.values("Range"), ["bytes=100000-899999"]);
        assert_eq!(head.values("Authorization"), [AUTHORIZATION]);
    }
}

type Answer = fn(&mut OriginConnection, &[u8]) -> io::Result<()>;

#[test]
fn another_version_of_the_object_is_never_mixed_in() {
    let old = object(1 << 20);
    let new: Arc<[u8]> = old.iter().map(|byte| !byte).collect();
    let answers: [Answer; 4] = [
        // Refused by If-Match.
        |connection, new| serve(connection, new, "\"new\"", usize::MAX, Death::Fin),
        // If-Match is not known there: the answer's own ETag tells.
        |connection, new| {
            connection.send(format!(
                "HTTP/1.1 206 Partial Content\r\nETag: \"new\"\r\nContent-Length: {}\r\n\
                 Content-Range: bytes 200000-{}/{}\r\n\r\n",
                new.len() - 200_000,
                new.len() - 1,
                new.len()
            ))?;
            connection.send(&new[200_000..])
        },
        // Ranges are not known there.
        |connection, new| {
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nETag: {ETAG}\r\nContent-Length: {}\r\n\r\n",
                new.len()
            ))?;
            connection.send(new)
        },
        // Another range than was asked for.
        |connection, new| {
            connection.send(format!(
                "HTTP/1.1 206 Partial Content\r\nETag: {ETAG}\r\nContent-Length: {}\r\n\
                 Content-Range: bytes 200001-{}/{}\r\n\r\n",
                new.len() - 200_001,
                new.len() - 1,
                new.len()
            ))?;
            connection.send(&new[200_001..])
        },
    ];
    for answer in answers {
        let asked = Arc::new(AtomicUsize::new(0));
        let origins = [(); 2].map(|()| {
            let (asked, old, new) = (Arc::clone(&asked), Arc::clone(&old), Arc::clone(&new));
            Origin::scripted(move |connection| {
                if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                    serve(connection, &old, ETAG, 200_000, Death::Fin)
                } else {
                    answer(connection, &new)
                }
            })
        });
        let sidekick = Sidekick::new().site(&origins).start();
        let mut client = sidekick.client();
        client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
        let head = client.read_head();
        let bytes = client.read_cut_body(&head);
        assert!(bytes[..] == old[..bytes.len()], "not a byte of the other");
    }
}

#[test]
fn without_a_strong_etag_a_download_is_cut() {
    for etag in ["W/\"x\"", "x"] {
        let object = object(500_000);
        let origins = [(); 2].map(|()| {
            let object = Arc::clone(&object);
            Origin::scripted(move |connection| {
                serve(connection, &object, etag, 100_000, Death::Fin)
            })
        });
        let sidekick = Sidekick::new().site(&origins).start();
        let mut client = sidekick.client();
        client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
        let head = client.read_head();
        assert!(client.read_cut_body(&head)[..] == object[..100_000]);
        assert_eq!(asked(&origins).len(), 1);
    }
}

#[test]
fn backend_that_cannot_serve_the_rest_leaves_it_to_the_next() {
    let object = object(1 << 20);
    let requests = Arc::new(AtomicUsize::new(0));
    let origins: Vec<Origin> = (0..4)
        .map(|_| {
            let (requests, object) = (Arc::clone(&requests), Arc::clone(&object));
            Origin::scripted(
                move |connection| match requests.fetch_add(1, Ordering::SeqCst) {
                    0 => serve(connection, &object, ETAG, 300_000, Death::Rst),
                    1 => connection.send("HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"),
                    2 => {
                        connection.reset();
                        Ok(())
                    }
                    _ => serve(connection, &object, ETAG, usize::MAX, Death::Fin),
                },
            )
        })
        .collect();
    let sidekick = Sidekick::new().site(&origins).start();
    assert!(sidekick.get("/key").body[..] == object[..]);
    assert_eq!(asked(&origins).len(), 4);
}

#[test]
fn client_is_not_told_of_interim_responses_in_the_middle_of_a_body() {
    let object = object(400_000);
    let requests = Arc::new(AtomicUsize::new(0));
    let origins = [(); 2].map(|()| {
        let (requests, object) = (Arc::clone(&requests), Arc::clone(&object));
        Origin::scripted(move |connection| {
            if requests.fetch_add(1, Ordering::SeqCst) == 0 {
                return serve(connection, &object, ETAG, 100_000, Death::Fin);
            }
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")?;
            serve(connection, &object, ETAG, usize::MAX, Death::Fin)
        })
    });
    let sidekick = Sidekick::new().site(&origins).start();
    assert!(sidekick.get("/key").body[..] == object[..]);
}

#[test]
fn backend_that_freezes_is_left_when_its_checks_say_so() {
    for limit in [0, 200_000] {
        let object = object(1 << 20);
        let requests = Arc::new(AtomicUsize::new(0));
        let origins = [(); 2].map(|()| {
            let (requests, object) = (Arc::clone(&requests), Arc::clone(&object));
            Origin::scripted(move |connection| {
                if requests.fetch_add(1, Ordering::SeqCst) == 0 {
                    if limit == 0 {
                        std::thread::sleep(Duration::from_secs(20));
                    }
                    return serve(connection, &object, ETAG, limit, Death::Silence);
                }
                serve(connection, &object, ETAG, usize::MAX, Death::Fin)
            })
        });
        let sidekick = Sidekick::new()
            .option("--health-timeout", "500ms")
            .site(&origins)
            .start();
        let mut client = sidekick.client();
        client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
        wait_until("the request is somewhere", || !asked(&origins).is_empty());
        for origin in origins.iter().filter(|origin| origin.request_count() > 0) {
            origin.answer_health_with(Health::Silence);
        }
        let response = client.read_response();
        assert!(response.body[..] == object[..], "frozen after {limit}");
    }
}

#[test]
fn slow_backend_whose_checks_pass_is_waited_for() {
    let origins = [(); 2].map(|()| {
        Origin::scripted(|connection| {
            std::thread::sleep(Duration::from_millis(3500));
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
        })
    });
    let sidekick = Sidekick::new().site(&origins).start();
    assert_eq!(sidekick.get("/").text(), "slow");
    assert_eq!(asked(&origins).len(), 1);
}

#[test]
fn download_that_gets_no_further_ends() {
    let object = object(500_000);
    let origins: Vec<Origin> = (0..2)
        .map(|_| {
            let object = Arc::clone(&object);
            Origin::scripted(move |connection| {
                let is_first = !connection.request.has("Range");
                let limit = if is_first { 100_000 } else { 0 };
                serve(connection, &object, ETAG, limit, Death::Fin)
            })
        })
        .collect();
    let sidekick = Sidekick::new().site(&origins).start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    let head = client.read_head();
    assert!(client.read_cut_body(&head)[..] == object[..100_000]);
    assert!(
        asked(&origins).len() <= 1 + 7,
        "as many as --retries allows"
    );
}

#[test]
fn no_retries_means_no_resuming_either() {
    let object = object(500_000);
    let origins = dying(2, &object, 100_000, Death::Fin);
    let sidekick = Sidekick::new()
        .option("--retries", "0")
        .site(&origins)
        .start();
    let mut client = sidekick.client();
    client.send("GET /key HTTP/1.1\r\nHost: b\r\n\r\n");
    let head = client.read_head();
    assert!(client.read_cut_body(&head)[..] == object[..100_000]);
    assert_eq!(asked(&origins).len(), 1);
}
