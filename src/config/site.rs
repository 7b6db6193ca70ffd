//! One SITE argument: endpoints that serve the same data.

use super::ellipses::Pattern;
use super::endpoint::{Endpoint, Scheme, split_scheme};
use super::error::Problem;

/// Most endpoints a configuration may have, all sites together.
pub const MOST_ENDPOINTS: usize = 10_000;

/// Servers of one cluster: any of them can answer any request. All have one scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteConfig {
    /// At least one, in the order typed; ellipses expanded, the rightmost counting fastest.
    pub endpoints: Vec<Endpoint>,
}

impl SiteConfig {
    /// Reads one SITE: endpoints separated by commas, each perhaps with ellipses. At most
    /// [`MOST_ENDPOINTS`], counted before anything is built.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for typed in text.split(',') {
            let (scheme, authority) = split_scheme(typed.trim())?;
            if let Some(first) = endpoints.first()
                && first.scheme != scheme
            {
                return Err(Problem::new(
                    "http:// and https:// cannot mix within one site",
                ));
            }
            let pattern = Pattern::parse(authority)?;
            if pattern.count() > (MOST_ENDPOINTS - endpoints.len()) as u64 {
                return Err(too_many());
            }
            for authority in pattern.expand() {
                endpoints.push(Endpoint::from_authority(scheme, &authority)?);
            }
        }
        Ok(Self { endpoints })
    }

    /// The one scheme of its endpoints.
    pub fn scheme(&self) -> Scheme {
        self.endpoints
            .first()
            .map_or(Scheme::Http, |endpoint| endpoint.scheme)
    }
}

pub(crate) fn too_many() -> Problem {
    Problem::new("more than 10,000 endpoints in all; narrow the ranges")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(text: &str) -> Vec<String> {
        let site = SiteConfig::parse(text).expect(text);
        site.endpoints.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn plain_and_expanded_endpoints_mix() {
        assert_eq!(
            labels("http://a{1...2}:9000/, http://b,http://[::1]:900{0...1}"),
            [
                "http://a1:9000",
                "http://a2:9000",
                "http://b",
                "http://[::1]:9000",
                "http://[::1]:9001"
            ]
        );
        assert_eq!(
            labels("http://r{1...2}:{9000...9001}"),
            [
                "http://r1:9000",
                "http://r1:9001",
                "http://r2:9000",
                "http://r2:9001"
            ]
        );
        assert_eq!(
            labels("http://[fe80::{9...a}]:1"),
            ["http://[fe80::9]:1", "http://[fe80::a]:1"]
        );
    }

    #[test]
    fn slips_are_refused_with_their_cure() {
        for (text, cure) in [
            ("", "endpoint is empty"),
            ("http://a,,http://b", "endpoint is empty"),
            ("http://a,", "endpoint is empty"),
            ("http://a,https://b", "cannot mix"),
            ("http://a,b", "write http://b"),
            ("http://h{1,2}:9000", "`{a,b}`"),
            ("http://h{1..4}", "three"),
            ("http{1...2}://h", "not spoken here"),
            ("http://h:{65535...65536}", "not a port"),
            ("http://h/{1...2}", "remove `/{1...2}`"),
            ("http://h{1...10001}", "10,000"),
            ("http://h{1...9999999}:{1...60000}", "10,000"),
            ("http://a{1...5001},http://b{1...5000}", "10,000"),
        ] {
            let problem = SiteConfig::parse(text).expect_err(text).to_string();
            assert!(
                problem.contains(cure.trim_matches('`')),
                "{text}: {problem}"
            );
        }
        assert_eq!(labels("http://h{1...10000}").len(), 10_000);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in r"\PC*|(https?://)?[{}.,:/\[\]a0-9@]{0,40}") {
            let _ = SiteConfig::parse(&text);
        }
    }
}
