//! Modules that are not run, each with its reason.

use crate::profile::Profile::{self, Comprehensive, Fapi2, Ours};
use crate::report::Outcome;

/// A module that is not run.
#[derive(Debug, Clone, Copy)]
pub struct NotRun {
    name: &'static str,
    plans: &'static [Profile],
    reason: &'static str,
}

impl NotRun {
    /// The module's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The plans of this kit that it belongs to; none, where all of its plans are for other flows.
    pub const fn plans(&self) -> &'static [Profile] {
        self.plans
    }

    /// The reason.
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Its line in a report.
    pub fn outcome(&self) -> Outcome {
        Outcome::Skipped(self.reason.to_owned())
    }
}

const fn skipped(name: &'static str, plans: &'static [Profile], reason: &'static str) -> NotRun {
    NotRun {
        name,
        plans,
        reason,
    }
}

const HYBRID: &str = "it is about ID tokens from the authorization endpoint (implicit and hybrid flow), \
    and this is the code flow";
const CLAIMS: &str =
    "aggregated and distributed claims are handed to the app as they are, and not fetched";
const DYNAMIC: &str =
    "apps are registered by their operator: no WebFinger, no dynamic registration";
const REQUEST_OBJECT: &str = "no request objects are sent";
const TLS: &str = "no client certificates are used";
const DPOP: &str = "access tokens are bearer tokens: no DPoP, no client certificates, no pushed authorization requests";
const JARM: &str = "the authorization response is no JWT (JARM)";
const OTHERS_HANDS: &str = "nothing of it can be seen or changed from outside an app: \
    the contract tests of the workspace do it";

/// Every module that is not run.
pub(crate) const NOT_RUN: &[NotRun] = &[
    skipped(
        "oidcc-client-test-userinfo-bearer-body",
        &[Comprehensive],
        "the access token is sent in the header, which every provider must take; no certification plan has this module",
    ),
    skipped("oidcc-client-test-nonce-unless-code-flow", &[], HYBRID),
    skipped("oidcc-client-test-missing-athash", &[Comprehensive], HYBRID),
    skipped("oidcc-client-test-invalid-chash", &[Comprehensive], HYBRID),
    skipped("oidcc-client-test-missing-chash", &[Comprehensive], HYBRID),
    skipped(
        "oidcc-client-test-aggregated-claims",
        &[Comprehensive],
        CLAIMS,
    ),
    skipped(
        "oidcc-client-test-distributed-claims",
        &[Comprehensive],
        CLAIMS,
    ),
    skipped(
        "oidcc-client-test-mtls-endpoint-aliases",
        &[Comprehensive],
        TLS,
    ),
    skipped("oidcc-client-test-discovery-webfinger-acct", &[], DYNAMIC),
    skipped("oidcc-client-test-discovery-webfinger-url", &[], DYNAMIC),
    skipped("oidcc-client-test-dynamic-registration", &[], DYNAMIC),
    skipped(
        "oidcc-client-test-request-uri-signed-rs256",
        &[],
        REQUEST_OBJECT,
    ),
    skipped(
        "oidcc-client-test-request-uri-signed-none",
        &[],
        REQUEST_OBJECT,
    ),
    skipped(
        "oidcc-client-test-session-management",
        &[],
        "session management by an iframe needs third-party cookies, which browsers no longer send",
    ),
    skipped(
        "fapi2-security-profile-final-client-test-happy-path",
        &[Fapi2],
        DPOP,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-happy-path-no-dpop-nonce",
        &[Fapi2],
        DPOP,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-rs-dpop-auth-scheme-case-insensitivity",
        &[Fapi2],
        DPOP,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-without-iss-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-with-invalid-iss-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-without-aud-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-with-invalid-aud-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-without-exp-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-with-expired-exp-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-with-invalid-sig-fails",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-ensure-jarm-signature-is-not-none",
        &[Fapi2],
        JARM,
    ),
    skipped(
        "fapi2-security-profile-final-client-test-invalid-openbanking-intent-id",
        &[Fapi2],
        "intents are of UK Open Banking alone",
    ),
    skipped("ours-rotation-of-cookie-keys", &[Ours], OTHERS_HANDS),
];

