//! Plays both sides of one transcript around a real process.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use super::transcript::{Expected, Step, Transcript, matches};
use crate::vocabulary::{
    Client, Connection, End, Head, Origin, OriginConnection, Running, Sidekick, escaped,
};

struct Stage {
    sidekick: Running,
    origin: Origin,
    client: Client,
    accepted: Option<OriginConnection>,
    /// Whether the message that the client, or the origin, is receiving is chunked: then data and
    /// trailers are compared, not where the chunks end.
    client_chunked: bool,
    origin_chunked: bool,
    /// The client has seen the end, or the connection carries another protocol.
    over: bool,
}

/// Panics with the file and the line of the step that did not go as written.
pub(super) fn replay(path: &Path) {
    let transcript = Transcript::read(path);
    let origin = Origin::by_hand();
    let mut sidekick = Sidekick::new().site([&origin]).option("--threads", "1");
    for (name, value) in &transcript.options {
        sidekick = sidekick.option(name, value);
    }
    let sidekick = sidekick.start();
    let client = sidekick.client();
    let mut stage = Stage {
        sidekick,
        origin,
        client,
        accepted: None,
        client_chunked: false,
        origin_chunked: false,
        over: false,
    };
    for (line, step) in &transcript.steps {
        let played = catch_unwind(AssertUnwindSafe(|| stage.play(step)));
        if let Err(panic) = played {
            eprintln!("{}:{line}: this step failed", path.display());
            resume_unwind(panic);
        }
    }
    stage.finish();
}

impl Stage {
    fn play(&mut self, step: &Step) {
        match step {
            Step::ClientSends(bytes) => drop(self.client.send(bytes)),
            Step::ClientReceives(expected) => self.client_receives(expected),
            Step::ClientIsRefused(status) => self.client_is_refused(*status),
            Step::ClientReceivesEnd => {
                self.client.expect_eof();
                self.over = true;
            }
            Step::ClientIsCut => self.client_is_cut(),
            Step::ClientFinishes => self.client.connection.finish().expect("a FIN"),
            Step::ClientConnectsAgain => {
                self.client = self.sidekick.client();
                self.over = false;
            }
            Step::OriginReceives {
                expected,
                new_connection,
            } => {
                if *new_connection {
                    self.accepted = None;
                }
                self.origin_receives(expected);
            }
            Step::OriginSends(bytes) => self.accepted().send(bytes).expect("bytes are taken"),
            Step::OriginFinishes => self.accepted().finish().expect("a FIN"),
            Step::OriginReceivesEnd => {
                let (bytes, _) = self.accepted().rest().expect("the connection ends");
                assert!(
                    bytes.is_empty(),
                    "bytes before the end:\n{}",
                    escaped(&bytes)
                );
            }
            Step::OriginCloses => self.accepted = None,
            Step::OriginResets => {
                self.accepted().reset_on_close().expect("SO_LINGER");
                self.accepted = None;
            }
            Step::NothingReachesTheOrigin => {
                assert_eq!(self.origin.connections(), 0, "{:?}", self.origin.requests());
                assert_eq!(self.origin.request_count(), 0);
            }
        }
    }

    fn accepted(&mut self) -> &mut OriginConnection {
        self.accepted
            .as_mut()
            .expect("the origin has received something before")
    }

    fn origin_receives(&mut self, expected: &Expected) {
        if self.accepted.is_none() {
            self.accepted = Some(self.origin.take_connection());
        }
        let connection = self.accepted.as_mut().expect("taken");
        if let Some(patterns) = &expected.head {
            let head = connection.read_request();
            let host = head.field("Host").unwrap_or_default();
            let added = [
                "X-Forwarded-For: 127.0.0.1".to_owned(),
                format!("X-Forwarded-Host: {host}"),
                "X-Forwarded-Proto: http".to_owned(),
                "X-Real-IP: 127.0.0.1".to_owned(),
            ];
            assert_head(&head, patterns, &added);
            self.origin_chunked = head.is_chunked();
        }
        assert_body(connection, &expected.body, self.origin_chunked);
    }

    fn client_receives(&mut self, expected: &Expected) {
        if let Some(patterns) = &expected.head {
            let head = self.client.read_head();
            assert_head(&head, patterns, &["X-Proxy: true".to_owned()]);
            self.client_chunked = head.is_chunked();
            self.over |= head.status() == 101;
        }
        assert_body(
            &mut self.client.connection,
            &expected.body,
            self.client_chunked,
        );
    }

    fn client_is_refused(&mut self, status: u16) {
        let response = self.client.read_response();
        assert_eq!(
            response.status(),
            status,
            "{}{}",
            response.head,
            response.text()
        );
        assert_eq!(
            response.field("Server").as_deref(),
            Some("sidekick"),
            "{}",
            response.head
        );
        self.client.expect_closed();
        self.over = true;
    }

