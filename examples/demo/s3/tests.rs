//! The client against the server, without anything in between.

use super::*;
use bytes::Bytes;
use std::fmt::Write;
use std::future::Future;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BUCKET: &str = "photos";

fn credentials() -> Credentials {
    Credentials::new("demo", "demo-secret")
}

/// Runs `scene` with a server that has the bucket, and a client of it.
fn with_server<F: Future<Output = ()>>(scene: impl FnOnce(S3Server, S3Client) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let server = S3Server::start(Store::default(), &credentials()).expect("a server");
        let mut client = S3Client::new(server.address(), credentials());
        client.create_bucket(BUCKET).await.expect("a bucket");
        scene(server, client).await;
    });
}

fn request<'a>(method: &'a str, path: &'a str) -> Request<'a> {
    Request {
        method,
        path,
        ..Request::default()
    }
}

#[test]
fn what_was_written_is_read_listed_and_deleted() {
    with_server(async |_server, mut client| {
        let body = Bytes::from(vec![7; 100_000]);
        let fields = [("content-type", "image/png"), ("x-amz-meta-owner", "me")];
        client
            .put(BUCKET, "a key/ü", body.clone(), &fields)
            .await
            .expect("written");

        let read = client.get(BUCKET, "a key/ü").await.expect("read");
        assert_eq!(read.body, body);
        assert_eq!(read.field("content-type"), Some("image/png"));
        assert_eq!(read.field("x-amz-meta-owner"), Some("me"));

        let part = client
            .get_range(BUCKET, "a key/ü", (10, 20, 100_000))
            .await
            .expect("a part");
        assert_eq!(part.body, body.slice(10..30));
        let head = client.head(BUCKET, "a key/ü").await.expect("a head");
        assert_eq!(head.field("content-length"), Some("100000"));

        for key in ["b", "c", "d"] {
            client
                .put(BUCKET, key, Bytes::new(), &[])
                .await
                .expect("written");
        }
        assert_eq!(
            client.list(BUCKET, "", 2).await.expect("listed"),
            ["a key/ü", "b", "c", "d"]
        );
        client.delete(BUCKET, "c").await.expect("deleted");
        assert_eq!(
            client.list(BUCKET, "", 2).await.expect("listed"),
            ["a key/ü", "b", "d"]
        );
        let gone = client.get(BUCKET, "c").await.expect_err("gone");
        assert!(matches!(gone, Error::Status(404, _)), "{gone}");
    });
}

#[test]
fn a_wrong_secret_and_no_signature_are_refused_but_the_health_check_is_answered() {
    with_server(async |server, mut client| {
        let mut stranger = S3Client::new(server.address(), Credentials::new("demo", "guess"));
        let refused = stranger.list(BUCKET, "", 10).await.expect_err("refused");
        assert!(matches!(refused, Error::Status(403, _)), "{refused}");
        let root = client
            .send_anonymous(&request("GET", "/"))
            .await
            .expect("answered");
        assert_eq!(root.status, 403);
        let before = server.requests();
        let health = client
            .send_anonymous(&request("GET", HEALTH_PATH))
            .await
            .expect("answered");
        assert_eq!((health.status, server.health_checks()), (200, 1));
        assert_eq!(server.requests(), before);
    });
}

#[test]
fn conditions_are_judged_by_the_entity_tag() {
    with_server(async |_server, mut client| {
        client
            .put(BUCKET, "k", Bytes::from("one"), &[])
            .await
            .expect("written");
        let head = client.head(BUCKET, "k").await.expect("a head");
        let tag = head.field("etag").expect("a tag").to_owned();
        for (field, value, status) in [
            ("if-match", tag.as_str(), 200),
            ("if-match", "\"other\"", 412),
            ("if-none-match", tag.as_str(), 304),
            ("if-none-match", "\"other\"", 200),
        ] {
            let fields = [(field, value)];
            let request = Request {
                fields: &fields,
                ..request("GET", "/photos/k")
            };
            let response = client.send(&request).await.expect("answered");
            assert_eq!(response.status, status, "{field}: {value}");
            if status == 304 {
                assert_eq!(response.field("etag"), Some(tag.as_str()));
            }
        }
        let fields = [("if-none-match", "*")];
        let create = Request {
            fields: &fields,
            ..request("PUT", "/photos/k")
        };
        assert_eq!(client.send(&create).await.expect("answered").status, 412);
        let resumed = [("range", "bytes=1-"), ("if-match", tag.as_str())];
        let resume = Request {
            fields: &resumed,
            ..request("GET", "/photos/k")
        };
        let rest = client.send(&resume).await.expect("answered");
        assert_eq!((rest.status, &rest.body[..]), (206, &b"ne"[..]));
    });
}

