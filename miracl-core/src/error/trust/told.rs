//! What is told about a call to MIRACL Trust that failed.

use std::{borrow::Cow, fmt};

use crate::error::{
    party::Party::{App, AppOrPerson, AppOrProvider, Person, Provider},
    provider::ProviderError,
    told::{Blame, ILL, blame},
    trust::{TrustCode, TrustError},
};

/// Everything that is told about a failed call.
pub(super) struct TrustTold {
    pub(super) status: u16,
    pub(super) text: Cow<'static, str>,
    pub(super) blame: Blame,
}

const SLOWER: Blame = blame(
    AppOrPerson,
    "Ask again later: the platform takes such requests at intervals.",
);

const REFUSED_JWT: Blame = blame(
    AppOrPerson,
    "Let the front end log in again and send the JWT at once, and see that it is one of this project.",
);

impl TrustError {
    /// Returns everything that is told about this error.
    pub(super) fn told(&self) -> TrustTold {
        match self {
            Self::Refused {
                endpoint,
                status,
                code,
                field,
                ..
            } => {
                let field = field.as_deref();
                let about = field.map_or(String::new(), |field| format!(" about `{field}`"));
                let (answer, blame) = code.told(*status);
                told(
                    answer,
                    format!(
                        "the platform's {endpoint} refused with `{code}`{about} (status {status})"
                    ),
                    blame,
                )
            }
            Self::Provider(error) => told(ill(error), error.to_string(), error.told().blame),
            Self::Argument { name, must_be } => told(
                400,
                format!("`{name}` must be {must_be}"),
                blame(
                    AppOrPerson,
                    "Check what your own caller sent before you pass it on.",
                ),
            ),
            Self::OtherHost { expected, found } => told(
                502,
                format!("the verification URL leads to {found} and not to {expected}"),
                blame(
                    Provider,
                    "The platform sends people to another host. See that `issuer` (ISSUER) is the Project Domain of \
                     the Portal; if it is, report it to MIRACL.",
                ),
            ),
            Self::ProjectJwt(error) => told(
                401,
                format!("the project JWT was refused: {error}"),
                REFUSED_JWT,
            ),
            Self::Replayed => told(
                401,
                "the project JWT was used before",
                blame(
                    AppOrPerson,
                    "Let the front end log in again for each JWT, or set `project_jwt_use` (PROJECT_JWT_USE) to \
                     `until_expiry`. If the front end sends none twice, take it for an attack.",
                ),
            ),
            Self::Login(reason) => {
                let told_of_login = reason.told();
                told(
                    told_of_login.status,
                    told_of_login.text.into_owned(),
                    told_of_login.blame,
                )
            }
            Self::Store(error) => told(
                503,
                error.to_string(),
                blame(
                    App,
                    "See to the store that `marks_store` (MARKS_STORE) names.",
                ),
            ),
        }
    }
}

impl TrustCode {
    /// Returns the status for the app's own answer, whose fault it is, and what to do.
    fn told(&self, status: u16) -> (u16, Blame) {
        match self {
            Self::Unauthorized => (
                502,
                blame(
                    App,
                    "Compare `client_id` and `client_secret`, or the token of the service account, with the Portal. A \
                     service account must be active.",
                ),
            ),
            Self::Forbidden => (
                502,
                blame(
                    App,
                    "Give the service account this permission in the Portal.",
                ),
            ),
            Self::InvalidParameters | Self::InvalidBody | Self::TooLarge => (
                400,
                blame(
                    AppOrPerson,
                    "Compare the fields with what the platform takes. The error's `info` says more.",
                ),
            ),
            Self::NotFound => (
                404,
                blame(
                    AppOrPerson,
                    "The platform has nothing of that name in this project.",
                ),
            ),
            Self::MethodNotAllowed => (
                502,
                blame(
                    AppOrProvider,
                    "See that `issuer` (ISSUER) is the Project Domain of the Portal.",
                ),
            ),
            Self::Backoff => (429, SLOWER),
            Self::InvalidSignature => (
                401,
                blame(
                    Person,
                    "The PIN was wrong, or the signature was changed. Let the person sign again.",
                ),
            ),
            Self::Revoked => (
                410,
                blame(
                    Person,
                    "The registration on that device is revoked. Let the person register again.",
                ),
            ),
            Self::Expired => (
                410,
                blame(
                    Person,
                    "The platform does not know the registration any more. Let the person register again.",
                ),
            ),
            Self::InvalidActivationToken
            | Self::UnsuccessfulVerification
            | Self::UnsuccessfulAuthentication
            | Self::InvalidSession => (
                403,
                blame(
                    Person,
                    "What the person used is wrong, used or too old. Let them begin again.",
                ),
            ),
            Self::NoPushToken => (
                404,
                blame(
                    Person,
                    "The person has no device that takes notifications. Offer another way to log in.",
                ),
            ),
            Self::Other(_) => match status {
                429 => (429, SLOWER),
                500.. => (502, ILL),
                _ => (
                    502,
                    blame(
                        AppOrProvider,
                        "This version does not know the code. See the error's `info`, and MIRACL's documentation.",
                    ),
                ),
            },
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told().text)
    }
}

fn told(status: u16, text: impl Into<Cow<'static, str>>, blame: Blame) -> TrustTold {
    TrustTold {
        status,
        text: text.into(),
        blame,
    }
}

/// The status for a platform that did not answer as it must. Its refusals without a code are no judgement of anybody.
fn ill(error: &ProviderError) -> u16 {
    match error.told().status {
        status @ 502..=504 => status,
        _ => 502,
    }
}
