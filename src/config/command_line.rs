//! The command line: the list of flags as a clap command, and what was typed.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::args::{GROUPS, all, named};
use super::error::{Error, shown};
use super::flag::{Flag, Kind};
use super::help::{DURATIONS, explanation};
use super::setting::{Origin, Setting, Settings};
use super::unavailable;

const SITE: &str = "SITE";

/// What was typed, without meaning yet.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    pub(crate) settings: Settings,
    pub(crate) sites: Vec<String>,
}

/// Reads the arguments after the program's name.
pub(crate) fn read(args: impl Iterator<Item = OsString>) -> Result<Typed, Error> {
    let args = texts(args)?.into_iter().map(two_dashes);
    let matches = command(Purpose::Parse)
        .try_get_matches_from(args)
        .map_err(|error| one_line(&error))?;
    let mut typed = Typed::default();
    for flag in all() {
        if let Some(values) = matches.get_many::<String>(flag.name) {
            let values = values.cloned().collect();
            typed.settings.set(
                flag,
                Setting {
                    values,
                    origin: Origin::CommandLine,
                },
            );
        }
    }
    typed.sites = matches
        .get_many::<String>(SITE)
        .unwrap_or_default()
        .cloned()
        .collect();
    Ok(typed)
}

/// The arguments as text; what is not UTF-8 means nothing to any flag or SITE.
pub(crate) fn texts(args: impl Iterator<Item = OsString>) -> Result<Vec<String>, Error> {
    args.map(|arg| {
        arg.into_string().map_err(|arg| {
            // The value may belong to a secret; its place is enough to find it by.
            let start: String = arg
                .to_string_lossy()
                .chars()
                .take_while(|c| *c != '=')
                .collect();
            Error::usage(format!(
                "the argument `{}` is not UTF-8 text",
                shown(&start)
            ))
        })
    })
    .collect()
}

/// The original's parser takes `-address` for `--address`, so command lines in use may hold it.
fn two_dashes(arg: String) -> String {
    let name = arg
        .strip_prefix('-')
        .map(|rest| rest.split('=').next().unwrap_or_default());
    match name {
        Some(name) if name.len() > 1 && named(name).is_some() => format!("-{arg}"),
        _ => arg,
    }
}

/// What a clap command is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// Reading arguments: everything is taken as text, to be given meaning later.
    Parse,
    /// Completions and the manual page: what one would type, without what is refused.
    Show,
}

/// The list of flags as clap knows it.
pub(crate) fn command(purpose: Purpose) -> Command {
    let site = Arg::new(SITE)
        .action(ArgAction::Append)
        .num_args(0..)
        .help("Comma-separated endpoints of one site, such as http://minio{1...4}:9000");
    let mut command = Command::new("sidekick")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A load balancer for HTTP and S3 that runs beside each application")
        .after_help(DURATIONS)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .no_binary_name(true)
        .args_override_self(true)
        .arg(site);
    for group in &GROUPS {
        for flag in group.flags {
            let seen = !flag.hidden && !unavailable::is_refused(flag);
            if purpose == Purpose::Parse || seen {
                command = command.arg(argument(flag, purpose).help_heading(group.title));
            }
        }
    }
    command
}

fn argument(flag: &'static Flag, purpose: Purpose) -> Arg {
    let mut arg = Arg::new(flag.name)
        .long(flag.name)
        .help(flag.help)
        .long_help(explanation(flag));
    if let Some(short) = flag.short {
        arg = arg.short(short);
    }
    if let Some(word) = flag.value_word() {
        arg = arg.value_name(word);
    }
    match (flag.kind, purpose) {
        (Kind::Switch, Purpose::Show) => arg.action(ArgAction::SetTrue),
        // `--log=false` takes back what the environment or a file says.
        (Kind::Switch, Purpose::Parse) => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        (Kind::Numbers(_), _) => arg.action(ArgAction::Append).allow_hyphen_values(true),
        // `-5s` is better answered as a duration than as an unknown flag.
        (Kind::Number(_) | Kind::Duration, _) => {
            arg.action(ArgAction::Set).allow_hyphen_values(true)
        }
        (Kind::Choice(words), Purpose::Show) => {
            arg.action(ArgAction::Set).value_parser(words.to_vec())
        }
        (Kind::Choice(_) | Kind::Text(_), _) => arg.action(ArgAction::Set),
    }
}

/// What clap found wrong, in our words and one line. Values are not repeated: they may be secret.
fn one_line(error: &clap::Error) -> Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    // clap names an argument with its value word; the flag itself is the first word.
    let name = argument.split([' ', '=', '[']).next().unwrap_or_default();
    Error::usage(match error.kind() {
        ErrorKind::UnknownArgument => match context(ContextKind::SuggestedArg) {
            Some(near) => format!("`{}` is not a flag; did you mean `{near}`?", shown(name)),
            None => format!(
                "`{}` is not a flag; `sidekick --help` lists them",
                shown(name)
            ),
        },
        ErrorKind::InvalidValue | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            format!("`{}` needs a value: `{}`", shown(name), shown(argument))
        }
        _ => format!(
            "`{}` cannot be read; `sidekick --help` shows how flags are written",
            shown(name)
        ),
    })
}
