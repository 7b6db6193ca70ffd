//! The format of `tests/wire`: who sends what, who receives what, in order. Its README is the
//! reference.

use std::path::Path;

/// One step of a conversation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    ClientSends(Vec<u8>),
    ClientReceives(Expected),
    /// An answer of sidekick's own with this status, then the end of the connection.
    ClientIsRefused(u16),
    ClientReceivesEnd,
    /// The connection ends before the response is complete.
    ClientIsCut,
    ClientFinishes,
    ClientConnectsAgain,
    OriginSends(Vec<u8>),
    OriginReceives {
        expected: Expected,
        new_connection: bool,
    },
    OriginReceivesEnd,
    OriginFinishes,
    OriginCloses,
    OriginResets,
    NothingReachesTheOrigin,
}

/// What one side is to receive: a head, if the section begins with a start line, then bytes.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The head's lines as patterns, the empty line left out.
    pub(crate) head: Option<Vec<String>>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// Flag and value, as many as the header names.
    pub(crate) options: Vec<(String, String)>,
    /// Each with the line it begins at, counted from 1.
    pub(crate) steps: Vec<(usize, Step)>,
}

impl Transcript {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut transcript = Self::default();
        let mut sections: Vec<(usize, &str, Vec<&str>)> = Vec::new();
        for (number, line) in text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
        {
            if let Some(title) = line.strip_prefix("--- ") {
                sections.push((number, title.trim(), Vec::new()));
            } else if let Some((_, _, lines)) = sections.last_mut() {
                lines.push(line);
            } else if let Some(flag) = line.strip_prefix("flag ") {
                let (name, value) = flag
                    .split_once(' ')
                    .ok_or(format!("line {number}: a flag has a value"))?;
                transcript.options.push((name.to_owned(), value.to_owned()));
            } else if !line.is_empty() && !line.starts_with('#') {
                return Err(format!(
                    "line {number}: neither a comment nor a flag: {line}"
                ));
            }
        }
        for (number, title, lines) in sections {
            let step = step(title, &lines).map_err(|error| format!("line {number}: {error}"))?;
            transcript.steps.push((number, step));
        }
        if transcript.steps.is_empty() {
            return Err("no section".to_owned());
        }
        Ok(transcript)
    }
}

fn step(title: &str, lines: &[&str]) -> Result<Step, String> {
    if let Some(status) = title.strip_prefix("client is refused with ") {
        let status = status.parse().map_err(|_| format!("no status: {status}"))?;
        return Ok(Step::ClientIsRefused(status));
    }
    let receives = |new_connection| {
        Ok(Step::OriginReceives {
            expected: expected(lines)?,
            new_connection,
        })
    };
    match title {
        "client sends" => Ok(Step::ClientSends(bytes(lines)?)),
        "client receives" => Ok(Step::ClientReceives(expected(lines)?)),
        "client receives the end" => Ok(Step::ClientReceivesEnd),
        "client is cut" => Ok(Step::ClientIsCut),
        "client finishes" => Ok(Step::ClientFinishes),
        "client connects again" => Ok(Step::ClientConnectsAgain),
        "origin sends" => Ok(Step::OriginSends(bytes(lines)?)),
        "origin receives" => receives(false),
        "origin receives on a new connection" => receives(true),
        "origin receives the end" => Ok(Step::OriginReceivesEnd),
        "origin finishes" => Ok(Step::OriginFinishes),
        "origin closes" => Ok(Step::OriginCloses),
        "origin resets" => Ok(Step::OriginResets),
        "nothing reaches the origin" => Ok(Step::NothingReachesTheOrigin),
        _ => Err(format!("no such section: {title}")),
    }
}

/// Each line ends in CRLF unless a backslash ends it.
fn bytes(lines: &[&str]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for line in lines {
        let (line, end): (&str, &[u8]) = match line.strip_suffix('\\') {
            Some(line) if !line.ends_with('\\') => (line, b""),
            _ => (line, b"\r\n"),
        };
        unescape(line, &mut bytes)?;
        bytes.extend_from_slice(end);
    }
    Ok(bytes)
}

