//! Reading what [`super::encode`] wrote, from a store that anybody may have written to: whatever
//! is not exactly that is nothing.

use super::encode::{MAGIC, VERSION};
use super::responses::MOST_RESPONSES;
use super::{NOT_STORED, StoredHead, StoredResponses};
use crate::cache::fields::{Fields, is_one_of};
use crate::cache::key::Resource;
use crate::cache::vary::Variant;

pub(super) fn responses(bytes: &[u8], resource: &Resource) -> Option<StoredResponses> {
    let mut input = Input { left: bytes };
    if input.take(MAGIC.len())? != MAGIC || input.byte()? != VERSION {
        return None;
    }
    if input.blob()? != resource.text() {
        return None;
    }
    let count = usize::from(input.byte()?);
    if count > MOST_RESPONSES {
        return None;
    }
    let heads: Option<Vec<StoredHead>> = (0..count).map(|_| head(&mut input)).collect();
    let heads = heads?;
    input.left.is_empty().then_some(StoredResponses { heads })
}

fn head(input: &mut Input<'_>) -> Option<StoredHead> {
    let mut stored = StoredHead {
        query: input.blob()?.into(),
        variant: Variant(input.array()?),
        status: u16::from_be_bytes(input.array()?),
        reason: input.blob()?.into(),
        request_time: u64::from_be_bytes(input.array()?),
        response_time: u64::from_be_bytes(input.array()?),
        with_credentials: match input.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        },
        body_length: u64::from_be_bytes(input.array()?),
        body: body_name(input.blob()?)?.into(),
        fields: Fields::default(),
    };
    let count = usize::from(u16::from_be_bytes(input.array()?));
    for _ in 0..count {
        let (name, value) = (input.blob()?, input.blob()?);
        if !is_name(name) || !is_text(value) || is_one_of(name, &NOT_STORED) {
            return None;
        }
        stored.fields.push(name, value);
    }
    let is_sound = (200..1000).contains(&stored.status)
        && stored.fits()
        && is_text(&stored.reason)
        && i64::try_from(stored.body_length).is_ok();
    is_sound.then_some(stored)
}

/// Names that the store's requests can carry as they are.
fn body_name(bytes: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'.');
    bytes
        .iter()
        .all(is_plain)
        .then(|| std::str::from_utf8(bytes).ok())
        .flatten()
}

/// A token (RFC 9110 §5.6.2).
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Text that cannot end its line.
fn is_text(value: &[u8]) -> bool {
    value
        .iter()
        .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// What is left to read.
struct Input<'a> {
    left: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(length)?;
        self.left = left;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn blob(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.array()?);
        self.take(length as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::tests::request;
    use super::super::Answer;
    use super::*;
    use crate::http::{Method, Parsed, ResponseHead};

    fn resource() -> Resource {
        let (head, bytes) = request("GET", "/b/k", "");
        Resource::of(&head, &bytes, "http")
    }

    prop_compose! {
        fn any_head()(
            query in "[?][a-z=&]{0,9}",
            variant in any::<[u8; 32]>(),
            status in 200u16..600,
            reason in "[ -~]{0,9}",
            times in any::<(u64, u64)>(),
            with_credentials in any::<bool>(),
            body_length in 0u64..1 << 62,
            body in "[0-9a-f]{0,9}/body-[0-9]{0,4}",
            lines in prop::collection::vec(("x[!#-'*+.0-9A-Z^-z|~-]{0,9}", "[ -~é\t]{0,9}"), 0..5),
        ) -> StoredHead {
            StoredHead {
                query: query.into_bytes().into(),
                variant: Variant(variant),
                status,
                reason: reason.into_bytes().into(),
                fields: lines.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect(),
                request_time: times.0,
                response_time: times.1,
                with_credentials,
                body_length,
                body: body.into(),
            }
        }
    }

    fn one() -> Vec<u8> {
        let head = StoredHead {
            status: 200,
            fields: [(&b"A"[..], &b"b"[..])].into_iter().collect(),
            ..StoredHead::default()
        };
        StoredResponses { heads: vec![head] }.encode(&resource())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(heads in prop::collection::vec(any_head(), 0..4)) {
            let all = StoredResponses { heads };
            let bytes = all.encode(&resource());
            let size: usize = all.heads.iter().map(super::super::encode::size).sum();
            prop_assert!(size <= bytes.len());
            prop_assert_eq!(StoredResponses::decode(&bytes, &resource()), Some(all));
        }

        #[test]
        fn whatever_is_stored_makes_an_answer(head in any_head(), now in any::<u64>()) {
            for answer in [Answer::Whole, Answer::NotModified] {
                let mut out = Vec::new();
                head.write(answer, now, &mut out);
                let mut parsed = ResponseHead::default();
                prop_assert_eq!(parsed.parse(&out, Method::Get, false), Ok(Parsed::Complete));
                prop_assert_eq!(parsed.len(), out.len());
            }
        }

        #[test]
        fn a_piece_of_it_is_a_miss(heads in prop::collection::vec(any_head(), 1..3), cut in any::<prop::sample::Index>()) {
            let bytes = StoredResponses { heads }.encode(&resource());
            let cut = cut.index(bytes.len());
            prop_assert_eq!(StoredResponses::decode(&bytes[..cut], &resource()), None);
        }

        #[test]
        fn any_bytes_are_a_miss_or_an_entry(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = StoredResponses::decode(&bytes, &resource());
        }

        #[test]
        fn damage_is_a_miss_or_sound(heads in prop::collection::vec(any_head(), 1..3), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = StoredResponses { heads }.encode(&resource());
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Some(all) = StoredResponses::decode(&bytes, &resource()) {
                prop_assert_eq!(all.encode(&resource()), bytes);
            }
        }
    }

    #[test]
    fn another_version_resource_or_tail_is_a_miss() {
        let good = one();
        assert!(StoredResponses::decode(&good, &resource()).is_some());
        let mut newer = good.clone();
        newer[MAGIC.len()] = VERSION + 1;
        assert_eq!(StoredResponses::decode(&newer, &resource()), None);
        assert_eq!(
            StoredResponses::decode(&[&good[..], b"x"].concat(), &resource()),
            None
        );
        let (head, bytes) = request("GET", "/b/l", "");
        let other = Resource::of(&head, &bytes, "http");
        assert_eq!(StoredResponses::decode(&good, &other), None);
    }

    #[test]
    fn a_field_that_cannot_be_one_is_a_miss() {
        for (name, value) in [
            ("A", "b\r\nC: d"),
            ("A:", "b"),
            ("", "b"),
            ("A", "\0"),
            ("A b", ""),
            ("Transfer-Encoding", "chunked"),
        ] {
            let head = StoredHead {
                status: 200,
                fields: [(name.as_bytes(), value.as_bytes())].into_iter().collect(),
                ..StoredHead::default()
            };
            let bytes = StoredResponses { heads: vec![head] }.encode(&resource());
            assert_eq!(
                StoredResponses::decode(&bytes, &resource()),
                None,
                "{name}: {value}"
            );
        }
    }
}
