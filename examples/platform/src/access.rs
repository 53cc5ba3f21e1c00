//! Sessions of logins that another program waits for: a page begins one, and the device that has the PIN finishes it.

use std::sync::Arc;

use crate::device_id::DeviceKey;
use crate::identity;
use crate::interaction::{Request, Wanted};
use crate::pending::Pending;
use crate::{clock, random};

/// How long a device may take, in seconds.
const LIFETIME: u64 = 15 * 60;

/// How long a QR code may be shown before it is read and the PIN is entered, in seconds.
const QR_LIFETIME: u64 = 5 * 60;

/// For how much longer it is known that a session has expired, in seconds.
const REMEMBERED: u64 = 15 * 60;

/// How many sessions are remembered; the oldest are forgotten first.
const MOST: usize = 1000;

/// How far a session has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    New,
    /// A device has read the session's id.
    Scanned,
    /// Somebody was chosen there.
    User,
    Authenticated(identity::Session),
    /// The base64 of the signature.
    Signed(String),
    Aborted,
    /// Its time is over, or its result has been fetched.
    Expired,
}

impl Status {
    /// Returns the name in messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Scanned => "wid",
            Self::User => "user",
            Self::Authenticated(_) => "authenticated",
            Self::Signed(_) => "signed",
            Self::Aborted => "abort",
            Self::Expired => "expired",
        }
    }

    /// Returns the number that comes with it, in the manner of HTTP.
    pub(crate) fn code(&self) -> u16 {
        match self {
            Self::New | Self::Scanned | Self::User => 401,
            Self::Authenticated(_) | Self::Signed(_) => 200,
            Self::Aborted => 403,
            Self::Expired => 410,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::New | Self::Scanned | Self::User)
    }
}

/// What a session is for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purpose {
    /// The authorization request that it answers. A session without one is for a program that takes the project's
    /// JWT, or a signature.
    pub(crate) request: Option<Arc<Request>>,
    /// Who is expected to log in.
    pub(crate) user_id: Option<String>,
    pub(crate) description: Option<String>,
    /// The SHA-256 of what is to be signed, in hexadecimal digits.
    pub(crate) hash: Option<String>,
}

impl Purpose {
    /// Returns what the sessions of a page are for.
    pub(crate) fn of_page(request: &Arc<Request>, wanted: &Wanted) -> Self {
        let document = wanted.document.as_ref();
        Self {
            request: Some(Arc::clone(request)),
            user_id: wanted.hint.clone(),
            description: document.and_then(|document| document.description.clone()),
            hash: document.map(|document| document.hash.clone()),
        }
    }
}

/// Who may finish a session, apart from what its app allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The page of a login began it, in this browser.
    Page(DeviceKey),
    /// It is made for another device: a QR code holds it, or another program has begun it.
    OtherDevice,
}

/// A session as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    kind: Kind,
    pub(crate) purpose: Purpose,
    pub(crate) status: Status,
    /// Who was chosen on the device.
    pub(crate) user_id: Option<String>,
    expires: u64,
}

impl Session {
    /// Whether the login methods of the app let a device go on with the session. Without QR login only the browser
    /// that began may do so; without browser login only another device. `device` is the browser that asks.
    pub(crate) fn admits(&self, device: Option<&DeviceKey>) -> bool {
        let Some(request) = &self.purpose.request else {
            return true;
        };
        let client = &request.client;
        match &self.kind {
            Kind::Page(owner) => client.browser_login && (client.qr_login || device == Some(owner)),
            Kind::OtherDevice => client.qr_login,
        }
    }

    fn refresh(&mut self) -> &mut Self {
        if self.expires <= clock::now() {
            self.status = Status::Expired;
        }
        self
    }
}

/// Every session.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// By access id, which whoever scans the code learns.
    sessions: Pending<Session>,
    /// The access ids, by the secret of whoever waits.
    waiting: Pending<String>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            sessions: Pending::new(LIFETIME + REMEMBERED, MOST),
            waiting: Pending::new(LIFETIME + REMEMBERED, MOST),
        }
    }
}

impl Sessions {
    /// Begins a session for another device, and returns its access id and its webOTT.
    pub(crate) fn begin(&self, purpose: Purpose) -> (String, String) {
        let access_id = self.begin_until(purpose, Kind::OtherDevice, clock::now() + LIFETIME);
        let web_ott = self.waiting.add(access_id.clone());
        (access_id, web_ott)
    }