#[test]
fn parts_become_an_object_with_a_tag_that_counts_them() {
    with_server(async |_server, mut client| {
        let begin = Request {
            query: &[("uploads", "")],
            ..request("POST", "/photos/big")
        };
        let begun = client.send(&begin).await.expect("begun");
        let text = String::from_utf8_lossy(&begun.body).into_owned();
        let id = text
            .split("<UploadId>")
            .nth(1)
            .and_then(|rest| rest.split('<').next());
        let id = id.expect("an upload id").to_owned();
        let mut named = String::new();
        for (number, body) in [("1", "hello "), ("2", "world")] {
            let query = [("partNumber", number), ("uploadId", id.as_str())];
            let body = Bytes::from(body);
            let part = Request {
                query: &query,
                body,
                ..request("PUT", "/photos/big")
            };
            let response = client.send(&part).await.expect("a part");
            let tag = response.field("etag").expect("a tag");
            let _ = write!(
                named,
                "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
            );
        }
        let body = format!("<CompleteMultipartUpload>{named}</CompleteMultipartUpload>");
        let query = [("uploadId", id.as_str())];
        let body = Bytes::from(body);
        let complete = Request {
            query: &query,
            body,
            ..request("POST", "/photos/big")
        };
        assert_eq!(client.send(&complete).await.expect("completed").status, 200);
        let read = client.get(BUCKET, "big").await.expect("read");
        assert_eq!(&read.body[..], b"hello world");
        assert!(read.field("etag").is_some_and(|tag| tag.ends_with("-2\"")));

        let copy = [("x-amz-copy-source", "/photos/big")];
        let copy = Request {
            fields: &copy,
            ..request("PUT", "/photos/copy")
        };
        assert_eq!(client.send(&copy).await.expect("copied").status, 200);
        assert_eq!(
            client.get(BUCKET, "copy").await.expect("read").body,
            read.body
        );
    });
}

#[test]
fn a_stopped_server_refuses_until_it_is_restarted_on_its_port() {
    with_server(async |server, mut client| {
        client
            .put(BUCKET, "k", Bytes::from("kept"), &[])
            .await
            .expect("written");
        for stop_gracefully in [true, false] {
            if stop_gracefully {
                server.stop_gracefully().await.expect("stopped");
            } else {
                server.kill().await.expect("killed");
            }
            for _ in 0..2 {
                let refused = client.get(BUCKET, "k").await.expect_err("stopped");
                assert!(matches!(refused, Error::Connection(_)), "{refused}");
            }
            server.restart().await.expect("restarted");
            assert_eq!(
                &client.get(BUCKET, "k").await.expect("read").body[..],
                b"kept"
            );
        }
    });
}

/// The bytes of a response that a client of `server` reads while `stop` is done to it.
async fn read_during(
    server: &S3Server,
    client: &S3Client,
    stop: impl Future<Output = std::io::Result<()>>,
) -> usize {
    let (head, _) = client.signed_head(&request("GET", "/photos/big"));
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let first = stream.read_u8().await.expect("the response has begun");
    let mut rest = Vec::new();
    let (stopped, _) = tokio::join!(stop, stream.read_to_end(&mut rest));
    stopped.expect("stopped");
    assert_eq!(first, b'H');
    rest.len()
}

#[test]
fn a_graceful_stop_finishes_a_response_and_a_kill_does_not() {
    const SIZE: usize = 32 << 20;
    with_server(async |server, mut client| {
        client
            .put(BUCKET, "big", Bytes::from(vec![1; SIZE]), &[])
            .await
            .expect("written");
        assert!(read_during(&server, &client, server.stop_gracefully()).await > SIZE);
        server.restart().await.expect("restarted");
        assert!(read_during(&server, &client, server.kill()).await < SIZE);
    });
}
