//! The certificate authority of one run, and the roots that the proxy itself trusts.
//!
//! The key of the authority never leaves this process's memory, and its certificate is constrained to the names that the proxy
//! may end TLS for: whoever trusts it trusts it for nothing else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The only protocol on both sides.
const ALPN: &[u8] = b"http/1.1";
/// How far a certificate reaches into the past, for clocks that differ.
const SKEW: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it is good for. A run is shorter.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Certificates cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// By the library that makes them.
    #[error("the certificate authority of the run cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// By the library that uses them.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Issues a certificate for each host that is asked for.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    leaves: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// A new one, good for these names and what lies below them.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = dated(CertificateParams::default());
        params.distinguished_name = named("Pome, for one run");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let permitted_subtrees = names.map(subtree).collect();
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate, issuer: Issuer::new(params, key), leaves: Mutex::default() })
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// How the proxy answers for a host.
    pub(crate) fn server(&self, host: &str) -> Result<Arc<ServerConfig>, AuthorityError> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = leaves.get(host) {
            return Ok(Arc::clone(known));
        }
        let key = KeyPair::generate()?;
        let mut params = dated(CertificateParams::new([host.to_owned()])?);
        params.distinguished_name = named("Pome capture");
        params.serial_number = Some(SerialNumber::from_slice(uuid::Uuid::new_v4().as_bytes()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Strict verifiers (Python 3.13) ask for it.
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        let config = Arc::new(config);
        leaves.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }
}

/// Whom the proxy trusts when it connects to the real hosts.
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    pub(crate) client: Arc<ClientConfig>,
}

impl Roots {
    /// The roots of the system, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` of this process name.
    pub fn of_system() -> Result<Self, AuthorityError> {
        // What cannot be read is left out, as every other program on the machine does.
        Self::new(rustls_native_certs::load_native_certs().certs)
    }

    /// These certificates and no others.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, AuthorityError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.iter().cloned());
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        client.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { certificates, client: Arc::new(client) })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// All of them as one text.
    pub(crate) fn pem(&self) -> String {
        let all = self.certificates.iter().map(|certificate| pem::Pem::new("CERTIFICATE", certificate.to_vec()));
        pem::encode_many_config(&all.collect::<Vec<_>>(), pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Roots({})", self.certificates.len())
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn dated(mut params: CertificateParams) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = now.checked_sub(SKEW).unwrap_or(now).into();
    params.not_after = now.checked_add(LIFETIME).unwrap_or(now).into();
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn subtree(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(address.octets(), 32)),
        Ok(IpAddr::V6(address)) => GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(address.octets(), 128)),
        Err(_) => GeneralSubtree::DnsName(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    /// Whether somebody who trusts the authority takes its certificate for a host.
    fn is_taken(authority: &Authority, host: &str) -> bool {
        let config = authority.server(host).unwrap();
        assert!(Arc::ptr_eq(&config, &authority.server(host).unwrap()), "made once");
        let mut store = RootCertStore::empty();
        store.add(authority.certificate.der().clone()).unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider()).build().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = dated(CertificateParams::new([host.to_owned()]).unwrap());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &authority.issuer).unwrap();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        verifier.verify_server_cert(leaf.der(), &[], &name, &[], UnixTime::now()).is_ok()
    }

    #[test]
    fn its_certificates_are_good_for_the_hosts_of_the_run_only() {
        let authority = Authority::new(["api.openai.com", "anthropic.com", "10.1.2.3"].into_iter()).unwrap();
        for host in ["api.openai.com", "api.anthropic.com", "anthropic.com", "10.1.2.3"] {
            assert!(is_taken(&authority, host), "{host}");
        }
        for host in ["openai.com", "example.com", "evilanthropic.com", "10.1.2.4"] {
            assert!(!is_taken(&authority, host), "{host}");
        }
    }
}
