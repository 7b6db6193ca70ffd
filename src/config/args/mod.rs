//! The flags, by topic: their definitions, and what they mean.

pub(crate) mod admin;
pub(crate) mod cache;
pub(crate) mod health;
pub(crate) mod limits;
pub(crate) mod listen;
pub(crate) mod output;
pub(crate) mod run;
pub(crate) mod sites;
pub(crate) mod tls;

use super::flag::Flag;

/// A topic of the help text with its flags.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) flags: &'static [&'static Flag],
}

/// Every flag there is.
pub(crate) const GROUPS: [Group; 8] = [
    Group {
        title: "Listening",
        flags: listen::FLAGS,
    },
    Group {
        title: "Sites and backends",
        flags: sites::FLAGS,
    },
    Group {
        title: "Health checks",
        flags: health::FLAGS,
    },
    Group {
        title: "Output",
        flags: output::FLAGS,
    },
    Group {
        title: "Limits and time-outs",
        flags: limits::FLAGS,
    },
    Group {
        title: "TLS",
        flags: tls::FLAGS,
    },
    Group {
        title: "Administration",
        flags: admin::FLAGS,
    },
    Group {
        title: "This run",
        flags: run::FLAGS,
    },
];

/// Every flag there is, in the order of the help text.
pub(crate) fn all() -> impl Iterator<Item = &'static Flag> {
    GROUPS.iter().flat_map(|group| group.flags.iter().copied())
}

/// The flag of this name, without dashes before it.
pub(crate) fn named(name: &str) -> Option<&'static Flag> {
    all().find(|flag| flag.name == name)
}
