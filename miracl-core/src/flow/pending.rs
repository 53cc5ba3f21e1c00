//! A pending login: what is kept sealed in the browser from the start of a login to its callback.

pub(crate) mod cookies;

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use ring::digest;

use crate::{
    base::{
        constant_time::same,
        hex::hex,
        random::random,
        wire::{Reader, Writer},
    },
    config::{Config, options::Pkce},
    flow::options::LoginOptions,
    session::{binding::Binding, identity::SessionId, marked_by::LoginMark},
};

/// The characters of a `state`: 32 bytes in base64url.
pub(crate) const STATE_LEN: usize = 43;
/// The bytes of a session's id.
const SESSION_LEN: usize = 32;
/// How long a login lives whose address is on a page.
const PAGE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// For how long further pages of the same browser get the same login, so that an address lives twelve hours or more.
const PAGE_YOUTH: Duration = Duration::from_secs(12 * 60 * 60);

/// A login under way.
pub(crate) struct PendingLogin {
    /// The `state` parameter before base64url.
    state: [u8; 32],
    nonce: [u8; 32],
    verifier: [u8; 32],
    /// When the login began, in milliseconds since 1970, so that the oldest of several can be found.
    pub(crate) created_ms: u64,
    pub(crate) max_age: Option<u64>,
    pub(crate) acr_values: Option<String>,
    pub(crate) return_to: String,
    /// The session that there was, for a callback that comes without its cookies.
    pub(crate) replaces: Option<SessionId>,
    /// With which settings it began. Earlier versions did not keep them.
    pub(crate) began: Option<Began>,
}

/// The settings that a login began with, as far as its callback depends on them: hashes, to compare with those of the
/// replica that it ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Began {
    issuer: [u8; 4],
    client_id: [u8; 4],
    redirect_uri: [u8; 4],
    flags: u8,
}

impl Began {
    const LEN: usize = 13;
    const PKCE: u8 = 1;
    const FOR_PAGE: u8 = 2;
    const REMEMBER: u8 = 4;
    const FORGET: u8 = 8;
    const LOST_FORM: u8 = 16;

    pub(crate) fn new(config: &Config, client_id: &str) -> Self {
        let hash = |text: &str| {
            let mut hash = [0; 4];
            hash.copy_from_slice(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..4]);
            hash
        };
        Self {
            issuer: hash(config.issuer.trim_end_matches('/')),
            client_id: hash(client_id),
            redirect_uri: hash(&config.redirect_uri),
            flags: if config.pkce == Pkce::S256 {
                Self::PKCE
            } else {
                0
            },
        }
    }

    /// The same, for a login whose address is on a page.
    pub(crate) fn for_page(self) -> Self {
        Self {
            flags: self.flags | Self::FOR_PAGE,
            ..self
        }
    }

    /// The same, for a login that says whether it lasts when the browser is closed. A version that does not know it
    /// makes a session that lasts.
    pub(crate) fn remembering(self, remember: Option<bool>) -> Self {
        let choice = match remember {
            None => 0,
            Some(true) => Self::REMEMBER,
            Some(false) => Self::FORGET,
        };
        Self {
            flags: self.flags | choice,
            ..self
        }
    }

    /// Whether the login lasts when the browser is closed, if it says so.
    pub(crate) fn remember(self) -> Option<bool> {
        match self.flags & (Self::REMEMBER | Self::FORGET) {
            Self::REMEMBER => Some(true),
            Self::FORGET => Some(false),
            _ => None,
        }
    }

    /// The same, for a login whose person has to be told that their form was not sent. A version that does not know it
    /// tells them nothing.
    pub(crate) fn losing_form(self, loses: bool) -> Self {
        let choice = if loses { Self::LOST_FORM } else { 0 };
        Self {
            flags: self.flags | choice,
            ..self
        }
    }

    /// Whether the person has to be told that their form was not sent.
    pub(crate) fn has_lost_form(self) -> bool {
        self.flags & Self::LOST_FORM != 0
    }

    /// The same, for a login whose authorization request the platform makes itself, without a code challenge.
    pub(crate) fn without_pkce(self) -> Self {
        Self {
            flags: self.flags & !Self::PKCE,
            ..self
        }
    }

    /// Whether the authorization request had a code challenge, so that the token request must have its verifier.
    pub(crate) fn has_pkce(self) -> bool {
        self.flags & Self::PKCE != 0
    }

    /// What of the client differs from these settings.
    pub(crate) fn other_client(self, here: Self) -> &'static str {
        match (self.issuer != here.issuer, self.client_id != here.client_id) {
            (true, true) => "`issuer` and `client_id`",
            (true, false) => "`issuer`",
            (false, true) => "`client_id`",
            (false, false) => "`issuer` or `client_id`",
        }
    }

    pub(crate) fn has_other_redirect_uri(self, here: Self) -> bool {
        self.redirect_uri != here.redirect_uri
    }

    fn encode(self) -> [u8; Self::LEN] {
        let mut bytes = [self.flags; Self::LEN];
        bytes[..4].copy_from_slice(&self.issuer);
        bytes[4..8].copy_from_slice(&self.client_id);
        bytes[8..12].copy_from_slice(&self.redirect_uri);
        bytes
    }

    fn decode(bytes: &[u8; Self::LEN]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, flags] = *bytes;
        Self {
            issuer: [a, b, c, d],
            client_id: [e, f, g, h],
            redirect_uri: [i, j, k, l],
            flags,
        }
    }
}

