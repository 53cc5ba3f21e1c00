//! MIRACL Trust beyond OpenID Connect: registrations that the app starts, signatures, JWTs of the project, and the
//! API for back ends.
//!
//! One file for each thing; `api` is how all of them reach the platform. Nothing here knows a browser or a cookie. A
//! registration that ends in a login of a visit is begun in `flow`.

pub(crate) mod activation;
pub(crate) mod api;
pub(crate) mod audit;
pub(crate) mod certificate;
pub(crate) mod configuration;
pub(crate) mod project;
pub(crate) mod project_jwt;
pub(crate) mod revocation;
mod rfc3339;
pub(crate) mod service_account;
pub(crate) mod signature;
pub(crate) mod user_id;
pub(crate) mod verification;

use crate::{
    provider::{fetched::Fetched, jwks::Jwks},
    trust::configuration::ProjectConfiguration,
};

/// What has been learned from the platform of one provider.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    project: Fetched<ProjectConfiguration>,
    /// The keys of the project's JWTs, which are not those of ID tokens.
    jwt_keys: Jwks,
    /// The keys of the certificates of signatures.
    certificate_keys: Jwks,
}

#[cfg(test)]
mod tests;
