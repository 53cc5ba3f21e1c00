//! What is told about a login that failed.

use std::fmt;

use crate::{
    base::text::shown,
    error::{
        login::FailureReason,
        party::Party::{App, AppOrPerson, AppOrProvider, Person, Provider},
        token::IdTokenError,
        told::{Blame, Details, ILL, NOT_COMPLETED, NOT_REACHED, Told, blame},
    },
};

/// The sentence for a callback that belongs to no login under way.
const NOT_VALID: &str = "This login is no longer valid. It may have taken too long, been used \
    before, or been started in another browser. Please log in again. If it happens again, please \
    tell the operator of this site.";

/// The sentence for a link to a login that this site does not begin.
const WRONG_LINK: &str = "The link that brought you here does not lead to a login of this site. \
    Please log in from here.";

/// The sentence for a login that is too old or too weak for what it was meant for.
const NOT_PROVED: &str = "Your login is not as recent or as strong as this page asks for. \
    Please log in again.";

/// What to do about a link that asks for a login at another provider, or on another site.
const ODD_LINK: Blame = Blame {
    party: AppOrPerson,
    advice: "See that every replica has the same `issuer` (ISSUER) and `redirect_uri` \
        (REDIRECT_URL), and that the provider's portal has the right address of this app. If all of \
        that is right, the link is meant for another app, or it is an attack.",
};

/// What to do about a callback that no provider sends.
const ODD_CALLBACK: Blame = Blame {
    party: AppOrPerson,
    advice: "If it happens at every login, a proxy in front changes the callback's address, or the \
        provider sends it so. If it happens once, somebody changed it or made it up.",
};

impl FailureReason {
    /// Returns whether the person cancelled.
    pub(crate) fn was_cancelled(&self) -> bool {
        matches!(self, Self::Denied { error, .. } if is_cancel(error))
    }

