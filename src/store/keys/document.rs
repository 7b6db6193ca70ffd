//! The JSON document that agents and metadata services answer with.

use std::time::Duration;

use serde::Deserialize;

use super::{Found, pair};

/// The fields that count; none of them is printed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// The keys of a document that came at `now`, in seconds since 1970 by the clock of who gave it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(body: &[u8], now: u64) -> Result<Found, String> {
    let document: Document =
        serde_json::from_slice(body).map_err(|_| "its answer is no JSON document".to_owned())?;
    let refused = document.code.as_deref().filter(|code| *code != "Success");
    if let Some(code) = refused {
        let word: String = code.escape_debug().take(60).collect();
        return Err(format!("it answers `{word}`"));
    }
    let keys = match (&document.access_key_id, &document.secret_access_key) {
        (Some(access_key), Some(secret_key)) => {
            pair(access_key, secret_key, document.token.as_deref())
        }
        _ => None,
    };
    let keys = keys.ok_or("its answer holds no keys")?;
    let life = document
        .expiration
        .map(|text| life(&text, now))
        .transpose()?;
    Ok(Found { keys, life })
}

/// The time from `now` to an expiration; none when it has passed.
///
/// # Errors
/// It is not a time.
pub(super) fn life(expiration: &str, now: u64) -> Result<Duration, String> {
    let until: jiff::Timestamp = expiration
        .parse()
        .map_err(|_| "its answer holds an expiration that is no time".to_owned())?;
    let until = u64::try_from(until.as_second()).unwrap_or(0);
    Ok(Duration::from_secs(until.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 24 May 2013, midnight.
    const NOW: u64 = 1_369_353_600;

    #[test]
    fn keys_are_read_with_their_token_and_their_life() {
        let body = br#"{"Code":"Success","Type":"x","AccessKeyId":"A","SecretAccessKey":"B/+=",
            "Token":"C","Expiration":"2013-05-24T01:00:00Z","AccountId":"7"}"#;
        let found = read(body, NOW).unwrap();
        assert_eq!(Some(found.keys), pair("A", "B/+=", Some("C")));
        assert_eq!(found.life, Some(Duration::from_hours(1)));
        let lasting = read(br#"{"AccessKeyId":"A","SecretAccessKey":"B"}"#, NOW).unwrap();
        assert_eq!(
            (Some(lasting.keys), lasting.life),
            (pair("A", "B", None), None)
        );
    }

    #[test]
    fn an_expiration_that_has_passed_leaves_no_life() {
        for (text, seconds) in [
            ("2013-05-24T00:00:05.500Z", 5),
            ("2013-05-24T02:00:05+02:00", 5),
            ("2013-05-23T23:59:59Z", 0),
            ("1969-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(life(text, NOW), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(life("tomorrow", NOW).is_err());
    }

    #[test]
    fn anything_else_is_refused_without_repeating_a_key() {
        for (body, word) in [
            (&b""[..], "no JSON"),
            (b"[]", "no JSON"),
            (br#"{"AccessKeyId":7}"#, "no JSON"),
            (b"\xff", "no JSON"),
            (br#"{"Code":"Failed\n"}"#, "`Failed\\n`"),
            (br#"{"AccessKeyId":"A"}"#, "no keys"),
            (
                br#"{"AccessKeyId":"A","SecretAccessKey":"hunter2\r\n"}"#,
                "no keys",
            ),
            (
                br#"{"AccessKeyId":"","SecretAccessKey":"hunter2"}"#,
                "no keys",
            ),
            (
                br#"{"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"x"}"#,
                "no time",
            ),
        ] {
            let line = read(body, NOW).unwrap_err();
            assert!(line.contains(word), "{line}");
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_document_makes_the_reader_panic(
            body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "\\{(\"(Code|AccessKeyId|SecretAccessKey|Token|Expiration)\":(\"[!-~ü]{0,9}\"|null|7),?){0,5}\\}"
                    .prop_map(String::into_bytes),
            ],
            now: u64,
        ) {
            if let Ok(found) = read(&body, now) {
                prop_assert!(found.keys.access_key.reveal().is_ascii());
            }
        }

        #[test]
        fn a_life_ends_when_it_says(now in 0..4_000_000_000_u64, seconds in 0..1_000_000_u64) {
            let until = jiff::Timestamp::from_second((now + seconds).try_into().unwrap()).unwrap();
            prop_assert_eq!(life(&until.to_string(), now), Ok(Duration::from_secs(seconds)));
        }
    }
}
