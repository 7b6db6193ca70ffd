use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::redact;
use super::super::{
    BodyFraming, ChunkScanner, ChunkStep, ClientSide, Forwarded, Method, Parsed, Rejection,
    RequestHead, ResponseHead, Version, write_request, write_response,
};

type Field = (String, Vec<u8>);

/// Names that mean something are as likely as those that mean nothing.
fn name() -> impl Strategy<Value = String> {
    let known = select(vec![
        "Connection",
        "keep-alive",
        "TE",
        "Upgrade",
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Real-IP",
        "Server",
        "X-Proxy",
        "Authorization",
        "Expect",
        "Trailer",
        "Range",
    ]);
    prop_oneof![
        known.prop_map(str::to_owned),
        "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}"
    ]
    .prop_filter("framing and Host are generated apart", |name| {
        !["host", "content-length", "transfer-encoding"]
            .contains(&name.to_ascii_lowercase().as_str())
    })
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "close",
        "keep-alive, X-A",
        "trailers",
        "upgrade",
        "websocket",
        "x-a",
    ]);
    let byte = prop_oneof![0x21..=0x7e_u8, 0x80..=0xff_u8, Just(b' '), Just(b'\t')];
    prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        vec(byte, 0..20)
    ]
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    vec((name(), value()), 0..60)
}

fn framing() -> impl Strategy<Value = (String, BodyFraming)> {
    prop_oneof![
        Just((String::new(), BodyFraming::None)),
        (0..u64::MAX / 2)
            .prop_map(|n| (format!("Content-Length: {n}\r\n"), BodyFraming::Length(n))),
        Just((
            "transfer-encoding: Chunked\r\n".to_owned(),
            BodyFraming::Chunked
        )),
    ]
}

fn head(first: &str, framing: &str, fields: &[Field]) -> Vec<u8> {
    let mut bytes = first.as_bytes().to_vec();
    for (name, value) in fields {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(framing.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes
}

const REQUEST: &str = "PUT /b/%2e?x HTTP/1.1\r\nHost: h:1\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\n";

/// Fields that no proxy touches, whatever `Connection` says.
fn untouched(fields: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let touched = [
        "connection",
        "keep-alive",
        "te",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-a",
        "server",
        "x-proxy",
        "proxy-connection",
        "http2-settings",
        "proxy-authorization",
        "proxy-authenticate",
    ];
    fields
        .filter(|(name, _)| {
            !touched.contains(&String::from_utf8_lossy(name).to_ascii_lowercase().as_str())
        })
        .collect()
}

fn owned<'b>(
    fields: impl Iterator<Item = (&'b [u8], &'b [u8])>,
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    fields.map(|(name, value)| (name.to_vec(), value.to_vec()))
}

/// Whether what a head's `Connection` names includes one of its fields that would be untouched.
fn names_others(fields: &[Field]) -> bool {
    let options: Vec<String> = fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| {
            value
                .split(|&byte| byte == b',')
                .map(|option| String::from_utf8_lossy(option).trim().to_ascii_lowercase())
                .collect::<Vec<_>>()
        })
        .collect();
    fields
        .iter()
        .any(|(name, _)| options.contains(&name.to_ascii_lowercase()))
}

fn drip<E: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    mut parse: impl FnMut(&[u8]) -> Result<Parsed, E>,
) -> Result<Parsed, E> {
    for end in 1..bytes.len() {
        match parse(&bytes[..end]) {
            Ok(Parsed::Partial) => {}
            other => return other,
        }
    }
    parse(bytes)
}

/// What a second, naive reader makes of the framing fields of an accepted head.
fn assert_unambiguous(bytes: &[u8], length: usize, framing: BodyFraming) {
    let text = &bytes[..length];
    assert!(text.ends_with(b"\r\n\r\n"));
    let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let value_of = |wanted: &[u8]| -> Vec<Vec<u8>> {
        lines
            .iter()
            .filter_map(|line| {
                let colon = line.iter().position(|&byte| byte == b':')?;
                line[..colon]
                    .trim_ascii()
                    .eq_ignore_ascii_case(wanted)
                    .then(|| line[colon + 1..].trim_ascii().to_ascii_lowercase())
            })
            .collect()
    };
    let lengths = value_of(b"content-length");
    let encodings = value_of(b"transfer-encoding");
    assert!(lengths.len() + encodings.len() <= 1);
    match framing {
        BodyFraming::Length(value) => {
            assert_eq!(
                String::from_utf8_lossy(&lengths[0]).parse::<u64>(),
                Ok(value)
            );
        }
        BodyFraming::Chunked => assert_eq!(encodings, [b"chunked"]),
        BodyFraming::None | BodyFraming::UntilClose => {}
    }
    assert!(!text.contains(&0));
    for (index, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        assert_eq!(text[index - 1], b'\r');
    }
}

