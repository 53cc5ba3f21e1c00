//! What is told about replicas that are set differently.

use crate::{
    base::text::shown,
    error::{
        difference::{Difference, LostSession},
        party::Party::{App, AppOrPerson},
        told::{Blame, Details, Told, blame},
    },
};

/// The sentence for a person whose login failed by no mistake of theirs.
const NOT_YOURS: &str = "This login could not be completed. That is no mistake of yours: this site is not set up \
    consistently. Please try again, and if it happens again tell the operator of this site.";

/// The sentence for a person who is logged in again and again.
const LOOP: &str = "You were logged in several times in a row, but your browser came back without being recognised. \
    See that cookies are allowed for this site, and try again. If it happens again, please tell the operator of this \
    site.";

impl Difference {
    /// Returns everything that is told about a login that failed by it.
    pub(in crate::error) fn told(&self) -> Told {
        // What one of this replica's own keys sealed is proven. The rest anybody can make up.
        let party = match self {
            Self::CookieName { .. } | Self::Client { .. } | Self::RedirectUri { .. } => App,
            Self::CookieKeys { .. } | Self::Release | Self::Clock { .. } => AppOrPerson,
        };
        let (text, advice, details) = match self {
            Self::CookieKeys { sealed_with, known } => (
                format!(
                    "the cookie of this login was sealed with the key {sealed_with}, which this replica does not have \
                     (it has {known}): `cookie_keys` differs between replicas. It is not proven, because a browser can \
                     send any cookie"
                ),
                "Give every replica the same `cookie_keys` (COOKIE_KEYS), and change a key in the three steps that its \
                 documentation has. Keys that a replica makes for itself are its own. If this line stands alone, \
                 somebody may have made the cookie up.",
                Details::new(format!("a key of {known}"), format!("the key {sealed_with}, not proven")),
            ),
            Self::Release => (
                "the cookie of this login has a format that this replica does not know: the release of the login \
                 library differs between replicas. It is not proven, because a browser can send any cookie"
                    .to_owned(),
                "Run the same release of this library on every replica. While an update is under way this happens for \
                 as long as a login may take. If this line stands alone, somebody may have made the cookie up.",
                Details::new("a known format", "another, not proven"),
            ),
            Self::CookieName { there, here } => (
                format!(
                    "the cookie of this login is called `{there}…`, and those of this replica `{here}…`: \
                     `cookie_prefix`, or the scheme of `redirect_uri`, differs between replicas"
                ),
                "Give every replica the same `cookie_prefix` (COOKIE_PREFIX) and the same `redirect_uri` \
                 (REDIRECT_URL). With https the names begin with `__Host-`, with http they do not.",
                Details::new(shown(here), shown(there)),
            ),
            Self::Client { what } => (
                format!("this login began at a replica, or at an app with the same cookie keys, whose {what} differs"),
                "Give every replica the same `issuer` (ISSUER) and `client_id` (CLIENT_ID). If these are two apps, \
                 give each a `cookie_prefix` and `cookie_keys` of its own.",
                Details::new("this replica's issuer and client", "another"),
            ),
            Self::RedirectUri { here } => (
                format!(
                    "this login began with another redirect URI than this replica's, {}, and a provider takes its \
                     code with the same one only (RFC 6749 §4.1.3): `redirect_uri` differs between replicas",
                    shown(here)
                ),
                "Give every replica the same `redirect_uri` (REDIRECT_URL): the address that browsers use, character \
                 by character.",
                Details::new(shown(here), "another"),
            ),
            Self::Clock { age, limit } => (
                format!(
                    "this login began {age} s ago by the clock of this replica, and a browser drops its cookie after \
                     {limit} s: the clock, or `login_timeout`, differs between replicas. It is not proven, because a \
                     browser may keep a cookie for longer"
                ),
                "Compare the clocks of all replicas, and set them by NTP. Give every replica the same `login_timeout`. \
                 If this line stands alone, somebody may have kept the cookie.",
                Details::new(format!("at most {limit} s"), format!("{age} s by this clock")),
            ),
        };
        Told {
            status: 400,
            message: NOT_YOURS,
            text: text.into(),
            blame: blame(party, advice),
            details,
        }
    }
}

