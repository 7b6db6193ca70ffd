//! `SIDEKICK_*`: each flag's variable. A variable that is empty counts as unset.

use std::ffi::OsString;

use super::args::all;
use super::error::Error;
use super::flag::Reach;
use super::setting::{Origin, Setting, Settings};

/// Reads the variables of all flags through `variable`, which answers for one name.
pub(crate) fn read(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Settings, Error> {
    let mut settings = Settings::default();
    for flag in all().filter(|flag| flag.reach != Reach::CommandLine) {
        let name = flag.variable();
        let Some(value) = variable(&name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| Error::usage(format!("the variable `{name}` is not UTF-8 text")))?;
        settings.set(
            flag,
            Setting {
                values: vec![value],
                origin: Origin::Environment,
            },
        );
    }
    Ok(settings)
}
