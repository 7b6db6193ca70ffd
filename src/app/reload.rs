//! SIGHUP: the configuration file and all names anew; on failure what works is kept.

use crate::config::{Arguments, Config, read_file};

/// What a reload found.
pub(super) enum Reload {
    /// Sites, DNS and health checks may have changed: take this one over.
    Changed(Box<Config>, Vec<&'static str>),
    /// The new configuration is refused; one line.
    Refused(String),
}

/// Reads the configuration anew and compares it with the one in force. The names are those of the
/// settings that changed and need a restart.
pub(super) fn read(arguments: &Arguments, current: &Config) -> Reload {
    match arguments.build(&read_file) {
        Ok(config) => {
            let fixed = [
                ("address", config.listen != current.listen),
                ("TLS flags", config.tls != current.tls),
                ("host-balance", config.balance != current.balance),
                ("output flags", config.output != current.output),
                ("time-outs and limits", config.limits != current.limits),
            ];
            let unchanged = fixed
                .iter()
                .filter(|(_, changed)| *changed)
                .map(|(name, _)| *name);
            Reload::Changed(Box::new(config), unchanged.collect())
        }
        Err(error) => Reload::Refused(error.to_string()),
    }
}