impl LostSession {
    /// Returns everything that is told about a loop of logins that ends so.
    pub(in crate::error) fn told(&self) -> Told {
        // Neither the count of logins nor the cookie of a session is proven.
        let (found, blame): (String, Blame) = match self {
            Self::NoCookie => (
                "no cookie of the session came back: a proxy in front, the scheme or host of the address, or the \
                 browser. They cannot be told apart"
                    .to_owned(),
                blame(
                    AppOrPerson,
                    "See that no proxy in front drops or shortens `Cookie` and `Set-Cookie`, that people reach this \
                     app by the scheme and host of `redirect_uri`, and that every replica has the same \
                     `cookie_prefix`. If all of that is so, the browser refuses cookies.",
                ),
            ),
            Self::CookieKeys { sealed_with, known } => (
                format!(
                    "the session's cookie was sealed with the key {sealed_with}, which this replica does not have (it \
                     has {known}): `cookie_keys` differs between replicas"
                ),
                blame(
                    AppOrPerson,
                    "Give every replica the same `cookie_keys` (COOKIE_KEYS). Keys that a replica makes for itself are \
                     its own.",
                ),
            ),
            Self::CookieName { there, here } => (
                format!(
                    "a session's cookie is called `{there}…`, and those of this replica `{here}…`: `cookie_prefix`, or \
                     the scheme of `redirect_uri`, may differ between replicas"
                ),
                blame(
                    AppOrPerson,
                    "Give every replica the same `cookie_prefix` (COOKIE_PREFIX) and `redirect_uri` (REDIRECT_URL). If \
                     the other name is of another app on this host, see what drops this app's cookies.",
                ),
            ),
            Self::OtherStore => (
                "the session's cookie is of a replica that keeps sessions elsewhere: `session_store` differs between \
                 replicas"
                    .to_owned(),
                blame(
                    AppOrPerson,
                    "Give every replica the same `session_store` (SESSION_STORE): all of them `cookie`, or all of them \
                     the same Redis.",
                ),
            ),
            Self::NotStored => (
                "the session's cookie came back, and the store of this replica does not have the session: \
                 `session_store` differs between replicas, or the store lost it"
                    .to_owned(),
                blame(
                    AppOrPerson,
                    "Give every replica the same `session_store` (SESSION_STORE); `memory` is one process's own. If it \
                     is the same, see that the store keeps what it is given: a Redis that is full may drop sessions.",
                ),
            ),
            Self::Refused => (
                "the session's cookie came back and was refused: `issuer`, `client_id`, `marks_store`, a session \
                 timeout or the clock differs between replicas. They cannot be told apart"
                    .to_owned(),
                blame(
                    AppOrPerson,
                    "Compare the clocks of all replicas, and give every one the same `issuer`, `client_id`, \
                     `marks_store` and session timeouts.",
                ),
            ),
        };
        Told {
            status: 400,
            message: LOOP,
            text: format!(
                "three logins of this browser within a minute succeeded, and none of their sessions came back: {found} \
                 (not proven: a browser can send any cookie)"
            )
            .into(),
            blame,
            details: Details::new("a session that comes back", "none after three logins within a minute"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_difference_between_replicas_is_put_down_to_the_person_alone_and_to_the_app_only_where_it_is_proven()
     {
        let (one, other) = ("01020304".to_owned(), "05060708".to_owned());
        let differences = [
            Difference::CookieKeys {
                sealed_with: one.clone(),
                known: other.clone(),
            },
            Difference::Release,
            Difference::CookieName {
                there: "a-".to_owned(),
                here: "b-".to_owned(),
            },
            Difference::Client { what: "`issuer`" },
            Difference::RedirectUri {
                here: "https://app.example/login".to_owned(),
            },
            Difference::Clock {
                age: 3600,
                limit: 900,
            },
        ];
        for difference in differences {
            let told = difference.told();
            let party = match told.text.contains("not proven") {
                true => AppOrPerson,
                false => App,
            };
            assert_eq!(told.blame.party, party, "{}", told.text);
            assert!(told.message.contains("no mistake of yours"));
        }
        for lost in [
            LostSession::CookieKeys {
                sealed_with: one,
                known: other,
            },
            LostSession::CookieName {
                there: "a-".to_owned(),
                here: "b-".to_owned(),
            },
            LostSession::OtherStore,
            LostSession::NotStored,
            LostSession::Refused,
            LostSession::NoCookie,
        ] {
            assert_eq!(lost.told().blame.party, AppOrPerson, "{}", lost.told().text);
        }
    }
}
