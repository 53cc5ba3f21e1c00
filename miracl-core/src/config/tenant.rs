//! Names of tenants in an issuer.

/// Where the tenant's id stands in the issuer of a document that serves many tenants.
pub(crate) const TENANT: &str = "{tenantid}";

/// Whether a text can be the id of a tenant: nothing that would mean something in a URL.
pub(crate) fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
