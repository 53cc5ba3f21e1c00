//! What is told about a token that was refused.

use std::{borrow::Cow, fmt};

use crate::{
    base::text::{printable, shown},
    error::{
        party::Party::{App, AppOrPerson, AppOrProvider, Provider},
        token::{IdTokenError, is_none, is_shared_key, not_accepted},
        told::{Blame, Details, blame},
    },
};

/// Everything that is told about a refused token. What to do depends on which token it was.
pub(in crate::error) struct TokenTold {
    /// What `Display` prints.
    pub(in crate::error) text: Cow<'static, str>,
    /// Whose fault it is, and what to do, when it was an ID token.
    pub(in crate::error) in_id_token: Blame,
    /// Whose fault it is, and what to do, when it was signed userinfo.
    pub(in crate::error) in_userinfo: Blame,
    pub(in crate::error) details: Details,
}

const BROKEN_ID_TOKEN: Blame = blame(
    Provider,
    "The ID token breaks the specification, or needs what is not supported here. Report it to the \
     provider.",
);

const BROKEN_USERINFO: Blame = blame(
    Provider,
    "The signed userinfo breaks the specification, or is for another client or of another issuer. \
     Report it to the provider.",
);

const OTHER_CLIENT: Blame = blame(
    AppOrProvider,
    "The token was made for another client. See that `client_id` (CLIENT_ID) is this app's own at \
     every replica; if it is, report it to the provider.",
);

const OTHER_LOGIN: Blame = blame(
    Provider,
    "The token was not made for this login. If it happens more than once, take it for an attack.",
);

const NOT_PROVED: Blame = blame(
    AppOrPerson,
    "The person has not proved who they are as recently or as strongly as asked for. If nobody can, \
     see whether the provider supports what is asked for, and compare the clocks. If not, ask them \
     to log in again.",
);

const OUT_OF_TIME: Blame = blame(
    AppOrProvider,
    "Compare the clock of this machine with those of the other replicas and of the provider, and \
     set it by NTP. If it is right, the provider sent an old token, or its clock is wrong.",
);

impl TokenTold {
    /// Tells of a check that concerns every token in the same way.
    fn of_any(text: impl Into<Cow<'static, str>>, blame: Blame, details: Details) -> Self {
        Self {
            text: text.into(),
            in_id_token: blame,
            in_userinfo: blame,
            details,
        }
    }

    /// Tells of a check whose failure, in an ID token, has a cause of its own.
    fn of_id_token(text: impl Into<Cow<'static, str>>, blame: Blame, details: Details) -> Self {
        Self {
            in_id_token: blame,
            ..Self::broken(text, details)
        }
    }

    /// Tells of a token that breaks the specification.
    fn broken(text: impl Into<Cow<'static, str>>, details: Details) -> Self {
        Self {
            text: text.into(),
            in_id_token: BROKEN_ID_TOKEN,
            in_userinfo: BROKEN_USERINFO,
            details,
        }
    }
}

