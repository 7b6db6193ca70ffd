//! The configuration file: TOML, one key a flag under the flag's name, and `sites`.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::named;
use super::error::{Error, Problem};
use super::flag::{Flag, Kind, Reach};
use super::setting::{Origin, Setting, Settings};

/// What a file says, as text with line numbers, without meaning yet.
#[derive(Debug, Default)]
pub struct File {
    entries: Vec<Entry>,
    sites: Vec<(String, usize)>,
}

struct Entry {
    flag: &'static Flag,
    values: Vec<String>,
    line: usize,
}

/// Without the values: one may be a password.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.flag.name, self.line)
    }
}

/// What is wrong in a file, and in which line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there, and the cure.
    pub problem: Problem,
}

/// Reads the text of a file.
pub fn parse(text: &str) -> Result<File, Fault> {
    let fault = |span: Range<usize>, message: String| Fault {
        line: line_of(text, span.start),
        problem: Problem::new(message),
    };
    let table = DeTable::parse(text).map_err(|error| {
        fault(
            error.span().unwrap_or_default(),
            format!("not TOML: {}", error.message()),
        )
    })?;
    let mut file = File::default();
    for (key, value) in table.get_ref() {
        let name: &str = key.get_ref();
        let line = line_of(text, key.span().start);
        let refuse = |message| Fault {
            line,
            problem: Problem::new(message),
        };
        if name == "sites" {
            for (site, span) in texts(value)
                .ok_or_else(|| refuse("`sites` is a list of texts: [\"http://a\"]".to_owned()))?
            {
                file.sites.push((site, line_of(text, span.start)));
            }
            continue;
        }
        let flag = named(name).ok_or_else(|| refuse(unknown(name, value.get_ref())))?;
        if flag.reach != Reach::Everywhere {
            return Err(refuse(format!(
                "`{name}` cannot stand in a file; use the flag --{name}"
            )));
        }
        let values = values(flag, value.get_ref())
            .map_err(|expected| fault(value.span(), format!("`{name}` expects {expected}")))?;
        file.entries.push(Entry { flag, values, line });
    }
    Ok(file)
}

impl File {
    /// The settings, each with its place in the file at `path`, and the sites in order.
    pub(crate) fn into_parts(self, path: &Path) -> (Settings, Vec<(String, usize)>) {
        let path = Arc::new(path.to_owned());
        let mut settings = Settings::default();
        for Entry { flag, values, line } in self.entries {
            let origin = Origin::File {
                path: Arc::clone(&path),
                line,
            };
            settings.set(flag, Setting { values, origin });
        }
        (settings, self.sites)
    }
}

impl Fault {
    pub(crate) fn in_file(&self, path: &Path) -> Error {
        Error::usage(format!(
            "{}:{}: {}",
            path.display(),
            self.line,
            self.problem
        ))
    }
}

fn unknown(name: &str, value: &DeValue<'_>) -> String {
    if value.is_table() {
        return format!(
            "`{name}` is a table; settings are not grouped here, write them at the top"
        );
    }
    if named(&name.replace('_', "-")).is_some() {
        return format!(
            "`{name}` is not a setting; write `{}`",
            name.replace('_', "-")
        );
    }
    format!("`{name}` is not a setting; every flag's name is one, and `sites`")
}

/// The value as the text one would type after the flag, or what was expected instead.
fn values(flag: &Flag, value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    let one = |text: Option<String>, expected| text.map(|text| vec![text]).ok_or(expected);
    match flag.kind {
        Kind::Switch => one(value.as_bool().map(|on| on.to_string()), "true or false"),
        Kind::Text(_) | Kind::Choice(_) => one(string(value), "a text in quotes"),
        Kind::Number(_) => one(integer(value), "a whole number without quotes"),
        Kind::Duration => one(
            string(value)
                .or_else(|| integer(value))
                .or_else(|| float(value)),
            "a duration such as \"1m30s\", or a number of seconds",
        ),
        Kind::Numbers(_) => match value {
            DeValue::Array(items) => items
                .iter()
                .map(|item| integer(item.get_ref()))
                .collect::<Option<_>>(),
            _ => integer(value).map(|number| vec![number]),
        }
        .ok_or("a list of whole numbers: [500, 502]"),
    }
}

fn texts(value: &Spanned<DeValue<'_>>) -> Option<Vec<(String, Range<usize>)>> {
    match value.get_ref() {
        DeValue::String(text) => Some(vec![(text.to_string(), value.span())]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| Some((string(item.get_ref())?, item.span())))
            .collect(),
        _ => None,
    }
}

fn string(value: &DeValue<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn integer(value: &DeValue<'_>) -> Option<String> {
    let number = value.as_integer()?;
    let plain = i64::from_str_radix(number.as_str(), number.radix()).ok()?;
    Some(plain.to_string())
}

fn float(value: &DeValue<'_>) -> Option<String> {
    value.as_float().map(|number| number.as_str().to_owned())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_value_is_read() {
        let text = "log = true\nhealth-path = '/x'\nhealth-port = 9_001\nidle-timeout = 60\n\
                    dns-ttl = 1.5\nhealth-duration = \"1m30s\"\nstatus-code = [500, 0x1F6]\n\
                    sites = [\n  'http://a',\n  'http://b',\n]\n";
        let (settings, sites) = parse(text).expect("valid").into_parts(Path::new("/f"));
        for (name, values, line) in [
            ("log", vec!["true"], 1),
            ("health-path", vec!["/x"], 2),
            ("health-port", vec!["9001"], 3),
            ("idle-timeout", vec!["60"], 4),
            ("dns-ttl", vec!["1.5"], 5),
            ("health-duration", vec!["1m30s"], 6),
            ("status-code", vec!["500", "502"], 7),
        ] {
            let setting = settings.of(named(name).expect(name)).expect(name);
            assert_eq!(setting.values, values);
            let path = Arc::new(Path::new("/f").to_owned());
            assert_eq!(setting.origin, Origin::File { path, line });
        }
        assert_eq!(
            sites,
            [("http://a".to_owned(), 9), ("http://b".to_owned(), 10)]
        );
    }

    #[test]
    fn faults_name_their_line_and_the_cure() {
        for (text, line, cure) in [
            ("\nlogs = true", 2, "`logs` is not a setting"),
            ("health_path = '/'", 1, "write `health-path`"),
            ("[health]\npath = '/'", 1, "write them at the top"),
            ("log = 'yes'", 1, "true or false"),
            ("health-port = '9000'", 1, "a whole number"),
            ("health-path = 3", 1, "a text in quotes"),
            ("status-code = ['x']", 1, "a list of whole numbers"),
            ("idle-timeout = true", 1, "a duration"),
            ("sites = 3", 1, "list of texts"),
            ("sites = ['a', 3]", 1, "list of texts"),
            ("config = 'x'", 1, "cannot stand in a file"),
            ("help = true", 1, "cannot stand in a file"),
            ("log = true\nlog = false", 2, "not TOML: duplicate key"),
            ("log = true\n\nx = [1", 3, "not TOML"),
            ("retries = 99999999999999999999", 1, "a whole number"),
        ] {
            let fault = parse(text).expect_err(text);
            assert_eq!(fault.line, line, "{text}: {}", fault.problem);
            assert!(
                fault.problem.to_string().contains(cure),
                "{text}: {}",
                fault.problem
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in r"\PC*|([a-z-]{1,8} ?= ?[\[\]0-9a-z'.,{}]{0,9}\n){0,4}") {
            let _ = parse(&text);
        }
    }
}
