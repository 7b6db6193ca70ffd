//! Whole handshakes in memory: who is believed, and which protocol is chosen.

use std::io::Cursor;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

use crate::config::{Host, TlsVersion};
use crate::net::tls::{
    Identity, Presented, Roots, SelfSigned, TlsAcceptor, TlsConnector, Trust, client_config,
    describe, server_config,
};

/// A certificate with its key, and what issued it.
pub(super) struct Made {
    pub(super) identity: Identity,
    pem: String,
}

pub(super) fn params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().expect("a name")),
        });
    }
    params
}

fn self_signed(params: &CertificateParams) -> Made {
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("signed").pem();
    made(pem, &key)
}

fn made(pem: String, key: &KeyPair) -> Made {
    let key = key.serialize_pem();
    Made {
        identity: Identity::from_pem(pem.as_bytes(), key.as_bytes(), None).expect("usable"),
        pem,
    }
}

/// An authority's certificate, PEM, and the identity it gave a server.
pub(super) fn issued(params: &CertificateParams) -> (String, Made) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let root = authority.self_signed(&authority_key).expect("signed").pem();
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::new(authority, authority_key);
    let pem = params.signed_by(&key, &issuer).expect("signed").pem();
    (root, made(pem, &key))
}

pub(super) fn roots(pem: &str) -> Trust {
    Trust::Roots(Roots::from_pem(pem.as_bytes()).expect("roots"))
}

/// The protocol that both agreed on, or the failure in an operator's words.
fn shake(
    client: &Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), String> {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut client = ClientConnection::new(Arc::clone(client), name).expect("a client");
    let mut server = ServerConnection::new(server).expect("a server");
    for _ in 0..4 {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).expect("written");
        }
        deliver(&sent, |bytes| {
            server.read_tls(bytes).expect("read");
            server.process_new_packets().map(drop)
        })
        .map_err(|error| describe(&error))?;
        let mut answered = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answered).expect("written");
        }
        deliver(&answered, |bytes| {
            client.read_tls(bytes).expect("read");
            client.process_new_packets().map(drop)
        })
        .map_err(|error| describe(&error))?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

fn deliver(
    bytes: &[u8],
    mut read: impl FnMut(&mut Cursor<&[u8]>) -> Result<(), rustls::Error>,
) -> Result<(), rustls::Error> {
    let mut bytes = Cursor::new(bytes);
    while usize::try_from(bytes.position()).is_ok_and(|at| at < bytes.get_ref().len()) {
        read(&mut bytes)?;
    }
    Ok(())
}

/// What a client that trusts so says of a server that shows this.
fn verdict(trust: Trust, made: &Made, name: &str) -> Result<(), String> {
    let presented = Arc::new(Presented::new(&made.identity));
    let server = server_config(presented, TlsVersion::V13).expect("a config");
    let client = client_config(trust, None, TlsVersion::V13).expect("a config");
    shake(&client, server, name).map(drop)
}

#[track_caller]
fn refused(verdict: Result<(), String>, words: &str) {
    let line = verdict.expect_err("refused");
    assert!(line.contains(words), "{line}");
}

#[test]
fn a_server_of_a_trusted_authority_is_believed_by_name_and_address() {
    let (root, server) = issued(&params(&[
        "a.example",
        "*.b.example",
        "10.0.0.1",
        "2001:db8::1",
    ]));
    for name in ["a.example", "x.b.example", "10.0.0.1", "2001:db8::1"] {
        assert_eq!(verdict(roots(&root), &server, name), Ok(()), "{name}");
    }
    for name in ["c.example", "x.y.b.example", "10.0.0.2"] {
        refused(
            verdict(roots(&root), &server, name),
            &format!("certificate is not for this name ({name}): it is for a.example, *.b.example"),
        );
    }
}

#[test]
fn a_certificate_out_of_its_time_is_refused_with_the_day() {
    let mut expired = params(&["a"]);
    expired.not_after = date_time_ymd(2021, 2, 3);
    let mut future = params(&["a"]);
    future.not_before = date_time_ymd(2100, 1, 1);
    for (params, words) in [
        (expired, "certificate expired on 2021-02-03"),
        (future, "certificate is not valid before 2100-01-01"),
    ] {
        let (root, server) = issued(&params);
        refused(verdict(roots(&root), &server, "a"), words);
        // The same where the certificate itself is what is trusted.
        let mut itself = params;
        itself.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let server = self_signed(&itself);
        refused(verdict(roots(&server.pem), &server, "a"), words);
        assert_eq!(verdict(Trust::Anyone, &server, "a"), Ok(()));
    }
}

#[test]
fn a_self_signed_certificate_is_believed_where_it_is_a_root_itself() {
    for is_ca in [
        IsCa::NoCa,
        IsCa::ExplicitNoCa,
        IsCa::Ca(BasicConstraints::Unconstrained),
    ] {
        let mut params = params(&["a", "10.0.0.1"]);
        params.is_ca = is_ca;
        let server = self_signed(&params);
        for name in ["a", "10.0.0.1"] {
            assert_eq!(verdict(roots(&server.pem), &server, name), Ok(()));
        }
        refused(
            verdict(roots(&server.pem), &server, "b"),
            "not for this name (b): it is for a, 10.0.0.1",
        );
        // Another of the same subject is not the same.
        let other = self_signed(&params);
        assert!(verdict(roots(&other.pem), &server, "a").is_err());
        refused(
            verdict(Trust::Roots(Roots::none()), &server, "a"),
            "with --cacert",
        );
    }
}

