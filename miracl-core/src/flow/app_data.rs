//! The app's own data in a session: read, kept, changed and dropped.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    error::{app_data::DataError, session::SessionError},
    exchange::Exchange,
    session::{
        app_data::{AppData, AppValues},
        data::SessionData,
        identity::{Session, SessionId},
    },
};

/// Reads a value; `None` where there is none, and when nobody is logged in.
pub(crate) async fn get<T: AppData>(exchange: &Exchange) -> Result<Option<T>, DataError> {
    let data = exchange.data().await?;
    data.map_or(Ok(None), |data| data.app.get())
}

/// Keeps a value in place of the one before.
pub(crate) async fn set<T: AppData>(exchange: &Arc<Exchange>, value: &T) -> Result<(), DataError> {
    let mut kept = AppValues::default();
    kept.set(value)?;
    update(exchange, |values| {
        values.extend(kept.clone());
        Ok(())
    })
    .await
}

/// Drops a value, whatever it is.
pub(crate) async fn remove<T: AppData>(exchange: &Arc<Exchange>) -> Result<(), DataError> {
    let removed = update(exchange, |values| {
        values.remove::<T>();
        Ok(())
    });
    match removed.await {
        // Then there is nothing to drop.
        Err(DataError::NotLoggedIn) => Ok(()),
        removed => removed,
    }
}

/// Changes a value, or the default of its type where there is none.
pub(crate) async fn change<T: AppData + Default>(
    exchange: &Arc<Exchange>,
    change: impl Fn(&mut T),
) -> Result<(), DataError> {
    update(exchange, |values| {
        let mut value = values.get::<T>()?.unwrap_or_default();
        change(&mut value);
        values.set(&value)
    })
    .await
}

/// Writes the session with other values, if they are others.
async fn update(
    exchange: &Arc<Exchange>,
    change: impl Fn(&mut AppValues) -> Result<(), DataError>,
) -> Result<(), DataError> {
    if exchange.current().await?.is_none() {
        return Err(DataError::NotLoggedIn);
    }
    if exchange.changes_nothing() {
        return Ok(());
    }
    let failed = Mutex::new(None);
    let changed = |data: &SessionData| {
        let mut app = data.app.clone();
        if let Err(error) = change(&mut app) {
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return None;
        }
        (app != data.app).then(|| data.with_app(app))
    };
    exchange.change_data(changed).await?;
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        // The session may have ended while it was read.
        None if exchange.current().await?.is_none() => Err(DataError::NotLoggedIn),
        None => Ok(()),
    }
}

/// The values that a login takes over from the session before it, if both are the same person's.
///
/// `replaces` is that session where another site posted the callback, and its cookies did not come along. Then it is
/// known only if it is in a store.
pub(crate) async fn carried(
    exchange: &Exchange,
    login: &Session,
    replaces: Option<SessionId>,
) -> Result<AppValues, SessionError> {
    let before = match exchange.current().await? {
        Some(current) => Some((current.session, exchange.data().await?)),
        None => match replaces {
            Some(id) => exchange.stored_by_id(id).await?,
            None => None,
        },
    };
    let same = before.filter(|(before, _)| before.person.is_same_as(&login.person));
    let data = same.and_then(|(_, data)| data);
    Ok(data.map(|data| data.app.clone()).unwrap_or_default())
}
