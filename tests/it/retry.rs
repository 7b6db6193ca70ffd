//! What is sent again, and what never is.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::vocabulary::{
    Client, Origin, OriginConnection, Running, Sidekick, chunked_request, request,
};

/// Reads the request whole, then breaks the connection without a word.
fn breaking(connection: &mut OriginConnection) -> io::Result<()> {
    connection.body()?;
    connection.reset();
    Ok(())
}

/// Two backends: the one that gets the first request breaks it, every other request is answered.
fn one_breaks() -> ([Origin; 2], Running) {
    let broke = Arc::new(AtomicBool::new(false));
    let origin = || {
        let broke = broke.clone();
        Origin::scripted(move |connection| {
            if !broke.swap(true, Ordering::SeqCst) {
                return breaking(connection);
            }
            connection.body()?;
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        })
    };
    let origins = [origin(), origin()];
    let sidekick = Sidekick::new().site(&origins).start();
    (origins, sidekick)
}

fn requests_at(origins: &[Origin]) -> usize {
    origins.iter().map(Origin::request_count).sum()
}

#[test]
fn what_may_be_repeated_goes_to_another_backend() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        let (origins, sidekick) = one_breaks();
        let response = sidekick.exchange(format!("{method} /key HTTP/1.1\r\nHost: b\r\n\r\n"));
        assert_eq!(response.status(), 200, "{method}");
        let counts: Vec<usize> = origins.iter().map(Origin::request_count).collect();
        assert_eq!(counts, [1, 1], "{method} went to each backend once");
    }
}

#[test]
fn held_body_of_put_and_delete_is_sent_again() {
    let body = vec![b'x'; 64 * 1024];
    let uploads = [
        request("PUT", "/key", &body),
        request("DELETE", "/key", &body),
        chunked_request("PUT", "/key", &body, 1000),
    ];
    for upload in uploads {
        let (origins, sidekick) = one_breaks();
        assert_eq!(sidekick.client().exchange(upload).status(), 200);
        assert!(
            origins
                .iter()
                .all(|origin| origin.request().body.as_ref() == Some(&body))
        );
    }
}

#[test]
fn body_no_longer_held_is_not_sent_again() {
    let (origins, sidekick) = one_breaks();
    let response = sidekick
        .client()
        .exchange(request("PUT", "/key", &vec![b'x'; 4 << 20]));
    assert_eq!(response.status(), 502);
    assert_eq!(requests_at(&origins), 1);
}

#[test]
fn post_that_may_have_been_delivered_is_never_sent_twice() {
    for method in ["POST", "PATCH", "LOCK"] {
        let (origins, sidekick) = one_breaks();
        assert_eq!(
            sidekick.exchange(request(method, "/", b"x")).status(),
            502,
            "{method}"
        );
        assert_eq!(requests_at(&origins), 1, "{method}");
    }
}

#[test]
fn broken_off_in_the_head_is_broken_before_the_head() {
    let broke = Arc::new(AtomicBool::new(false));
    let origin = || {
        let broke = broke.clone();
        Origin::scripted(move |connection| {
            if !broke.swap(true, Ordering::SeqCst) {
                connection.send("HTTP/1.1 200 OK\r\nContent-Le")?;
                connection.close();
                return Ok(());
            }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
        })
    };
    let origins = [origin(), origin()];
    let sidekick = Sidekick::new().site(&origins).start();
    assert_eq!(sidekick.get("/").text(), "second");
}

#[test]
fn answer_once_begun_is_not_asked_for_again() {
    let origins = [(); 2].map(|()| {
        Origin::scripted(|connection| {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")?;
            connection.close();
            Ok(())
        })
    });
    let sidekick = Sidekick::new().site(&origins).start();
    let mut client = sidekick.client();
    client.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    let head = client.read_head();
    assert_eq!(client.read_cut_body(&head), b"only this");
    assert_eq!(
        requests_at(&origins),
        1,
        "without a strong ETag nothing can be resumed"
    );
}

#[test]
fn no_retries_means_none() {
    let origins = [Origin::scripted(breaking), Origin::scripted(breaking)];
    let sidekick = Sidekick::new()
        .site(&origins)
        .option("--retries", "0")
        .start();
    assert_eq!(sidekick.get("/").status(), 502);
    assert_eq!(requests_at(&origins), 1);
}

