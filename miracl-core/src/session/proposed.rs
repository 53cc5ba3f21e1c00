//! A login that passed every check and waits for the app's hook: what the hook learns of it, and the session that it
//! proposes.

use crate::{
    provider::{tokens::Tokens, user_data::UserData},
    session::{
        app_data::Draft,
        cookies::set_cookie::SetCookie,
        identity::{SessionId, User},
        sessions::Current,
    },
    web::flash::Flash,
};

/// What the hook learns of a login, besides its receipt.
#[derive(Clone)]
pub(crate) struct CompletedLogin {
    pub(crate) user: User,
    pub(crate) user_data: UserData,
    pub(crate) tokens: Tokens,
    pub(crate) return_to: String,
    /// What the hook keeps in the session.
    pub(crate) draft: Draft,
}

/// A new session that waits for the hook.
pub(crate) struct Proposed {
    pub(crate) current: Current,
    pub(crate) cookies: Vec<SetCookie>,
    /// The messages there were before the hook ran.
    pub(crate) flashes: Vec<Flash>,
    /// The session there was when the login began, where the callback comes without its cookies.
    pub(crate) replaces: Option<SessionId>,
    /// What the hook keeps in the session.
    pub(crate) draft: Draft,
}