impl PendingLogin {
    pub(crate) fn new(
        options: &LoginOptions,
        return_to: String,
        replaces: Option<SessionId>,
        now_ms: u64,
    ) -> Self {
        Self {
            replaces,
            began: None,
            state: random(),
            nonce: random(),
            verifier: random(),
            created_ms: now_ms,
            max_age: options.max_age,
            acr_values: options.acr_values.clone(),
            return_to,
        }
    }

    pub(crate) fn state(&self) -> String {
        BASE64.encode_to_string(self.state)
    }

    pub(crate) fn nonce(&self) -> String {
        BASE64.encode_to_string(self.nonce)
    }

    /// Returns the PKCE verifier: 43 characters of base64url (RFC 7636 §4.1).
    pub(crate) fn verifier(&self) -> String {
        BASE64.encode_to_string(self.verifier)
    }

    /// Returns how long it may take: until the person comes back, or where its address is on a page, also until they
    /// go.
    pub(crate) fn lifetime(&self, login_timeout: Duration) -> Duration {
        if self.is_for_page() {
            login_timeout.max(PAGE_LIFETIME)
        } else {
            login_timeout
        }
    }

    /// Whether its address is on a page.
    pub(crate) fn is_for_page(&self) -> bool {
        self.began
            .is_some_and(|began| began.flags & Began::FOR_PAGE != 0)
    }

    /// Whether another page may have the address of this login: it is like `other`, which was made for that page, and
    /// it has enough time left.
    pub(crate) fn serves(&self, other: &Self) -> bool {
        self.began == other.began
            && self.return_to == other.return_to
            && self.max_age == other.max_age
            && self.acr_values == other.acr_values
            && self.created_ms <= other.created_ms
            && self.age(other.created_ms) < PAGE_YOUTH
    }

    /// Returns for how long it has been under way.
    pub(crate) fn age(&self, now_ms: u64) -> Duration {
        Duration::from_millis(now_ms.saturating_sub(self.created_ms))
    }

    pub(crate) fn has_state(&self, state: &str) -> bool {
        same(&self.state(), state)
    }

    pub(crate) fn encode(&self, binding: &Binding) -> Vec<u8> {
        Writer::default()
            .bytes(&binding.hash)
            .bytes(&self.state)
            .bytes(&self.nonce)
            .bytes(&self.verifier)
            .u64(self.created_ms)
            .maybe_u64(self.max_age)
            .maybe_text(self.acr_values.as_deref())
            .text(&self.return_to)
            .bytes(self.replaces.as_ref().map_or(&[], |id| &id.0[..]))
            .bytes(
                self.began
                    .map(Began::encode)
                    .as_ref()
                    .map_or(&[], |began| &began[..]),
            )
            .finish()
    }

