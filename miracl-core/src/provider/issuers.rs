//! Which issuers a provider's answers and tokens may name.

use crate::{
    base::issuer_template::{TENANT, is_tenant},
    config::Config,
    provider::metadata::ProviderMetadata,
};

/// Whose tokens count: the one issuer, or one for each tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Issuers<'a> {
    /// The issuer of the provider's metadata.
    One(&'a str),
    /// [`Config::issuer_template`] for every tenant, or for those that are listed.
    Tenants {
        template: &'a str,
        allowed: &'a [String],
    },
}

impl<'a> Issuers<'a> {
    pub(crate) fn new(config: &'a Config, metadata: &'a ProviderMetadata) -> Self {
        match &config.issuer_template {
            Some(template) => Self::Tenants {
                template,
                allowed: &config.allowed_tenants,
            },
            None => Self::One(&metadata.issuer),
        }
    }

    /// The one issuer whose answer names this tenant; none when there is no such tenant, or it may not log in here.
    pub(crate) fn of_tenant(self, tenant: Option<&str>) -> Option<String> {
        match self {
            Self::One(issuer) => Some(issuer.to_owned()),
            Self::Tenants { template, allowed } => tenant
                .filter(|id| {
                    is_tenant(id) && (allowed.is_empty() || allowed.iter().any(|a| a == id))
                })
                .map(|id| template.replace(TENANT, id)),
        }
    }

    /// Whether an issuer is one of these.
    pub(crate) fn contains(self, issuer: &str) -> bool {
        match self {
            Self::One(one) => issuer == one,
            Self::Tenants { template, .. } => {
                let tenant = template
                    .split_once(TENANT)
                    .and_then(|(before, after)| issuer.strip_prefix(before)?.strip_suffix(after));
                tenant.is_some() && self.of_tenant(tenant).as_deref() == Some(issuer)
            }
        }
    }

    /// How the issuers are written in a message.
    pub(crate) fn written(self) -> &'a str {
        match self {
            Self::One(issuer) => issuer,
            Self::Tenants { template, .. } => template,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_stands_for_its_tenants_and_nobody_else() {
        let allowed = ["abc-1".to_owned()];
        let issuers = |allowed| Issuers::Tenants {
            template: "https://i/{tenantid}/v2.0",
            allowed,
        };
        let any = issuers(&[]);
        assert_eq!(
            any.of_tenant(Some("x")).as_deref(),
            Some("https://i/x/v2.0")
        );
        assert_eq!(any.of_tenant(None), None);
        assert!(any.contains("https://i/abc-2/v2.0"));
        for odd in [
            "https://i//v2.0",
            "https://i/a/b/v2.0",
            "https://i/{tenantid}/v2.0",
            "https://i/a/v2.0/",
            "https://evil/a/v2.0",
            "https://i/v2.0",
        ] {
            assert!(!any.contains(odd), "{odd}");
        }
        assert!(issuers(&allowed).contains("https://i/abc-1/v2.0"));
        assert!(!issuers(&allowed).contains("https://i/abc-2/v2.0"));
        let one = Issuers::One("https://i");
        assert!(one.contains("https://i") && !one.contains("https://i/"));
    }

    #[test]
    fn a_tenants_id_is_a_short_word() {
        for (text, right) in [
            ("a", true),
            ("9188040d-6c67-4c5b-b112-36a304b66dad", true),
            (&*"x".repeat(64), true),
            (&*"x".repeat(65), false),
            ("", false),
            ("a.b", false),
            ("a/b", false),
            ("a b", false),
            ("a%2f", false),
            ("é", false),
        ] {
            assert_eq!(is_tenant(text), right, "{text}");
        }
    }
}
