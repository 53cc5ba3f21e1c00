//! Which keys are trusted, and how often they are fetched.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::{
    Config,
    probes::{
        provider::Provider,
        signer::{ES256, Signer},
    },
};

#[test]
fn logins_that_share_a_fetch_use_up_one() {
    let jwks = Jwks::default();
    for seen in 0..u64::from(LOGIN_FETCHES) {
        for _ in 0..LOGIN_FETCHES {
            assert!(jwks.may_fetch(Cause::Login, seen), "{seen}");
        }
    }
    assert!(!jwks.may_fetch(Cause::Login, u64::from(LOGIN_FETCHES)));
}

#[test]
fn a_storm_of_logout_tokens_leaves_logins_their_own_fetches() {
    let jwks = Jwks::default();
    let fetches = (0..100).filter(|seen| jwks.may_fetch(Cause::LogoutToken, *seen));
    assert_eq!(fetches.count(), STRANGERS_FETCHES as usize);
    assert!(jwks.may_fetch(Cause::Login, 100));
}

#[test]
fn a_window_that_is_over_allows_fetches_again() {
    let jwks = Jwks::default();
    let spent = |began| Window {
        began,
        count: STRANGERS_FETCHES,
        last: 0,
    };
    let now = Instant::now();
    for (began, allowed) in [(now, false), (now.checked_sub(WINDOW).unwrap(), true)] {
        *jwks.windows[Cause::LogoutToken as usize].lock().unwrap() = Some(spent(began));
        assert_eq!(jwks.may_fetch(Cause::LogoutToken, 1), allowed);
    }
    // The new window has a budget of its own.
    let more = (2..100).filter(|seen| jwks.may_fetch(Cause::LogoutToken, *seen));
    assert_eq!(more.count(), STRANGERS_FETCHES as usize - 1);
}

/// A provider, and a key set that is fetched from it.
struct Asking {
    provider: Provider,
    jwks: Jwks,
    http: HttpClient,
    asked: AtomicUsize,
}

impl Asking {
    async fn new() -> Self {
        Self {
            provider: Provider::start().await,
            jwks: Jwks::default(),
            http: HttpClient::new(&Config::default()).unwrap(),
            asked: AtomicUsize::new(0),
        }
    }

    /// Checks a token of this signer, and says how many fetches that took.
    async fn check(
        &self,
        signer: &Signer,
        kid: &str,
    ) -> (Result<SignatureCheck, ProviderError>, usize) {
        let raw = signer.sign(&json!({ "alg": "ES256", "kid": kid }), "{}");
        let Ok(token) = Unverified::parse(&raw, ES256) else {
            panic!("not taken apart");
        };
        let uri = format!("{}/jwks", self.provider.issuer);
        let receipt = &mut Recorder::new();
        let checked = self
            .jwks
            .check(&self.http, &uri, &token, Cause::LogoutToken, receipt);
        let checked = checked.await;
        let asked = self.provider.asked("/jwks").len();
        (checked, asked - self.asked.swap(asked, Ordering::Relaxed))
    }

    /// Checks a token whose keys can be obtained, and says how many fetches that took.
    async fn checked(&self, signer: &Signer, kid: &str) -> (SignatureCheck, usize) {
        let (checked, fetches) = self.check(signer, kid).await;
        (checked.unwrap(), fetches)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_they_do_not_fit() {
    let asking = Asking::new().await;
    let (old, new) = (&asking.provider.signer, Signer::new());
    assert_eq!(asking.checked(old, "1").await, (SignatureCheck::Valid, 1));
    assert_eq!(asking.checked(old, "1").await, (SignatureCheck::Valid, 0));
    // New keys under the old name.
    asking.provider.say("/jwks", &new.jwks());
    assert_eq!(asking.checked(&new, "1").await, (SignatureCheck::Valid, 1));
    assert_eq!(asking.checked(old, "1").await, (SignatureCheck::Invalid, 1));
    // A key that is nowhere.
    assert_eq!(asking.checked(&new, "2").await, (SignatureCheck::NoKey, 1));
    // The budget is spent, and what is known still serves.
    assert_eq!(asking.checked(&new, "2").await, (SignatureCheck::NoKey, 0));
    assert_eq!(asking.checked(&new, "1").await, (SignatureCheck::Valid, 0));
}

#[tokio::test]
async fn keys_that_were_just_fetched_are_fetched_again_only_for_a_name_they_lack() {
    let asking = Asking::new().await;
    assert_eq!(
        asking.checked(&Signer::new(), "1").await,
        (SignatureCheck::Invalid, 1)
    );
    let asking = Asking::new().await;
    assert_eq!(
        asking.checked(&Signer::new(), "2").await,
        (SignatureCheck::NoKey, 2)
    );
}

#[tokio::test]
async fn keys_that_are_not_to_be_had_are_an_error_and_not_a_verdict() {
    let asking = Asking::new().await;
    let signer = &asking.provider.signer;
    for status in [204, 404, 500] {
        asking.provider.say_as("/jwks", status, "text/plain", "");
        let (found, _) = asking.check(signer, "1").await;
        let is_expected =
            matches!(found, Err(ProviderError::Status { status: found, .. }) if found == status);
        assert!(is_expected, "{found:?}");
    }
    asking.provider.say("/jwks", "[]");
    let (found, _) = asking.check(signer, "1").await;
    assert!(matches!(found, Err(ProviderError::Malformed { .. })));
    asking.provider.say("/jwks", &signer.jwks());
    assert_eq!(
        asking.checked(signer, "1").await,
        (SignatureCheck::Valid, 1)
    );
}