impl IdTokenError {
    /// Returns everything that is told about this error.
    pub(in crate::error) fn told(&self) -> TokenTold {
        match self {
            Self::Malformed { detail } => TokenTold::broken(
                format!("it is no signed JWT: {detail}"),
                Details::new("a well-formed token", printable(detail, 200)),
            ),
            Self::Algorithm { allowed, found } => algorithm(&allowed.join(", "), found),
            Self::CriticalHeader => TokenTold::broken(
                "its header demands extensions that are not supported",
                Details::new("no `crit`", "`crit`"),
            ),
            Self::UnknownKey { kid } => TokenTold::of_any(
                match kid {
                    Some(kid) => {
                        format!("the provider publishes no key `{kid}` of that algorithm").into()
                    }
                    None => Cow::from("the provider publishes no key of that algorithm"),
                },
                blame(
                    Provider,
                    "The provider signs with a key that it does not publish under that name and \
                     for that algorithm. Report it to the provider.",
                ),
                Details::new("a published key", format!("`kid` {}", shown_or_none(kid))),
            ),
            Self::UnreadableKey { kid } => TokenTold::of_any(
                match kid {
                    Some(kid) => format!("the provider's key `{kid}` is unreadable").into(),
                    None => Cow::from(
                        "a key that the provider publishes for that algorithm is unreadable",
                    ),
                },
                blame(
                    Provider,
                    "The provider publishes a key that is none, so nobody can tell whether it \
                     signed the token. Report it to the provider.",
                ),
                Details::new(
                    "a key that can be read",
                    format!("`kid` {}", shown_or_none(kid)),
                ),
            ),
            Self::KeyOfOtherIssuer => TokenTold::of_any(
                "the provider publishes its key for the tokens of another issuer",
                blame(
                    Provider,
                    "The provider publishes the key that it signs with for another issuer or \
                     tenant. Report it to the provider at once.",
                ),
                Details::new("a key for this issuer", "another issuer's"),
            ),
            Self::WeakKey => TokenTold::of_any(
                "the provider's RSA key is shorter than 2048 bits",
                blame(
                    Provider,
                    "The provider must use RSA keys of 2048 bits or more.",
                ),
                Details::new("2048 bits", "less"),
            ),
            Self::Signature => TokenTold::of_any(
                "the signature is not by the provider",
                blame(
                    Provider,
                    "The token is signed with another key than the one the provider publishes \
                     under that name. If it happens more than once, report it to the provider, and \
                     take it for an attack.",
                ),
                Details::new("the provider's signature", "another"),
            ),
            Self::Missing { claim } => TokenTold::broken(
                format!("`{claim}` is missing"),
                Details::new(format!("`{claim}`"), "none"),
            ),
            Self::Invalid { claim } => TokenTold::broken(
                format!("`{claim}` has a value that is not allowed"),
                Details::new(format!("a valid `{claim}`"), "a value that is not allowed"),
            ),
            Self::Issuer { expected, found } => TokenTold::of_id_token(
                format!("`iss` is `{found}`, expected was `{expected}`"),
                blame(
                    Provider,
                    "The provider's tokens name another issuer than its metadata. If it is the \
                     provider's all the same, set `issuer` (ISSUER) to the one in the tokens, and \
                     `metadata_url` (METADATA_URL) to the address of the metadata. If not, report \
                     it to the provider.",
                ),
                Details::new(shown(expected), shown(found)),
            ),
            Self::Audience { expected, found } => TokenTold::of_id_token(
                format!("`aud` is {found:?}, expected was `{expected}`"),
                OTHER_CLIENT,
                Details::new(shown(expected), shown(&found.join(" "))),
            ),
            Self::UntrustedAudience { found } => TokenTold::of_id_token(
                format!("`aud` has the audience `{found}`, which is not in `trusted_audiences`"),
                blame(
                    App,
                    "If this audience is right, add it to `trusted_audiences`; if not, report it \
                     to the provider.",
                ),
                Details::new("trusted audiences only", shown(found)),
            ),
            Self::AuthorizedParty { expected, found } => TokenTold::of_id_token(
                match found {
                    Some(found) => format!("`azp` is `{found}`, expected was `{expected}`").into(),
                    None => Cow::from("`azp` is missing although there are several audiences"),
                },
                OTHER_CLIENT,
                Details::new(shown(expected), shown_or_none(found)),
            ),
            Self::Expired { seconds } => TokenTold::of_any(
                format!("it expired {seconds} s ago"),
                OUT_OF_TIME,
                Details::new("in the future", format!("{seconds} s ago")),
            ),
            Self::NotYetValid { claim, seconds } => TokenTold::of_any(
                format!("`{claim}` lies {seconds} s in the future"),
                OUT_OF_TIME,
                Details::new("not in the future", format!("in {seconds} s")),
            ),
            Self::IssuedTooLongAgo { seconds } => TokenTold::of_any(
                format!("it was issued {seconds} s ago"),
                OUT_OF_TIME,
                Details::new("just now", format!("{seconds} s ago")),
            ),
            Self::Nonce => TokenTold::of_id_token(
                "`nonce` is not the one this login was started with",
                OTHER_LOGIN,
                Details::new("the nonce of this login", "another"),
            ),
            Self::AccessTokenHash => TokenTold::of_id_token(
                "`at_hash` does not belong to the access token",
                OTHER_LOGIN,
                Details::new("the access token's hash", "another"),
            ),
            Self::Changed { claim } => TokenTold::broken(
                format!("`{claim}` is another than when the person logged in"),
                Details::new(format!("the session's `{claim}`"), "another"),
            ),
            Self::AuthTime { max_age, age } => TokenTold::of_id_token(
                format!("the person logged in {age} s ago, and at most {max_age} s were asked for"),
                NOT_PROVED,
                Details::new(format!("at most {max_age} s ago"), format!("{age} s ago")),
            ),
            Self::Acr { asked, found } => {
                let any = asked.join(" or ");
                TokenTold::of_id_token(
                    match found {
                        Some(found) => format!("`acr` is `{found}`, asked for was {any}"),
                        None => format!("`acr` is missing, asked for was {any}"),
                    },
                    NOT_PROVED,
                    Details::new(shown(&asked.join(" ")), shown_or_none(found)),
                )
            }
        }
    }
}

impl fmt::Display for IdTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told().text)
    }
}

/// Tells of an algorithm that is not allowed: a shared key, no signature at all, or another than the registered one.
fn algorithm(allowed: &str, found: &str) -> TokenTold {
    let (in_id_token, in_userinfo) = if is_shared_key(found) {
        (
            blame(
                App,
                "A shared-key signature is not accepted here, since anybody who can check it can \
                 also make it. Register the client for one of the expected algorithms.",
            ),
            blame(
                App,
                "A shared-key signature is not accepted here, since anybody who can check it can \
                 also make it. Register the client for another algorithm, and set \
                 `userinfo_signed_response_alg` to it.",
            ),
        )
    } else if is_none(found) {
        let unsigned = blame(
            Provider,
            "The token is not signed, so anybody could have made it. Report it to the provider at \
             once.",
        );
        (unsigned, unsigned)
    } else {
        (
            blame(
                App,
                "Register the client for one of the expected algorithms. \
                 `id_token_signed_response_alg` is to be the registered one; if it is already, \
                 report it to the provider.",
            ),
            blame(
                App,
                "`userinfo_signed_response_alg` is to be what the client is registered for; if it \
                 is already, report it to the provider.",
            ),
        )
    };
    TokenTold {
        text: match not_accepted(found) {
            Some(why) => {
                format!("it is signed with `{found}`, which is {why}; allowed is {allowed}").into()
            }
            None => format!("it is signed with `{found}`, allowed is {allowed}").into(),
        },
        in_id_token,
        in_userinfo,
        details: Details::new(allowed, shown(found)),
    }
}

fn shown_or_none(value: &Option<String>) -> String {
    shown(value.as_deref().unwrap_or_default())
}
