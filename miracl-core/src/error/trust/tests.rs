use super::*;

fn refused(status: u16, code: &str) -> TrustError {
    TrustError::Refused {
        endpoint: "/verification",
        status,
        code: TrustCode::read(code.to_owned()),
        field: None,
        info: Description(Some("canary of alice@example.com".to_owned())),
    }
}

#[test]
fn every_code_of_the_platform_is_a_variant_and_an_unknown_one_is_kept() {
    for (name, code) in TrustCode::KNOWN {
        assert_eq!(TrustCode::read(name.to_owned()), code, "{name}");
        let written = code.to_string();
        assert_eq!(TrustCode::read(written), code, "{name}");
    }
    let other = TrustCode::read("NEW_CODE".to_owned());
    assert_eq!(other, TrustCode::Other("NEW_CODE".to_owned()));
    assert_eq!(other.to_string(), "NEW_CODE");
}

#[test]
fn every_refusal_has_a_status_advice_and_no_personal_data() {
    let mut codes: Vec<&str> = TrustCode::KNOWN.iter().map(|(name, _)| *name).collect();
    codes.push("NEW_CODE");
    for code in codes {
        for status in [400, 401, 403, 404, 410, 429, 499] {
            let error = refused(status, code);
            let answer = error.status();
            assert!(
                (400..500).contains(&answer) || (502..=504).contains(&answer),
                "{code} {status}: {answer}"
            );
            assert!(!error.advice().is_empty() && !error.at_fault().to_string().is_empty());
            let printed = format!("{error} {error:?}");
            assert!(
                !printed.contains("canary") && printed.contains("/verification"),
                "{printed}"
            );
        }
    }
}

#[test]
fn an_error_says_whether_asking_again_may_help() {
    let provider = |error: ProviderError| TrustError::Provider(error);
    for (error, transient) in [
        (refused(429, "REQUEST_BACKOFF"), true),
        (refused(401, "UNAUTHORIZED"), false),
        (provider(ProviderError::Timeout { endpoint: "x" }), true),
        (provider(ProviderError::Redirect { endpoint: "x" }), false),
        (
            provider(ProviderError::Status {
                endpoint: "x",
                status: 503,
            }),
            true,
        ),
        (TrustError::Store(StoreError::new("away")), true),
        (TrustError::Replayed, false),
        (TrustError::argument("user_id", "short"), false),
        (TrustError::ProjectJwt(IdTokenError::Signature), false),
        (TrustError::Login(FailureReason::LoggedOut), false),
    ] {
        assert_eq!(error.is_transient(), transient, "{error}");
        assert_ne!(error.status(), 500, "{error}");
    }
}
