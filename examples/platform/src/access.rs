//! Sessions of logins that another program waits for: a page begins one, and the device that has the PIN finishes it.

use std::sync::Arc;

use crate::identity;
use crate::interaction::Request;
use crate::pending::Pending;
use crate::{clock, random};

/// How long a device may take, in seconds.
const LIFETIME: u64 = 15 * 60;

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

    fn is_open(&self) -> bool {
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
    /// What is to be signed.
    pub(crate) hash: Option<String>,
}

/// A session as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) purpose: Purpose,
    pub(crate) status: Status,
    /// Who was chosen on the device.
    pub(crate) user_id: Option<String>,
    began: u64,
}

impl Session {
    fn refresh(&mut self) -> &mut Self {
        if self.began + LIFETIME <= clock::now() {
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
    /// Begins a session, and returns its access id and its webOTT.
    pub(crate) fn begin(&self, purpose: Purpose) -> (String, String) {
        let access_id = random::token();
        self.sessions.put(
            &access_id,
            Session {
                purpose,
                status: Status::New,
                user_id: None,
                began: clock::now(),
            },
        );
        let web_ott = self.waiting.add(access_id.clone());
        (access_id, web_ott)
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

    /// Takes the result of a login whose own page waits for it: the second who asks gets nothing.
    pub(crate) fn take_login(&self, access_id: &str) -> Option<identity::Session> {
        self.sessions.with(access_id, |session| {
            match std::mem::replace(&mut session.refresh().status, Status::Expired) {
                Status::Authenticated(login) => Some(login),
                other => {
                    session.status = other;
                    None
                }
            }
        })?
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
        assert_eq!(sessions.take_login(&access_id), None);
        assert!(sessions.is_open(&access_id));
        let login = identity::Session::new("a@b");
        sessions.advance(&access_id, None, Status::Authenticated(login.clone()));
        assert_eq!(sessions.take_login(&access_id), Some(login));
        assert_eq!(sessions.take_login(&access_id), None);
    }

    #[test]
    fn a_session_expires() {
        let sessions = Sessions::default();
        let (access_id, web_ott) = sessions.begin(Purpose::default());
        sessions
            .sessions
            .with(&access_id, |session| session.began -= LIFETIME);
        assert!(!sessions.is_open(&access_id));
        assert_eq!(sessions.look(&web_ott).unwrap().status, Status::Expired);
    }
}
