//! Lines for people.

use std::fmt::{self, Display, Formatter, Write as _};
use std::io::Write;
use std::time::SystemTime;

use jiff::tz::TimeZone;

use super::{is_unprintable, split_target, timestamp};
use crate::event::field_value::field_value;
use crate::event::human::{Size, Span};
use crate::event::{Detail, Event, Field, HealthEvent, Severity, TraceEvent};
use crate::http::{reason_phrase, redact};

pub(super) fn line(event: &Event, zone: &TimeZone, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = match event {
        Event::Health(event) => writeln!(out, "{}", Health(event, Clock(event.at, zone))),
        Event::Trace(event) => writeln!(out, "{}", Trace(event, Clock(event.at, zone))),
        Event::Notice(notice) => {
            let word = match notice.severity {
                Severity::Info => "LOG  ",
                Severity::Error => "ERROR",
            };
            let (clock, text) = (Clock(notice.at, zone), Clean(notice.text.as_bytes()));
            writeln!(out, "{word}: {clock}  {text}")
        }
    };
}

/// The local time of day, to the millisecond.
struct Clock<'a>(SystemTime, &'a TimeZone);

impl Display for Clock<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let time = self.1.to_datetime(timestamp(self.0)).time();
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        write!(
            f,
            "{hour:02}:{minute:02}:{second:02}.{:03}",
            time.millisecond()
        )
    }
}

struct Health<'a>(&'a HealthEvent, Clock<'a>);

impl Display for Health<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(event, clock) = self;
        let state = if event.up { "up" } else { "down" };
        write!(
            f,
            "LOG  : {clock}  {} is {state}",
            Clean(event.endpoint.as_bytes())
        )?;
        if !event.reason.is_empty() {
            write!(f, ": {}", Clean(event.reason.as_bytes()))?;
        }
        if event.up && !event.downtime.is_zero() {
            write!(f, " (was down for {})", Span(event.downtime))?;
        }
        Ok(())
    }
}

struct Trace<'a>(&'a TraceEvent, Clock<'a>);

impl Display for Trace<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(event, clock) = self;
        write!(f, "{clock} [")?;
        match event.status {
            Some(status) if reason_phrase(status).is_empty() => write!(f, "{status}")?,
            Some(status) => write!(f, "{status} {}", reason_phrase(status))?,
            None => f.write_str("no answer")?,
        }
        let endpoint = if event.endpoint.is_empty() {
            "-"
        } else {
            &event.endpoint
        };
        write!(
            f,
            "] {} {} ",
            Clean(endpoint.as_bytes()),
            Clean(&event.method)
        )?;
        let (path, query) = split_target(&event.target);
        write!(f, "{}", Clean(path))?;
        if let Some(query) = query {
            write!(f, "?{}", Clean(&redact::query(query)))?;
        }
        if let Some(client) = event.client {
            write!(f, " {client}")?;
        }
        write!(
            f,
            " {} ↑ {} ↓ {}",
            Span(event.latency),
            Size(event.rx),
            Size(event.tx)
        )?;
        if event.attempts > 1 {
            write!(f, " {} attempts", event.attempts)?;
        }
        if let Some(cache) = event.cache {
            write!(f, " cache {cache}")?;
        }
        for error in event.health_error.iter().chain(&event.error) {
            write!(f, ": {}", Clean(error.as_bytes()))?;
        }
        event
            .detail
            .as_deref()
            .map_or(Ok(()), |detail| write_detail(f, detail))
    }
}

fn write_detail(f: &mut Formatter<'_>, detail: &Detail) -> fmt::Result {
    let mut write = |mark: char, fields: &[Field]| {
        fields.iter().try_for_each(|(name, value)| {
            let value = field_value(name, value);
            write!(f, "\n    {mark} {}: {}", Clean(name), Clean(&value))
        })
    };
    write('>', &detail.request)?;
    write('<', &detail.response)
}

/// Bytes from strangers, in one line and harmless to a terminal: what is no text or controls
/// anything is written as an escape.
struct Clean<'a>(&'a [u8]);

impl Display for Clean<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\0'..='\x7f' if character.is_control() => {
                        write!(f, "\\x{:02x}", u32::from(character))?;
                    }
                    _ if is_unprintable(character) => {
                        write!(f, "\\u{{{:x}}}", u32::from(character))?;
                    }
                    _ => f.write_char(character)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}
