//! Events as lines: text for people, JSON for parsers.

mod json;
mod text;

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Event;

/// How lines look.
#[derive(Clone, Debug)]
pub struct Format {
    json: bool,
    zone: TimeZone,
}

impl Format {
    /// JSON lines, or text lines with the system's local time. Reads the system's zone once.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            zone: TimeZone::system(),
        }
    }

    /// As [`Format::new`], with the local time of `zone`.
    pub fn with_zone(json: bool, zone: TimeZone) -> Self {
        Self { json, zone }
    }

    /// Appends the event's line, with its line end.
    pub fn line(&self, event: &Event, out: &mut Vec<u8>) {
        if self.json {
            json::line(event, out);
        } else {
            text::line(event, &self.zone, out);
        }
    }
}

/// A time of day that `jiff` knows: years -9999 to 9999, beyond them 1970.
fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Path and query of a request target, as it came.
fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    }
}

/// Whether a character may end a line, move the cursor or turn the reading direction: nothing
/// that a stranger sent may do so in a log.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests;
