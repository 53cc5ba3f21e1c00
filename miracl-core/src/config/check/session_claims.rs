//! Checks what sessions keep.

use crate::{
    base::{claim_name::PROTOCOL_CLAIMS, json::is_plain_name},
    config::{Config, session_claims::KeepClaims},
    error::config::Problems,
};

/// How many claims can be quick: each makes every request's cookie longer.
const MAX_QUICK: usize = 8;

impl Config {
    pub(super) fn check_session_claims(&self, problems: &mut Problems) {
        let claims = &self.session_claims;
        let kept = match &claims.keep {
            KeepClaims::All => &[][..],
            KeepClaims::Only(names) => names,
        };
        for (key, names) in [
            ("session_claims.quick", &claims.quick[..]),
            ("session_claims.keep", kept),
        ] {
            for (place, name) in names.iter().enumerate() {
                if let Some(what) = mistake(name) {
                    problems.add(key, what);
                } else if names[..place].contains(name) {
                    problems.add(key, format!("has `{name}` twice"));
                } else if PROTOCOL_CLAIMS.contains(&&**name) {
                    let about =
                        format!("`{name}` says something about a token, not about a person");
                    problems.add(key, about);
                }
            }
        }
        if let Some(pointer) = kept.iter().find(|name| name.starts_with('/')) {
            let message = format!("`{pointer}` is a part of a claim; name the whole claim");
            problems.add("session_claims.keep", message);
        }
        if claims.quick.len() > MAX_QUICK {
            let message = format!("has more than {MAX_QUICK} claims");
            problems.add("session_claims.quick", message);
        }
    }
}

/// What is wrong with the name of a claim.
fn mistake(name: &str) -> Option<&'static str> {
    let plain = name.replace(['~', '+'], "");
    match name {
        "" => Some("has an empty name"),
        "/" => Some("`/` names no claim"),
        _ if !is_plain_name(&plain) => Some(
            "has a name that is no claim's: letters, digits and `_-.:/#~+`, at most 64 of them, separated by spaces",
        ),
        _ => None,
    }
}
