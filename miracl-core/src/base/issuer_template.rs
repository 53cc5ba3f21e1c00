//! Issuers that contain the id of a tenant.

/// The place of the tenant's id in the issuer of a document that serves many tenants.
pub(crate) const TENANT: &str = "{tenantid}";

/// Whether a text can be the id of a tenant: it has no character with a meaning in a URL.
pub(crate) fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a published issuer, which may contain [`TENANT`], is that of a token with this `iss` and this tenant. A
/// slash at the end makes no difference.
pub(crate) fn is_of_issuer(published: &str, iss: &str, tenant: Option<&str>) -> bool {
    let (published, iss) = (published.trim_end_matches('/'), iss.trim_end_matches('/'));
    let Some((before, after)) = published.split_once(TENANT) else {
        return published == iss;
    };
    iss.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|found| is_tenant(found) && tenant.is_none_or(|tenant| tenant == found))
}
