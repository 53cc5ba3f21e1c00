//! The settings file of an app, as the portal shows it: as `miracl.json`, it is all that an app needs.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use url::Url;

use crate::client::Client;
use crate::folder;

/// Returns the settings of an app: who the provider is, who the app is there, and its addresses.
pub(crate) fn of(client: &Client, issuer: &str) -> Value {
    let mut settings = json!({
        "issuer": issuer,
        "client_id": client.client_id,
        "secret": client.client_secret,
        "redirect_uri": client.redirect_uris.first(),
        "mpad_url": format!("{issuer}/mpad.js"),
    });
    if let Some(uri) = client.post_logout_redirect_uris.first() {
        settings["post_logout_redirect_uri"] = json!(uri);
    }
    settings
}

/// Writes an app's settings to a new file, readable by its owner only. A file that has them already stays as it is.
///
/// # Errors
/// When the file cannot be written, or is another app's: it is not replaced.
pub(crate) fn write(path: &Path, settings: &Value) -> io::Result<()> {
    if !path.exists() {
        folder::write_first(path, settings)?;
    }
    let known: Value = serde_json::from_slice(&fs::read(path)?).unwrap_or_default();
    let same = |key: &str| known[key] == settings[key];
    if ["issuer", "client_id", "secret"].into_iter().all(same) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "is there already, and is not that of this app; move it away, or name another file with --settings",
    ))
}

/// Returns the address beside a callback: `http://app/signed-out` beside `http://app/login`.
pub(crate) fn beside(redirect_uri: &str, name: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    matches!(url.scheme(), "http" | "https")
        .then(|| url.join(name).ok())
        .flatten()
        .map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Value {
        let mut client = Client::new("id", "secret", "http://127.0.0.1:5000/login");
        client.post_logout_redirect_uris = beside(&client.redirect_uris[0], "signed-out")
            .into_iter()
            .collect();
        of(&client, "http://127.0.0.1:5050")
    }

    #[test]
    fn they_are_complete() {
        assert_eq!(
            settings(),
            json!({
                "issuer": "http://127.0.0.1:5050",
                "client_id": "id",
                "secret": "secret",
                "redirect_uri": "http://127.0.0.1:5000/login",
                "post_logout_redirect_uri": "http://127.0.0.1:5000/signed-out",
                "mpad_url": "http://127.0.0.1:5050/mpad.js",
            })
        );
    }

    #[test]
    fn a_file_of_this_app_stays_and_one_of_another_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("miracl.json");
        write(&path, &settings()).unwrap();
        // What somebody added stays.
        let mut more = settings();
        more["scopes"] = json!("openid");
        fs::write(&path, more.to_string()).unwrap();
        write(&path, &settings()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), more.to_string());
        for other in [r#"{"client_id":"other"}"#, "no JSON"] {
            fs::write(&path, other).unwrap();
            let error = write(&path, &settings()).unwrap_err();
            assert!(error.to_string().contains("--settings"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn an_address_beside_a_callback_is_in_its_folder() {
        for (callback, beside_it) in [
            (
                "http://127.0.0.1:5000/login",
                Some("http://127.0.0.1:5000/signed-out"),
            ),
            (
                "https://a.example/app/login",
                Some("https://a.example/app/signed-out"),
            ),
            ("com.example.app:/done", None),
        ] {
            assert_eq!(beside(callback, "signed-out").as_deref(), beside_it);
        }
    }
}