    /// Reads a login of this issuer and client.
    pub(crate) fn decode(bytes: &[u8], binding: &Binding) -> Option<Self> {
        let (login, of) = Self::decode_any(bytes)?;
        (of == binding.hash).then_some(login)
    }

    /// Reads a login of any issuer and client, and says whose it is.
    pub(crate) fn decode_any(bytes: &[u8]) -> Option<(Self, [u8; 12])> {
        let mut reader = Reader::new(bytes);
        let of = reader.array()?;
        let mut login = Self {
            state: reader.array()?,
            nonce: reader.array()?,
            verifier: reader.array()?,
            created_ms: reader.u64()?,
            max_age: reader.maybe_u64()?,
            acr_values: reader.maybe_text()?.map(str::to_owned),
            return_to: reader.text()?.to_owned(),
            replaces: None,
            began: None,
        };
        let mut rest = reader.rest();
        if let Some((session, began)) = rest.split_first_chunk::<SESSION_LEN>() {
            login.replaces = Some(SessionId(*session));
            rest = began;
        }
        if !rest.is_empty() {
            login.began = Some(Began::decode(rest.try_into().ok()?));
        }
        Some((login, of))
    }
}

/// Returns the hash of a `state`: a login is marked as used by it, and its first bytes are in the cookie's name.
pub(crate) fn mark(state: &str) -> LoginMark {
    let mut mark = LoginMark::default();
    mark.0
        .copy_from_slice(digest::digest(&digest::SHA256, state.as_bytes()).as_ref());
    mark
}

/// Returns the name of the cookie of the login with this mark.
pub(crate) fn cookie_name(prefix: &str, mark: &LoginMark) -> String {
    format!("{prefix}{}", hex(&mark.0[..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_login_is_read_as_it_was_written_and_for_its_client_only() {
        let options = LoginOptions {
            max_age: Some(60),
            acr_values: Some("gold".to_owned()),
            ..LoginOptions::default()
        };
        let mut login = PendingLogin::new(
            &options,
            "/members".to_owned(),
            Some(SessionId([7; 32])),
            1000,
        );
        let began = Began::new(&Config::default(), "one");
        for began in [
            None,
            Some(began),
            Some(began.remembering(Some(true))),
            Some(began.losing_form(true)),
            Some(began.remembering(Some(false)).for_page()),
        ] {
            for replaces in [None, Some(SessionId([7; 32]))] {
                (login.began, login.replaces) = (began, replaces);
                let written = login.encode(&Binding::new("https://issuer.example", "one"));
                let (read, _) = PendingLogin::decode_any(&written).unwrap();
                assert_eq!((read.began, read.replaces), (began, replaces));
                // Versions before read a pending login that ends in these lengths only.
                let usual = PendingLogin {
                    began: None,
                    replaces: None,
                    ..read
                };
                let usual = usual.encode(&Binding::new("https://issuer.example", "one"));
                let more = written.len() - usual.len();
                assert!([0, 13, 32, 45].contains(&more), "{more}");
            }
        }
        let bound = |client| Binding::new("https://issuer.example", client);
        let written = login.encode(&bound("one"));
        let read = PendingLogin::decode(&written, &bound("one")).unwrap();
        assert_eq!(read.encode(&bound("one")), written);
        assert_eq!(
            (read.max_age, read.acr_values.as_deref()),
            (Some(60), Some("gold"))
        );
        assert_eq!(
            (&*read.return_to, read.replaces),
            ("/members", Some(SessionId([7; 32])))
        );
        assert!(PendingLogin::decode(&written, &bound("two")).is_none());
        assert!(PendingLogin::decode(&written[..40], &bound("one")).is_none());
        assert!(PendingLogin::decode(&[&written[..], &[1]].concat(), &bound("one")).is_none());
        assert!(read.has_state(&login.state()) && !read.has_state(&login.nonce()));
        assert_eq!(read.age(3500), Duration::from_millis(2500));
        assert_eq!(read.age(0), Duration::ZERO);
        assert_eq!(read.verifier().len(), 43);
        let different = [read.state(), read.nonce(), read.verifier()];
        assert!(different[0] != different[1] && different[1] != different[2]);
        assert_ne!(mark(&login.state()), mark(&login.nonce()));
    }
}
