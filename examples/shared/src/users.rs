//! The demo's own user table: what an app keeps about the people whom MIRACL has identified.
//!
//! MIRACL says *who* a person is; everything else about them is the app's. To copy this into an app, keep the key:
//! a user is the pair of **issuer and subject**. A subject is unique only at its issuer, and an e-mail address may
//! change, be missing, or be unconfirmed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::chain::chain;

/// Where the user table lives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// An SQLite file, made when it is missing.
    File(PathBuf),
    /// Memory: gone when the process ends.
    Memory,
}

/// The user table. Cheap to clone; all clones share one connection.
#[derive(Debug, Clone)]
pub struct Users {
    // One connection behind a lock: SQLite writes one at a time anyway, and the lock is only ever taken on a thread
    // that may block (see `run`).
    connection: Arc<Mutex<Connection>>,
}

/// One row of the user table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredUser {
    /// The app's own number for this user, which its other tables refer to.
    pub id: i64,
    /// The e-mail address at the last login, if the provider gave one.
    pub email: Option<String>,
    /// Whether the provider has confirmed that address.
    pub email_verified: bool,
    /// The name the user gave on the profile page.
    pub display_name: Option<String>,
    /// Whether the user was added just now.
    pub first_login: bool,
}

impl StoredUser {
    /// Greets the user: returning users by the name they chose.
    pub fn greeting(&self) -> String {
        match (&self.display_name, self.first_login) {
            (_, true) => "Nice to meet you: this is your first login here.".to_owned(),
            (Some(name), false) => format!("Welcome back, {name}."),
            (None, false) => "Welcome back.".to_owned(),
        }
    }
}

impl Users {
    /// Opens the table, creating file and table where they are missing.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written, or is no SQLite database.
    pub fn open(database: &Database) -> Result<Self, UsersError> {
        let connection = match database {
            Database::File(path) => Connection::open(path)?,
            Database::Memory => Connection::open_in_memory()?,
        };
        // Several demos may share the file: wait for each other's writes, and allow reads meanwhile.
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE IF NOT EXISTS users (
                 id             INTEGER PRIMARY KEY,
                 issuer         TEXT NOT NULL,
                 subject        TEXT NOT NULL,
                 email          TEXT,
                 email_verified INTEGER NOT NULL DEFAULT 0,
                 display_name   TEXT,
                 created_at     INTEGER NOT NULL DEFAULT (unixepoch()),
                 UNIQUE (issuer, subject)
             );",
        )?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Looks a user up by issuer and subject, adds them on their first login, and records their current e-mail
    /// address.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub async fn find_or_add(
        &self,
        issuer: &str,
        subject: &str,
        email: Option<&str>,
        email_verified: bool,
    ) -> Result<StoredUser, UsersError> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        let email = email.map(str::to_owned);
        self.run(move |connection| {
            // Both statements in one transaction, so that two logins at once make one user and only one "first".
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let added = transaction.execute(
                "INSERT INTO users (issuer, subject) VALUES (?1, ?2) ON CONFLICT (issuer, subject) DO NOTHING",
                params![issuer, subject],
            )?;
            let (id, display_name) = transaction.query_row(
                "UPDATE users SET email = ?3, email_verified = ?4 WHERE issuer = ?1 AND subject = ?2
                 RETURNING id, display_name",
                params![issuer, subject, email, email_verified],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            transaction.commit()?;
            Ok(StoredUser {
                id,
                email,
                email_verified,
                display_name,
                first_login: added == 1,
            })
        })
        .await
    }

    /// Reads the name a user gave on the profile page.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn display_name(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<String>, UsersError> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.run(move |connection| {
            let name = connection
                .query_row(
                    "SELECT display_name FROM users WHERE issuer = ?1 AND subject = ?2",
                    params![issuer, subject],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(name.flatten())
        })
        .await
    }

    /// Saves the name a user gave; an empty one removes it. Adds the user if the table has lost them.
    ///
    /// # Errors
    ///
    /// [`UsersError::NameTooLong`], or when the database cannot be written.
    pub async fn set_display_name(
        &self,
        issuer: &str,
        subject: &str,
        name: &str,
    ) -> Result<(), UsersError> {
        let name = name.trim();
        if name.chars().count() > MAX_DISPLAY_NAME {
            return Err(UsersError::NameTooLong);
        }
        let name = (!name.is_empty()).then(|| name.to_owned());
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.run(move |connection| {
            connection.execute(
                "INSERT INTO users (issuer, subject, display_name) VALUES (?1, ?2, ?3)
                 ON CONFLICT (issuer, subject) DO UPDATE SET display_name = ?3",
                params![issuer, subject, name],
            )?;
            Ok(())
        })
        .await
    }

    /// Removes a user, and all that is kept about them. Their next login is their first again.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn remove(&self, issuer: &str, subject: &str) -> Result<(), UsersError> {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        self.run(move |connection| {
            connection.execute(
                "DELETE FROM users WHERE issuer = ?1 AND subject = ?2",
                params![issuer, subject],
            )?;
            Ok(())
        })
        .await
    }

    /// Runs `work` on a thread that may block: an SQLite call waits for the disk, which an async thread must not
    /// do.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, UsersError> {
        let connection = Arc::clone(&self.connection);
        tokio::task::spawn_blocking(move || {
            // A panic elsewhere leaves no half-done work: SQLite rolls an open transaction back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection)
        })
        .await
        .map_err(|_| UsersError::Stopped)?
        .map_err(UsersError::Database)
    }
}

