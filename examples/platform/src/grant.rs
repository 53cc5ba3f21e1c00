//! Authorization codes and the access tokens they become.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use ring::digest::{SHA256, digest};

use crate::device::Session;
use crate::sync::lock;
use crate::{clock, random};

/// What a person allowed an app.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: Vec<String>,
    pub(crate) nonce: Option<String>,
    /// The S256 challenge of RFC 7636.
    pub(crate) code_challenge: Option<String>,
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
    /// The access token it became, so that a replay can take it back.
    became: Option<String>,
}

#[derive(Debug)]
struct Access {
    grant: Grant,
    expires: u64,
}

#[derive(Debug, Default)]
struct Issued {
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Access>,
}

/// Everything issued and not yet forgotten.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<Issued>);

/// How long a spent or expired code is remembered, to notice that it is used again.
const REMEMBER_SECONDS: u64 = 15 * 60;

impl Grants {
    /// Issues a code.
    pub(crate) fn issue_code(&self, grant: Grant, lifetime: Duration) -> String {
        let now = clock::now();
        let mut issued = lock(&self.0);
        issued
            .codes
            .retain(|_, code| code.expires + REMEMBER_SECONDS > now);
        let code = random::token();
        let expires = now + lifetime.as_secs();
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

    /// Exchanges a code for an access token (RFC 6749 §4.1.3 and RFC 7636 §4.6).
    pub(crate) fn redeem(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: Option<&str>,
        code_verifier: Option<&str>,
        lifetime: Duration,
    ) -> Result<(Grant, String), Refusal> {
        let now = clock::now();
        let mut issued = lock(&self.0);
        let Issued { codes, tokens } = &mut *issued;
        tokens.retain(|_, token| token.expires + REMEMBER_SECONDS > now);

        let known = codes.get_mut(code).ok_or("the code is unknown")?;
        if known.grant.client_id != client_id {
            return Err("the code was issued to another client");
        }
        // RFC 6749 §4.1.2: a code used twice takes back what the first use gave.
        if let Some(token) = &known.became {
            tokens.remove(token);
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
            // RFC 9700 §2.1.1: otherwise an attacker could strip the challenge from the request.
            (None, Some(_)) => return Err("code_verifier came without a code_challenge before"),
        }

        let token = random::token();
        known.became = Some(token.clone());
        let grant = known.grant.clone();
        let expires = now + lifetime.as_secs();
        tokens.insert(
            token.clone(),
            Access {
                grant: grant.clone(),
                expires,
            },
        );
        Ok((grant, token))
    }

    /// Returns what an access token stands for, unless it is unknown, taken back or expired.
    pub(crate) fn open(&self, token: &str) -> Option<Grant> {
        let issued = lock(&self.0);
        let access = issued.tokens.get(token)?;
        (access.expires > clock::now()).then(|| access.grant.clone())
    }

    /// Makes every access token expire now.
    pub(crate) fn expire_tokens(&self) {
        for access in lock(&self.0).tokens.values_mut() {
            access.expires = 0;
        }
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
            client_id: "app".to_owned(),
            redirect_uri: URI.to_owned(),
            scope: vec!["openid".to_owned()],
            nonce: None,
            code_challenge: challenge.map(str::to_owned),
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
        let (_, token) = grants
            .redeem(&code, "app", Some(URI), None, MINUTE)
            .unwrap();
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
        let (_, token) = grants
            .redeem(&code, "app", Some(URI), None, Duration::ZERO)
            .unwrap();
        assert!(grants.open(&token).is_none());
    }
}
