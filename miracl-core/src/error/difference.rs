//! What the replicas of one app have set differently, as far as a browser's cookies show it.

mod told;

/// A setting that another replica of this app has differently, as the cookie of a login under way shows.
///
/// What the cookie says is proven where one of this replica's own keys sealed it. Where it is not, the variant says so:
/// a browser can send any cookie, so one such failure proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// [`Config::cookie_keys`](crate::Config::cookie_keys): this replica does not have the key that sealed the cookie.
    /// Not proven.
    CookieKeys {
        /// The id of the key that the cookie names, in hexadecimal. An id tells nothing of its key.
        sealed_with: String,
        /// The ids of this replica's keys.
        known: String,
    },
    /// The release of this library: the cookie's format is unknown here. Not proven.
    Release,
    /// [`Config::cookie_prefix`](crate::Config::cookie_prefix), or the scheme of the redirect URI: the cookie has a
    /// name of another replica's. Proven.
    CookieName {
        /// What the cookie's name begins with, cut to 64 printable characters.
        there: String,
        /// What the names of this replica's cookies begin with.
        here: String,
    },
    /// [`Config::issuer`](crate::Config::issuer) or [`Config::client_id`](crate::Config::client_id). Proven.
    Client {
        /// Which of them.
        what: &'static str,
    },
    /// [`Config::redirect_uri`](crate::Config::redirect_uri). Proven.
    RedirectUri {
        /// This replica's.
        here: String,
    },
    /// The clock, or [`Config::login_timeout`](crate::Config::login_timeout): by this replica's clock the browser
    /// should have dropped the cookie long ago. Not proven: a browser may keep a cookie for longer.
    Clock {
        /// How old the cookie is, in seconds.
        age: u64,
        /// After how many seconds a browser drops it, by this replica's settings.
        limit: u64,
    },
}

/// What became of the session of a browser that was logged in several times in a row, as far as its cookies show it.
///
/// None of it is proven: a browser can send any cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostSession {
    /// The session's cookie did not come back.
    NoCookie,
    /// It came back, and this replica does not have the key that sealed it.
    CookieKeys {
        /// The id of the key that the cookie names, in hexadecimal. An id tells nothing of its key.
        sealed_with: String,
        /// The ids of this replica's keys.
        known: String,
    },
    /// A session's cookie of another name came back.
    CookieName {
        /// What the cookie's name begins with, cut to 64 printable characters.
        there: String,
        /// What the names of this replica's cookies begin with.
        here: String,
    },
    /// It came back, and is of a replica that keeps sessions in another kind of place.
    OtherStore,
    /// It came back, and the store has no session for it.
    NotStored,
    /// It came back, was sealed with a key of this replica, and is refused: for another issuer or client, as ended, or
    /// as too old.
    Refused,
}
