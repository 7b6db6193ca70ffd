//! Lines for parsers, with the predecessor's names. Times are RFC 3339 in UTC, durations are in
//! nanoseconds. What the predecessor did not have (`attempts`, `cache`, `error`) stands at the
//! end, and only where there is something to say.

use std::borrow::Cow;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::{is_unprintable, split_target, timestamp};
use crate::event::field_value::field_value;
use crate::event::{Detail, Event, Field, HealthEvent, Notice, Severity, TraceEvent};
use crate::http::{reason_phrase, redact};

pub(super) fn line(event: &Event, out: &mut Vec<u8>) {
    // Our values have string keys only and writing to a vector does not fail.
    let _ = match event {
        Event::Health(event) => write(&Log::new(event), out),
        Event::Trace(event) => write(&Trace::new(event), out),
        Event::Notice(notice) => write(&Word::new(notice), out),
    };
    out.push(b'\n');
}

fn write(value: &impl Serialize, out: &mut Vec<u8>) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Printable))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Log<'a> {
    r#type: &'static str,
    endpoint: &'a str,
    status: &'static str,
    error: &'a str,
    downtime: u64,
    #[serde(serialize_with = "display")]
    timestamp: Timestamp,
}

impl<'a> Log<'a> {
    fn new(event: &'a HealthEvent) -> Self {
        Self {
            r#type: "LOG",
            endpoint: &event.endpoint,
            status: if event.up { "up" } else { "down" },
            // Why it is up is no error.
            error: if event.up { "" } else { &event.reason },
            downtime: nanos(event.downtime),
            timestamp: timestamp(event.at),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Word<'a> {
    r#type: &'static str,
    message: &'a str,
    #[serde(serialize_with = "display")]
    timestamp: Timestamp,
}

impl<'a> Word<'a> {
    fn new(notice: &'a Notice) -> Self {
        let r#type = match notice.severity {
            Severity::Info => "NOTICE",
            Severity::Error => "ERROR",
        };
        Self {
            r#type,
            message: &notice.text,
            timestamp: timestamp(notice.at),
        }
    }
}

#[derive(Serialize)]
struct Trace<'a> {
    r#type: &'static str,
    host: &'a str,
    #[serde(serialize_with = "display")]
    time: Timestamp,
    client: Client,
    #[serde(rename = "callStats")]
    call_stats: CallStats<'a>,
    #[serde(rename = "statusCode")]
    status_code: u16,
    #[serde(rename = "statusMsg")]
    status_msg: &'static str,
    method: Cow<'a, str>,
    path: Cow<'a, str>,
    query: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
    #[serde(skip_serializing_if = "is_usual")]
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct CallStats<'a> {
    rx: u64,
    tx: u64,
    latency: u64,
    timetofirstbyte: u64,
    #[serde(rename = "healthError")]
    health_error: Option<&'a str>,
}

#[derive(Serialize)]
struct Request<'a> {
    headers: Headers<'a>,
    rawquery: Cow<'a, str>,
}

#[derive(Serialize)]
struct Response<'a> {
    headers: Headers<'a>,
    statuscode: u16,
}

impl<'a> Trace<'a> {
    fn new(event: &'a TraceEvent) -> Self {
        let (path, query) = split_target(&event.target);
        let query = query.map_or(Cow::Borrowed(""), |query| text(redact::query(query)));
        let status_code = event.status.unwrap_or(0);
        let detail = event.detail.as_deref();
        Self {
            r#type: if detail.is_some() { "DEBUG" } else { "TRACE" },
            host: &event.endpoint,
            time: timestamp(event.at),
            client: Client(event.client),
            call_stats: CallStats {
                rx: event.rx,
                tx: event.tx,
                latency: nanos(event.latency),
                timetofirstbyte: event.first_byte.map_or(0, nanos),
                health_error: event.health_error.as_deref(),
            },
            status_code,
            status_msg: reason_phrase(status_code),
            method: String::from_utf8_lossy(&event.method),
            path: String::from_utf8_lossy(path),
            request: detail.map(|Detail { request, .. }| Request {
                headers: Headers(request),
                rawquery: query.clone(),
            }),
            response: detail.map(|Detail { response, .. }| Response {
                headers: Headers(response),
                statuscode: status_code,
            }),
            query,
            attempts: event.attempts,
            cache: event.cache,
            error: event.error.as_deref(),
        }
    }
}

/// Passed by reference, as `serde` asks.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_usual(attempts: &u32) -> bool {
    *attempts <= 1
}

fn text(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn display<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

/// A client that is not known is an empty string: the predecessor's parsers expect one.
struct Client(Option<IpAddr>);

impl Serialize for Client {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(client) => to.collect_str(client),
            None => to.serialize_str(""),
        }
    }
}

/// Fields as an object of lists: a repeated name's values stand together, in their order, where
/// the name came first. Names get the usual capitals, so that parsers find them.
struct Headers<'a>(&'a [Field]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut names: Vec<(String, Vec<Cow<'_, str>>)> = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            let value = text(field_value(name, value));
            let name = canonical(name);
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => names.push((name, vec![value])),
            }
        }
        to.collect_map(names)
    }
}

/// `x-amz-date` as `X-Amz-Date`.
fn canonical(name: &[u8]) -> String {
    let mut starts_word = true;
    let mut name = String::from_utf8_lossy(name).into_owned();
    name.make_ascii_lowercase();
    name.chars()
        .map(|character| {
            let capital = starts_word;
            starts_word = character == '-';
            if capital {
                character.to_ascii_uppercase()
            } else {
                character
            }
        })
        .collect()
}

/// JSON whose strings are harmless to a terminal as well: the escapes that JSON asks for, and
/// those that [`is_unprintable`] adds.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut written = 0;
        for (at, character) in fragment
            .char_indices()
            .filter(|(_, each)| is_unprintable(*each))
        {
            CompactFormatter.write_string_fragment(writer, &fragment[written..at])?;
            // All of them stand in the basic plane: one unit of UTF-16.
            write!(writer, "\\u{:04x}", u32::from(character))?;
            written = at + character.len_utf8();
        }
        CompactFormatter.write_string_fragment(writer, &fragment[written..])
    }
}
