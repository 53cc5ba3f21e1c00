//! Where client id and secret come from: the configuration, files, or the app's own source.

use std::{error::Error, fmt, io, path::Path, pin::Pin, sync::Arc};

use crate::{
    base::{
        file,
        secret::Secret,
        text::{one_value, without_bom},
    },
    error::provider::ProviderError,
};

/// What a client proves its identity with at the token endpoint.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret,
}

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
type CredentialsFuture = Pin<Box<dyn Future<Output = Result<ClientCredentials, BoxError>> + Send>>;

/// The app's own source of its credentials: a vault, a secrets manager.
///
/// It is asked when the first login needs it, and again when the provider refuses the secret, so a rotated secret needs
/// no restart. The client id must stay the same, because sessions belong to it.
///
/// ```
/// use miracl_core::{ClientCredentials, Config, CredentialSource};
///
/// # async fn ask_the_vault(_: &str) -> Result<String, std::io::Error> { Ok(String::new()) }
/// let source = CredentialSource::new(|| async {
///     Ok(ClientCredentials {
///         client_id: ask_the_vault("miracl/client_id").await?,
///         client_secret: ask_the_vault("miracl/client_secret").await?.into(),
///     })
/// });
/// let config = Config { credential_source: Some(source), ..Config::default() };
/// ```
#[derive(Clone)]
pub struct CredentialSource(pub(crate) Arc<dyn Fn() -> CredentialsFuture + Send + Sync>);

impl CredentialSource {
    /// Makes a source of an async function.
    pub fn new<F, A>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<ClientCredentials, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialSource")
    }
}

/// Reads a file that holds one value, by the rule for all settings: see [`Config::load`](crate::Config::load).
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let text = content(path)?;
    match one_value(&text) {
        Ok(value) => Ok(value.to_owned()),
        Err(what) => Err(unusable(path, what)),
    }
}

/// Reads a file that holds one value, which is checked elsewhere. The error names the file.
pub(crate) fn content(path: &Path) -> io::Result<String> {
    let text = file::read_text(path, file::MAX_SECRET)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    match without_bom(&text).trim() {
        "" => Err(unusable(path, "is empty")),
        _ => Ok(text),
    }
}

fn unusable(path: &Path, what: &str) -> io::Error {
    let message = format!("{} {what}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// What to do about a file that cannot be read.
pub(crate) fn no_file(error: &io::Error) -> String {
    format!("{error}; put the value into that file, alone, and let the app read it")
}

/// Makes the error of credentials that are not usable.
pub(crate) fn failed(message: &str) -> ProviderError {
    ProviderError::Credentials {
        source: Arc::from(BoxError::from(message)),
    }
}
