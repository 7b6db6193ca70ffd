//! Keys from the file of profiles that the AWS tools share.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use super::{NoKeys, pair};
use crate::config::Keys;

const CURE: &str =
    "set SIDEKICK_CACHE_ACCESS_KEY and SIDEKICK_CACHE_SECRET_KEY, or write the profile";

/// The keys of a profile. Reads a file, so it is not for a worker's thread.
///
/// # Errors
/// The file cannot be read, or does not hold both keys of the profile.
pub(super) fn read(file: &Path, name: &str) -> Result<Keys, NoKeys> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| unread(&shown, &error))?;
    of_profile(&text, name).ok_or_else(|| {
        let name = name.escape_debug();
        let why = format!(
            "`{shown}` has no profile `{name}` with aws_access_key_id and aws_secret_access_key"
        );
        NoKeys::new(why, CURE)
    })
}

/// The file could not be read.
pub(super) fn unread(file: &impl Display, error: &impl Display) -> NoKeys {
    NoKeys::new(format!("cannot read `{file}`: {error}"), CURE)
}

/// The keys under `[name]`, both or none. Where a name stands twice, the last counts.
fn of_profile(text: &str, name: &str) -> Option<Keys> {
    let mut here = false;
    let [mut access_key, mut secret_key, mut session_token] = [None, None, None];
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            here = section.split(']').next().map(str::trim) == Some(name);
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| here) else {
            continue;
        };
        let value = Some(value.trim());
        match key.trim() {
            "aws_access_key_id" => access_key = value,
            "aws_secret_access_key" => secret_key = value,
            "aws_session_token" => session_token = value,
            _ => {}
        }
    }
    pair(
        access_key?,
        secret_key?,
        session_token.filter(|token| !token.is_empty()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
        # comment\n[default]\naws_access_key_id = A\naws_secret_access_key=B=/+\n\n\
        [ other ] ; comment\r\naws_access_key_id=C\r\naws_secret_access_key = D\r\n\
        aws_session_token = E\r\nregion = x\r\n[half]\naws_access_key_id = F\n";

    fn shown(name: &str) -> Option<(String, String, Option<String>)> {
        let keys = of_profile(FILE, name)?;
        let text = |secret: &crate::config::Secret| secret.reveal().to_owned();
        Some((
            text(&keys.access_key),
            text(&keys.secret_key),
            keys.session_token.as_ref().map(text),
        ))
    }

    #[test]
    fn a_profile_is_found_by_its_name() {
        assert_eq!(shown("default"), Some(("A".into(), "B=/+".into(), None)));
        let other = ("C".into(), "D".into(), Some("E".into()));
        assert_eq!(shown("other"), Some(other));
    }

    #[test]
    fn half_a_profile_is_none() {
        assert_eq!(shown("half"), None);
        assert_eq!(shown("nobody"), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_the_cure() {
        let line = read(Path::new("/nowhere/credentials"), "default");
        let line = line.unwrap_err().to_string();
        assert!(
            line.contains("cannot read `/nowhere/credentials`"),
            "{line}"
        );
        assert!(line.contains("set SIDEKICK_CACHE_ACCESS_KEY"), "{line}");
    }
}
