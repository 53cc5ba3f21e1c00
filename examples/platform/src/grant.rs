//! Authorization codes, and the access and refresh tokens that they are exchanged for.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use ring::digest::{SHA256, digest};

use crate::identity::Session;
use crate::sync::lock;
use crate::{clock, random};

/// The scope that asks for a refresh token (OIDC Core §11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// What a person has allowed an app.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: Vec<String>,
    pub(crate) nonce: Option<String>,
    /// The S256 challenge of RFC 7636.
    pub(crate) code_challenge: Option<String>,
    /// The way in which the person logged in, if the app asked for certain ways.
    pub(crate) acr: Option<String>,
    /// Whom tokens name.
    pub(crate) sub: String,
    pub(crate) session: Session,
}

impl Grant {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|other| other == scope)
    }
}

/// Why a code was not accepted, in words for the app's developer.
pub(crate) type Refusal = &'static str;

#[derive(Debug)]
struct Code {
    grant: Grant,
    expires: u64,
    /// The family of tokens that it was exchanged for, so that a replay can revoke them.
    became: Option<String>,
}

#[derive(Debug)]
struct Access {
    grant: Grant,
    expires: u64,
    family: String,
}

#[derive(Debug)]
struct Refresh {
    grant: Grant,
    expires: u64,
    family: String,
    /// Whether another token has replaced it.
    spent: bool,
}

#[derive(Debug, Default)]
struct Issued {
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
}

/// What an app gets for a code or a refresh token.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) grant: Grant,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
}

/// Everything issued and not yet forgotten.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<Issued>);

/// How long a used or expired code is remembered, to detect that it is used again.
const REMEMBER_SECONDS: u64 = 15 * 60;

/// How long a refresh token may be used, and is remembered to detect that it is used again.
const REFRESH_SECONDS: u64 = 30 * 24 * 60 * 60;

impl Grants {
    /// Issues a code.
    pub(crate) fn issue_code(&self, grant: Grant, lifetime: Duration) -> String {
        let now = clock::now();
        let mut issued = lock(&self.0);
        issued
            .codes
            .retain(|_, code| code.expires.saturating_add(REMEMBER_SECONDS) > now);
        let code = random::token();
        let expires = now.saturating_add(lifetime.as_secs());
        issued.codes.insert(
            code.clone(),
            Code {
                grant,
                expires,
                became: None,
            },
        );
        code
    }

    /// Exchanges a code for tokens (RFC 6749 §4.1.3 and RFC 7636 §4.6).
    pub(crate) fn redeem(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: Option<&str>,
        code_verifier: Option<&str>,
        lifetime: Duration,
    ) -> Result<Tokens, Refusal> {
        let now = clock::now();
        let mut issued = lock(&self.0);
        issued.forget(now);

        let known = issued.codes.get_mut(code).ok_or("the code is unknown")?;
        if known.grant.client_id != client_id {
            return Err("the code was issued to another client");
        }
        // RFC 6749 §4.1.2: a code that is used twice revokes what the first use gave.
        if let Some(family) = known.became.clone() {
            issued.revoke(&family);
            return Err("the code has been used before");
        }
        if known.expires <= now {
            return Err("the code has expired");
        }
        if redirect_uri != Some(known.grant.redirect_uri.as_str()) {
            return Err("redirect_uri is not the one of the authorization request");
        }
        match (&known.grant.code_challenge, code_verifier) {
            (None, None) => {}
            (Some(challenge), Some(verifier)) if *challenge == s256(verifier) => {}
            (Some(_), Some(_)) => return Err("code_verifier does not match the code_challenge"),
            (Some(_), None) => return Err("code_verifier is missing"),
            // RFC 9700 §2.1.1: otherwise an attacker could remove the challenge from the request.
            (None, Some(_)) => return Err("code_verifier came without a code_challenge before"),
        }

        let family = random::token();
        known.became = Some(family.clone());
        let grant = known.grant.clone();
        let refresh_token = grant
            .has_scope(OFFLINE_ACCESS)
            .then(|| issued.add_refresh(grant.clone(), &family, now));
        let access_token = issued.add_access(
            grant.clone(),
            &family,
            now.saturating_add(lifetime.as_secs()),
        );
        Ok(Tokens {
            grant,
            access_token,
            refresh_token,
        })
    }

