//! What was given, as text, with the place it was given at: flag over environment over file over
//! default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{Error, Problem, shown};
use super::flag::{Flag, Kind};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    CommandLine,
    Environment,
    /// Lines count from 1.
    File {
        path: Arc<PathBuf>,
        line: usize,
    },
}

/// The value of one flag: one text, or several for a flag that takes a list.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) values: Vec<String>,
    pub(crate) origin: Origin,
}

/// The values given, by flag name.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    given: BTreeMap<&'static str, Setting>,
}

/// Names only: a value may be a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.given.keys()).finish()
    }
}

impl Settings {
    pub(crate) fn set(&mut self, flag: &Flag, setting: Setting) {
        self.given.insert(flag.name, setting);
    }

    /// These settings, and those of `weaker` for flags that these leave open.
    pub(crate) fn over(mut self, weaker: Self) -> Self {
        for (name, setting) in weaker.given {
            self.given.entry(name).or_insert(setting);
        }
        self
    }

    pub(crate) fn of(&self, flag: &Flag) -> Option<&Setting> {
        self.given.get(flag.name)
    }

    pub(crate) fn is_given(&self, flag: &Flag) -> bool {
        self.given.contains_key(flag.name)
    }

    /// Whether a switch is on.
    pub(crate) fn switch(&self, flag: &Flag) -> Result<bool, Error> {
        Ok(self.optional(flag, boolean)?.unwrap_or(false))
    }

    /// What the flag's value or its default means to `read`.
    pub(crate) fn value<T>(
        &self,
        flag: &Flag,
        read: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<T, Error> {
        let typed = self
            .of(flag)
            .and_then(|setting| setting.values.last())
            .map(String::as_str);
        let text = typed.or(flag.default).unwrap_or_default();
        read(text).map_err(|problem| self.refuse(flag, text, &problem))
    }

    /// What the flag's value means to `read`; `None` when it was not given.
    pub(crate) fn optional<T>(
        &self,
        flag: &Flag,
        read: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<Option<T>, Error> {
        if self.is_given(flag) {
            self.value(flag, read).map(Some)
        } else {
            Ok(None)
        }
    }

    /// What each of the flag's values means to `read`; values may share one text with commas.
    pub(crate) fn each<T>(
        &self,
        flag: &Flag,
        read: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<Vec<T>, Error> {
        let values = self
            .of(flag)
            .map(|setting| setting.values.as_slice())
            .unwrap_or_default();
        values
            .iter()
            .flat_map(|value| value.split(','))
            .map(|text| read(text.trim()).map_err(|problem| self.refuse(flag, text, &problem)))
            .collect()
    }

    /// The error for a flag's value: where it stands, what it is, what is wrong with it.
    pub(crate) fn refuse(&self, flag: &Flag, value: &str, problem: &Problem) -> Error {
        let place = match self.of(flag).map(|setting| &setting.origin) {
            Some(Origin::Environment) => format!("`{}={}`", flag.variable(), hide(flag, value)),
            Some(Origin::File { path, line }) => {
                format!(
                    "{}:{line}: `{} = {}`",
                    path.display(),
                    flag.name,
                    hide(flag, value)
                )
            }
            Some(Origin::CommandLine) | None if flag.kind == Kind::Switch => {
                format!("`--{}={}`", flag.name, hide(flag, value))
            }
            Some(Origin::CommandLine) | None => {
                format!("`--{} {}`", flag.name, hide(flag, value))
            }
        };
        Error::usage(format!("{place}: {problem}"))
    }
}

fn hide(flag: &Flag, value: &str) -> String {
    match value {
        _ if flag.secret => "***".to_owned(),
        "" => "\"\"".to_owned(),
        _ => shown(value),
    }
}

/// Reads a switch: true, yes, 1 or false, no, 0.
pub(crate) fn boolean(text: &str) -> Result<bool, Problem> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(Problem::new("a switch is true, yes, 1 or false, no, 0")),
    }
}

/// Reads the name of a file.
pub(crate) fn file_path(text: &str) -> Result<PathBuf, Problem> {
    if text.is_empty() {
        Err(Problem::new("a file name is missing"))
    } else {
        Ok(text.into())
    }
}

/// Reads a whole number within the bounds, both included.
pub(crate) fn whole(text: &str, least: u32, most: u32) -> Result<u32, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && (least..=most).contains(&number) => Ok(number),
        _ => Err(Problem::new(format!(
            "expected a whole number from {least} to {most}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAG: Flag = Flag::text("key-password", "TEXT", "help").secret();

    fn settings(origin: Origin) -> Settings {
        let mut settings = Settings::default();
        settings.set(
            &FLAG,
            Setting {
                values: vec!["hunter2".to_owned()],
                origin,
            },
        );
        settings
    }

    #[test]
    fn the_stronger_place_wins() {
        let both = settings(Origin::CommandLine).over(settings(Origin::Environment));
        assert_eq!(both.of(&FLAG).expect("given").origin, Origin::CommandLine);
        let weak = Settings::default().over(settings(Origin::Environment));
        assert_eq!(weak.of(&FLAG).expect("given").origin, Origin::Environment);
    }

    #[test]
    fn errors_name_the_place_and_hide_secrets() {
        let file = Origin::File {
            path: Arc::new("/etc/s.toml".into()),
            line: 3,
        };
        for (origin, place) in [
            (Origin::CommandLine, "`--key-password ***`: no"),
            (Origin::Environment, "`SIDEKICK_KEY_PASSWORD=***`: no"),
            (file, "/etc/s.toml:3: `key-password = ***`: no"),
        ] {
            let settings = settings(origin);
            let error = settings.value::<()>(&FLAG, |_| Err(Problem::new("no")));
            assert_eq!(error.expect_err("refused").to_string(), place);
            assert!(!format!("{settings:?}").contains("hunter2"));
        }
    }

    #[test]
    fn switches_and_numbers_are_read_strictly() {
        assert_eq!((boolean("YES"), boolean("0")), (Ok(true), Ok(false)));
        assert!(boolean("on").is_err() && boolean("").is_err());
        assert_eq!(whole("7", 0, 7), Ok(7));
        for text in ["8", "+1", "", "1.0", "99999999999"] {
            assert!(whole(text, 0, 7).is_err(), "{text}");
        }
    }
}