    /// Begins the session of a page in a browser, and returns its access id.
    pub(crate) fn begin_page(&self, purpose: Purpose, device: DeviceKey) -> String {
        self.begin_until(purpose, Kind::Page(device), clock::now() + LIFETIME)
    }

    /// Begins the session of a QR code, for which only a page of the platform waits. It ends no later than the page.
    pub(crate) fn begin_qr(&self, purpose: Purpose, page_ends: u64) -> String {
        let expires = page_ends.min(clock::now() + QR_LIFETIME);
        self.begin_until(purpose, Kind::OtherDevice, expires)
    }

    fn begin_until(&self, purpose: Purpose, kind: Kind, expires: u64) -> String {
        let access_id = random::token();
        self.sessions.put(
            &access_id,
            Session {
                kind,
                purpose,
                status: Status::New,
                user_id: None,
                expires,
            },
        );
        access_id
    }

    /// Returns a session by its access id.
    pub(crate) fn find(&self, access_id: &str) -> Option<Session> {
        self.sessions
            .with(access_id, |session| session.refresh().clone())
    }

    /// Returns whether a session waits for somebody.
    pub(crate) fn is_open(&self, access_id: &str) -> bool {
        self.find(access_id)
            .is_some_and(|session| session.status.is_open())
    }

    /// Moves an open session on, and returns it as it is then.
    pub(crate) fn advance(
        &self,
        access_id: &str,
        user_id: Option<&str>,
        status: Status,
    ) -> Option<Session> {
        self.sessions.with(access_id, |session| {
            session.refresh();
            if session.status.is_open() {
                session.status = status;
                session.user_id = user_id.map(str::to_owned).or(session.user_id.take());
            }
            session.clone()
        })
    }

    /// Repeats a login with the id that has replaced the earlier one, before anybody has taken its result.
    pub(crate) fn renew(&self, access_id: &str, replaced: &str, login: &identity::Session) -> bool {
        let renewed =
            self.sessions
                .with(access_id, |session| match &mut session.refresh().status {
                    Status::Authenticated(earlier) if earlier.mpin_id == replaced => {
                        *earlier = login.clone();
                        true
                    }
                    _ => false,
                });
        renewed.unwrap_or(false)
    }

    /// Takes the result of a session whose own page waits for it: the second who asks gets nothing.
    pub(crate) fn take_result(&self, access_id: &str) -> Option<Status> {
        self.sessions.with(access_id, |session| {
            let status = &mut session.refresh().status;
            matches!(status, Status::Authenticated(_) | Status::Signed(_))
                .then(|| std::mem::replace(status, Status::Expired))
        })?
    }

    /// Lets a session run out of time.
    pub(crate) fn expire_one(&self, access_id: &str) {
        self.sessions.with(access_id, |session| session.expires = 0);
    }

    /// Lets every session run out of time.
    pub(crate) fn expire(&self) {
        self.sessions.each(|session| session.expires = 0);
    }