/// Modules that are not run, each with its reason.
pub fn not_run() -> &'static [NotRun] {
    NOT_RUN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::modules;

    /// The relying-party modules of the OpenID Foundation's suite for OpenID Connect.
    const OPENID_CONNECT: [&str; 57] = [
        "oidcc-client-test",
        "oidcc-client-test-invalid-iss",
        "oidcc-client-test-missing-sub",
        "oidcc-client-test-invalid-aud",
        "oidcc-client-test-missing-aud",
        "oidcc-client-test-missing-iat",
        "oidcc-client-test-kid-absent-single-jwks",
        "oidcc-client-test-kid-absent-multiple-jwks",
        "oidcc-client-test-idtoken-sig-rs256",
        "oidcc-client-test-idtoken-sig-none",
        "oidcc-client-test-invalid-sig-rs256",
        "oidcc-client-test-invalid-sig-hs256",
        "oidcc-client-test-invalid-sig-es256",
        "oidcc-client-test-userinfo-bearer-header",
        "oidcc-client-test-userinfo-bearer-body",
        "oidcc-client-test-userinfo-invalid-sub",
        "oidcc-client-test-nonce-invalid",
        "oidcc-client-test-nonce-unless-code-flow",
        "oidcc-client-test-scope-userinfo-claims",
        "oidcc-client-test-client-secret-basic",
        "oidcc-client-test-invalid-athash",
        "oidcc-client-test-missing-athash",
        "oidcc-client-test-invalid-chash",
        "oidcc-client-test-missing-chash",
        "oidcc-client-test-form-post-error",
        "oidcc-client-test-aggregated-claims",
        "oidcc-client-test-distributed-claims",
        "oidcc-client-test-mtls-endpoint-aliases",
        "oidcc-client-test-userinfo-signed",
        "oidcc-client-test-discovery-openid-config",
        "oidcc-client-test-discovery-jwks-uri-keys",
        "oidcc-client-test-discovery-issuer-mismatch",
        "oidcc-client-test-signing-key-rotation-just-before-signing",
        "oidcc-client-test-signing-key-rotation",
        "oidcc-client-test-discovery-webfinger-acct",
        "oidcc-client-test-discovery-webfinger-url",
        "oidcc-client-test-dynamic-registration",
        "oidcc-client-test-request-uri-signed-rs256",
        "oidcc-client-test-request-uri-signed-none",
        "oidcc-client-test-3rd-party-init-login",
        "oidcc-client-test-refresh-token",
        "oidcc-client-test-refresh-token-invalid-issuer",
        "oidcc-client-test-refresh-token-invalid-sub",
        "oidcc-client-test-rp-init-logout",
        "oidcc-client-test-rp-init-logout-other-state",
        "oidcc-client-test-rp-init-logout-no-state",
        "oidcc-client-test-rp-backchannel-rpinitlogout",
        "oidcc-client-test-rp-backchannel-rpinitlogout-alg-none",
        "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg",
        "oidcc-client-test-rp-backchannel-rpinitlogout-no-event",
        "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event",
        "oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce",
        "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud",
        "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss",
        "oidcc-client-test-rp-frontchannel-rpinitlogout",
        "oidcc-client-test-rp-frontchannel-opinitlogout",
        "oidcc-client-test-session-management",
    ];

    /// The client modules of the suite for the FAPI 2.0 Security Profile, without the beginning that all their
    /// names share.
    const FAPI2: [&str; 32] = [
        "test-happy-path",
        "test-happy-path-no-dpop-nonce",
        "test-discovery-issuer-mismatch",
        "test-invalid-iss",
        "test-invalid-aud",
        "test-invalid-secondary-aud",
        "test-invalid-null-alg",
        "test-invalid-alternate-alg",
        "test-invalid-expired-exp",
        "test-invalid-missing-exp",
        "test-invalid-missing-aud",
        "test-invalid-missing-iss",
        "test-valid-aud-as-array",
        "test-invalid-nonce",
        "test-invalid-missing-nonce",
        "test-invalid-authorization-response-iss",
        "test-remove-authorization-response-iss",
        "test-ensure-authorization-response-with-invalid-state-fails",
        "test-ensure-authorization-response-with-invalid-missing-state-fails",
        "test-token-endpoint-response-without-expires_in",
        "test-token-type-case-insensitivity",
        "test-rs-dpop-auth-scheme-case-insensitivity",
        "refresh-token-test",
        "test-ensure-jarm-without-iss-fails",
        "test-ensure-jarm-with-invalid-iss-fails",
        "test-ensure-jarm-without-aud-fails",
        "test-ensure-jarm-with-invalid-aud-fails",
        "test-ensure-jarm-without-exp-fails",
        "test-ensure-jarm-with-expired-exp-fails",
        "test-ensure-jarm-with-invalid-sig-fails",
        "test-ensure-jarm-signature-is-not-none",
        "test-invalid-openbanking-intent-id",
    ];

    fn foundation() -> Vec<String> {
        let openid = OPENID_CONNECT.map(str::to_owned).into_iter();
        let fapi = FAPI2.map(|name| format!("fapi2-security-profile-final-client-{name}"));
        openid.chain(fapi).collect()
    }

    fn here() -> Vec<String> {
        let run = modules().into_iter().map(|module| module.name().to_owned());
        run.chain(NOT_RUN.iter().map(|entry| entry.name().to_owned()))
            .collect()
    }

    #[test]
    fn every_module_of_the_foundation_is_run_or_has_a_reason_not_to_be() {
        let here = here();
        for name in foundation() {
            let times = here.iter().filter(|other| **other == name).count();
            assert_eq!(times, 1, "{name}");
        }
    }

    #[test]
    fn every_module_here_is_the_foundations_or_ours_and_is_there_once() {
        let (here, foundation) = (here(), foundation());
        for name in &here {
            assert!(
                name.starts_with("ours-") || foundation.contains(name),
                "{name}"
            );
            assert_eq!(
                here.iter().filter(|other| *other == name).count(),
                1,
                "{name}"
            );
        }
    }

    #[test]
    fn a_module_of_ours_has_our_plan_alone() {
        for module in modules() {
            let ours = module.name().starts_with("ours-");
            assert_eq!(module.plans() == [Profile::Ours], ours, "{}", module.name());
            assert!(!module.plans().is_empty(), "{}", module.name());
        }
    }
}