#[test]
fn no_backend_is_tried_twice_for_one_request() {
    let origins: Vec<Origin> = (0..3).map(|_| Origin::scripted(breaking)).collect();
    let sidekick = Sidekick::new().site(&origins).start();
    assert_eq!(sidekick.get("/").status(), 502);
    let counts: Vec<usize> = origins.iter().map(Origin::request_count).collect();
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn retries_are_counted() {
    let (origins, sidekick) = one_breaks();
    assert_eq!(sidekick.get("/").status(), 200);
    let retries: f64 = origins
        .iter()
        .map(|origin| sidekick.metric_of("sidekick_retries_total", origin))
        .sum();
    assert_eq!(retries.to_string(), "1");
}

/// A client whose backend connection is in the pool and breaks on its second request.
/// The first connection carries so many requests and breaks with the next.
fn stale_after(requests: usize) -> (Origin, Running, Client) {
    let origin = Origin::scripted(move |connection| {
        if connection.number == 1 && connection.served == requests + 1 {
            connection.reset();
            return Ok(());
        }
        connection.body()?;
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    let sidekick = Sidekick::new()
        .site([&origin])
        .option("--threads", "1")
        .start();
    let mut client = sidekick.client();
    for _ in 0..requests {
        assert_eq!(client.get("/warm").status(), 200);
    }
    (origin, sidekick, client)
}

#[test]
fn stale_connection_is_replaced_by_a_fresh_one_to_the_same_backend() {
    for method in ["GET", "PUT", "DELETE"] {
        let (origin, _sidekick, mut client) = stale_after(1);
        assert_eq!(
            client.exchange(request(method, "/", b"x")).status(),
            200,
            "{method}"
        );
        assert_eq!(
            (origin.connections(), origin.request_count()),
            (2, 3),
            "{method}"
        );
    }
}

#[test]
fn post_on_a_stale_connection_that_took_it_is_not_repeated() {
    let (origin, _sidekick, mut client) = stale_after(2);
    assert_eq!(client.exchange(request("POST", "/", b"x")).status(), 502);
    assert_eq!(origin.request_count(), 3);
}

#[test]
fn post_is_not_trusted_to_a_connection_before_its_backend_has_kept_one() {
    let (origin, _sidekick, mut client) = stale_after(1);
    assert_eq!(client.exchange(request("POST", "/", b"x")).status(), 200);
    assert_eq!(origin.connections(), 2);
}

#[test]
fn post_goes_to_a_fresh_connection_when_the_idle_one_is_closed() {
    type Ending = fn(&Origin);
    let endings: [Ending; 2] = [Origin::close_connections, Origin::reset_connections];
    for end in endings {
        let origin = Origin::saying("ok");
        let sidekick = Sidekick::new()
            .site([&origin])
            .option("--threads", "1")
            .start();
        let mut client = sidekick.client();
        for number in 1..=5 {
            assert_eq!(client.exchange(request("POST", "/", b"x")).status(), 200);
            assert_eq!(origin.request_count(), number);
            end(&origin);
        }
        assert_eq!(origin.connections(), 5);
    }
}

#[test]
fn retries_stay_within_the_budget_when_everything_fails() {
    const REQUESTS: usize = 300;
    let origins: Vec<Origin> = (0..4).map(|_| Origin::scripted(breaking)).collect();
    let sidekick = Sidekick::new()
        .option("--threads", "1")
        .site(&origins)
        .start();
    let mut client = sidekick.client();
    for _ in 0..REQUESTS {
        assert_eq!(client.get("/").status(), 502);
    }
    let retries = requests_at(&origins) - REQUESTS;
    // A fifth of the requests; a few more while the backends are found out and ejected.
    assert!(retries <= REQUESTS / 5 + 8, "{retries} retries");
    assert!(
        sidekick
            .metric("sidekick_retry_budget_spent_total", &[])
            .is_some_and(|bounded| bounded >= 200.0)
    );
}

#[test]
fn upload_that_waits_for_a_100_moves_until_one_says_it() {
    let body = vec![b'x'; 4 << 20];
    let asked = Arc::new(AtomicUsize::new(0));
    let origins: Vec<Origin> = (0..3)
        .map(|_| {
            let asked = Arc::clone(&asked);
            Origin::scripted(move |connection| {
                if asked.fetch_add(1, Ordering::SeqCst) < 2 {
                    connection.reset();
                    return Ok(());
                }
                connection.send("HTTP/1.1 100 Continue\r\n\r\n")?;
                let taken = connection.body()?.len();
                connection.send(format!(
                    "HTTP/1.1 200 OK\r\nTaken: {taken}\r\nContent-Length: 0\r\n\r\n"
                ))
            })
        })
        .collect();
    let sidekick = Sidekick::new().site(&origins).start();
    let mut client = sidekick.client();
    client.send(format!(
        "PUT /key HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    assert_eq!(client.read_response().status(), 100);
    client.send(&body);
    let response = client.read_response();
    assert_eq!(response.status(), 200);
    assert_eq!(response.field("Taken"), Some(body.len().to_string()));
    assert_eq!(requests_at(&origins), 3);
}
