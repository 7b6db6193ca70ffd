//! A certificate authority of the tests' own, what it issues, and files of it for the flags.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

/// The name that servers prove, and are asked for by.
pub(crate) const SERVER_NAME: &str = "localhost";

/// A certificate and its key.
pub(crate) struct Issued {
    certificate: Certificate,
    key: KeyPair,
}

impl Issued {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key")
    }
}

/// Issues certificates, and believes its own.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    server: Issued,
    client: Issued,
}

/// The authority that every test trusts which does not need one of its own; keys take time.
pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        let issuer = Issuer::new(params, key);
        Self {
            server: issued(&issuer, ExtendedKeyUsagePurpose::ServerAuth),
            client: issued(&issuer, ExtendedKeyUsagePurpose::ClientAuth),
            certificate,
            issuer,
        }
    }

    /// A new certificate for servers on this machine.
    pub(crate) fn issue_server(&self) -> Issued {
        issued(&self.issuer, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A new certificate for clients.
    pub(crate) fn issue_client(&self) -> Issued {
        issued(&self.issuer, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Serves HTTP/1.1 to everybody.
    pub(crate) fn server_config(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_no_client_auth();
        let mut config = builder
            .with_single_cert(self.server.chain(), self.server.key())
            .expect("a usable certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// Serves HTTP/1.1 to those who show a certificate that one of these has issued.
    pub(crate) fn demanding_config(&self, clients: &[&Self]) -> Arc<ServerConfig> {
        let roots = Arc::new(roots(clients));
        let demand = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .build()
            .expect("a verifier");
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_client_cert_verifier(demand);
        let mut config = builder
            .with_single_cert(self.server.chain(), self.server.key())
            .expect("a usable certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// Connects by this version to servers of this authority, for this protocol.
    pub(crate) fn client_config(
        &self,
        version: &'static SupportedProtocolVersion,
        protocol: &str,
    ) -> Arc<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .expect("known versions")
            .with_root_certificates(roots(&[self]))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Arc::new(config)
    }
}

fn roots(authorities: &[&Authority]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        let root = authority.certificate.der().clone();
        roots.add(root).expect("a root");
    }
    roots
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names and addresses");
    params.not_before = date_time_ymd(2020, 1, 1);
    params
}

fn issued(issuer: &Issuer<'static, KeyPair>, usage: ExtendedKeyUsagePurpose) -> Issued {
    let mut params = params(&[SERVER_NAME, "127.0.0.1"]);
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("signed");
    Issued { certificate, key }
}

/// Files for the flags, gone when this is.
pub(crate) struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// What [`AUTHORITY`] has issued.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("tls-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).expect("a scratch directory");
        let certificates = Self { directory };
        certificates.trust(&[&AUTHORITY]);
        certificates.show_to_clients(&AUTHORITY.server);
        certificates.show_to_backends(&AUTHORITY.client);
        certificates
    }

    /// The value of the flag `--name`.
    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.directory.join(name).with_extension("pem");
        path.to_string_lossy().into_owned()
    }

    /// Puts a file in place of another as a whole, as those do who rotate certificates.
    fn replace(&self, name: &str, pem: &str) {
        let path = self.file(name);
        let beside = format!("{path}.new");
        fs::write(&beside, pem).expect("a scratch file");
        fs::rename(&beside, &path).expect("a scratch file");
    }

    /// `--cacert`
    pub(crate) fn trust(&self, authorities: &[&Authority]) {
        let pem: String = authorities
            .iter()
            .map(|authority| authority.certificate.pem())
            .collect();
        self.replace("cacert", &pem);
    }

    /// `--cert` and `--key`
    pub(crate) fn show_to_clients(&self, issued: &Issued) {
        self.replace("cert", &issued.certificate.pem());
        self.replace("key", &issued.key.serialize_pem());
    }

    /// `--client-cert` and `--client-key`
    pub(crate) fn show_to_backends(&self, issued: &Issued) {
        self.replace("client-cert", &issued.certificate.pem());
        self.replace("client-key", &issued.key.serialize_pem());
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
