//! `Cache-Status`: what the cache did, for whoever looks (RFC 9211).

/// Why a request went to a backend (RFC 9211 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward {
    /// The cache had nothing to do with it.
    Bypass,
    /// Its method is not answered from a store.
    Method,
    /// Nothing was stored under its key.
    UriMiss,
    /// What was stored varied on fields that it has otherwise.
    VaryMiss,
    /// What was stored is fresh, but this request, its directives or its credentials, forbade to
    /// use it unasked.
    Request,
    /// What was stored is stale.
    Stale,
}

impl Forward {
    fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

/// One member of the field: this cache's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheStatus {
    /// Answered from the store, with the seconds that the response stays fresh, negative if it is
    /// stale.
    Hit {
        /// Seconds.
        ttl: i64,
    },
    /// A backend was asked.
    Forwarded {
        /// Why.
        why: Forward,
        /// What it answered, where the client gets something else: the 304 to a validation.
        status: Option<u16>,
        /// Whether its answer is being stored.
        stored: bool,
    },
}

impl CacheStatus {
    /// The field's name.
    pub const NAME: &'static str = "Cache-Status";

    /// The field's value. A line of its own, behind those of caches nearer to the origin, is the
    /// end of the same list (RFC 9211 §2).
    pub fn value(self) -> String {
        let mut text = String::from("sidekick");
        match self {
            Self::Hit { ttl } => {
                text.push_str("; hit; ttl=");
                text.push_str(itoa::Buffer::new().format(ttl));
            }
            Self::Forwarded {
                why,
                status,
                stored,
            } => {
                text.push_str("; fwd=");
                text.push_str(why.token());
                if let Some(status) = status {
                    text.push_str("; fwd-status=");
                    text.push_str(itoa::Buffer::new().format(status));
                }
                if stored {
                    text.push_str("; stored");
                }
            }
        }
        text
    }

    /// One word for a line of the trace.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit { ttl } if ttl < 0 => "STALE",
            Self::Hit { .. } => "HIT",
            Self::Forwarded {
                status: Some(304), ..
            } => "REVALIDATED",
            Self::Forwarded {
                why: Forward::Bypass | Forward::Method,
                ..
            } => "BYPASS",
            Self::Forwarded {
                why: Forward::Stale,
                ..
            } => "EXPIRED",
            Self::Forwarded { .. } => "MISS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(why: Forward, status: Option<u16>, stored: bool) -> CacheStatus {
        CacheStatus::Forwarded {
            why,
            status,
            stored,
        }
    }

    #[test]
    fn the_member_is_as_the_rfc_writes_it() {
        for (status, value, word) in [
            (
                CacheStatus::Hit { ttl: 376 },
                "sidekick; hit; ttl=376",
                "HIT",
            ),
            (
                CacheStatus::Hit { ttl: -412 },
                "sidekick; hit; ttl=-412",
                "STALE",
            ),
            (
                forwarded(Forward::UriMiss, None, true),
                "sidekick; fwd=uri-miss; stored",
                "MISS",
            ),
            (
                forwarded(Forward::Stale, Some(304), false),
                "sidekick; fwd=stale; fwd-status=304",
                "REVALIDATED",
            ),
            (
                forwarded(Forward::VaryMiss, None, false),
                "sidekick; fwd=vary-miss",
                "MISS",
            ),
            (
                forwarded(Forward::Method, None, false),
                "sidekick; fwd=method",
                "BYPASS",
            ),
            (
                forwarded(Forward::Stale, None, true),
                "sidekick; fwd=stale; stored",
                "EXPIRED",
            ),
            (
                forwarded(Forward::Request, None, false),
                "sidekick; fwd=request",
                "MISS",
            ),
            (
                forwarded(Forward::Bypass, None, false),
                "sidekick; fwd=bypass",
                "BYPASS",
            ),
        ] {
            assert_eq!((status.value().as_str(), status.word()), (value, word));
        }
    }
}