#[test]
fn an_unknown_authority_is_refused_unless_anyone_will_do() {
    let (_, server) = issued(&params(&["a"]));
    let (other, _) = issued(&params(&["a"]));
    let words = "certificate signed by an unknown authority; trust it with --cacert";
    refused(verdict(Trust::Roots(Roots::none()), &server, "a"), words);
    let answer = verdict(roots(&other), &server, "a");
    // Both authorities have one subject, so that it is the signature that tells them apart.
    assert!(answer.is_err(), "{answer:?}");
    for name in ["a", "b", "10.0.0.1"] {
        assert_eq!(verdict(Trust::Anyone, &server, name), Ok(()));
    }
}

#[test]
fn the_clients_first_protocol_is_chosen() {
    let server = self_signed(&params(&["a"]));
    let presented = Arc::new(Presented::new(&server.identity));
    for newest in [TlsVersion::V12, TlsVersion::V13] {
        let acceptor = TlsAcceptor::new(Arc::clone(&presented), newest).expect("an acceptor");
        for (offered, chosen) in [
            (&["h2", "http/1.1"][..], Some("h2")),
            (&["http/1.1", "h2"], Some("http/1.1")),
            (&["http/1.1"], Some("http/1.1")),
            (&["h2"], Some("h2")),
            (&[], None),
        ] {
            let client = client_config(Trust::Anyone, None, TlsVersion::V13).expect("a config");
            let mut client = Arc::unwrap_or_clone(client);
            client.alpn_protocols = offered
                .iter()
                .map(|name| name.as_bytes().to_vec())
                .collect();
            let client = Arc::new(client);
            let name = ServerName::try_from("a").expect("a name");
            let mut hello = Vec::new();
            ClientConnection::new(Arc::clone(&client), name)
                .expect("a client")
                .write_tls(&mut hello)
                .expect("written");
            let (_, server) = shake(&client, acceptor.config_for(&hello), "a").expect("agreed");
            assert_eq!(
                server.alpn_protocol(),
                chosen.map(str::as_bytes),
                "{offered:?}"
            );
            assert_eq!(
                server
                    .protocol_version()
                    .map(|version| version == rustls::ProtocolVersion::TLSv1_3),
                Some(newest == TlsVersion::V13)
            );
        }
    }
}

#[test]
fn new_handshakes_show_what_replaced_the_old() {
    let (old, new) = (self_signed(&params(&["a"])), self_signed(&params(&["a"])));
    let presented = Arc::new(Presented::new(&old.identity));
    let server = server_config(Arc::clone(&presented), TlsVersion::V13).expect("a config");
    let client = client_config(roots(&new.pem), None, TlsVersion::V13).expect("a config");
    assert!(shake(&client, Arc::clone(&server), "a").is_err());
    presented.replace(&new.identity);
    assert!(shake(&client, server, "a").is_ok());
    assert_eq!(presented.pem(), new.pem.replace("\r\n", "\n"));
}

#[test]
fn a_client_comes_back_with_its_session() {
    let made = self_signed(&params(&["a"]));
    for newest in [TlsVersion::V12, TlsVersion::V13] {
        let presented = Arc::new(Presented::new(&made.identity));
        let acceptor = TlsAcceptor::new(presented, newest).expect("an acceptor");
        let client = client_config(roots(&made.pem), None, TlsVersion::V13).expect("a config");
        let kinds: Vec<_> = (0..2)
            .map(|_| {
                let (client, _) = shake(&client, acceptor.config_for(b""), "a").expect("agreed");
                client.handshake_kind()
            })
            .collect();
        assert_eq!(
            kinds,
            [
                Some(rustls::HandshakeKind::Full),
                Some(rustls::HandshakeKind::Resumed)
            ]
        );
    }
}

#[test]
fn a_connector_counts_its_replacements() {
    let config = |newest| client_config(Trust::Anyone, None, newest).expect("a config");
    let (old, new) = (config(TlsVersion::V12), config(TlsVersion::V13));
    let connector = TlsConnector::new(Arc::clone(&old));
    assert_eq!(connector.generation(), 0);
    connector.replace(Arc::clone(&new));
    assert_eq!(connector.generation(), 1);
    assert!(Arc::ptr_eq(&connector.current(), &new));
}

#[test]
fn a_backend_that_asks_is_shown_the_client_certificate() {
    let (root, identity) = issued(&params(&["client"]));
    let made = self_signed(&params(&["a"]));
    let mut anchors = rustls::RootCertStore::empty();
    let authority = pem::parse(&root).expect("PEM").into_contents();
    anchors.add(authority.into()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(anchors),
        Arc::clone(&provider),
    );
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_cert_resolver(Arc::new(Presented::new(&made.identity)));
    let server = Arc::new(server);
    let with = client_config(Trust::Anyone, Some(&identity.identity), TlsVersion::V13);
    let (_, served) = shake(&with.expect("a config"), Arc::clone(&server), "a").expect("agreed");
    assert!(served.peer_certificates().is_some());
    let without = client_config(Trust::Anyone, None, TlsVersion::V13).expect("a config");
    assert!(shake(&without, server, "a").is_err());
}

#[test]
fn the_own_self_signed_certificate_is_believed_as_a_root() {
    let names = [
        Host::Name("localhost".to_owned()),
        Host::Ip("127.0.0.1".parse().expect("an address")),
    ];
    let own = SelfSigned::new(&names, SystemTime::now()).expect("made");
    let made = Made {
        identity: own.identity().clone(),
        pem: Presented::new(own.identity()).pem(),
    };
    for name in ["localhost", "127.0.0.1"] {
        assert_eq!(verdict(roots(&made.pem), &made, name), Ok(()));
    }
    refused(
        verdict(roots(&made.pem), &made, "other"),
        "it is for localhost, 127.0.0.1",
    );
}
