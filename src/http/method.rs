//! Request methods and what may be assumed of them (RFC 9110 §9).

/// A request method; extension methods are [`Method::Other`] and pass as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    #[default]
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `PATCH`
    Patch,
    /// `TRACE`
    Trace,
    /// `CONNECT`, which no request head with success carries: it is refused with 501.
    Connect,
    /// Any other token.
    Other,
}

impl Method {
    /// Methods are case-sensitive: `get` is [`Method::Other`].
    pub const fn of(text: &[u8]) -> Self {
        match text {
            b"GET" => Self::Get,
            b"PUT" => Self::Put,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PATCH" => Self::Patch,
            b"TRACE" => Self::Trace,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// Whether sending it twice has the effect of sending it once (RFC 9110 §9.2.2). Of a method
    /// nobody knows, nothing is assumed.
    pub const fn is_idempotent(self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }

    /// Whether it asks for no change (RFC 9110 §9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }
}

/// The versions spoken on the wire here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    #[default]
    Http11,
}

impl Version {
    /// As written in a status line.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }

    pub(super) const fn of(minor: u8) -> Self {
        if minor == 0 {
            Self::Http10
        } else {
            Self::Http11
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive() {
        assert_eq!(Method::of(b"GET"), Method::Get);
        assert_eq!(Method::of(b"get"), Method::Other);
        assert_eq!(Method::of(b"PROPFIND"), Method::Other);
    }

    #[test]
    fn safe_methods_are_idempotent_and_post_is_neither() {
        for method in [Method::Get, Method::Head, Method::Options, Method::Trace] {
            assert!(method.is_safe() && method.is_idempotent());
        }
        for method in [Method::Put, Method::Delete] {
            assert!(!method.is_safe() && method.is_idempotent());
        }
        for method in [Method::Post, Method::Patch, Method::Connect, Method::Other] {
            assert!(!method.is_safe() && !method.is_idempotent());
        }
    }
}
