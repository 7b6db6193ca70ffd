//! A bucket that is reached by TLS.

use super::authority::Authority;
use super::server::{SECRET, Server};
use super::{given, keyed, open_trusting, run};
use crate::net::tls::Trust;
use crate::store::{AnyStore, Store, StoreError};

/// A store whose server shows a certificate for `name`, seen by a client that trusts so.
fn store(authority: &Authority, name: &str, trust: Trust) -> AnyStore {
    let (_, address) = Server::start_secure(authority.server(name));
    let backing = keyed(&format!("https://{address}"), given(SECRET)).unwrap();
    open_trusting(&backing, trust)
}

fn unreachable(error: &StoreError) -> String {
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
    error.to_string()
}

#[test]
fn a_server_of_the_trusted_authority_is_used() {
    run(async {
        let authority = Authority::new("house");
        let store = store(&authority, "127.0.0.1", authority.trust());
        store.check().await.unwrap();
        store.write("a/b", b"0123456789", "x/y").await.unwrap();
        assert_eq!(
            store.read("a/b", 10).await,
            Ok(Some(b"0123456789".to_vec()))
        );
        assert!(!store.takes_pipes(), "pipes hold clear text");
    });
}

#[test]
fn a_certificate_for_another_name_is_refused_with_both_names() {
    run(async {
        let authority = Authority::new("house");
        let store = store(&authority, "other.example", authority.trust());
        let line = unreachable(&store.check().await.unwrap_err());
        assert!(
            line.contains("not for this name (127.0.0.1): it is for other.example"),
            "{line}"
        );
        assert!(store.read("a/b", 10).await.is_err());
        assert!(!store.is_up(), "nothing else is asked of it");
    });
}

#[test]
fn an_unknown_authority_is_refused_with_the_cure() {
    run(async {
        let stranger = Authority::new("stranger");
        let store = store(&Authority::new("house"), "127.0.0.1", stranger.trust());
        let line = unreachable(&store.check().await.unwrap_err());
        assert!(
            line.contains("unknown authority; trust it with --cacert"),
            "{line}"
        );
    });
}
