//! The settings of the project as they are now, kept in the data folder.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::Project;
use crate::folder;
use crate::sync::lock;

/// The project's settings, and the file that keeps them.
#[derive(Debug)]
pub(crate) struct KeptProject {
    file: Option<PathBuf>,
    now: Mutex<Arc<Project>>,
}

impl KeptProject {
    /// Reads the settings from `file`. They are `first` until they are changed for the first time.
    pub(crate) fn open(file: Option<PathBuf>, first: Project) -> io::Result<Self> {
        let kept = match &file {
            Some(file) => folder::read(file)?,
            None => None,
        };
        let now = Mutex::new(Arc::new(kept.unwrap_or(first)));
        Ok(Self { file, now })
    }

    pub(crate) fn get(&self) -> Arc<Project> {
        Arc::clone(&lock(&self.now))
    }

    /// Changes the settings, unless `change` returns an error or they cannot be kept.
    pub(crate) fn change<T, E: From<io::Error>>(
        &self,
        change: impl FnOnce(&mut Project) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut now = lock(&self.now);
        let mut changed = (**now).clone();
        let result = change(&mut changed)?;
        if let Some(file) = &self.file {
            folder::write(file, &changed)?;
        }
        *now = Arc::new(changed);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service_account::ServiceAccount;

    #[test]
    fn a_change_survives_a_restart_in_a_file_of_its_owner_and_a_refused_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("project.json");
        let open = || KeptProject::open(Some(file.clone()), Project::default()).unwrap();
        let first = open();
        let (account, token) = ServiceAccount::new("backend", []);
        first
            .change(|project| {
                project.pin_length = 6;
                project.service_accounts.push(account);
                Ok::<_, io::Error>(())
            })
            .unwrap();
        let refused = first.change(|project| {
            project.pin_length = 5;
            Err::<(), _>(io::Error::other("no"))
        });
        assert!(refused.is_err());
        let second = open();
        assert_eq!(second.get(), first.get());
        assert_eq!(second.get().pin_length, 6);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&token), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn settings_that_an_older_folder_does_not_have_are_the_usual_ones() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("project.json");
        let first = Project {
            pin_length: 5,
            ..Project::default()
        };
        let without_file = KeptProject::open(Some(file.clone()), first.clone()).unwrap();
        assert_eq!(without_file.get().pin_length, 5);
        std::fs::write(&file, r#"{"email_verification":"code"}"#).unwrap();
        let project = KeptProject::open(Some(file), first).unwrap().get();
        assert_eq!(project.pin_length, Project::default().pin_length);
        assert_eq!(project.email_verification, crate::EmailVerification::Code);
    }
}
