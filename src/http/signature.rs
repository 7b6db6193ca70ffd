//! What a request's signature covers (AWS Signature Version 4, "Create a signed request"): a signed
//! field must reach the backend as it came, an unsigned one may be changed or added.

use super::RequestHead;
use super::redact::decoded;

/// Whether changing or removing the field `name`, in lower case, could break the request's
/// signature. An authentication scheme that is not known is taken to cover everything.
pub fn covers(request: &RequestHead, bytes: &[u8], name: &str) -> bool {
    match request.field(bytes, "Authorization") {
        Some(authorization) => header_covers(authorization, name),
        None => query_covers(request.query(bytes).unwrap_or_default(), name),
    }
}

fn header_covers(authorization: &[u8], name: &str) -> bool {
    let end = authorization.iter().position(|&byte| byte == b' ');
    let (scheme, rest) = authorization.split_at(end.unwrap_or(authorization.len()));
    // Neither a password, nor a token, nor Signature Version 2 looks at other fields than S3's own.
    if [&b"Basic"[..], b"Bearer", b"AWS"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return false;
    }
    if !scheme.starts_with(b"AWS4-") {
        return true;
    }
    let list = rest
        .split(|&byte| byte == b',')
        .find_map(|part| part.trim_ascii().strip_prefix(b"SignedHeaders="));
    list.is_none_or(|list| lists(list.iter().copied(), name))
}

fn query_covers(query: &[u8], name: &str) -> bool {
    query.split(|&byte| byte == b'&').any(|parameter| {
        let equals = parameter.iter().position(|&byte| byte == b'=');
        let (key, value) = parameter.split_at(equals.unwrap_or(parameter.len()));
        let is_list = decoded(key)
            .map(|byte| byte.to_ascii_lowercase())
            .eq(*b"x-amz-signedheaders");
        is_list && lists(decoded(value).skip(1), name)
    })
}

/// Whether `name` stands in a list of names with semicolons between them.
fn lists(list: impl Iterator<Item = u8>, name: &str) -> bool {
    let list: Vec<u8> = list.collect();
    list.split(|&byte| byte == b';')
        .any(|each| each.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::{Parsed, RequestHead};
    use super::covers;

    fn range_is_covered(target: &str, authorization: Option<&str>) -> bool {
        let field =
            authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        let text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{field}\r\n");
        let mut head = RequestHead::default();
        assert_eq!(head.parse(text.as_bytes()), Ok(Parsed::Complete), "{text}");
        covers(&head, text.as_bytes(), "range")
    }

    #[test]
    fn signature_version_4_covers_the_fields_it_lists() {
        let signed = |names: &str| {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential=AK/20260101/r/s3/aws4_request, SignedHeaders={names}, \
                 Signature=00"
            );
            range_is_covered("/b/k", Some(&value))
        };
        assert!(signed("host;range;x-amz-date"));
        assert!(signed("host;Range"));
        assert!(!signed("host;x-amz-date"));
        assert!(!signed("host;x-range;ranges"));
        let compact = "AWS4-HMAC-SHA256 Credential=AK,SignedHeaders=host;range,Signature=00";
        assert!(range_is_covered("/b/k", Some(compact)));
    }

    #[test]
    fn a_presigned_query_covers_the_fields_it_lists() {
        assert!(range_is_covered(
            "/b/k?X-Amz-SignedHeaders=host%3Brange&X-Amz-Signature=00",
            None
        ));
        assert!(range_is_covered("/b/k?a&x%2Damz-signedheaders=range", None));
        assert!(!range_is_covered(
            "/b/k?X-Amz-SignedHeaders=host&range=1",
            None
        ));
        assert!(!range_is_covered("/b/k", None));
    }

    #[test]
    fn passwords_and_tokens_cover_nothing_and_the_unknown_everything() {
        for known in ["Basic dTpw", "Bearer abc", "bearer abc", "AWS AK:sig"] {
            assert!(!range_is_covered("/", Some(known)), "{known}");
        }
        for unknown in ["Signature keyId=\"a\"", "AWS4-HMAC-SHA256 nonsense", ""] {
            assert!(range_is_covered("/", Some(unknown)), "{unknown}");
        }
    }
}
