//! What the contract promises and this version cannot do yet. It is refused in words, never
//! accepted and ignored. Building a feature removes its rows.

use super::args::admin;
use super::error::Error;
use super::flag::{Flag, Kind};
use super::setting::{Origin, Setting, Settings, boolean};

const ADMIN: &str = "the admin listener arrives with a later release";

/// Flags, each with the sentence that says when.
const FLAGS: &[(&Flag, &str)] = &[
    (&admin::ADMIN_ADDRESS, ADMIN),
    (&admin::PPROF, "profiles arrive with a later release"),
];

/// Whether the flag as a whole is refused.
pub(crate) fn is_refused(flag: &Flag) -> bool {
    FLAGS.iter().any(|(refused, _)| refused.name == flag.name)
}

/// Refuses settings that name what is not built.
pub(crate) fn check(settings: &Settings) -> Result<(), Error> {
    for (flag, sentence) in FLAGS {
        if let Some(setting) = settings.of(flag)
            && asks(flag, setting)
        {
            return Err(refusal(flag, setting, sentence));
        }
    }
    Ok(())
}

/// An empty text and a switch that is off ask for nothing.
fn asks(flag: &Flag, setting: &Setting) -> bool {
    setting.values.iter().any(|value| match flag.kind {
        Kind::Switch => boolean(value) != Ok(false),
        _ => !value.is_empty(),
    })
}

fn refusal(flag: &Flag, setting: &Setting, sentence: &str) -> Error {
    match &setting.origin {
        Origin::CommandLine => not_yet(&format!("--{}", flag.name), sentence, "remove the flag"),
        Origin::Environment => not_yet(&flag.variable(), sentence, "unset the variable"),
        Origin::File { path, line } => {
            let message = not_yet(flag.name, sentence, "remove the line");
            Error::usage(format!("{}:{line}: {message}", path.display()))
        }
    }
}

fn not_yet(what: &str, sentence: &str, cure: &str) -> Error {
    Error::usage(format!(
        "`{what}` is not available in this version yet: {sentence}; {cure}"
    ))
}
