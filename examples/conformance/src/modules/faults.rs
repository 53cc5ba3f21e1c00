//! Every fault the provider can have, and what must come of it.

use miracl_platform::Fault;

use crate::judge::Blame::{Login, Provider};
use crate::judge::Expect::{self, Accepted, Refused};
use crate::judge::Step::{Authorization, Session, Token, Userinfo};
use crate::module::Module;
use crate::profile::Profile::{self, Ours};

const OURS: &[Profile] = &[Ours];

/// How a fault must be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// With any app.
    Any,
    /// With an app that has not met the provider yet.
    Fresh,
    /// With such an app, and patience.
    Slow,
    /// With a login that asks for this.
    Asking(&'static str),
}

use How::{Any, Fresh, Slow};

/// What must come of a fault.
#[rustfmt::skip]
const OUTCOMES: &[(Fault, Expect, How)] = &[
    // Without metadata no login begins.
    (Fault::DiscoveryServerError, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryNotJson, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryWrongIssuer, Refused(Authorization, Provider), Fresh),
    (Fault::DiscoveryHangs, Refused(Authorization, Provider), Slow),

    // What the browser brings is judged before anything is asked.
    (Fault::CallbackWrongState, Refused(Token, Login), Any),
    (Fault::CallbackWithoutState, Refused(Token, Login), Any),
    (Fault::CallbackWrongIssuer, Refused(Token, Login), Any),
    (Fault::CallbackWithoutIssuer, Refused(Token, Login), Any),
    (Fault::CallbackWithoutCode, Refused(Token, Login), Any),

    // Without tokens there is no userinfo.
    (Fault::TokenInvalidGrant, Refused(Userinfo, Login), Any),
    (Fault::TokenInvalidClient, Refused(Userinfo, Login), Any),
    (Fault::TokenServerError, Refused(Userinfo, Provider), Any),
    (Fault::TokenNotJson, Refused(Userinfo, Provider), Any),
    (Fault::TokenWithoutAccessToken, Refused(Userinfo, Provider), Any),
    (Fault::TokenWithoutIdToken, Refused(Userinfo, Login), Any),
    (Fault::TokenHangs, Refused(Userinfo, Provider), Slow),
    (Fault::TokenHuge, Refused(Userinfo, Provider), Any),
    (Fault::AccessTokenExpired, Refused(Session, Login), Any),

    (Fault::IdTokenWrongIssuer, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWrongAudience, Refused(Userinfo, Login), Any),
    (Fault::IdTokenExpired, Refused(Userinfo, Login), Any),
    (Fault::IdTokenFromTheFuture, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWrongNonce, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutNonce, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWithoutSub, Refused(Userinfo, Login), Any),
    (Fault::IdTokenWrongAtHash, Refused(Userinfo, Login), Any),
    (Fault::IdTokenBadSignature, Refused(Userinfo, Login), Any),
    (Fault::IdTokenUnsigned, Refused(Userinfo, Login), Any),
    (Fault::IdTokenUnknownKey, Refused(Userinfo, Login), Any),

    (Fault::CertsServerError, Refused(Userinfo, Provider), Fresh),
    (Fault::CertsEmpty, Refused(Userinfo, Login), Fresh),

    (Fault::UserinfoUnauthorizedJson, Refused(Session, Login), Any),
    (Fault::UserinfoUnauthorizedEmpty, Refused(Session, Login), Any),
    (Fault::UserinfoServerError, Refused(Session, Provider), Any),
    (Fault::UserinfoNotJson, Refused(Session, Provider), Any),
    (Fault::UserinfoWithoutEmail, Accepted, Any),
    (Fault::UserinfoEmailNotVerified, Accepted, Any),
    (Fault::UserinfoWithoutSub, Refused(Session, Login), Any),
    (Fault::UserinfoOtherSub, Refused(Session, Login), Any),
    (Fault::UserinfoArray, Refused(Session, Provider), Any),
    (Fault::UserinfoHangs, Refused(Session, Provider), Slow),
    (Fault::UserinfoHuge, Refused(Session, Provider), Any),
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
                How::Asking(parameters) => module.asking(parameters),
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
            let times = OUTCOMES.iter().filter(|(other, ..)| other == fault).count();
            assert_eq!(times, 1, "{fault:?}");
        }
    }
}
