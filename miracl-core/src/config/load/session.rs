//! What the settings say about sessions: how long they last in a browser, and what they keep.

use crate::config::{Config, load::source::Source, session_claims::KeepClaims};

impl Source {
    pub(super) fn session(&mut self, config: &mut Config) {
        if let Some(remember) = self.yes_or_no("session_remember") {
            config.session_remember = remember;
        }
        let claims = &mut config.session_claims;
        claims.quick = self.list("session_quick_claims").unwrap_or_default();
        claims.keep = match self.list("session_keep_claims") {
            None => KeepClaims::All,
            Some(names) => match &*names {
                [all] if all == "all" => KeepClaims::All,
                [none] if none == "none" => KeepClaims::Only(Vec::new()),
                _ => KeepClaims::Only(names),
            },
        };
        if let Some(keep) = self.yes_or_no("session_keep_id_token") {
            claims.id_token = keep;
        }
        if let Some(keep) = self.yes_or_no("session_keep_tokens") {
            claims.tokens = keep;
        }
    }
}