    /// Exchanges a refresh token for new tokens (RFC 6749 §6). If it `rotates`, another one replaces it, and a
    /// second use revokes everything (RFC 9700 §4.14.2).
    pub(crate) fn refresh(
        &self,
        token: &str,
        client_id: &str,
        lifetime: Duration,
        rotates: bool,
    ) -> Result<Tokens, Refusal> {
        let now = clock::now();
        let mut issued = lock(&self.0);
        issued.forget(now);

        let known = issued.refresh.get_mut(token);
        let known = known.ok_or("the refresh token is unknown, or was taken back")?;
        if known.grant.client_id != client_id {
            return Err("the refresh token was issued to another client");
        }
        let (grant, family) = (known.grant.clone(), known.family.clone());
        if known.spent {
            issued.revoke(&family);
            return Err("the refresh token has been used before");
        }
        known.spent = rotates;
        let refresh_token = rotates.then(|| issued.add_refresh(grant.clone(), &family, now));
        let access_token = issued.add_access(
            grant.clone(),
            &family,
            now.saturating_add(lifetime.as_secs()),
        );
        Ok(Tokens {
            grant,
            access_token,
            refresh_token,
        })
    }

    /// Returns what an access token stands for, unless it is unknown, revoked or expired.
    pub(crate) fn open(&self, token: &str) -> Option<Grant> {
        let issued = lock(&self.0);
        let access = issued.tokens.get(token)?;
        (access.expires > clock::now()).then(|| access.grant.clone())
    }

    /// Revokes everything that was issued to an app.
    pub(crate) fn revoke_client(&self, client_id: &str) {
        let mut issued = lock(&self.0);
        issued
            .codes
            .retain(|_, code| code.grant.client_id != client_id);
        issued
            .tokens
            .retain(|_, token| token.grant.client_id != client_id);
        issued
            .refresh
            .retain(|_, token| token.grant.client_id != client_id);
    }

    /// Makes every access token expire now.
    pub(crate) fn expire_tokens(&self) {
        for access in lock(&self.0).tokens.values_mut() {
            access.expires = 0;
        }
    }
}

impl Issued {
    /// Drops what has expired for everybody.
    fn forget(&mut self, now: u64) {
        self.tokens
            .retain(|_, token| token.expires.saturating_add(REMEMBER_SECONDS) > now);
        self.refresh.retain(|_, token| token.expires > now);
    }

    /// Revokes every token of a family.
    fn revoke(&mut self, family: &str) {
        self.tokens.retain(|_, token| token.family != family);
        self.refresh.retain(|_, token| token.family != family);
    }

    fn add_access(&mut self, grant: Grant, family: &str, expires: u64) -> String {
        let token = random::token();
        let access = Access {
            grant,
            expires,
            family: family.to_owned(),
        };
        self.tokens.insert(token.clone(), access);
        token
    }

    fn add_refresh(&mut self, grant: Grant, family: &str, now: u64) -> String {
        let token = random::token();
        let refresh = Refresh {
            grant,
            expires: now + REFRESH_SECONDS,
            family: family.to_owned(),
            spent: false,
        };
        self.refresh.insert(token.clone(), refresh);
        token
    }
}

