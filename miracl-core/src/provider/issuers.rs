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
