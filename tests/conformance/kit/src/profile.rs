//! The plans that a module belongs to.

/// A plan: what an app must prove.
///
/// The first ones carry the names of the OpenID Foundation's certification profiles for relying parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The authorization-code flow.
    Basic,
    /// The authorization-code flow with `response_mode=form_post`.
    FormPost,
    /// A provider that is known by its discovery document.
    Config,
    /// Logins that another site begins.
    ThirdPartyInit,
    /// Log-out that the app begins.
    RpInitiatedLogout,
    /// Log-out by an iframe of the provider.
    FrontChannel,
    /// Log-out by a request of the provider.
    BackChannel,
    /// Refresh tokens.
    Refresh,
    /// What the Foundation's comprehensive plan adds for a client of the code flow.
    Comprehensive,
    /// The part of the FAPI 2.0 Security Profile that judges the authorization response and the ID token.
    Fapi2,
    /// What the Foundation's suites leave out: tabs, replays, open redirects, cookies, and every fault of the provider.
    Ours,
}

impl Profile {
    /// Every plan.
    pub const ALL: &'static [Self] = &[
        Self::Basic,
        Self::FormPost,
        Self::Config,
        Self::ThirdPartyInit,
        Self::RpInitiatedLogout,
        Self::FrontChannel,
        Self::BackChannel,
        Self::Refresh,
        Self::Comprehensive,
        Self::Fapi2,
        Self::Ours,
    ];

    /// Returns the plan's name, for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::FormPost => "form post",
            Self::Config => "config",
            Self::ThirdPartyInit => "third-party init",
            Self::RpInitiatedLogout => "RP-initiated logout",
            Self::FrontChannel => "front-channel logout",
            Self::BackChannel => "back-channel logout",
            Self::Refresh => "refresh",
            Self::Comprehensive => "comprehensive",
            Self::Fapi2 => "FAPI 2.0",
            Self::Ours => "ours",
        }
    }
}