    fn client_is_cut(&mut self) {
        let (bytes, end) = self.client.connection.rest().expect("the connection ends");
        let last = self.client_chunked && bytes.ends_with(b"0\r\n\r\n");
        assert!(!last, "the cut response has its last chunk");
        assert!(
            self.client_chunked || bytes.is_empty(),
            "more than was sent, then {end:?}:\n{}",
            escaped(&bytes)
        );
        self.over = true;
    }

    /// Nothing is left over on either side.
    fn finish(mut self) {
        if !self.over {
            self.client.connection.finish().expect("a FIN");
            let (bytes, end) = self.client.connection.rest().expect("the connection ends");
            assert!(
                bytes.is_empty(),
                "after the last step:\n{}",
                escaped(&bytes)
            );
            assert_eq!(end, End::Fin, "an idle connection is closed in order");
        }
    }
}

/// The lines up to the first `{{added}}` or `{{maybe}}` in their order; those behind it in any,
/// `{{added}}` standing for what sidekick adds and `{{maybe}}` marking a line that may be absent.
fn assert_head(head: &Head, patterns: &[String], added: &[String]) {
    let mut lines = vec![head.start_line()];
    lines.extend(head.field_lines());
    let is_mark = |pattern: &String| pattern.starts_with("{{added}}") || pattern.starts_with(MAYBE);
    let split = patterns.iter().position(is_mark).unwrap_or(patterns.len());
    let (verbatim, behind) = patterns.split_at(split);
    let mut unordered = Vec::new();
    for pattern in behind {
        if pattern == "{{added}}" {
            unordered.extend(added);
        } else {
            unordered.push(pattern);
        }
    }

    let as_written = || format!("expected\n{}\nreceived\n{head}", patterns.join("\n"));
    assert!(
        lines.len() >= verbatim.len(),
        "fields are missing; {}",
        as_written()
    );
    for (line, pattern) in lines.iter().zip(verbatim) {
        assert!(
            matches(pattern, line),
            "{line:?} is not {pattern:?}; {}",
            as_written()
        );
    }
    for line in &lines[verbatim.len()..] {
        let fits =
            |pattern: &&String| matches(pattern.strip_prefix(MAYBE).unwrap_or(pattern), line);
        let Some(at) = unordered.iter().position(fits) else {
            panic!("unexpected {line:?}; {}", as_written());
        };
        unordered.remove(at);
    }
    unordered.retain(|pattern| !pattern.starts_with(MAYBE));
    assert!(
        unordered.is_empty(),
        "missing {unordered:?}; {}",
        as_written()
    );
}

const MAYBE: &str = "{{maybe}} ";

fn assert_body(connection: &mut Connection, expected: &[u8], chunked: bool) {
    if expected.is_empty() {
        return;
    }
    if !chunked {
        let body = connection.exactly(expected.len()).unwrap_or_else(|error| {
            panic!("expected {:?}: {error}", escaped(expected));
        });
        assert_eq!(escaped(&body), escaped(expected));
        return;
    }
    let (expected, trailers) = decoded(expected);
    let mut data = Vec::new();
    let mut received = || -> io::Result<()> {
        while data.len() < expected.len() {
            let chunk = connection.chunk()?;
            if chunk.is_empty() {
                return Err(io::Error::other("the last chunk came early"));
            }
            data.extend(chunk);
        }
        if let Some(trailers) = &trailers {
            let extra = connection.chunk()?;
            assert!(extra.is_empty(), "more than was sent: {}", escaped(&extra));
            assert_eq!(connection.trailers()?, *trailers);
        }
        Ok(())
    };
    let outcome = received();
    assert_eq!(escaped(&data), escaped(&expected), "{outcome:?}");
    outcome.expect("a chunked body as expected");
}

/// The data of these chunks, and the trailers if the last chunk is among them.
fn decoded(mut chunked: &[u8]) -> (Vec<u8>, Option<Vec<String>>) {
    let mut data = Vec::new();
    while !chunked.is_empty() {
        let line = chunked
            .windows(2)
            .position(|pair| pair == b"\r\n")
            .expect("a chunk size line");
        let size = String::from_utf8_lossy(&chunked[..line]).into_owned();
        let size = usize::from_str_radix(&size, 16).expect("a chunk size in hex");
        chunked = &chunked[line + 2..];
        if size == 0 {
            let trailers = String::from_utf8_lossy(chunked).into_owned();
            let trailers = trailers.split("\r\n").filter(|line| !line.is_empty());
            return (data, Some(trailers.map(str::to_owned).collect()));
        }
        data.extend_from_slice(&chunked[..size]);
        chunked = &chunked[size + 2..];
    }
    (data, None)
}