fn unescape(line: &str, into: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = line;
    while let Some((plain, after)) = rest.split_once('\\') {
        into.extend_from_slice(plain.as_bytes());
        let (byte, length) = match after.as_bytes().first() {
            Some(b'r') => (b'\r', 1),
            Some(b'n') => (b'\n', 1),
            Some(b't') => (b'\t', 1),
            Some(b'0') => (0, 1),
            Some(b's') => (b' ', 1),
            Some(b'\\') => (b'\\', 1),
            Some(b'x') => {
                let digits = after.get(1..3).ok_or("\\x wants two digits")?;
                let byte = u8::from_str_radix(digits, 16).map_err(|_| "\\x wants hex digits")?;
                (byte, 3)
            }
            _ => return Err(format!("no such escape: \\{after}")),
        };
        into.push(byte);
        rest = &after[length..];
    }
    into.extend_from_slice(rest.as_bytes());
    Ok(())
}

fn expected(lines: &[&str]) -> Result<Expected, String> {
    let is_head = lines.first().is_some_and(|line| line.contains("HTTP/1."));
    if !is_head {
        return Ok(Expected {
            head: None,
            body: bytes(lines)?,
        });
    }
    let end = lines
        .iter()
        .position(|line| line.is_empty())
        .ok_or("a head ends in an empty line")?;
    let mut head = Vec::new();
    for line in &lines[..end] {
        let mut unescaped = Vec::new();
        unescape(line, &mut unescaped)?;
        head.push(String::from_utf8_lossy(&unescaped).into_owned());
    }
    Ok(Expected {
        head: Some(head),
        body: bytes(&lines[end + 1..])?,
    })
}

/// Whether `line` is as `pattern` says; `{{any}}` stands for any text, `{{date}}` for an HTTP
/// date.
pub(crate) fn matches(pattern: &str, line: &str) -> bool {
    let Some((before, rest)) = pattern.split_once("{{") else {
        return pattern == line;
    };
    let Some((name, after)) = rest.split_once("}}") else {
        return pattern == line;
    };
    let Some(rest) = line.strip_prefix(before) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| stands_for(name, &rest[..at]) && matches(after, &rest[at..]))
}

fn stands_for(name: &str, text: &str) -> bool {
    match name {
        "any" => true,
        "date" => {
            text.len() == 29
                && text.ends_with(" GMT")
                && text
                    .bytes()
                    .zip("Aaa, 00 Aaa 0000 00:00:00 GMT".bytes())
                    .all(|(found, model)| match model {
                        b'0' => found.is_ascii_digit(),
                        b'A' => found.is_ascii_uppercase(),
                        b'a' => found.is_ascii_lowercase(),
                        other => found == other || found.is_ascii_uppercase(),
                    })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_crlf_and_escapes_are_bytes() {
        assert_eq!(
            bytes(&["a\\x00b", "", "c\\\\d\\"]).unwrap(),
            b"a\0b\r\n\r\nc\\d"
        );
        assert_eq!(
            bytes(&["ends in a backslash\\\\"]).unwrap(),
            b"ends in a backslash\\\r\n"
        );
    }

    #[test]
    fn unknown_sections_and_escapes_are_refused() {
        assert!(Transcript::parse("--- client dreams\n").is_err());
        assert!(Transcript::parse("--- client sends\n\\q\n").is_err());
        assert!(Transcript::parse("stray\n--- client sends\n").is_err());
        assert!(Transcript::parse("# only a comment\n").is_err());
    }

    #[test]
    fn placeholders_stand_for_what_they_say() {
        assert!(matches(
            "Date: {{date}}",
            "Date: Sun, 06 Nov 1994 08:49:37 GMT"
        ));
        assert!(!matches("Date: {{date}}", "Date: yesterday"));
        assert!(matches("HTTP/1.{{any}} 200 {{any}}", "HTTP/1.0 200 OK"));
        assert!(!matches("A: {{any}}b", "A: bc"));
    }
}
