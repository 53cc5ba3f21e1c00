//! What a session keeps of its login, as the settings say.

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value};

use crate::{
    base::{json, secret::Secret},
    config::session_claims::{KeepClaims, SessionClaims},
    provider::tokens::Tokens,
    session::data::SessionData,
};

impl SessionData {
    /// This data as far as a session keeps it.
    pub(crate) fn kept(mut self, settings: &SessionClaims) -> Self {
        if settings.keep != KeepClaims::All {
            self.userinfo.retain(|claim, _| settings.keeps(claim));
        }
        if !settings.id_token && !self.tokens.id_token.is_empty() {
            self.tokens.id_token = reduced(self.tokens.id_token.expose(), settings).into();
        }
        if !settings.tokens && !self.tokens.are_none() {
            self.without_tokens = true;
            self.tokens = Tokens {
                access_token: Secret::default(),
                refresh_token: None,
                expires_at: None,
                renew_at: None,
                ..self.tokens
            };
        }
        self
    }

    /// The ID token as the provider sent it, where it is kept.
    pub(crate) fn whole_id_token(&self) -> Option<&Secret> {
        let is_of_login = !self.tokens.are_none() || self.without_tokens;
        let token = &self.tokens.id_token;
        (is_of_login && !is_reduced(token)).then_some(token)
    }

    /// The tokens, for the app. `None` where the session has none.
    pub(crate) fn tokens_for_app(&self) -> Option<Tokens> {
        if self.tokens.are_none() {
            return None;
        }
        let mut tokens = self.tokens.clone();
        if is_reduced(&tokens.id_token) {
            tokens.id_token = Secret::default();
        }
        Some(tokens)
    }
}

/// An ID token without its signature and without the claims that are not kept. Its algorithm stays: a refreshed ID
/// token must have the same (RFC 8725 §3.1).
fn reduced(token: &str, settings: &SessionClaims) -> String {
    let mut pieces = token.split('.');
    let mut object = || {
        let piece = pieces.next().unwrap_or_default();
        let bytes = BASE64.decode_to_vec(piece).ok();
        bytes
            .and_then(|bytes| json::in_token(&bytes).ok())
            .unwrap_or_default()
    };
    let (mut header, mut claims) = (object(), object());
    header.retain(|name, _| name == "alg");
    claims.retain(|claim, _| settings.keeps(claim));
    let piece =
        |object: Map<String, Value>| BASE64.encode_to_string(Value::from(object).to_string());
    format!("{}.{}.", piece(header), piece(claims))
}

/// Whether an ID token has lost its signature. One that has none was never accepted.
fn is_reduced(token: &Secret) -> bool {
    token.expose().ends_with('.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{provider::user_data::UserData, session::identity::tests::session};

    fn token(claims: &Value) -> Secret {
        let piece = |value: &Value| BASE64.encode_to_string(value.to_string());
        let header = json!({ "alg": "RS256", "kid": "one" });
        format!("{}.{}.c2ln", piece(&header), piece(claims)).into()
    }

    fn data() -> SessionData {
        let groups: Vec<String> = (0..300).map(|group| format!("group {group}")).collect();
        let claims = json!({
            "iss": "https://issuer.example", "sub": "alice", "nonce": "n", "groups": groups, "roles": ["admin"],
            "acr": "gold", "realm": { "roles": ["x"] }, "email": "alice@example.com", "email_verified": true,
        });
        let userinfo =
            json!({ "sub": "alice", "name": "Alice", "groups": groups, "nickname": "Al" });
        SessionData {
            tokens: Tokens {
                access_token: "access".into(),
                id_token: token(&claims),
                refresh_token: Some("refresh".into()),
                expires_at: Some(1900),
                renew_at: Some(1890),
                scope: Some("openid".to_owned()),
            },
            userinfo: userinfo.as_object().expect("an object").clone(),
            user_agent: None,
            login: None,
            without_tokens: false,
            asked_for: Default::default(),
            app: Default::default(),
        }
    }

    fn only(names: &[&str]) -> SessionClaims {
        SessionClaims {
            keep: KeepClaims::Only(names.iter().map(|name| (*name).to_owned()).collect()),
            id_token: false,
            ..SessionClaims::default()
        }
    }

    #[test]
    fn everything_is_kept_unless_the_settings_say_otherwise() {
        let session = session();
        let (kept, all) = (data().kept(&SessionClaims::default()), data());
        assert_eq!(kept.encode(&session), all.encode(&session));
        let token = kept.whole_id_token().map(Secret::expose);
        assert_eq!(token, Some(all.tokens.id_token.expose()));
        assert!(kept.tokens_for_app().is_some());
    }

    #[test]
    fn what_is_not_kept_is_nowhere_in_the_session_and_the_rest_stays() {
        let session = session();
        let settings = SessionClaims {
            quick: vec!["/realm/roles".to_owned()],
            ..only(&["name"])
        };
        let bytes = data().kept(&settings).encode(&session);
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("group") && !text.contains("Al\""), "{text}");
        assert!(bytes.len() < 400, "{}", bytes.len());
        let read = SessionData::decode(&bytes, &session).unwrap();
        let known = UserData::from(&read);
        let names: Vec<_> = known.claims().keys().map(String::as_str).collect();
        let expected = ["acr", "email", "email_verified", "name", "realm", "sub"];
        assert_eq!(names, expected);
        assert_eq!(known.get("realm"), Some(&json!({ "roles": ["x"] })));
        // It is no ID token of the provider's any more, for nobody.
        assert!(read.whole_id_token().is_none());
        let tokens = read.tokens_for_app().unwrap();
        assert!(tokens.id_token().is_empty());
        assert_eq!(tokens.access_token().expose(), "access");
        // What is kept is kept again, byte for byte.
        assert_eq!(read.kept(&settings).encode(&session), bytes);
    }

    #[test]
    fn an_id_token_without_the_other_tokens_is_still_the_hint_of_a_log_out() {
        let session = session();
        let settings = SessionClaims {
            tokens: false,
            ..SessionClaims::default()
        };
        let bytes = data().kept(&settings).encode(&session);
        assert!(!String::from_utf8_lossy(&bytes).contains("refresh"));
        let read = SessionData::decode(&bytes, &session).unwrap();
        assert!(read.tokens_for_app().is_none());
        let hint = read.whole_id_token().map(Secret::expose);
        assert_eq!(hint, Some(data().tokens.id_token.expose()));
        assert_eq!(read.tokens.scope(), Some("openid"));
        // The JWT of a project never is.
        let jwt = SessionData {
            tokens: Tokens::of_project_jwt("a.e30.c"),
            ..data()
        };
        assert!(jwt.clone().whole_id_token().is_none());
        assert!(jwt.kept(&settings).whole_id_token().is_none());
    }
}
