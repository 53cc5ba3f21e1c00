//! Issuers that have the id of a tenant in them.

/// Where the tenant's id stands in the issuer of a document that serves many tenants.
pub(crate) const TENANT: &str = "{tenantid}";

/// Whether a text can be the id of a tenant: nothing that would mean something in a URL.
pub(crate) fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether what is published for an issuer, maybe with [`TENANT`] in it, counts for a token of the issuer `iss` and
/// this tenant. A slash at the end makes no other issuer.
pub(crate) fn is_of_issuer(published: &str, iss: &str, tenant: Option<&str>) -> bool {
    let (published, iss) = (published.trim_end_matches('/'), iss.trim_end_matches('/'));
    let Some((before, after)) = published.split_once(TENANT) else {
        return published == iss;
    };
    iss.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|found| is_tenant(found) && tenant.is_none_or(|tenant| tenant == found))
}
