//! What is written of a session: a new one for the time of the hook, its confirmation, and changed tokens or user data.

use std::{sync::Arc, time::Duration};

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use crate::{
    error::{session::SessionError, store::StoreError},
    exchange::Exchange,
    session::{
        app_data::AppValues,
        cookies::set_cookie::SetCookie,
        data::SessionData,
        end::EndedBy,
        extension::{Claims, extension},
        identity::Session,
        proposed::Proposed,
        sessions::{self, Current},
    },
    store::sessions::StoredSession,
};

/// How long a new session waits in the store for its hook. Until then no browser has its id.
const UNCONFIRMED: Duration = Duration::from_secs(10 * 60);
/// How often a change is tried if other requests keep changing the session first.
const TRIES: usize = 10;

impl Exchange {
    /// Keeps a new session until the hook has returned: in the store, or in cookies that are set after the hook.
    pub(crate) async fn keep_new(
        &self,
        session: Arc<Session>,
        data: Arc<SessionData>,
    ) -> Result<(Current, Vec<SetCookie>), SessionError> {
        let engine = &self.engine;
        let binding = self.binding().await?;
        let mut current = Current {
            session,
            data: None,
            stored: None,
        };
        let cookies = match engine.sessions.store() {
            None => self.seal(&current.session, Some(&data), &binding)?,
            Some(store) => {
                let session = &current.session;
                let key = engine.sessions.key_of(session.id);
                let stored =
                    engine
                        .sessions
                        .to_store(&key, sessions::NEW, session, &data, &binding)?;
                let created = store.create(&key, stored.clone(), UNCONFIRMED);
                created.await.map_err(SessionError::Store)?;
                current.stored = Some(stored);
                vec![self.id_cookie(&current.session)]
            }
        };
        current.data = Some(data);
        Ok((current, cookies))
    }

    /// Keeps values of the app in a new session that has not begun.
    pub(crate) async fn keep_app_data(
        &self,
        proposed: &mut Proposed,
        values: AppValues,
    ) -> Result<(), SessionError> {
        let current = &mut proposed.current;
        let Some(data) = current.data.as_ref().filter(|data| data.app != values) else {
            return Ok(());
        };
        let data = Arc::new(data.with_app(values));
        let sessions = &self.engine.sessions;
        let binding = self.binding().await?;
        let session = &current.session;
        match &current.stored {
            None => proposed.cookies = self.seal(session, Some(&data), &binding)?,
            // The store has it when the session is confirmed.
            Some(stored) => {
                let key = sessions.key_of(session.id);
                let changed = sessions.to_store(&key, stored.revision, session, &data, &binding)?;
                current.stored = Some(changed);
            }
        }
        current.data = Some(data);
        Ok(())
    }

    /// Gives a new session in the store its full time.
    pub(crate) async fn confirm_stored(&self, proposed: &Current) -> Result<(), SessionError> {
        let engine = &self.engine;
        let (Some(store), Some(stored)) = (engine.sessions.store(), &proposed.stored) else {
            return Ok(());
        };
        let confirmed = StoredSession {
            revision: sessions::NEW + 1,
            ..stored.clone()
        };
        let session = &proposed.session;
        let key = engine.sessions.key_of(session.id);
        let updated = store
            .update(
                &key,
                sessions::NEW,
                confirmed,
                engine.sessions.time_left(session),
            )
            .await;
        match updated {
            Ok(true) => Ok(()),
            Ok(false) => Err(SessionError::Store(StoreError::new(
                "the new session is gone from the store",
            ))),
            Err(error) => Err(SessionError::Store(error)),
        }
    }

    /// Writes changed tokens or user data, as a new generation of the same session. `change` returns `None` to leave
    /// them as they are; it is asked again when somebody else changed them in the meantime.
    ///
    /// A session that has been ended in the meantime stays so: a late response must not bring it back.
    pub(crate) async fn change_data(
        self: &Arc<Self>,
        change: impl Fn(&SessionData) -> Option<SessionData>,
    ) -> Result<(), SessionError> {
        let engine = &self.engine;
        let binding = self.binding().await?;
        for _ in 0..TRIES {
            let (Some(current), Some(data)) = (self.current().await?, self.data().await?) else {
                return Ok(());
            };
            let settings = &engine.config.session_claims;
            let Some(data) = change(&data).map(|data| data.kept(settings)) else {
                return Ok(());
            };
            if engine.sessions.marks.is_ended(&current.session) {
                return self.end_session(EndedBy::Elsewhere).await;
            }
            let (user_data, login) = data.known();
            let before = current.session.person.extension();
            let claims = Claims {
                person: &user_data,
                login: &login,
            };
            let extension = extension(before.ends_with_browser(), settings, &claims);
            let session = Session {
                generation: current.session.generation.wrapping_add(1),
                person: current
                    .session
                    .person
                    .with_email(user_data.email())
                    .extended(&extension),
                email_verified: user_data.email_verified(),
                is_doubtful: false,
                ..(*current.session).clone()
            };
            let (Some(store), Some(stored)) = (engine.sessions.store(), current.stored) else {
                let sealed = self.seal(&session, Some(&data), &binding)?;
                self.delete_session_cookies(&mut self.lock());
                self.set_cookies(sealed);
                self.set_current(session, data, None);
                return Ok(());
            };
            let key = engine.sessions.key_of(session.id);
            let changed = engine.sessions.to_store(
                &key,
                sessions::next(&stored),
                &session,
                &data,
                &binding,
            )?;
            let left = engine.sessions.time_left(&session);
            let updated = store.update(&key, stored.revision, changed.clone(), left);
            if updated.await.map_err(SessionError::Store)? {
                self.set_current(session, data, Some(changed));
                return Ok(());
            }
            // Another request has changed the session first.
            let newer = self.load(store, session.id, &binding).await?;
            let mut state = self.lock();
            if newer.is_none() {
                self.delete_session_cookies(&mut state);
            }
            state.current = newer;
        }
        Err(SessionError::Store(StoreError::new(
            "the session changes all the time",
        )))
    }

    pub(super) fn set_current(
        &self,
        session: Session,
        data: SessionData,
        stored: Option<StoredSession>,
    ) {
        self.lock().current = Some(Current {
            session: Arc::new(session),
            data: Some(Arc::new(data)),
            stored,
        });
    }

    /// The cookie with the id of a session in the store.
    pub(super) fn id_cookie(&self, session: &Session) -> SetCookie {
        let engine = &self.engine;
        let value = BASE64.encode_to_string(session.id.0);
        let cookies = &engine.sessions.cookies;
        cookies.set_plain(&cookies.session, &value, engine.sessions.keep(session))
    }
}
