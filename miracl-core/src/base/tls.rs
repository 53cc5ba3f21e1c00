//! The TLS settings of the engine's clients, and the certificates that they trust.

use std::{error::Error, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::base::file::read;

/// The longest file of certificates, in bytes: those of a whole system have a quarter of it.
const MAX_CERTIFICATES: u64 = 1024 * 1024;

/// Returns the TLS settings of one client. Nothing is installed for the whole process, so that frameworks with another
/// crypto provider are not disturbed.
pub(crate) fn tls(ca_certs: &[PathBuf]) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut extra = Vec::new();
    for path in ca_certs {
        let file = path.display();
        let pem = read(path, MAX_CERTIFICATES).map_err(|e| format!("`ca_certs`: {file}: {e}"))?;
        let before = extra.len();
        for cert in CertificateDer::pem_slice_iter(&pem) {
            extra.push(cert.map_err(|e| format!("`ca_certs`: {file}: {e}"))?);
        }
        if extra.len() == before {
            return Err(format!("`ca_certs`: {file} has no PEM certificate in it"));
        }
    }
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    match Verifier::new_with_extra_roots(extra.clone(), provider) {
        Ok(verifier) => Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()),
        // A container without system certificates. With `ca_certs`, these alone are trusted. Without them nothing is
        // trusted, which is enough for a provider on loopback.
        Err(error) => {
            tracing::warn!(
                error = &error as &(dyn Error + 'static),
                "the system's trusted certificates cannot be read; install ca-certificates or set \
                 `ca_certs`"
            );
            Ok(builder
                .with_root_certificates(roots(extra)?)
                .with_no_client_auth())
        }
    }
}

fn roots(certs: Vec<CertificateDer<'static>>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for cert in certs {
        store.add(cert).map_err(|e| format!("`ca_certs`: {e}"))?;
    }
    Ok(store)
}
