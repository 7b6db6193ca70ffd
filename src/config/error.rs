//! What can be wrong with a configuration, always said in one line.

use std::fmt::{self, Write};
use std::io;
use std::path::Path;

/// Longest value that a message repeats, in characters; the rest is cut.
const LONGEST_SHOWN: usize = 120;
/// Longest message, in characters.
const LONGEST_LINE: usize = 600;

/// Why a configuration was refused. Its `Display` is one line without control characters, naming
/// the argument, variable or file line and the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    line: String,
    kind: ErrorKind,
}

/// Whose fault a refused configuration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was written cannot be meant.
    Usage,
    /// Neither the command line nor a file names a site.
    NoSites,
    /// The configuration file cannot be read.
    File,
}

impl Error {
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            line: cut(&one_line(&message.to_string()), LONGEST_LINE),
            kind: ErrorKind::Usage,
        }
    }

    pub(crate) fn no_sites() -> Self {
        let line = "no SITE given: name at least one, such as http://127.0.0.1:9000".to_owned();
        Self {
            line,
            kind: ErrorKind::NoSites,
        }
    }

    pub(crate) fn unreadable(path: &Path, cause: &io::Error) -> Self {
        let line = one_line(&format!("cannot read `{}`: {cause}", path.display()));
        Self {
            line,
            kind: ErrorKind::File,
        }
    }

    /// What kind of mistake it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exit code of a process that cannot start for it: 64 (`EX_USAGE` of sysexits.h), or 1
    /// for a file that cannot be read.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Usage | ErrorKind::NoSites => 64,
            ErrorKind::File => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Error {}

/// What is wrong with one value, and the cure, before it is known where the value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(String);

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.0))
    }
}

impl std::error::Error for Problem {}

/// A value as a message repeats it: control characters escaped, cut when long.
pub(crate) fn shown(value: &str) -> String {
    one_line(&cut(value, LONGEST_SHOWN))
}

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_was_typed_the_error_is_one_line() {
        let error = Error::usage("a\nb\r\u{1b}[31m\u{2028}c");
        assert_eq!(error.to_string(), "a\\nb\\r\\u{1b}[31m\\u{2028}c");
        assert_eq!(Problem::new("a\nb").to_string(), "a\\nb");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&"ä".repeat(500)).chars().count(), LONGEST_SHOWN + 1);
        assert_eq!(shown("short"), "short");
        assert!(Error::usage("x".repeat(9000)).to_string().len() < 700);
    }

    #[test]
    fn exit_codes_tell_usage_from_files() {
        assert_eq!(Error::usage("x").exit_code(), 64);
        assert_eq!(Error::no_sites().exit_code(), 64);
        let cause = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(Error::unreadable(Path::new("/a"), &cause).exit_code(), 1);
    }
}
