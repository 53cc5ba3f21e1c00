//! Data of the app's own in the session.

use miracl_core::{
    AuthSuccess, Visit,
    app::{
        error::{DataError, SessionError},
        session::AppData,
    },
};
use serde::{Deserialize, Serialize};

/// What the probe keeps: a few words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Notes(pub Vec<String>);

impl AppData for Notes {
    const NAME: &'static str = "notes";
}

/// What a later version of the probe keeps under the same name.
#[derive(Debug, Default, Serialize, Deserialize)]
struct NewNotes {
    length: usize,
}

impl AppData for NewNotes {
    const NAME: &'static str = "notes";
}

/// Keeps what the path says that the login comes back to: `/data/hook` one note, `/data/6000` one of so many bytes.
///
/// # Errors
///
/// When the session keeps no such value.
pub fn keep(login: &AuthSuccess) -> Result<(), DataError> {
    match login.return_to().strip_prefix("/data/") {
        Some("hook") => login.set(&Notes(vec!["by the hook".to_owned()])),
        Some(bytes) => {
            let bytes = bytes.parse().unwrap_or_default();
            login.set(&Notes(vec!["x".repeat(bytes)]))
        }
        None => Ok(()),
    }
}

/// The notes, as text.
#[must_use]
pub fn shown(notes: Option<Notes>) -> String {
    notes.map_or_else(|| "none".to_owned(), |notes| notes.0.join(" "))
}

/// Does to the notes what the path says: `add/WORD`, `set/WORD`, `grow/BYTES`, `get/new`, `upgrade/WORD`, `drop/now`.
/// `refresh/now` and `forget/now` are about other parts of the session.
pub async fn change(visit: &Visit, what: &str) -> (u16, String) {
    let (verb, word) = what.split_once('/').unwrap_or((what, ""));
    let done = match (verb, word) {
        ("add", word) => {
            let add = |notes: &mut Notes| notes.0.push(word.to_owned());
            visit.change(add).await
        }
        ("set", word) => visit.set(&Notes(vec![word.to_owned()])).await,
        ("grow", bytes) => {
            let bytes = bytes.parse().unwrap_or_default();
            visit.set(&Notes(vec!["x".repeat(bytes)])).await
        }
        ("get", "new") => visit.get::<NewNotes>().await.map(|_| ()),
        ("upgrade", _) => {
            let write = |notes: &mut NewNotes| notes.length = word.len();
            visit.change(write).await
        }
        ("refresh", _) => visit
            .refresh_user_data()
            .await
            .map_or_else(|_| Err(DataError::NotLoggedIn), |_| Ok(())),
        ("forget", _) => visit.clear_user_info().await.map_err(Into::into),
        ("drop", _) => visit.remove::<NewNotes>().await,
        _ => Ok(()),
    };
    match done {
        Ok(()) => match visit.get::<Notes>().await {
            Ok(notes) => (200, shown(notes)),
            Err(error) => (500, error.to_string()),
        },
        Err(error) => {
            let status = match &error {
                DataError::NotLoggedIn => 401,
                DataError::Unreadable { .. } => 409,
                DataError::ValueTooLarge { .. } | DataError::Session(SessionError::TooLarge(_)) => {
                    413
                }
                _ => 503,
            };
            (status, error.to_string())
        }
    }
}
