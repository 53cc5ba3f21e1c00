//! Faults that are a matter of degree: a little too late, a little too much.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_platform::{Browser, Fault, MUCH, Platform, TOO_MUCH};

use crate::app::{authorize_url, claims, exchange, log_in, params, start, userinfo};

pub(crate) const TESTED: &[Fault] = &[
    Fault::IdTokenExpiredSecondsAgo,
    Fault::IdTokenExpiredMinutesAgo,
    Fault::IdTokenSecondsAhead,
    Fault::IdTokenMinutesAhead,
    Fault::UserinfoMuch,
    Fault::UserinfoTooMuch,
];

/// By how many seconds `iat` and `exp` of an ID token lie ahead.
async fn ahead(platform: &Platform) -> (i64, i64) {
    let callback = log_in(platform).await;
    let tokens = exchange(platform, &callback, &[]).await.json();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let claims = claims(tokens["id_token"].as_str().unwrap());
    let ahead = |name: &str| claims[name].as_i64().unwrap() - now;
    (ahead("iat"), ahead("exp"))
}

#[tokio::test]
async fn a_token_is_off_by_seconds_or_by_minutes() {
    let platform = start().await;
    for (fault, exp) in [
        (Fault::IdTokenExpiredSecondsAgo, -20),
        (Fault::IdTokenExpiredMinutesAgo, -360),
        (Fault::IdTokenSecondsAhead, 920),
        (Fault::IdTokenMinutesAhead, 1260),
    ] {
        platform.set_fault(Some(fault));
        let (found_iat, found_exp) = ahead(&platform).await;
        // The test may have been delayed since the token was made.
        assert!(
            (exp - 10..=exp).contains(&found_exp),
            "{fault:?}: {found_exp}"
        );
        assert_eq!(found_exp - found_iat, 900, "{fault:?}");
    }
}

#[tokio::test]
async fn user_info_is_larger_and_never_the_same() {
    let platform = start().await;
    let tokens = exchange(&platform, &log_in(&platform).await, &[])
        .await
        .json();
    let token = tokens["access_token"].as_str().unwrap();
    let honest = userinfo(&platform, token).await.body.len();
    for (fault, more) in [
        (Fault::UserinfoMuch, MUCH),
        (Fault::UserinfoTooMuch, TOO_MUCH),
    ] {
        platform.set_fault(Some(fault));
        let (one, other) = (
            userinfo(&platform, token).await,
            userinfo(&platform, token).await,
        );
        let found = one.body.len() - honest;
        assert!(
            (more - 100..more + 100).contains(&found),
            "{fault:?}: {found}"
        );
        assert_ne!(one.body, other.body);
    }
}

#[tokio::test]
async fn somebody_who_was_signed_in_needs_no_pin() {
    let platform = start().await;
    let url = authorize_url(&platform, &[("prompt", "none")]);
    let browser: Browser = platform.browser();
    let refused = browser.visit(&url).await.unwrap();
    assert_eq!(params(&refused)["error"], "login_required");
    browser.sign_in("bob@example.com").unwrap();
    let callback = browser.visit(&url).await.unwrap();
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let claims = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["sub"], "bob@example.com");
    assert!(browser.sign_in("nobody").is_err());
}