    /// Returns the session of a webOTT. A result is handed out once: afterwards the session has expired.
    pub(crate) fn look(&self, web_ott: &str) -> Option<Session> {
        let access_id = self.waiting.with(web_ott, |access_id| access_id.clone())?;
        self.sessions.with(&access_id, |session| {
            let seen = session.refresh().clone();
            if !seen.status.is_open() {
                session.status = Status::Expired;
            }
            seen
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::device_id::DeviceId;

    #[test]
    fn a_result_is_handed_out_once() {
        let sessions = Sessions::default();
        let (access_id, web_ott) = sessions.begin(Purpose::default());
        assert_eq!(sessions.look(&web_ott).unwrap().status, Status::New);
        sessions.advance(&access_id, Some("a@b"), Status::User);
        let seen = sessions.look(&web_ott).unwrap();
        assert_eq!(
            (seen.status, seen.user_id.as_deref()),
            (Status::User, Some("a@b"))
        );
        let done = Status::Authenticated(identity::Session::new("a@b"));
        sessions.advance(&access_id, None, done.clone());
        assert!(!sessions.is_open(&access_id));
        assert_eq!(sessions.look(&web_ott).unwrap().status, done);
        assert_eq!(sessions.look(&web_ott).unwrap().status, Status::Expired);
    }

    #[test]
    fn a_session_admits_the_devices_that_the_login_methods_of_its_app_allow() {
        let (own, other) = (DeviceId::random().key(), DeviceId::random().key());
        // Browser login, QR login; the own browser, another browser, none; another device at a QR code.
        for (browser_login, qr_login, expected) in [
            (true, true, [true, true, true, true]),
            (true, false, [true, false, false, false]),
            (false, true, [false, false, false, true]),
        ] {
            let mut client = Client::new("app", "s", "http://127.0.0.1/login");
            (client.browser_login, client.qr_login) = (browser_login, qr_login);
            let purpose = Purpose {
                request: Some(Arc::new(Request::of_client(client))),
                ..Purpose::default()
            };
            let sessions = Sessions::default();
            let page = sessions.begin_page(purpose.clone(), own.clone());
            let (code, _) = sessions.begin(purpose);
            let [page, code] = [page, code].map(|id| sessions.find(&id).unwrap());
            let admitted = [
                page.admits(Some(&own)),
                page.admits(Some(&other)),
                page.admits(None),
                code.admits(Some(&other)),
            ];
            assert_eq!(admitted, expected, "{browser_login} {qr_login}");
        }
    }

    #[test]
    fn what_has_ended_does_not_begin_again_and_an_access_id_is_no_web_ott() {
        let sessions = Sessions::default();
        let (access_id, web_ott) = sessions.begin(Purpose::default());
        assert!(sessions.look(&access_id).is_none() && sessions.find(&web_ott).is_none());
        sessions.advance(&access_id, None, Status::Aborted);
        let session = sessions.advance(&access_id, None, Status::User).unwrap();
        assert_eq!(session.status, Status::Aborted);
    }

    #[test]
    fn a_page_takes_its_login_once() {
        let sessions = Sessions::default();
        let (access_id, _) = sessions.begin(Purpose::default());
        assert_eq!(sessions.take_result(&access_id), None);
        assert!(sessions.is_open(&access_id));
        let login = identity::Session::new("a@b");
        sessions.advance(&access_id, None, Status::Authenticated(login.clone()));
        let result = sessions.take_result(&access_id);
        assert_eq!(result, Some(Status::Authenticated(login)));
        assert_eq!(sessions.take_result(&access_id), None);
    }

    #[test]
    fn a_session_expires() {
        let sessions = Sessions::default();
        let (access_id, web_ott) = sessions.begin(Purpose::default());
        let qr = sessions.begin_qr(Purpose::default(), clock::now() + 60);
        assert!(sessions.is_open(&qr));
        sessions.expire();
        assert!(!sessions.is_open(&qr));
        assert!(!sessions.is_open(&access_id));
        assert_eq!(sessions.look(&web_ott).unwrap().status, Status::Expired);
    }

    #[test]
    fn a_qr_code_ends_with_its_page() {
        let sessions = Sessions::default();
        let ends = |page_ends| {
            let access_id = sessions.begin_qr(Purpose::default(), page_ends);
            sessions.find(&access_id).unwrap().expires
        };
        let now = clock::now();
        assert_eq!(ends(now + 10), now + 10);
        assert!((now + QR_LIFETIME..now + QR_LIFETIME + 5).contains(&ends(now + 10_000)));
    }

    #[test]
    fn a_renewed_id_repeats_its_login_and_no_other() {
        let sessions = Sessions::default();
        let (access_id, _) = sessions.begin(Purpose::default());
        let login = |mpin_id: &str| identity::Session {
            mpin_id: mpin_id.to_owned(),
            ..identity::Session::new("a@b")
        };
        assert!(!sessions.renew(&access_id, "01", &login("02")));
        sessions.advance(&access_id, None, Status::Authenticated(login("01")));
        assert!(!sessions.renew(&access_id, "03", &login("02")));
        let renewed = login("02");
        assert!(sessions.renew(&access_id, "01", &renewed));
        let result = sessions.take_result(&access_id);
        assert_eq!(result, Some(Status::Authenticated(renewed)));
        assert!(!sessions.renew(&access_id, "02", &login("04")));
    }
}
