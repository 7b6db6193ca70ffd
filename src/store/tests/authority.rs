//! An authority of the test's own, and what it issues.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;

use crate::config::TlsVersion;
use crate::net::tls::{Identity, Presented, Roots, Trust, server_config};

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// What a client believes that trusts this authority alone.
    pub(super) fn trust(&self) -> Trust {
        Trust::Roots(Roots::from_pem(self.pem.as_bytes()).unwrap())
    }

    /// What a server shows that is `name`, an address or a host.
    pub(super) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        let identity = Identity::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes(), None);
        let presented = Presented::new(&identity.unwrap());
        server_config(Arc::new(presented), TlsVersion::V13).unwrap()
    }
}
