//! What is left of a session that has ended.

use std::sync::Arc;

use crate::{
    exchange::Exchange,
    session::{data::SessionData, identity::Session},
};

impl Exchange {
    /// Returns the data of a session that has ended, or has run out, where it can still be opened: the provider may
    /// want its ID token. Nobody is logged in by it. A day after its absolute deadline it counts no longer. The browser
    /// forgets the session's cookies.
    pub(crate) async fn remains(&self) -> Option<Arc<SessionData>> {
        let binding = self.binding().await.ok()?;
        let sessions = &self.engine.sessions;
        let cookies = &sessions.cookies;
        let Some(store) = sessions.store() else {
            let read = |plain: &[u8], _| {
                let session = Session::decode(plain, &binding)?;
                let data = session.data;
                Some((session, data))
            };
            let (session, _) = cookies.read_session(self.header(), read)?;
            self.delete_session_cookies(&mut self.lock());
            if !sessions.is_remembered(&session) {
                return None;
            }
            let plain = cookies.open_data(self.header(), session.data)?;
            return SessionData::decode(&plain, &session).map(Arc::new);
        };
        for id in cookies.ids(self.header()) {
            let key = sessions.key_of(id);
            let stored = store.load(&key).await.ok()?;
            let data = stored.and_then(|stored| sessions.remains(id, &key, &stored, &binding));
            if let Some(data) = data {
                return Some(Arc::new(data));
            }
        }
        None
    }
}