    /// Returns everything that is told about this reason.
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::DuplicateParameter { name } => Told {
                status: 400,
                message: NOT_COMPLETED,
                text: format!("the request has the parameter `{name}` twice").into(),
                blame: ODD_CALLBACK,
                details: Details::new("each parameter once", format!("`{name}` twice")),
            },
            Self::ParameterTooLong { name } => Told {
                status: 400,
                message: WRONG_LINK,
                text: format!("the parameter `{name}` of the request for a login is too long")
                    .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "If the link is this app's own, or that of the provider's portal, \
                        shorten its parameters. Otherwise the link is wrong.",
                },
                details: Details::new("a value of sensible length", format!("a long `{name}`")),
            },
            Self::LoginTooLarge { bytes, limit } => Told {
                status: 431,
                message: WRONG_LINK,
                text: format!(
                    "the login under way takes {bytes} bytes of cookies, and {limit} is what is \
                     left beside the session"
                )
                .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "Shorten `home_path`, or `acr_values` where the app asks for a login; \
                        or keep sessions in a store, which leaves more room in cookies. If this \
                        line stands alone, somebody may have made cookies up.",
                },
                details: Details::new(format!("at most {limit} bytes"), format!("{bytes} bytes")),
            },
            Self::TokenInResponse => Told {
                status: 400,
                message: NOT_COMPLETED,
                text: "the callback carries tokens in its parameters, which were never asked for"
                    .into(),
                blame: Blame {
                    party: Provider,
                    advice: "The provider sent tokens where they can be read by others, and nobody \
                        asked for them. See that the client is registered for the code flow only.",
                },
                details: Details::new("a code alone", "tokens"),
            },
            Self::ResponseTooLarge => Told {
                status: 413,
                message: NOT_COMPLETED,
                text: "the callback is longer than 64 KiB".into(),
                blame: ODD_CALLBACK,
                details: Details::new("at most 64 KiB", "more"),
            },
            Self::StateMissing => Told {
                status: 400,
                message: NOT_VALID,
                text: "the callback has no `state`".into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "If it happens often: see that every replica has the same \
                        `response_mode` (RESPONSE_MODE), that no proxy in front drops the query or \
                        turns a POST into a GET, and that the provider returns `state`. If not, \
                        somebody opened the callback's address without a login.",
                },
                details: Details::new("`state`", "none"),
            },
            Self::StateUnknown => Told {
                status: 400,
                message: NOT_VALID,
                text: "this browser sent no cookie of a login under way with this `state`: its \
                    cookie was lost or blocked on the way, or it was started by another address of \
                    this app, or in another browser, or it is over and its address was reloaded or \
                    gone back to"
                    .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "If it happens often: see that people reach every replica by the \
                        scheme, host and path of `redirect_uri` (REDIRECT_URL), that no proxy in \
                        front drops `Cookie` or `Set-Cookie`, and that the provider returns \
                        `state` as it was. If not, somebody reloaded or went back to a login that \
                        is over, or began it in another browser.",
                },
                details: Details::new("a login under way in this browser", "none"),
            },
            Self::SettingsDiffer(difference) => difference.told(),
            Self::LoginDamaged => Told {
                status: 400,
                message: NOT_VALID,
                text:
                    "the cookie of this login came back damaged: it was changed or cut on its way"
                        .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "If it happens often: see that no proxy in front changes or shortens \
                        `Cookie` and `Set-Cookie`, and that no other app of this host sets cookies \
                        of these names. If not, somebody changed the cookie in their browser.",
                },
                details: Details::new("the cookie as it was set", "another"),
            },
            Self::LoginExpired => Told {
                status: 400,
                message: NOT_VALID,
                text: "the login was started too long ago".into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "If it happens often: raise `login_timeout`, and \
                        compare the clocks of all replicas. If not, the person took too long.",
                },
                details: Details::new("less than `login_timeout` ago", "longer ago"),
            },
            Self::OtherHost { here, there } => Told {
                status: 400,
                message: NOT_VALID,
                text: format!(
                    "no login under way in this browser has this `state` on the host `{here}`; the \
                     redirect URI's host is `{there}`, and cookies do not cross"
                )
                .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "People reach this app by another host name than the redirect URI's. \
                        Use one of them everywhere, give every replica the same `redirect_uri` \
                        (REDIRECT_URL), and have proxies in front pass `Host` on. If this line \
                        stands alone, somebody may have made the name up.",
                },
                details: Details::new(shown(there), shown(here)),
            },
            Self::LoginReplayed => Told {
                status: 400,
                message: NOT_VALID,
                text: "this login was completed or refused before, and its `state` is single-use"
                    .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "The callback came twice with the login's cookie. If it happens often: \
                        see that no proxy in front sends requests again. If not, somebody opened \
                        it twice at once, or with a copy of the cookie. Nothing to do.",
                },
                details: Details::new("the first use", "another"),
            },
            Self::ResponseIssuer { expected } => Told {
                status: 403,
                message: NOT_COMPLETED,
                text: format!(
                    "the callback's `iss` is not `{expected}`, where this login was started"
                )
                .into(),
                blame: Blame {
                    party: Provider,
                    advice: "The answer came from another provider than the login went to. If that \
                        is not an attack, set `issuer` to what the provider's answers and tokens \
                        have as `iss`, and `metadata_url` where its document is found elsewhere.",
                },
                details: Details::new(shown(expected), "another"),
            },
            Self::ResponseIssuerMissing => Told {
                status: 403,
                message: NOT_COMPLETED,
                text: "the callback has no `iss` although the provider's metadata promises one"
                    .into(),
                blame: Blame {
                    party: Provider,
                    advice: "The provider's metadata promises `iss` in its answers, but this one \
                        has none. Report it to the provider.",
                },
                details: Details::new("`iss`", "none"),
            },
            Self::Denied { error, .. } => {
                let (status, message, blame) = denied(error);
                Told {
                    status,
                    message,
                    text: format!("the provider ended the login with `{error}`").into(),
                    blame,
                    details: Details::new("a code", format!("error {}", shown(error))),
                }
            }
            Self::CodeMissing => Told {
                status: 400,
                message: NOT_COMPLETED,
                text: "the callback has neither `code` nor `error`".into(),
                blame: Blame {
                    party: Provider,
                    advice: "The provider answered with neither a code nor an error. Report it to \
                        the provider.",
                },
                details: Details::new("`code`", "none"),
            },
            Self::Provider(error) => error.told(),
            Self::IdTokenMissing => Told {
                status: 403,
                message: NOT_COMPLETED,
                text: "the token response has no ID token".into(),
                blame: Blame {
                    party: Provider,
                    advice: "The provider gave an access token alone. See that the client is \
                        registered for OpenID Connect there, and not for OAuth 2.0 only.",
                },
                details: Details::new("`id_token`", "none"),
            },
            Self::IdToken(error) => {
                let told = error.told();
                Told {
                    status: 403,
                    message: match error {
                        IdTokenError::AuthTime { .. } | IdTokenError::Acr { .. } => NOT_PROVED,
                        _ => NOT_COMPLETED,
                    },
                    text: format!("the ID token was refused: {}", told.text).into(),
                    blame: told.in_id_token,
                    details: told.details,
                }
            }
            Self::ProjectJwt(error) => {
                let told = error.told();
                Told {
                    status: 403,
                    message: NOT_COMPLETED,
                    text: format!("the project JWT was refused: {}", told.text).into(),
                    blame: Blame {
                        party: AppOrPerson,
                        advice: "Let the front end post the JWT as soon as it has one, and see that it is one of \
                            this project. If it is, compare the clocks. If this line stands alone, somebody made \
                            the JWT up.",
                    },
                    details: told.details,
                }
            }
            Self::ProjectJwtReplayed => Told {
                status: 403,
                message: NOT_COMPLETED,
                text: "the project JWT was used before".into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "A JWT begins one session. If the front end posts none twice, take it for an attack.",
                },
                details: Details::new("the first use", "another"),
            },
            Self::UserinfoSubject => Told {
                status: 403,
                message: NOT_COMPLETED,
                text: "the userinfo is about another subject than the ID token, or about none"
                    .into(),
                blame: Blame {
                    party: Provider,
                    advice: "The userinfo is about somebody else than the ID token, or does not \
                        say about whom. Report it to the provider at once.",
                },
                details: Details::new("the ID token's `sub`", "another or none"),
            },
            Self::UserinfoToken(error) => {
                let told = error.told();
                Told {
                    status: 403,
                    message: NOT_COMPLETED,
                    text: format!("the signed userinfo was refused: {}", told.text).into(),
                    blame: told.in_userinfo,
                    details: told.details,
                }
            }
            Self::SessionTooLarge(error) => Told {
                status: 431,
                message: "Your account carries more data than can be kept. Please tell the \
                    operator of this site.",
                text: error.to_string().into(),
                blame: Blame {
                    party: App,
                    advice: "Keep less of it (SESSION_KEEP_CLAIMS, SESSION_KEEP_ID_TOKEN, \
                        SESSION_KEEP_TOKENS), keep sessions in a store, or ask for fewer scopes.",
                },
                details: Details::new(
                    format!("at most {} bytes", error.limit),
                    format!("{} bytes", error.bytes),
                ),
            },
            Self::Session(error) => Told {
                status: 503,
                message: "Your session cannot be kept at the moment. Please try again in a few \
                    minutes.",
                text: error.to_string().into(),
                blame: Blame {
                    party: App,
                    advice: "See the error before this one in the log.",
                },
                details: Details::default(),
            },
            Self::LoggedOut => Told {
                status: 403,
                message: "You were logged out while this login was under way. Please log in again.",
                text: "a log-out of this person, or of their session at the provider, arrived \
                    while the login was under way"
                    .into(),
                blame: Blame {
                    party: AppOrPerson,
                    advice: "If it happens at every login: compare the clocks of all replicas, and \
                        see what sends log-outs to this app. If not, the person, or the provider \
                        for them, logged out in the very moment of this login, and the next login \
                        counts.",
                },
                details: Details::new("no log-out since the login began", "one"),
            },
            Self::InitiationIssuer { expected } => Told {
                status: 400,
                message: WRONG_LINK,
                text: format!(
                    "a third party asked for a login at another provider than `{expected}`"
                )
                .into(),
                blame: ODD_LINK,
                details: Details::new(shown(expected), "another or none"),
            },
            Self::InitiationTarget => Told {
                status: 400,
                message: WRONG_LINK,
                text: "a third party asked for a login that leads to another site".into(),
                blame: ODD_LINK,
                details: Details::new("a page of this site", "another"),
            },
            Self::LoginLoop(lost) => lost.told(),
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told().text)
    }
}