/// Returns the S256 challenge of a verifier (RFC 7636 §4.2).
pub(crate) fn s256(verifier: &str) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const URI: &str = "http://127.0.0.1/login";

    fn grant(challenge: Option<&str>) -> Grant {
        Grant {
            sub: "a@b".to_owned(),
            client_id: "app".to_owned(),
            redirect_uri: URI.to_owned(),
            scope: vec!["openid".to_owned()],
            nonce: None,
            code_challenge: challenge.map(str::to_owned),
            acr: None,
            session: Session {
                email: "a@b".to_owned(),
                mpin_id: String::new(),
                auth_time: 0,
                sid: String::new(),
            },
        }
    }

    #[test]
    fn s256_is_the_vector_of_the_specification() {
        // RFC 7636, appendix B.
        assert_eq!(
            s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_replayed_code_takes_back_the_token() {
        let grants = Grants::default();
        let code = grants.issue_code(grant(None), MINUTE);
        let tokens = grants.redeem(&code, "app", Some(URI), None, MINUTE);
        let token = tokens.unwrap().access_token;
        assert!(grants.open(&token).is_some());
        assert!(
            grants
                .redeem(&code, "app", Some(URI), None, MINUTE)
                .is_err()
        );
        assert!(grants.open(&token).is_none());
    }

    #[test]
    fn a_code_is_bound_to_client_address_and_challenge() {
        let grants = Grants::default();
        let challenge = s256("v");
        let code = grants.issue_code(grant(Some(&challenge)), MINUTE);
        let redeem =
            |client, uri, verifier| grants.redeem(&code, client, uri, verifier, MINUTE).err();
        assert!(redeem("other", Some(URI), Some("v")).is_some());
        assert!(redeem("app", Some("http://127.0.0.1/login/"), Some("v")).is_some());
        assert!(redeem("app", None, Some("v")).is_some());
        assert!(redeem("app", Some(URI), Some("w")).is_some());
        assert!(redeem("app", Some(URI), None).is_some());
        assert_eq!(redeem("app", Some(URI), Some("v")), None);
    }

    #[test]
    fn a_verifier_without_a_challenge_is_refused() {
        let grants = Grants::default();
        let code = grants.issue_code(grant(None), MINUTE);
        assert!(
            grants
                .redeem(&code, "app", Some(URI), Some("v"), MINUTE)
                .is_err()
        );
    }

    #[test]
    fn an_expired_code_and_an_expired_token_are_worth_nothing() {
        let grants = Grants::default();
        let code = grants.issue_code(grant(None), Duration::ZERO);
        assert_eq!(
            grants.redeem(&code, "app", Some(URI), None, MINUTE).err(),
            Some("the code has expired")
        );
        let code = grants.issue_code(grant(None), MINUTE);
        let tokens = grants.redeem(&code, "app", Some(URI), None, Duration::ZERO);
        assert!(grants.open(&tokens.unwrap().access_token).is_none());
    }

    /// Returns what a code for `offline_access` was exchanged for.
    fn offline(grants: &Grants) -> Tokens {
        let mut grant = grant(None);
        grant.scope.push(OFFLINE_ACCESS.to_owned());
        let code = grants.issue_code(grant, MINUTE);
        grants
            .redeem(&code, "app", Some(URI), None, MINUTE)
            .unwrap()
    }

    #[test]
    fn only_offline_access_brings_a_refresh_token() {
        let grants = Grants::default();
        let code = grants.issue_code(grant(None), MINUTE);
        let tokens = grants.redeem(&code, "app", Some(URI), None, MINUTE);
        assert_eq!(tokens.unwrap().refresh_token, None);
        assert!(offline(&grants).refresh_token.is_some());
    }

    #[test]
    fn a_refresh_token_used_twice_takes_back_all_that_came_of_it() {
        let grants = Grants::default();
        let first = offline(&grants);
        let refresh = |token: &str| grants.refresh(token, "app", MINUTE, true);
        let old = first.refresh_token.unwrap();
        let second = refresh(&old).unwrap();
        let new = second.refresh_token.unwrap();
        assert_ne!(old, new);
        assert!(grants.open(&second.access_token).is_some());
        assert!(refresh(&old).is_err());
        assert!(refresh(&new).is_err(), "the whole family is gone");
        for token in [first.access_token, second.access_token] {
            assert!(grants.open(&token).is_none());
        }
    }

    #[test]
    fn without_rotation_a_refresh_token_stays_good() {
        let grants = Grants::default();
        let token = offline(&grants).refresh_token.unwrap();
        for _ in 0..2 {
            let tokens = grants.refresh(&token, "app", MINUTE, false).unwrap();
            assert_eq!(tokens.refresh_token, None);
            assert!(grants.open(&tokens.access_token).is_some());
        }
    }

    #[test]
    fn a_refresh_token_is_bound_to_its_client() {
        let grants = Grants::default();
        let token = offline(&grants).refresh_token.unwrap();
        assert!(grants.refresh(&token, "other", MINUTE, true).is_err());
        assert!(grants.refresh(&token, "app", MINUTE, true).is_ok());
    }
}
