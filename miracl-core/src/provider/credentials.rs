//! The client id and secret in use, and when their source is asked again.

use std::{
    error::Error,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use crate::{
    base::secret::Secret,
    config::{
        Config,
        credentials::{CredentialSource, failed, read},
    },
    error::provider::ProviderError,
    provider::{fetched::Fetched, http::HttpClient},
};

/// The credentials in use.
#[derive(Debug)]
pub(crate) struct Credentials {
    origin: Origin,
    /// Never changes once it is known.
    client_id: Arc<OnceLock<String>>,
    /// The secret of the configuration.
    given: Option<Secret>,
    /// The secret that the file or the source gave last.
    asked: Fetched<Secret>,
}

#[derive(Debug, Clone)]
enum Origin {
    Config,
    File(PathBuf),
    Source(CredentialSource),
}

impl Credentials {
    /// Takes the credentials, or their source, from the checked configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let client_id = Arc::<OnceLock<String>>::default();
        if !config.client_id.is_empty() {
            let _ = client_id.set(config.client_id.clone());
        }
        let (origin, given) = match (&config.credential_source, &config.client_secret_file) {
            (Some(source), _) => (Origin::Source(source.clone()), None),
            (None, Some(path)) => (
                Origin::File(path.clone()),
                Some(config.client_secret.clone()),
            ),
            (None, None) => (Origin::Config, Some(config.client_secret.clone())),
        };
        Self {
            origin,
            client_id,
            given,
            asked: Fetched::default(),
        }
    }

    /// Returns the client id if it is known without asking.
    pub(crate) fn known_client_id(&self) -> Option<&str> {
        self.client_id.get().map(String::as_str)
    }

    pub(crate) async fn client_id(&self, http: &HttpClient) -> Result<&str, ProviderError> {
        if let Some(known) = self.known_client_id() {
            return Ok(known);
        }
        self.secret(http).await?;
        self.known_client_id()
            .ok_or_else(|| failed("the source gave no client id"))
    }

    pub(crate) async fn secret(&self, http: &HttpClient) -> Result<Secret, ProviderError> {
        let completed = self.asked.completed();
        match self.known_secret() {
            Some(secret) => Ok(secret),
            None => self.ask(http, completed).await,
        }
    }

    fn known_secret(&self) -> Option<Secret> {
        let asked = self.asked.value().map(|secret| Secret::clone(&secret));
        asked.or_else(|| self.given.clone())
    }

    /// Asks for the secret again after the provider refused `refused`. Returns `None` if there is no other to try.
    pub(crate) async fn renewed(&self, http: &HttpClient, refused: &Secret) -> Option<Secret> {
        if matches!(self.origin, Origin::Config) {
            return None;
        }
        let completed = self.asked.completed();
        let differs = |secret: &Secret| secret.expose() != refused.expose();
        if let Some(secret) = self.known_secret().filter(differs) {
            return Some(secret);
        }
        match self.ask(http, completed).await {
            Ok(secret) if differs(&secret) => {
                tracing::info!(
                    "the client secret was renewed after the provider refused the old one"
                );
                Some(secret)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(
                    error = &error as &(dyn Error + 'static),
                    "the client secret cannot be renewed"
                );
                None
            }
        }
    }

    /// Asks the file or the source, once for all waiting callers, and completes even if they all go away.
    async fn ask(&self, http: &HttpClient, completed: u64) -> Result<Secret, ProviderError> {
        let (origin, client_id) = (self.origin.clone(), Arc::clone(&self.client_id));
        let asked = self
            .asked
            .fetch_to_completion(&http.runtime, completed, async move {
                origin.ask(&client_id).await
            });
        asked.await.map(|secret| Secret::clone(&secret))
    }
}

impl Origin {
    async fn ask(&self, client_id: &OnceLock<String>) -> Result<Secret, ProviderError> {
        match self {
            Self::Config => Err(failed("no other client secret is configured")),
            Self::File(path) => {
                read(path)
                    .map(Secret::from)
                    .map_err(|error| ProviderError::Credentials {
                        source: Arc::new(error),
                    })
            }
            Self::Source(source) => {
                let given = (source.0)()
                    .await
                    .map_err(|error| ProviderError::Credentials {
                        source: Arc::from(error),
                    })?;
                let (id, secret) = (given.client_id.trim(), given.client_secret.trimmed());
                if id.is_empty() || secret.is_empty() {
                    return Err(failed("the source gave an empty client id or secret"));
                }
                if *client_id.get_or_init(|| id.to_owned()) != id {
                    return Err(failed("the source gave another client id than before"));
                }
                Ok(secret)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::config::credentials::{BoxError, ClientCredentials};

    fn http() -> HttpClient {
        HttpClient::new(&Config::default()).unwrap()
    }

    #[tokio::test]
    async fn a_source_is_asked_once_and_again_only_when_its_secret_was_refused() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let http = http();
        let credentials = Credentials::new(&Config {
            credential_source: Some(CredentialSource::new(move || {
                let time = count.fetch_add(1, Ordering::SeqCst);
                async move {
                    Ok(ClientCredentials {
                        client_id: "app".to_owned(),
                        client_secret: format!("secret {time}").into(),
                    })
                }
            })),
            ..Config::default()
        });
        assert_eq!(credentials.known_client_id(), None);
        assert_eq!(credentials.client_id(&http).await.unwrap(), "app");
        let first = credentials.secret(&http).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let second = credentials.renewed(&http, &first).await.unwrap();
        assert_eq!(second.expose(), "secret 1");
        assert_eq!(
            credentials.secret(&http).await.unwrap().expose(),
            "secret 1"
        );
    }

    #[tokio::test]
    async fn a_failing_source_is_an_error_and_is_asked_again_next_time() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let http = http();
        let credentials = Credentials::new(&Config {
            credential_source: Some(CredentialSource::new(move || {
                let time = count.fetch_add(1, Ordering::SeqCst);
                async move {
                    if time == 0 {
                        return Err(BoxError::from("sealed vault"));
                    }
                    Ok(ClientCredentials {
                        client_id: "app".to_owned(),
                        client_secret: "s".into(),
                    })
                }
            })),
            ..Config::default()
        });
        let error = credentials.secret(&http).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "sealed vault");
        assert_eq!(credentials.secret(&http).await.unwrap().expose(), "s");
    }

    #[tokio::test]
    async fn a_secret_file_is_read_again_when_the_provider_refused_the_old_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "new\n").unwrap();
        let http = http();
        let credentials = Credentials::new(&Config {
            client_id: "app".to_owned(),
            client_secret: "old".into(),
            client_secret_file: Some(file.path().to_owned()),
            ..Config::default()
        });
        let old = credentials.secret(&http).await.unwrap();
        assert_eq!(old.expose(), "old");
        assert_eq!(
            credentials.renewed(&http, &old).await.unwrap().expose(),
            "new"
        );
        let new = credentials.secret(&http).await.unwrap();
        assert!(credentials.renewed(&http, &new).await.is_none());
    }

    #[tokio::test]
    async fn a_source_is_asked_to_its_end_by_requests_that_are_given_up() {
        let http = http();
        let (asked, answer) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(tokio::sync::Notify::new()),
        );
        let (count, may_answer) = (asked.clone(), answer.clone());
        let credentials = Credentials::new(&Config {
            credential_source: Some(CredentialSource::new(move || {
                count.fetch_add(1, Ordering::SeqCst);
                let may_answer = may_answer.clone();
                async move {
                    may_answer.notified().await;
                    Ok(ClientCredentials {
                        client_id: "app".to_owned(),
                        client_secret: "s".into(),
                    })
                }
            })),
            ..Config::default()
        });
        for _ in 0..10 {
            // Long enough to begin, and not to end.
            tokio::select! {
                biased;
                _ = credentials.client_id(&http) => panic!("nobody has answered"),
                () = tokio::task::yield_now() => {}
            }
        }
        answer.notify_one();
        assert_eq!(credentials.client_id(&http).await.unwrap(), "app");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
