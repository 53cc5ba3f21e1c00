//! Misbehaviour on purpose: what a relying party must survive.
//!
//! Every answer is built honestly first and then passes through here once, so a fault differs from the truth in
//! exactly the point that its name says. This file lists the faults; the files below carry them out, one for each
//! thing that a relying party looks at.

mod active;
mod answer;
mod callback;
mod id_token;
mod keys;
mod logout_token;
mod signing;
mod strangers;
mod userinfo;

pub(crate) use active::Faults;
pub(crate) use answer::ELSEWHERE;
pub use answer::SLOW;
pub(crate) use strangers::WeakKey;
pub use userinfo::{MUCH, TOO_MUCH};

/// Declares the faults once: variant, name and documentation.
macro_rules! faults {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// One way for the platform to misbehave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault, in the order of the flow.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the fault's name in words joined by `-`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

faults! {
    /// Discovery answers 500.
    DiscoveryServerError = "discovery-server-error",
    /// Discovery answers 200 with a page of HTML.
    DiscoveryNotJson = "discovery-not-json",
    /// Discovery is a list.
    DiscoveryArray = "discovery-array",
    /// Discovery answers 204.
    DiscoveryNoContent = "discovery-no-content",
    /// Discovery is [`HUGE`](crate::HUGE) bytes of JSON.
    DiscoveryHuge = "discovery-huge",
    /// Discovery is accepted and never answered.
    DiscoveryHangs = "discovery-hangs",
    /// Discovery answers after [`SLOW`](crate::SLOW): honestly, but late.
    DiscoverySlow = "discovery-slow",
    /// Discovery ends the connection without an answer.
    DiscoveryRefused = "discovery-refused",
    /// Discovery redirects (302) to the same document elsewhere.
    DiscoveryRedirects = "discovery-redirects",
    /// Discovery names another issuer.
    DiscoveryWrongIssuer = "discovery-wrong-issuer",
    /// Discovery names a token endpoint on plain http, on another machine.
    DiscoveryHttpEndpoint = "discovery-http-endpoint",
    /// Discovery answers 200 with an error in JSON, in place of the document.
    DiscoveryErrorWithOk = "discovery-error-with-ok",
    /// Discovery names no token endpoint.
    DiscoveryWithoutTokenEndpoint = "discovery-without-token-endpoint",
    /// Discovery names no key set.
    DiscoveryWithoutJwksUri = "discovery-without-jwks-uri",
    /// Discovery gives `null` as the algorithms of ID tokens.
    DiscoveryAlgorithmsNull = "discovery-algorithms-null",
    /// Discovery promises `iss` in callbacks by the text `true`.
    DiscoveryIssText = "discovery-iss-text",
    /// Discovery gives a path for log-out, and not a URL.
    DiscoveryRelativeLogout = "discovery-relative-logout",

    /// The callback carries another `state`.
    CallbackWrongState = "callback-wrong-state",
    /// The callback carries no `state`.
    CallbackWithoutState = "callback-without-state",
    /// The callback carries its `state` twice.
    CallbackDuplicateState = "callback-duplicate-state",
    /// The callback carries another `iss`.
    CallbackWrongIssuer = "callback-wrong-issuer",
    /// The callback carries no `iss`, though discovery promises one.
    CallbackWithoutIssuer = "callback-without-issuer",
    /// The callback carries its `iss` twice.
    CallbackDuplicateIssuer = "callback-duplicate-issuer",
    /// The callback carries no `code`.
    CallbackWithoutCode = "callback-without-code",
    /// The callback carries its `code` twice.
    CallbackDuplicateCode = "callback-duplicate-code",
    /// The callback carries `error=access_denied` and a `code`.
    CallbackErrorAndCode = "callback-error-and-code",
    /// The callback carries an ID token and an access token beside the `code`.
    CallbackWithTokens = "callback-with-tokens",
    /// The callback says `error=login_required`, though the person logged in.
    CallbackLoginRequired = "callback-login-required",
    /// The callback says `error=server_error`, though the person logged in.
    CallbackServerError = "callback-server-error",
    /// The callback says `error=access_denied` without `iss`, though discovery promises one.
    CallbackErrorWithoutIssuer = "callback-error-without-issuer",

    /// The token endpoint answers 400 `invalid_grant`.
    TokenInvalidGrant = "token-invalid-grant",
    /// The token endpoint answers 401 `invalid_client`.
    TokenInvalidClient = "token-invalid-client",
    /// The token endpoint answers 200 with `incorrect_client_credentials`, as GitHub does.
    TokenErrorWithOk = "token-error-with-ok",
    /// The token endpoint answers 201, with tokens.
    TokenCreated = "token-created",
    /// The token response's `scope` is a list, as at Twitch.
    TokenScopeArray = "token-scope-array",
    /// The token endpoint answers 500.
    TokenServerError = "token-server-error",
    /// The token endpoint answers 200 with a page of HTML.
    TokenNotJson = "token-not-json",
    /// The token response is a list.
    TokenArray = "token-array",
    /// The token endpoint answers 204.
    TokenNoContent = "token-no-content",
    /// The token response is [`HUGE`](crate::HUGE) bytes of JSON.
    TokenHuge = "token-huge",
    /// The token request is accepted and never answered.
    TokenHangs = "token-hangs",
    /// The token endpoint answers after [`SLOW`](crate::SLOW): honestly, but late.
    TokenSlow = "token-slow",
    /// The token endpoint ends the connection without an answer.
    TokenRefused = "token-refused",
    /// The token endpoint redirects (307, which repeats the request) to the same endpoint elsewhere.
    TokenRedirects = "token-redirects",
    /// The token response has no `access_token`.
    TokenWithoutAccessToken = "token-without-access-token",
    /// The token response has no `id_token`.
    TokenWithoutIdToken = "token-without-id-token",
    /// The token response has no `expires_in`, which is optional.
    TokenWithoutExpiresIn = "token-without-expires-in",
    /// The token response's `expires_in` is 0, though the access token is valid.
    TokenExpiresAtOnce = "token-expires-at-once",
    /// The token response's `token_type` is `bEARER`, which means the same.
    TokenOddTokenType = "token-odd-token-type",
    /// The token response's `token_type` is `mac`.
    TokenWrongTokenType = "token-wrong-token-type",
    /// The token response has no `token_type`.
    TokenWithoutTokenType = "token-without-token-type",
    /// The access token is invalid from the start, though `expires_in` says otherwise.
    AccessTokenExpired = "access-token-expired",

    /// The ID token names another issuer.
    IdTokenWrongIssuer = "id-token-wrong-issuer",
    /// The ID token's `iss` is a list with the issuer in it.
    IdTokenIssArray = "id-token-iss-array",
    /// The ID token has no `iss`.
    IdTokenWithoutIss = "id-token-without-iss",
    /// The ID token is for another client.
    IdTokenWrongAudience = "id-token-wrong-audience",
    /// The ID token has no `aud`.
    IdTokenWithoutAud = "id-token-without-aud",
    /// The ID token's `aud` is an empty list.
    IdTokenEmptyAud = "id-token-empty-aud",
    /// The ID token's `aud` is a list of the client alone, which means the same.
    IdTokenAudArray = "id-token-aud-array",
    /// The ID token is for the client and another one, without `azp`.
    IdTokenExtraAudience = "id-token-extra-audience",
    /// The ID token is for the client and another one, and `azp` is the client.
    IdTokenExtraAudienceWithAzp = "id-token-extra-audience-with-azp",
    /// The ID token is for the client and another one, and `azp` is that other one.
    IdTokenExtraAudienceOtherAzp = "id-token-extra-audience-other-azp",
    /// The ID token is for the client alone, and `azp` is another one.
    IdTokenWrongAzp = "id-token-wrong-azp",
    /// The ID token expired an hour ago.
    IdTokenExpired = "id-token-expired",
    /// The ID token expired twenty seconds ago, by which clocks may differ.
    IdTokenExpiredSecondsAgo = "id-token-expired-seconds-ago",
    /// The ID token expired six minutes ago.
    IdTokenExpiredMinutesAgo = "id-token-expired-minutes-ago",
    /// The ID token has no `exp`.
    IdTokenWithoutExp = "id-token-without-exp",
    /// The ID token's `exp` is the right number in a string.
    IdTokenExpString = "id-token-exp-string",
    /// The ID token's `exp` is 1e300.
    IdTokenExpEnormous = "id-token-exp-enormous",
    /// The ID token's `exp` is null.
    IdTokenExpNull = "id-token-exp-null",
    /// The ID token's `exp` is below zero.
    IdTokenExpNegative = "id-token-exp-negative",
    /// The ID token was issued an hour from now.
    IdTokenFromTheFuture = "id-token-from-the-future",
    /// The ID token was issued twenty seconds from now, by which clocks may differ.
    IdTokenSecondsAhead = "id-token-seconds-ahead",
    /// The ID token was issued six minutes from now.
    IdTokenMinutesAhead = "id-token-minutes-ahead",
    /// The ID token has no `iat`.
    IdTokenWithoutIat = "id-token-without-iat",
    /// The ID token's `iat` is the right number in a string.
    IdTokenIatString = "id-token-iat-string",
    /// The ID token was issued a week ago; its `exp` is still ahead.
    IdTokenIatWeekOld = "id-token-iat-week-old",
    /// The ID token's `nbf` is an hour from now.
    IdTokenNotBeforeFuture = "id-token-not-before-future",
    /// The ID token carries another `nonce`.
    IdTokenWrongNonce = "id-token-wrong-nonce",
    /// The ID token carries no `nonce`.
    IdTokenWithoutNonce = "id-token-without-nonce",
    /// The ID token's `nonce` is a number.
    IdTokenNonceNumber = "id-token-nonce-number",
    /// The ID token has no `sub`.
    IdTokenWithoutSub = "id-token-without-sub",
    /// The ID token's `sub` is empty.
    IdTokenEmptySub = "id-token-empty-sub",
    /// The ID token's `sub` is a number.
    IdTokenSubNumber = "id-token-sub-number",
    /// The ID token's `sub` has 256 characters.
    IdTokenSubTooLong = "id-token-sub-too-long",
    /// The ID token's `sub` is not ASCII.
    IdTokenSubNotAscii = "id-token-sub-not-ascii",
    /// The ID token says that the person logged in a day ago.
    IdTokenAuthTimeTooOld = "id-token-auth-time-too-old",
    /// The ID token has no `auth_time`.
    IdTokenWithoutAuthTime = "id-token-without-auth-time",
    /// The ID token's `acr` is one that nobody asks for.
    IdTokenAcrNotMet = "id-token-acr-not-met",
    /// The ID token has no `acr`.
    IdTokenWithoutAcr = "id-token-without-acr",
    /// The ID token's `at_hash` belongs to another access token.
    IdTokenWrongAtHash = "id-token-wrong-at-hash",
    /// The ID token has no `at_hash`, which is optional.
    IdTokenWithoutAtHash = "id-token-without-at-hash",
    /// The ID token's `acr`, `at_hash`, `auth_time`, `azp`, `nbf` and `sid` are null.
    IdTokenNullClaims = "id-token-null-claims",
    /// The ID token's `nonce` is null.
    IdTokenNonceNull = "id-token-nonce-null",
    /// The ID token's `acr` is an object, though nobody asked for any.
    IdTokenAcrObject = "id-token-acr-object",
    /// The ID token's `sid` is a number.
    IdTokenSidNumber = "id-token-sid-number",

    /// The ID token's signature is wrong in its first bits.
    IdTokenBadSignature = "id-token-bad-signature",
    /// The ID token has `alg` `none`, no `kid` and no signature.
    IdTokenUnsigned = "id-token-unsigned",
    /// The ID token has `alg` `none` and no signature, and still names a key.
    IdTokenUnsignedKeepsKid = "id-token-unsigned-keeps-kid",
    /// The ID token is signed with `HS256` and, as the secret, the text of the public key.
    IdTokenHmacWithPublicKey = "id-token-hmac-with-public-key",
    /// The ID token is signed with `HS256` and the client's secret.
    IdTokenHmacWithSecret = "id-token-hmac-with-secret",
    /// The ID token is signed with `HS256` and an empty key.
    IdTokenHmacWithEmptyKey = "id-token-hmac-with-empty-key",
    /// The ID token is well signed with a published key and another algorithm than the client's:
    /// `ES256`, or `RS256` for a client of `ES256`.
    IdTokenOtherAlgorithm = "id-token-other-algorithm",
    /// The ID token names a key that the key set does not hold.
    IdTokenUnknownKey = "id-token-unknown-key",
    /// The ID token names no key.
    IdTokenWithoutKid = "id-token-without-kid",
    /// The ID token names no key, and the key set holds several of its algorithm.
    IdTokenWithoutKidSeveralKeys = "id-token-without-kid-several-keys",
    /// The ID token's `kid` is null.
    IdTokenKidNull = "id-token-kid-null",
    /// `EdDSA` is called `Ed25519` in the ID token and at its key (RFC 9864 §2.2).
    IdTokenOtherName = "id-token-other-name",
    /// The ID token is signed with a stranger's key, which its header carries as `jwk`.
    IdTokenEmbeddedKey = "id-token-embedded-key",
    /// The ID token's header requires an extension (`crit`) that nobody knows.
    IdTokenCritical = "id-token-critical",
    /// The ID token has the five segments of an encrypted one.
    IdTokenEncrypted = "id-token-encrypted",
    /// The ID token is the word `hello`.
    IdTokenNotAToken = "id-token-not-a-token",
    /// The ID token has two `sub`; the second is another person's.
    IdTokenDuplicateClaims = "id-token-duplicate-claims",
    /// The ID token is well signed, and its payload is not JSON.
    IdTokenPayloadNotJson = "id-token-payload-not-json",
    /// The ID token is longer than 16 KB, and otherwise honest.
    IdTokenTooLong = "id-token-too-long",

    /// The key set answers 500.
    CertsServerError = "certs-server-error",
    /// The key set answers 200 with a page of HTML.
    CertsNotJson = "certs-not-json",
    /// The key set answers 204.
    CertsNoContent = "certs-no-content",
    /// The key set is [`HUGE`](crate::HUGE) bytes of JSON.
    CertsHuge = "certs-huge",
    /// The key set is accepted and never answered.
    CertsHangs = "certs-hangs",
    /// The key set ends the connection without an answer.
    CertsRefused = "certs-refused",
    /// The key set redirects (302) to the same document elsewhere.
    CertsRedirects = "certs-redirects",
    /// The key set answers 200 with an error in JSON.
    CertsErrorWithOk = "certs-error-with-ok",
    /// The key set is empty.
    CertsEmpty = "certs-empty",
    /// Before every key stand others with its `kid`: of other types, for other algorithms, and for encryption. Only
    /// all of these together identify the right one.
    CertsDecoys = "certs-decoys",
    /// Before every key stands another one with its `kid`, type and algorithm.
    CertsDuplicateKid = "certs-duplicate-kid",
    /// Before the keys stand as many others, which sign nothing.
    CertsSeveralKeys = "certs-several-keys",
    /// The keys have no `kid`. Tokens still have one.
    CertsWithoutKid = "certs-without-kid",
    /// The keys' `alg`, `use`, `x5c` and `issuer` are null.
    CertsNullMembers = "certs-null-members",
    /// The keys have their names, but not their numbers.
    CertsUnreadable = "certs-unreadable",
    /// The keys are for the tokens of another issuer.
    CertsOtherIssuer = "certs-other-issuer",
    /// The only key is an RSA key of 1024 bits, which really signs (with `RS256`, no matter what the client wants).
    CertsWeakKey = "certs-weak-key",
    /// From the next token request on, new keys sign, and only they are published.
    CertsRotatedBeforeSigning = "certs-rotated-before-signing",

    /// User info answers 401 with an error in JSON.
    UserinfoUnauthorizedJson = "userinfo-unauthorized-json",
    /// User info answers 401 with an empty body.
    UserinfoUnauthorizedEmpty = "userinfo-unauthorized-empty",
    /// User info answers 200 with `invalid_token` in JSON.
    UserinfoErrorWithOk = "userinfo-error-with-ok",
    /// User info answers 500.
    UserinfoServerError = "userinfo-server-error",
    /// User info answers 200 with a page of HTML.
    UserinfoNotJson = "userinfo-not-json",
    /// User info answers 204.
    UserinfoNoContent = "userinfo-no-content",
    /// User info is a list.
    UserinfoArray = "userinfo-array",
    /// User info is an empty object.
    UserinfoEmptyObject = "userinfo-empty-object",
    /// The user info response is [`HUGE`](crate::HUGE) bytes of JSON.
    UserinfoHuge = "userinfo-huge",
    /// The user info request is accepted and never answered.
    UserinfoHangs = "userinfo-hangs",
    /// User info answers after [`SLOW`](crate::SLOW): honestly, but late.
    UserinfoSlow = "userinfo-slow",
    /// User info ends the connection without an answer.
    UserinfoRefused = "userinfo-refused",
    /// User info redirects (307, which repeats the request) to the same endpoint elsewhere.
    UserinfoRedirects = "userinfo-redirects",
    /// User info has [`MUCH`](crate::MUCH) bytes more than it needs: too many for one cookie.
    UserinfoMuch = "userinfo-much",
    /// User info has [`TOO_MUCH`](crate::TOO_MUCH) bytes more than it needs: too many for cookies.
    UserinfoTooMuch = "userinfo-too-much",
    /// User info has no `email`.
    UserinfoWithoutEmail = "userinfo-without-email",
    /// User info says that the address is not verified.
    UserinfoEmailNotVerified = "userinfo-email-not-verified",
    /// User info has no `sub`.
    UserinfoWithoutSub = "userinfo-without-sub",
    /// User info's `sub` is a number.
    UserinfoSubNumber = "userinfo-sub-number",
    /// User info is about another person.
    UserinfoOtherSub = "userinfo-other-sub",
    /// User info is a signed token, though the client may not have asked for one.
    UserinfoSigned = "userinfo-signed",
    /// User info is a signed token of another issuer.
    UserinfoSignedOtherIssuer = "userinfo-signed-other-issuer",
    /// User info is a signed token for another client.
    UserinfoSignedOtherAudience = "userinfo-signed-other-audience",
    /// User info is a signed token whose signature is wrong in its first bits.
    UserinfoSignedBadSignature = "userinfo-signed-bad-signature",
    /// User info is a token with `alg` `none` and no signature.
    UserinfoSignedUnsigned = "userinfo-signed-unsigned",

    /// A refresh answers 400 `invalid_grant`.
    RefreshInvalidGrant = "refresh-invalid-grant",
    /// A refresh answers 200 with `invalid_grant`.
    RefreshInvalidGrantWithOk = "refresh-invalid-grant-with-ok",
    /// A refresh answers 500; the refresh token stays valid.
    RefreshServerError = "refresh-server-error",
    /// A refresh brings no ID token, which is optional.
    RefreshWithoutIdToken = "refresh-without-id-token",
    /// A refresh brings no new refresh token, and the old one stays valid.
    RefreshWithoutRotation = "refresh-without-rotation",
    /// The ID token of a refresh names another issuer.
    RefreshedWrongIssuer = "refreshed-wrong-issuer",
    /// The ID token of a refresh is about another person.
    RefreshedOtherSub = "refreshed-other-sub",
    /// The ID token of a refresh is for another client.
    RefreshedOtherAudience = "refreshed-other-audience",
    /// The ID token of a refresh says that the person logged in at another time.
    RefreshedOtherAuthTime = "refreshed-other-auth-time",
    /// The ID token of a refresh carries another `nonce`.
    RefreshedOtherNonce = "refreshed-other-nonce",
    /// The `at_hash` of a refresh's ID token is null.
    RefreshedAtHashNull = "refreshed-at-hash-null",

    /// The logout token has `alg` `none` and no signature.
    LogoutTokenUnsigned = "logout-token-unsigned",
    /// The logout token is well signed with a published key and another algorithm than the client's:
    /// `ES256`, or `RS256` for a client of `ES256`.
    LogoutTokenOtherAlgorithm = "logout-token-other-algorithm",
    /// The logout token's signature is wrong in its first bits.
    LogoutTokenBadSignature = "logout-token-bad-signature",
    /// The logout token has no `events`.
    LogoutTokenWithoutEvents = "logout-token-without-events",
    /// The logout token's `events` name something else.
    LogoutTokenWrongEvent = "logout-token-wrong-event",
    /// The logout token has a `nonce`.
    LogoutTokenWithNonce = "logout-token-with-nonce",
    /// The logout token's `nonce` is null.
    LogoutTokenNonceNull = "logout-token-nonce-null",
    /// The logout token is for another client.
    LogoutTokenWrongAudience = "logout-token-wrong-audience",
    /// The logout token names another issuer.
    LogoutTokenWrongIssuer = "logout-token-wrong-issuer",
    /// The logout token has neither `sub` nor `sid`.
    LogoutTokenWithoutSubAndSid = "logout-token-without-sub-and-sid",
    /// The logout token has no `sid`, and so means every session of the person.
    LogoutTokenSubOnly = "logout-token-sub-only",
    /// The logout token has no `sub`, which is optional.
    LogoutTokenSidOnly = "logout-token-sid-only",
    /// The logout token has no `jti`.
    LogoutTokenWithoutJti = "logout-token-without-jti",
    /// The logout token has no `iat`.
    LogoutTokenWithoutIat = "logout-token-without-iat",
    /// The logout token has no `exp`.
    LogoutTokenWithoutExp = "logout-token-without-exp",
    /// The logout token expired an hour ago.
    LogoutTokenExpired = "logout-token-expired",
    /// The logout token was issued an hour ago; its `exp` is still ahead.
    LogoutTokenStale = "logout-token-stale",
    /// The logout token's header has no `typ`, which is optional.
    LogoutTokenWithoutType = "logout-token-without-type",
    /// The logout token's `typ` is `JWT`, as with many providers.
    LogoutTokenTypeJwt = "logout-token-type-jwt",
    /// The logout token is sent a second time once the app has answered.
    LogoutTokenSentTwice = "logout-token-sent-twice",
}

/// The size of a huge answer, in bytes: far above what any relying party should read.
pub const HUGE: usize = 16 * 1024 * 1024;

/// An hour, in seconds.
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

const OTHER_ISSUER: &str = "https://issuer.example";
const OTHER_CLIENT: &str = "another-client";
const OTHER_PERSON: &str = "mallory@example.com";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: HashSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
    }

    #[test]
    fn a_fault_is_called_as_its_variant_is() {
        for fault in Fault::ALL {
            let variant = format!("{fault:?}");
            assert_eq!(fault.name().replace('-', ""), variant.to_lowercase());
        }
    }
}
