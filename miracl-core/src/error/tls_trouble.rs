//! What can be wrong with the encryption on the way to the provider.

use std::{error::Error, io};

use rustls::{CertificateError, Error as TlsError};

use crate::error::{
    party::Party::{self, App, Provider},
    told::Blame,
};

/// What can be wrong with the encryption on the way to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsTrouble {
    /// The certificate is that of an authority, or marked as one, and stands where a server's must be.
    AuthorityAsServer,
    UnknownIssuer,
    Expired,
    NotValidYet,
    OtherName,
    Revoked,
    OtherCertificate,
    /// What answers does not speak TLS.
    NoTls,
    /// It speaks TLS, and refuses this client's.
    Refused,
}

const OUT_OF_TIME: Blame = blame(
    Provider,
    "The provider's certificate is out of its time, or this machine's clock is wrong. Compare the \
     clock; if it is right, report it to the provider.",
);

const NOT_TRUSTED: Blame = blame(
    Provider,
    "The provider's certificate cannot be trusted. Report it to the provider; behind a proxy that \
     decrypts, set `ca_certs` (CA_CERT) to the proxy's authority.",
);

const fn blame(party: Party, advice: &'static str) -> Blame {
    Blame { party, advice }
}

impl TlsTrouble {
    /// Looks for it among the causes of an error.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        // Errors have no more causes than there are layers.
        for _ in 0..16 {
            let error = next?;
            if let Some(tls) = error.downcast_ref::<TlsError>() {
                return Self::in_tls(tls);
            }
            next = match error.downcast_ref::<io::Error>() {
                // What an I/O error wraps is not among its causes.
                Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        None
    }

    /// Names what an error of the TLS library means.
    fn in_tls(error: &TlsError) -> Option<Self> {
        use CertificateError as Bad;
        Some(match error {
            TlsError::InvalidCertificate(bad) => match bad {
                Bad::UnknownIssuer => Self::UnknownIssuer,
                Bad::Expired | Bad::ExpiredContext { .. } => Self::Expired,
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::NotValidYet,
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Self::OtherName,
                Bad::Revoked => Self::Revoked,
                // A type of the verifier's own.
                other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                    Self::AuthorityAsServer
                }
                _ => Self::OtherCertificate,
            },
            TlsError::InvalidMessage(_) => Self::NoTls,
            TlsError::AlertReceived(_) | TlsError::PeerIncompatible(_) => Self::Refused,
            _ => return None,
        })
    }

    /// Returns what is wrong, to go on after a colon, and what to do about it.
    pub(crate) fn told(self) -> (&'static str, Blame) {
        match self {
            Self::AuthorityAsServer => (
                "its certificate is one of an authority (CA), which must not stand for a server",
                blame(
                    Provider,
                    "The server shows the certificate of an authority (CA:TRUE), as one does that \
                     was made by `openssl req -x509`. Make one for the server, with CA:FALSE and \
                     its host name, and sign it with that authority. `ca_certs` (CA_CERT) is for \
                     the authority's.",
                ),
            ),
            Self::UnknownIssuer => (
                "its certificate is signed by an authority that is not trusted here",
                blame(
                    App,
                    "If the provider has an authority of its own, set `ca_certs` (CA_CERT) to a \
                     PEM file with its certificate. If not, install the system's \
                     (`ca-certificates`), see that the provider sends its whole chain, and that no \
                     proxy on the way puts its own in place.",
                ),
            ),
            Self::Expired => ("its certificate has expired", OUT_OF_TIME),
            Self::NotValidYet => ("its certificate is not valid yet", OUT_OF_TIME),
            Self::OtherName => (
                "its certificate is for another host name",
                blame(
                    App,
                    "The certificate does not have the host name by which this app asks. Use the \
                     name that it has in `issuer` (ISSUER) or `metadata_url` (METADATA_URL), or \
                     have the certificate made for this one.",
                ),
            ),
            Self::Revoked => ("its certificate was revoked", NOT_TRUSTED),
            Self::OtherCertificate => ("its certificate is not good", NOT_TRUSTED),
            Self::NoTls => (
                "what answers there does not speak TLS",
                blame(
                    App,
                    "What answers at that address and port does not speak TLS: see that `issuer` \
                     (ISSUER) has the right port, and no proxy is in the way.",
                ),
            ),
            Self::Refused => (
                "it accepts none of this client's versions and ciphers of TLS, or wants a client \
                 certificate",
                blame(
                    Provider,
                    "The two have no version of TLS in common: here there are 1.2 and 1.3. Or the \
                     provider wants a client certificate, which is not supported here.",
                ),
            ),
        }
    }
}