/// Why the user table did not answer. `Debug` is `Display` with what SQLite said, for a `main` that returns it.
#[non_exhaustive]
pub enum UsersError {
    /// SQLite refused.
    Database(rusqlite::Error),
    /// The display name has more than [`MAX_DISPLAY_NAME`] characters.
    NameTooLong,
    /// The process is shutting down.
    Stopped,
}

impl std::fmt::Display for UsersError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database(_) => write!(f, "the user database does not answer"),
            Self::NameTooLong => write!(
                f,
                "the display name may have {MAX_DISPLAY_NAME} characters at most"
            ),
            Self::Stopped => write!(f, "the user database is shutting down"),
        }
    }
}

impl std::fmt::Debug for UsersError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&chain(self))
    }
}

impl std::error::Error for UsersError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::NameTooLong | Self::Stopped => None,
        }
    }
}

impl From<rusqlite::Error> for UsersError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// The longest display name, in characters.
pub const MAX_DISPLAY_NAME: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://demo.example";

    fn in_memory() -> Users {
        Users::open(&Database::Memory).unwrap()
    }

    #[tokio::test]
    async fn a_user_is_new_at_the_first_login_only() {
        let users = in_memory();
        let first = users
            .find_or_add(ISSUER, "alice", Some("a@example.com"), true)
            .await
            .unwrap();
        let second = users
            .find_or_add(ISSUER, "alice", Some("a@example.com"), true)
            .await
            .unwrap();
        assert!(first.first_login && !second.first_login);
        assert_eq!(first.id, second.id);
    }

    #[tokio::test]
    async fn the_same_subject_at_another_issuer_is_another_user() {
        let users = in_memory();
        let here = users
            .find_or_add(ISSUER, "alice", None, false)
            .await
            .unwrap();
        let there = users
            .find_or_add("https://other.example", "alice", None, false)
            .await
            .unwrap();
        assert!(there.first_login);
        assert_ne!(here.id, there.id);
    }

    #[tokio::test]
    async fn a_user_without_an_email_can_log_in() {
        let user = in_memory()
            .find_or_add(ISSUER, "no-mail", None, false)
            .await
            .unwrap();
        assert_eq!((user.email, user.email_verified), (None, false));
    }

    #[tokio::test]
    async fn a_changed_email_keeps_the_user() {
        let users = in_memory();
        let before = users
            .find_or_add(ISSUER, "alice", Some("old@example.com"), true)
            .await
            .unwrap();
        let after = users
            .find_or_add(ISSUER, "alice", Some("new@example.com"), false)
            .await
            .unwrap();
        assert_eq!(before.id, after.id);
        assert_eq!(after.email.as_deref(), Some("new@example.com"));
        assert!(!after.email_verified);
    }

    #[tokio::test]
    async fn many_first_logins_at_once_make_one_user() {
        let users = in_memory();
        let logins: Vec<_> = (0..8)
            .map(|_| {
                let users = users.clone();
                tokio::spawn(async move {
                    users
                        .find_or_add(ISSUER, "alice", None, false)
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut firsts = 0;
        for login in logins {
            firsts += usize::from(login.await.unwrap().first_login);
        }
        assert_eq!(firsts, 1);
    }

    #[tokio::test]
    async fn a_display_name_survives_a_restart_and_is_used_in_the_greeting() {
        let folder = tempfile::tempdir().unwrap();
        let file = Database::File(folder.path().join("users.sqlite"));
        let users = Users::open(&file).unwrap();
        users
            .find_or_add(ISSUER, "alice", None, false)
            .await
            .unwrap();
        users
            .set_display_name(ISSUER, "alice", "  Alice  ")
            .await
            .unwrap();
        drop(users);

        let users = Users::open(&file).unwrap();
        assert_eq!(
            users
                .display_name(ISSUER, "alice")
                .await
                .unwrap()
                .as_deref(),
            Some("Alice")
        );
        let user = users
            .find_or_add(ISSUER, "alice", None, false)
            .await
            .unwrap();
        assert_eq!(user.greeting(), "Welcome back, Alice.");
    }

    #[tokio::test]
    async fn a_user_who_was_removed_is_new_again_and_nobody_else_is() {
        let users = in_memory();
        for subject in ["alice", "bob"] {
            let named = users.set_display_name(ISSUER, subject, "A name");
            named.await.unwrap();
        }
        users.remove(ISSUER, "alice").await.unwrap();
        users.remove(ISSUER, "carol").await.unwrap();
        let alice = users
            .find_or_add(ISSUER, "alice", None, false)
            .await
            .unwrap();
        assert!(alice.first_login && alice.display_name.is_none());
        let bob = users.display_name(ISSUER, "bob").await.unwrap();
        assert_eq!(bob.as_deref(), Some("A name"));
    }

    #[tokio::test]
    async fn sql_in_a_name_is_only_a_name() {
        let users = in_memory();
        let name = "'); DROP TABLE users; --";
        users.set_display_name(ISSUER, "alice", name).await.unwrap();
        assert_eq!(
            users
                .display_name(ISSUER, "alice")
                .await
                .unwrap()
                .as_deref(),
            Some(name)
        );
    }

    #[tokio::test]
    async fn an_empty_name_removes_it_and_a_long_one_is_refused() {
        let users = in_memory();
        users
            .set_display_name(ISSUER, "alice", "Alice")
            .await
            .unwrap();
        users.set_display_name(ISSUER, "alice", " ").await.unwrap();
        assert_eq!(users.display_name(ISSUER, "alice").await.unwrap(), None);

        let long = "x".repeat(MAX_DISPLAY_NAME + 1);
        let refused = users.set_display_name(ISSUER, "alice", &long).await;
        assert!(matches!(refused, Err(UsersError::NameTooLong)));
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error_and_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.sqlite");
        std::fs::write(&path, "shopping list, longer than a header".repeat(10)).unwrap();
        assert!(Users::open(&Database::File(path.clone())).is_err());
        assert!(
            std::fs::read_to_string(path)
                .unwrap()
                .starts_with("shopping list")
        );
    }
}