/// A chunked body and the data in it.
fn chunked() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let chunk = (vec(any::<u8>(), 1..40), "(;[a-z]{1,5}=[a-z\"]{1,5}){0,2}");
    let trailer = ("[A-Z][a-z]{3,12}", "[ -~]{0,12}").prop_filter(
        "some names are no trailers",
        |(name, _)| {
            ![
                "Host",
                "Range",
                "Expect",
                "Trailer",
                "Upgrade",
                "Connection",
            ]
            .contains(&name.as_str())
        },
    );
    (vec(chunk, 0..6), vec(trailer, 0..4)).prop_map(|(chunks, trailers)| {
        let (mut body, mut data) = (Vec::new(), Vec::new());
        for (content, extension) in chunks {
            body.extend_from_slice(format!("{:x}{extension}\r\n", content.len()).as_bytes());
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
            data.extend_from_slice(&content);
        }
        body.extend_from_slice(b"0\r\n");
        for (name, value) in trailers {
            body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        (body, data)
    })
}

proptest! {
    #[test]
    fn a_request_written_and_read_again_is_itself(
        (framing, decided) in framing(), fields in fields(),
    ) {
        prop_assume!(!names_others(&fields));
        let bytes = head(REQUEST, &framing, &fields);
        let mut before = RequestHead::default();
        match before.parse(&bytes) {
            Err(Rejection::TooManyOptions) => return Ok(()),
            other => prop_assert_eq!(other, Ok(Parsed::Complete)),
        }
        prop_assert_eq!(before.len(), bytes.len());
        prop_assert_eq!(before.framing(), decided);
        let mut out = Vec::new();
        let forwarded = Forwarded { client: "::1", proto: "https" };
        write_request(&before, &bytes, &forwarded, &mut out);
        let mut after = RequestHead::default();
        prop_assert_eq!(after.parse(&out), Ok(Parsed::Complete));
        prop_assert_eq!(after.len(), out.len());
        prop_assert_eq!(after.target(&out), before.target(&bytes));
        prop_assert_eq!(after.host(&out), before.host(&bytes));
        prop_assert_eq!(after.framing(), decided);
        prop_assert_eq!(after.upgrade(), before.upgrade());
        prop_assert_eq!(after.accepts_trailers(), before.accepts_trailers());
        prop_assert_eq!(
            untouched(owned(after.fields(&out))),
            untouched(owned(before.fields(&bytes)))
        );
        let chain = after.field(&out, "X-Forwarded-For").unwrap_or_default();
        prop_assert!(chain == b"::1" || chain.ends_with(b", ::1"));
        prop_assert_eq!(after.values(&out, "X-Forwarded-For").count(), 1);
        prop_assert!(after.field(&out, "X-Real-IP").is_some());
    }

    #[test]
    fn a_response_written_and_read_again_is_itself(
        (framing, _) in framing(), fields in fields(),
    ) {
        prop_assume!(!names_others(&fields));
        let bytes = head(RESPONSE, &framing, &fields);
        let mut before = ResponseHead::default();
        match before.parse(&bytes, Method::Get, false) {
            Err(Rejection::TooManyOptions) => return Ok(()),
            other => prop_assert_eq!(other, Ok(Parsed::Complete)),
        }
        let to = ClientSide {
            version: Version::Http11,
            keep_alive: before.keep_alive(),
            framing: before.framing(),
        };
        let mut out = Vec::new();
        write_response(&before, &bytes, &to, &mut out);
        let mut after = ResponseHead::default();
        prop_assert_eq!(after.parse(&out, Method::Get, false), Ok(Parsed::Complete));
        prop_assert_eq!(after.len(), out.len());
        prop_assert_eq!((after.status(), after.framing()), (before.status(), before.framing()));
        prop_assert_eq!(after.keep_alive(), before.keep_alive());
        prop_assert_eq!(
            untouched(owned(after.fields(&out))),
            untouched(owned(before.fields(&bytes)))
        );
        prop_assert_eq!(
            after.field(&out, "Server"), before.field(&bytes, "Server")
        );
        prop_assert!(after.values(&out, "Server").count() <= 1);
        prop_assert_eq!(after.values(&out, "X-Proxy").collect::<Vec<_>>(), [b"true"]);
    }

    #[test]
    fn heads_in_drips_read_as_at_once(
        (framing, _) in framing(), fields in vec((name(), value()), 0..8),
        hurt in any::<Option<(prop::sample::Index, u8)>>(),
    ) {
        for first in [REQUEST, RESPONSE] {
            let mut bytes = head(first, &framing, &fields);
            if let Some((place, byte)) = hurt {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let (mut at_once, mut drops) = (RequestHead::default(), RequestHead::default());
            let one = at_once.parse(&bytes);
            let other = drip(&bytes, |bytes| drops.parse(bytes));
            prop_assert_eq!(one.ok(), other.ok());
            prop_assert_eq!(at_once.len(), drops.len());
            if one == Ok(Parsed::Complete) {
                prop_assert_eq!(format!("{:?}", at_once.fields), format!("{:?}", drops.fields));
                prop_assert_eq!(at_once.framing(), drops.framing());
                assert_unambiguous(&bytes, at_once.len(), at_once.framing());
            }
            let (mut at_once, mut drops) = (ResponseHead::default(), ResponseHead::default());
            let one = at_once.parse(&bytes, Method::Get, true);
            let other = drip(&bytes, |bytes| drops.parse(bytes, Method::Get, true));
            prop_assert_eq!(one.ok(), other.ok());
            prop_assert_eq!(at_once.len(), drops.len());
            if one == Ok(Parsed::Complete) {
                prop_assert_eq!(at_once.framing(), drops.framing());
                assert_unambiguous(&bytes, at_once.len(), at_once.framing());
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let mut request = RequestHead::default();
        let _ = request.parse(&bytes);
        let mut response = ResponseHead::default();
        let _ = response.parse(&bytes, Method::Get, true);
        let _ = ChunkScanner::default().scan(&bytes);
        let _ = redact::query(&bytes);
        let prefixed = [REQUEST.as_bytes(), &bytes].concat();
        request.clear();
        let _ = request.parse(&prefixed);
        let prefixed = [RESPONSE.as_bytes(), &bytes].concat();
        response.clear();
        let _ = response.parse(&prefixed, Method::Head, false);
    }

    #[test]
    fn a_chunked_body_split_at_any_points_scans_the_same(
        (body, data) in chunked(), cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = [&body[..], b"GET / HTTP/1.1\r\n"].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let (mut scanner, mut seen, mut consumed) = (ChunkScanner::default(), Vec::new(), 0);
        for piece in cuts.windows(2) {
            let mut piece = &stream[piece[0]..piece[1]];
            while !scanner.is_done() {
                let count = match scanner.step(piece).unwrap() {
                    ChunkStep::NeedMore => break,
                    ChunkStep::Data(count) => {
                        seen.extend_from_slice(&piece[..count]);
                        count
                    }
                    ChunkStep::Framing(count) | ChunkStep::End(count) => count,
                };
                consumed += count;
                piece = &piece[count..];
            }
        }
        prop_assert!(scanner.is_done());
        prop_assert_eq!(consumed, body.len());
        prop_assert_eq!(seen, data);
    }

    #[test]
    fn a_hurt_chunked_body_is_refused_alike_in_drips(
        (mut body, _) in chunked(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let place = place.index(body.len());
        body[place] = byte;
        let at_once = ChunkScanner::default().scan(&body).map(|scan| (scan.consumed, scan.done));
        let mut scanner = ChunkScanner::default();
        let drips = body.iter().try_fold((0, false), |(consumed, _), byte| {
            scanner.scan(&[*byte]).map(|scan| (consumed + scan.consumed, scan.done))
        });
        prop_assert_eq!(at_once, drips);
    }

    #[test]
    fn redaction_leaves_other_parameters_alone(
        parameters in vec(("[a-m]{1,6}", "[a-z0-9%]{0,6}"), 0..6), secret in "[N-Z]{1,20}",
    ) {
        let mut query = parameters.iter().fold(String::new(), |query, (name, value)| {
            format!("{query}{name}={value}&")
        });
        let plain = query.clone();
        query.push_str("X-Amz-Signature=");
        query.push_str(&secret);
        let clean = redact::query(query.as_bytes());
        let expected = format!("{plain}X-Amz-Signature=REDACTED");
        prop_assert_eq!(&clean[..], expected.as_bytes());
    }
}
