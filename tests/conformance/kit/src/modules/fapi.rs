//! The part of the FAPI 2.0 Security Profile's client modules that judges the authorization response and the ID token.

use miracl_platform::{ClientAuthMethod, Fault, SigningAlgorithm};

use crate::judge::Blame::Anyone;
use crate::judge::Expect::{Accepted, Refused};
use crate::judge::Step;
use crate::module::Module;
use crate::profile::Profile::{self, Fapi2};
use crate::setup::Setup;

const FAPI: &[Profile] = &[Fapi2];
const SETUP: Setup = Setup::PLAIN
    .signed(SigningAlgorithm::Es256)
    .told()
    .auth(ClientAuthMethod::PrivateKeyJwt)
    .require_pkce();

fn module(name: &str, fault: Fault, before: Option<Step>) -> Module {
    let name = format!("fapi2-security-profile-final-client-test-{name}");
    let expect = before.map_or(Accepted, |step| Refused(step, Anyone));
    Module::login(&name, FAPI, &[fault], expect).with(SETUP)
}

pub(crate) fn modules() -> Vec<Module> {
    let id_token = |name, fault| module(name, fault, Some(Step::Userinfo));
    let response = |name, fault| module(name, fault, Some(Step::Token));
    vec![
        module(
            "discovery-issuer-mismatch",
            Fault::DiscoveryWrongIssuer,
            Some(Step::Authorization),
        )
        .fresh(),
        id_token("invalid-iss", Fault::IdTokenWrongIssuer),
        id_token("invalid-aud", Fault::IdTokenWrongAudience),
        id_token("invalid-secondary-aud", Fault::IdTokenExtraAudience),
        id_token("invalid-alternate-alg", Fault::IdTokenOtherAlgorithm),
        id_token("invalid-missing-exp", Fault::IdTokenWithoutExp),
        id_token("invalid-missing-aud", Fault::IdTokenWithoutAud),
        id_token("invalid-missing-iss", Fault::IdTokenWithoutIss),
        module("valid-aud-as-array", Fault::IdTokenAudArray, None),
        module(
            "token-endpoint-response-without-expires_in",
            Fault::TokenWithoutExpiresIn,
            None,
        ),
        module(
            "token-type-case-insensitivity",
            Fault::TokenOddTokenType,
            None,
        ),
        id_token("invalid-null-alg", Fault::IdTokenUnsigned),
        id_token("invalid-expired-exp", Fault::IdTokenExpired),
        id_token("invalid-nonce", Fault::IdTokenWrongNonce),
        id_token("invalid-missing-nonce", Fault::IdTokenWithoutNonce),
        response(
            "invalid-authorization-response-iss",
            Fault::CallbackWrongIssuer,
        ),
        response(
            "remove-authorization-response-iss",
            Fault::CallbackWithoutIssuer,
        ),
        response(
            "ensure-authorization-response-with-invalid-state-fails",
            Fault::CallbackWrongState,
        ),
        response(
            "ensure-authorization-response-with-invalid-missing-state-fails",
            Fault::CallbackWithoutState,
        ),
    ]
}
