//! Why TLS failed, in an operator's words.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

use super::calendar::day;

/// A failure of TLS with a backend as one line, with the cure where there is one.
pub fn describe(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => received(*alert),
        Error::NoCertificatesPresented => "peer shows no certificate".to_owned(),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => "not a TLS server; is it http://?".to_owned(),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "peer speaks no version of TLS that is spoken here".to_owned(),
        Error::PeerIncompatible(reason) => {
            format!("peer speaks another TLS: {}", words(&format!("{reason:?}")))
        }
        Error::PeerMisbehaved(reason) => {
            format!(
                "peer breaks the rules of TLS: {}",
                words(&format!("{reason:?}"))
            )
        }
        Error::InvalidMessage(reason) => {
            format!(
                "peer sent a broken message: {}",
                words(&format!("{reason:?}"))
            )
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "peer sent a message out of turn".to_owned()
        }
        other => one_line(&other.to_string()),
    }
}

/// The same of TLS with a client, who is not told of our flags.
pub(super) fn describe_client(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => format!("client sent alert: {}", name(*alert)),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => "client speaks no TLS".to_owned(),
        other => describe(other),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("certificate expired on {}", day(not_after.as_secs()))
        }
        CertificateError::Expired => "certificate expired".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!(
                "certificate is not valid before {}",
                day(not_before.as_secs())
            )
        }
        CertificateError::NotValidYet => "certificate is not valid yet".to_owned(),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let named: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let named = match named.as_slice() {
                [] => "no name at all; it needs subject alternative names".to_owned(),
                named => one_line(&named.join(", ")),
            };
            let expected = expected.to_str();
            format!("certificate is not for this name ({expected}): it is for {named}")
        }
        CertificateError::NotValidForName => "certificate is not for this name".to_owned(),
        CertificateError::UnknownIssuer => {
            "certificate signed by an unknown authority; trust it with --cacert".to_owned()
        }
        CertificateError::BadSignature => {
            "certificate or handshake is signed with another key than it says".to_owned()
        }
        CertificateError::BadEncoding => "certificate is broken".to_owned(),
        CertificateError::Revoked => "certificate is revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate is not for servers (extended key usage)".to_owned()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "certificate is signed by a method that is not supported".to_owned()
        }
        CertificateError::Other(error) if error.0.to_string().contains("CaUsedAsEndEntity") => {
            "certificate is a CA's and not a server's; trust just this one with --cacert".to_owned()
        }
        CertificateError::Other(error) => {
            format!("certificate is refused: {}", words(&error.0.to_string()))
        }
        other => format!("certificate is refused: {}", words(&format!("{other:?}"))),
    }
}

fn received(alert: AlertDescription) -> String {
    let name = name(alert);
    match alert {
        AlertDescription::CertificateRequired => {
            "backend wants a client certificate; give --client-cert and --client-key".to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            format!("peer sent alert: {name}; look at --client-cert and --client-key")
        }
        // TLS 1.2 has no better one for a missing certificate; it is also said of other things.
        AlertDescription::HandshakeFailure => {
            format!("peer sent alert: {name}; perhaps it wants --client-cert and --client-key")
        }
        _ => format!("peer sent alert: {name}"),
    }
}

fn name(alert: AlertDescription) -> String {
    alert
        .as_str()
        .map_or_else(|| u8::from(alert).to_string(), words)
}

/// What stands in a name as webpki writes it: `DnsName("a")`, `IpAddress(10.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

/// The words of a compound: `HandshakeFailure` is `handshake failure`, `UnknownCA` `unknown ca`.
fn words(compound: &str) -> String {
    let mut spaced = String::with_capacity(compound.len() + 8);
    let mut after_lower = false;
    for character in compound.chars() {
        if character.is_uppercase() && after_lower {
            spaced.push(' ');
        }
        after_lower = character.is_lowercase() || character.is_ascii_digit();
        spaced.extend(character.to_lowercase());
    }
    // What follows is the value that a compound carries, in nobody's words.
    let end = spaced.find(['(', '{']).unwrap_or(spaced.len());
    one_line(spaced[..end].trim())
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    #[test]
    fn failures_are_lines_with_a_cure() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = ServerName::try_from("m1.example").expect("a name");
        let for_names = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: name.clone(),
            presented: presented.iter().map(ToString::to_string).collect(),
        };
        let expired = CertificateError::ExpiredContext {
            time: at(1_800_000_000),
            not_after: at(1_767_398_399),
        };
        for (error, line) in [
            (expired.into(), "certificate expired on 2026-01-02"),
            (
                for_names(&["DnsName(\"a\")", "IpAddress(10.0.0.1)"]).into(),
                "certificate is not for this name (m1.example): it is for a, 10.0.0.1",
            ),
            (
                for_names(&[]).into(),
                "certificate is not for this name (m1.example): it is for no name at all; it needs \
                 subject alternative names",
            ),
            (
                CertificateError::UnknownIssuer.into(),
                "certificate signed by an unknown authority; trust it with --cacert",
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                "backend wants a client certificate; give --client-cert and --client-key",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "peer sent alert: unknown ca; look at --client-cert and --client-key",
            ),
            (
                Error::AlertReceived(AlertDescription::HandshakeFailure),
                "peer sent alert: handshake failure; perhaps it wants --client-cert and --client-key",
            ),
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "not a TLS server; is it http://?",
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "peer speaks another TLS: no cipher suites in common",
            ),
            (
                Error::InvalidMessage(InvalidMessage::MissingData("Certificate")),
                "peer sent a broken message: missing data",
            ),
        ] {
            assert_eq!(describe(&error), line);
        }
    }
}
