//! Checks what this client proves its identity with.

use crate::{
    config::{
        Config,
        check::{PORTAL, TEMPLATE},
        credentials,
        options::ClientAuthMethod,
    },
    error::config::Problems,
};

/// The shortest secret that HMAC with SHA-256 may use.
const MIN_HMAC_SECRET: usize = 32;

impl Config {
    pub(super) fn check_credentials(&mut self, problems: &mut Problems) {
        if let Some(path) = &self.client_id_file {
            match credentials::read(path) {
                Ok(id) => self.client_id = id,
                Err(error) => return problems.add("client_id_file", credentials::no_file(&error)),
            }
        }
        if let Some(path) = &self.client_secret_file {
            match credentials::read(path) {
                Ok(secret) => self.client_secret = secret.into(),
                Err(error) => {
                    return problems.add("client_secret_file", credentials::no_file(&error));
                }
            }
        }
        if self.credential_source.is_some() {
            return;
        }
        if self.client_id.trim().is_empty() || TEMPLATE.contains(&self.client_id.as_str()) {
            problems.add("client_id", format!("is missing; {PORTAL}"));
        }
        let secret = self.client_secret.expose();
        let by_key = match self.token_endpoint_auth_method {
            Some(method) => method == ClientAuthMethod::PrivateKeyJwt,
            None => self.client_key.is_some(),
        };
        if by_key {
            if self.client_key.is_none() {
                problems.add(
                    "client_key",
                    "is missing; `private_key_jwt` needs the private key whose public half is \
                     registered at the provider",
                );
            }
        } else if self.token_endpoint_auth_method == Some(ClientAuthMethod::ClientSecretJwt)
            && (1..MIN_HMAC_SECRET).contains(&secret.len())
        {
            problems.add(
                "client_secret",
                format!(
                    "is shorter than {MIN_HMAC_SECRET} bytes, too short for \
                    `client_secret_jwt` (RFC 7518 §3.2)"
                ),
            );
        } else if secret.trim().is_empty() || TEMPLATE.contains(&secret) {
            problems.add(
                "client_secret",
                format!("is missing; {PORTAL}, shown once, when the app is made"),
            );
        }
    }
}
