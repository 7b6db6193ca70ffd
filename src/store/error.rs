//! What can go wrong with a store, in the words of an operator.

use std::fmt;
use std::io;

use super::keys::NoKeys;
use crate::http::Rejection;
use crate::net::DialError;

/// Why a store did not do what it was asked. A client never hears of it: the backend is asked as if
/// there were no cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// It was down a moment ago and is not asked before a check has passed.
    Down,
    /// There is nothing to sign a request with.
    NoKeys(NoKeys),
    /// No connection; the reason.
    Unreachable(String),
    /// Nothing came, or nothing was taken, in time.
    TimedOut(Awaited),
    /// The connection broke; the reason.
    Broken(String),
    /// It does not believe who we are, or does not let us.
    Refused {
        /// 401 or 403.
        status: u16,
        /// The store's own word for it, such as `AccessDenied`; empty when it said none.
        code: Box<str>,
    },
    /// There is no such bucket.
    NoBucket,
    /// It has no room.
    Full,
    /// Any other answer than the one that was asked for.
    Status {
        /// What it was.
        status: u16,
        /// The store's own word for it; empty when it said none.
        code: Box<str>,
    },
    /// The range begins behind the end of the object.
    BeyondEnd,
    /// The object is larger than the caller wants to hold.
    TooLarge,
    /// The answer breaks the rules of HTTP.
    Malformed(Rejection),
    /// The answer is HTTP but none that a store gives; what is wrong with it.
    Unexpected(&'static str),
    /// An upload ended before all of it was written, or was to be more than all.
    Incomplete,
}

/// What did not happen in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A connection.
    Connection,
    /// The head of an answer.
    Answer,
    /// Another byte of a body.
    Progress,
}

impl StoreError {
    /// Whether the store as a whole seems to be out of reach, so that nothing else should be asked
    /// of it for now.
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::NoKeys(_) | Self::Unreachable(_) | Self::TimedOut(_)
        )
    }

    pub(super) fn undialed(error: &DialError) -> Self {
        match error {
            DialError::TimedOut => Self::TimedOut(Awaited::Connection),
            error => Self::Unreachable(error.to_string()),
        }
    }

    pub(super) fn broken(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::closed(),
            _ => Self::Broken(error.to_string()),
        }
    }

    pub(super) fn closed() -> Self {
        Self::Broken("the store closed the connection".to_owned())
    }

    /// The meaning of an answer that is none of the operation's own.
    pub(super) fn answered(status: u16, code: &str) -> Self {
        const FULL: [&str; 5] = [
            "QuotaExceeded",
            "InsufficientStorage",
            "StorageFull",
            "XMinioStorageFull",
            "XMinioAdminBucketQuotaExceeded",
        ];
        match status {
            _ if code == "NoSuchBucket" => Self::NoBucket,
            _ if status == 507 || FULL.contains(&code) => Self::Full,
            401 | 403 => Self::Refused {
                status,
                code: code.into(),
            },
            416 => Self::BeyondEnd,
            _ => Self::Status {
                status,
                code: code.into(),
            },
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => formatter.write_str("the store is down"),
            Self::NoKeys(reason) => reason.fmt(formatter),
            Self::Unreachable(reason) => write!(formatter, "no connection to the store: {reason}"),
            Self::TimedOut(Awaited::Connection) => {
                formatter.write_str("no connection to the store: connect timed out")
            }
            Self::TimedOut(Awaited::Answer) => formatter.write_str("the store does not answer"),
            Self::TimedOut(Awaited::Progress) => formatter.write_str("the store stands still"),
            Self::Broken(reason) => write!(formatter, "the connection broke: {reason}"),
            Self::Refused { status, code } if code.is_empty() => {
                write!(
                    formatter,
                    "the store refuses with {status}; check keys and policy"
                )
            }
            Self::Refused { status, code } => write!(
                formatter,
                "the store refuses with {status} {code}; check keys and policy"
            ),
            Self::NoBucket => formatter.write_str("the store has no such bucket; make it"),
            Self::Full => formatter.write_str("the store is full"),
            Self::Status { status, code } if code.is_empty() => {
                write!(formatter, "the store answered {status}")
            }
            Self::Status { status, code } => {
                write!(formatter, "the store answered {status} {code}")
            }
            Self::BeyondEnd => formatter.write_str("the object ends before the range begins"),
            Self::TooLarge => formatter.write_str("the object is larger than it can be"),
            Self::Malformed(rule) => write!(formatter, "malformed answer: {rule}"),
            Self::Unexpected(what) => write!(formatter, "unexpected answer: {what}"),
            Self::Incomplete => formatter.write_str("the upload is not of the announced length"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}