/// Whether an `error` code says that the person cancelled: the standard's (RFC 6749 §4.1.2.1), and those of providers
/// that have their own.
fn is_cancel(error: &str) -> bool {
    matches!(
        error,
        "access_denied" | "user_cancelled" | "user_cancelled_authorize" | "user_cancelled_login"
    )
}

/// Returns status, message and blame for a login that the provider itself ended with this `error` code.
fn denied(error: &str) -> (u16, &'static str, Blame) {
    match error {
        _ if is_cancel(error) => (
            403,
            "The login was cancelled. Nothing has changed, and you can log in again at any time.",
            blame(
                Person,
                "The person cancelled, or the provider does not let them in here. Nothing to do.",
            ),
        ),
        "login_required"
        | "interaction_required"
        | "consent_required"
        | "account_selection_required" => (
            403,
            NOT_COMPLETED,
            blame(
                AppOrPerson,
                "The provider would have had to ask the person something. If the login forbade it \
                 (`prompt=none`), begin one that does not; if not, report it to the provider.",
            ),
        ),
        "unmet_authentication_requirements" => (
            403,
            NOT_COMPLETED,
            blame(
                Person,
                "The person could not prove who they are as strongly as `acr_values` asks for. \
                 Nothing to do.",
            ),
        ),
        "server_error" => (502, NOT_REACHED, ILL),
        "temporarily_unavailable" => (503, NOT_REACHED, ILL),
        _ => (
            403,
            NOT_COMPLETED,
            // The browser carries it, so that somebody may have changed it.
            blame(
                AppOrProvider,
                "The provider does not accept what this app asks for. Compare scopes, redirect URI \
                 and options with the app's registration. If this line stands alone, somebody may \
                 have made the answer up.",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_says_itself_is_put_down_to_whom_it_concerns() {
        for (error, party) in [
            ("access_denied", Person),
            ("user_cancelled_authorize", Person),
            ("interaction_required", AppOrPerson),
            ("unmet_authentication_requirements", Person),
            ("temporarily_unavailable", Provider),
            ("invalid_scope", AppOrProvider),
        ] {
            let (_, _, blame) = denied(error);
            assert_eq!(blame.party, party, "{error}");
        }
    }
}
