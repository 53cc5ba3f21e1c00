//! Every fault that the provider can have, and how an app must treat it.

use miracl_platform::{Fault, SigningAlgorithm};

use crate::judge::Blame::{Login, Provider};
use crate::judge::Expect::{self, Accepted, Either, Refused};
use crate::judge::Step::{Authorization, Session, Token, Userinfo};
use crate::module::Module;
use crate::profile::Profile::{self, Ours};
use crate::setup::Setup;

const OURS: &[Profile] = &[Ours];

/// The app with which a fault must be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// With any app.
    Any,
    /// With an app that has not met the provider yet.
    Fresh,
    /// With such an app, and with time until it gives up.
    Slow,
    /// With an app that knows the only algorithm of its ID tokens.
    Told,
    /// With such an app, for an algorithm that has two names.
    Renamed,
    /// With an app that is registered for signed userinfo.
    Signed,
    /// With a login that asks for this.
    Asking(&'static str),
}

use How::{Any, Asking, Fresh, Renamed, Signed, Slow, Told};

const STEP_UP: How = Asking("acr_values=urn:example:strong");
const RECENT: How = Asking("max_age=600");

/// How an app must treat each fault.
#[rustfmt::skip]
const OUTCOMES: &[(Fault, Expect, How)] = &[
    // Without metadata no login begins.
    (Fault::DiscoveryServerError, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryNotJson, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryArray, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryNoContent, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryHuge, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryHangs, Refused(Authorization, Provider), Slow),
    (Fault::DiscoverySlow, Accepted, Slow),
    (Fault::DiscoveryRefused, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryRedirects, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryWrongIssuer, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryHttpEndpoint, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryErrorWithOk, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryWithoutTokenEndpoint, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryWithoutJwksUri, Refused(Authorization, Provider), Fresh),
    // A `null` counts as absent, and no login needs the address for log-out.
    (Fault::DiscoveryAlgorithmsNull, Accepted, Fresh),
    (Fault::DiscoveryIssText, Accepted, Fresh),
    (Fault::DiscoveryRelativeLogout, Accepted, Fresh),

    // What the browser brings is judged before any request to the provider.
    (Fault::CallbackWrongState, Refused(Token, Login), Any),
    (Fault::CallbackWithoutState, Refused(Token, Login), Any),
    (Fault::CallbackDuplicateState, Refused(Token, Login), Any),
    (Fault::CallbackWrongIssuer, Refused(Token, Login), Any),
    (Fault::CallbackWithoutIssuer, Refused(Token, Login), Any),
    (Fault::CallbackDuplicateIssuer, Refused(Token, Login), Any),
    (Fault::CallbackWithoutCode, Refused(Token, Login), Any),
    (Fault::CallbackDuplicateCode, Refused(Token, Login), Any),
    (Fault::CallbackErrorAndCode, Refused(Token, Login), Any),
    (Fault::CallbackWithTokens, Refused(Token, Login), Any),
    (Fault::CallbackLoginRequired, Refused(Token, Login), Any),
    (Fault::CallbackServerError, Refused(Token, Provider), Any),
    (Fault::CallbackErrorWithoutIssuer, Refused(Token, Login), Any),

    // Without tokens there is no userinfo.
    (Fault::TokenInvalidGrant, Refused(Userinfo, Login), Any),
    (Fault::TokenInvalidClient, Refused(Userinfo, Login), Any),
    (Fault::TokenErrorWithOk, Refused(Userinfo, Login), Any),
    // RFC 6749 §5.1 says 200 and a text. Some providers do otherwise.
    (Fault::TokenCreated, Either, Any),
    (Fault::TokenScopeArray, Either, Any),
    (Fault::TokenServerError, Refused(Userinfo, Provider), Any),
    (Fault::TokenNotJson, Refused(Userinfo, Provider), Any),
    (Fault::TokenArray, Refused(Userinfo, Provider), Any),
    (Fault::TokenNoContent, Refused(Userinfo, Provider), Any),
    (Fault::TokenHuge, Refused(Userinfo, Provider), Any),
    (Fault::TokenHangs, Refused(Userinfo, Provider), Slow),
    (Fault::TokenSlow, Accepted, Slow),
    (Fault::TokenRefused, Refused(Userinfo, Provider), Any),
    (Fault::TokenRedirects, Refused(Userinfo, Provider), Any),
    (Fault::TokenWithoutAccessToken, Refused(Userinfo, Provider), Any),
    (Fault::TokenWithoutIdToken, Refused(Userinfo, Login), Any),
    (Fault::TokenWithoutExpiresIn, Accepted, Any),
    (Fault::TokenExpiresAtOnce, Accepted, Any),
    (Fault::TokenOddTokenType, Accepted, Any),
    (Fault::TokenWrongTokenType, Refused(Userinfo, Provider), Any),
    // RFC 6749 §5.1 demands it, and some providers leave it out.
    (Fault::TokenWithoutTokenType, Either, Any),
    (Fault::AccessTokenExpired, Refused(Session, Login), Any),

    // When the ID token is not good, the access token beside it is not used.
    (Fault::IdTokenWrongIssuer, Refused(Userinfo, Login), Any),
    (Fault::IdTokenIssArray, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutIss, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWrongAudience, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutAud, Refused(Userinfo, Login), Any),
    (Fault::IdTokenEmptyAud, Refused(Userinfo, Login), Any),
    (Fault::IdTokenAudArray, Accepted, Any),
    (Fault::IdTokenExtraAudience, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExtraAudienceWithAzp, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExtraAudienceOtherAzp, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWrongAzp, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExpired, Refused(Userinfo, Login), Any),
    // Clocks differ by seconds, not by minutes.
    (Fault::IdTokenExpiredSecondsAgo, Accepted, Any),
    (Fault::IdTokenExpiredMinutesAgo, Refused(Userinfo, Login), Any),
    (Fault::IdTokenSecondsAhead, Accepted, Any),
    (Fault::IdTokenMinutesAhead, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutExp, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExpString, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExpEnormous, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExpNull, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExpNegative, Refused(Userinfo, Login), Any),
    (Fault::IdTokenFromTheFuture, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutIat, Refused(Userinfo, Login), Any),
    (Fault::IdTokenIatString, Refused(Userinfo, Login), Any),
    (Fault::IdTokenIatWeekOld, Refused(Userinfo, Login), Any),
    (Fault::IdTokenNotBeforeFuture, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWrongNonce, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutNonce, Refused(Userinfo, Login), Any),
    (Fault::IdTokenNonceNumber, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutSub, Refused(Userinfo, Login), Any),
    (Fault::IdTokenEmptySub, Refused(Userinfo, Login), Any),
    (Fault::IdTokenSubNumber, Refused(Userinfo, Login), Any),
    (Fault::IdTokenSubTooLong, Refused(Userinfo, Login), Any),
    (Fault::IdTokenSubNotAscii, Refused(Userinfo, Login), Any),
    (Fault::IdTokenAuthTimeTooOld, Refused(Userinfo, Login), RECENT),
    (Fault::IdTokenWithoutAuthTime, Refused(Userinfo, Login), RECENT),
    (Fault::IdTokenAcrNotMet, Refused(Userinfo, Login), STEP_UP),
    (Fault::IdTokenWithoutAcr, Refused(Userinfo, Login), STEP_UP),
    (Fault::IdTokenWrongAtHash, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutAtHash, Accepted, Any),
    (Fault::IdTokenNullClaims, Accepted, Any),
    (Fault::IdTokenNonceNull, Refused(Userinfo, Login), Any),
    (Fault::IdTokenAcrObject, Accepted, Any),
    (Fault::IdTokenSidNumber, Accepted, Any),
    (Fault::IdTokenBadSignature, Refused(Userinfo, Login), Any),
    (Fault::IdTokenUnsigned, Refused(Userinfo, Login), Any),
    (Fault::IdTokenUnsignedKeepsKid, Refused(Userinfo, Login), Any),
    (Fault::IdTokenHmacWithPublicKey, Refused(Userinfo, Login), Any),
    (Fault::IdTokenHmacWithSecret, Refused(Userinfo, Login), Any),
    (Fault::IdTokenHmacWithEmptyKey, Refused(Userinfo, Login), Any),
    (Fault::IdTokenOtherAlgorithm, Refused(Userinfo, Login), Told),
    (Fault::IdTokenUnknownKey, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutKid, Accepted, Any),
    (Fault::IdTokenWithoutKidSeveralKeys, Accepted, Fresh),
    (Fault::IdTokenKidNull, Accepted, Any),
    (Fault::IdTokenOtherName, Accepted, Renamed),
    (Fault::IdTokenEmbeddedKey, Refused(Userinfo, Login), Any),
    (Fault::IdTokenCritical, Refused(Userinfo, Login), Any),
    (Fault::IdTokenEncrypted, Refused(Userinfo, Login), Any),
    (Fault::IdTokenNotAToken, Refused(Userinfo, Login), Any),
    (Fault::IdTokenDuplicateClaims, Refused(Userinfo, Login), Any),
    (Fault::IdTokenPayloadNotJson, Refused(Userinfo, Login), Any),
    (Fault::IdTokenTooLong, Refused(Userinfo, Login), Any),

    // Without keys no ID token is good.
    (Fault::CertsServerError, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsNotJson, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsNoContent, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsHuge, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsHangs, Refused(Userinfo, Provider), Slow),
    (Fault::CertsRefused, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsRedirects, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsErrorWithOk, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsEmpty, Refused(Userinfo, Login), Fresh),
    (Fault::CertsDecoys, Accepted, Fresh),
    (Fault::CertsDuplicateKid, Accepted, Fresh),
    (Fault::CertsSeveralKeys, Accepted, Fresh),
    // Nothing says which key it is: trying those that fit is as right as trying none.
    (Fault::CertsWithoutKid, Either, Fresh),
    (Fault::CertsNullMembers, Accepted, Fresh),
    (Fault::CertsUnreadable, Refused(Userinfo, Login), Fresh),
    (Fault::CertsOtherIssuer, Refused(Userinfo, Login), Fresh),
    (Fault::CertsWeakKey, Refused(Userinfo, Login), Fresh),
    (Fault::CertsRotatedBeforeSigning, Accepted, Fresh),

    // Userinfo about somebody else, or without any claims, becomes no part of a session.
    (Fault::UserinfoUnauthorizedJson, Refused(Session, Login), Any),
    (Fault::UserinfoUnauthorizedEmpty, Refused(Session, Login), Any),
    (Fault::UserinfoErrorWithOk, Refused(Session, Login), Any),
    (Fault::UserinfoServerError, Refused(Session, Provider), Any),
    (Fault::UserinfoNotJson, Refused(Session, Provider), Any),
    (Fault::UserinfoNoContent, Refused(Session, Provider), Any),
    (Fault::UserinfoArray, Refused(Session, Provider), Any),
    (Fault::UserinfoEmptyObject, Refused(Session, Login), Any),
    (Fault::UserinfoHuge, Refused(Session, Provider), Any),
    (Fault::UserinfoHangs, Refused(Session, Provider), Slow),
    (Fault::UserinfoSlow, Accepted, Slow),
    (Fault::UserinfoRefused, Refused(Session, Provider), Any),
    (Fault::UserinfoRedirects, Refused(Session, Provider), Any),
    (Fault::UserinfoMuch, Accepted, Any),
    // A session in cookies cannot hold it; a session on the server can.
    (Fault::UserinfoTooMuch, Either, Any),
    (Fault::UserinfoWithoutEmail, Accepted, Any),
    (Fault::UserinfoEmailNotVerified, Accepted, Any),
    (Fault::UserinfoWithoutSub, Refused(Session, Login), Any),
    (Fault::UserinfoSubNumber, Refused(Session, Login), Any),
    (Fault::UserinfoOtherSub, Refused(Session, Login), Any),
    // It is honest, though nobody asked for it: an app may check it or refuse it.
    (Fault::UserinfoSigned, Either, Any),
    (Fault::UserinfoSignedOtherIssuer, Refused(Session, Login), Signed),
    (Fault::UserinfoSignedOtherAudience, Refused(Session, Login), Signed),
    (Fault::UserinfoSignedBadSignature, Refused(Session, Login), Signed),
    (Fault::UserinfoSignedUnsigned, Refused(Session, Login), Signed),
];

pub(crate) fn modules() -> Vec<Module> {
    OUTCOMES
        .iter()
        .map(|(fault, expect, how)| {
            let module = Module::login(
                &format!("ours-fault-{}", fault.name()),
                OURS,
                &[*fault],
                *expect,
            );
            match how {
                Any => module,
                Fresh => module.fresh(),
                Slow => module.slow(),
                Told => module.with(Setup::PLAIN.told()),
                Renamed => module
                    .with(Setup::PLAIN.signed(SigningAlgorithm::EdDsa).told())
                    .fresh(),
                Signed => module.with(Setup::PLAIN.userinfo(SigningAlgorithm::Rs256)),
                Asking(parameters) => module.asking(parameters),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_provider_has_an_outcome() {
        for fault in Fault::ALL {
            let outcomes = OUTCOMES.iter().filter(|(other, ..)| other == fault).count();
            let refreshed = super::super::refresh::OUTCOMES.iter();
            let refreshed = refreshed.filter(|(other, ..)| other == fault).count();
            let logged_out = super::super::backchannel::OUTCOMES.iter();
            let logged_out = logged_out.filter(|(other, ..)| other == fault).count();
            assert_eq!(outcomes + refreshed + logged_out, 1, "{fault:?}");
        }
    }
}
