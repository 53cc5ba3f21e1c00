//! The local MIRACL platform, started inside a demo that has no provider configured.
//!
//! An app of yours may do the same during development. The platform stays on this machine, needs no account, and
//! plays MIRACL's pages, its e-mail, and its portal.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use miracl_core::Config;
use miracl_platform::{Client, Platform, PlatformConfig, StartError};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{chain::chain, pages};

/// Where the platform keeps its keys and its users, below the working directory.
const FOLDER: &str = ".miracl/platform";

/// A MIRACL platform inside the demo's process, with the demo registered as an app. It stops when it is dropped.
#[derive(Debug)]
pub struct LocalPlatform {
    platform: Platform,
    client: Client,
}

/// What must stay the same after a restart: the port, because it is part of the issuer by which users and sessions
/// are known, and the app's registration.
#[derive(Serialize, Deserialize)]
struct Kept {
    port: u16,
    client_id: String,
    client_secret: String,
}

impl LocalPlatform {
    /// Starts a platform on the port it had before, with the demo for `framework` as its app.
    pub(crate) async fn start(framework: &str, config: &Config) -> Result<Self, String> {
        Self::start_in(Path::new(FOLDER), framework, config).await
    }

    async fn start_in(folder: &Path, framework: &str, config: &Config) -> Result<Self, String> {
        let file = folder.join(format!("demo-{framework}.json"));
        let at_file = |error: &io::Error| format!("{}: {error}", file.display());
        let kept = read(&file).map_err(|error| at_file(&error))?;
        let (port, client_id, client_secret) = match &kept {
            Some(kept) => (
                kept.port,
                kept.client_id.clone(),
                kept.client_secret.clone(),
            ),
            None => (0, format!("demo-{framework}"), random_secret()?),
        };

        let mut client = Client::new(client_id, client_secret, &config.redirect_uri);
        client.name = format!("{} SDK example", pages::name(framework));
        client
            .post_logout_redirect_uris
            .extend(config.post_logout_redirect_uri.clone());
        register_logout(&mut client, config);
        let settings = |port| PlatformConfig {
            port,
            data_dir: Some(folder.to_owned()),
            clients: vec![client.clone()],
            ..PlatformConfig::default()
        };
        let started = match Platform::start(settings(port)).await {
            Err(StartError::Bind { source, .. }) if port != 0 => {
                tracing::warn!(
                    port,
                    %source,
                    "the port of the local MIRACL platform is taken; \
                     on another one, the users and sessions of before are not known"
                );
                Platform::start(settings(0)).await
            }
            started => started,
        };
        let platform = started.map_err(|error| {
            format!("the local MIRACL platform did not start: {}", chain(&error))
        })?;
        if kept.is_none() {
            let kept = Kept {
                port: platform.address().port(),
                client_id: client.client_id.clone(),
                client_secret: client.client_secret.clone(),
            };
            write_first(&file, &kept).map_err(|error| at_file(&error))?;
        }
        allow_pages(&platform, &config.redirect_uri);
        Ok(Self { platform, client })
    }

    /// Fills in the settings of the login that name the provider.
    pub(crate) fn configure(&self, config: &mut Config) {
        config.issuer = self.platform.issuer().to_owned();
        config.client_id.clone_from(&self.client.client_id);
        config.client_secret = self.client.client_secret.clone().into();
    }

    /// The URL of the login button's script.
    pub(crate) fn login_script(&self) -> String {
        self.platform.mpad_url()
    }

    /// What to tell the person who started the demo.
    pub(crate) fn greeting(&self) -> String {
        format!(
            "no provider is configured, so a local MIRACL platform runs at {}/\nthe e-mails it would send are in {}\n",
            self.platform.issuer(),
            self.platform.inbox_url(),
        )
    }

    /// The platform itself, for tests that log in.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }
}

/// Lets the demo's own pages speak to the platform, as the portal would. Only so many origins are kept: a demo on a
/// free port has another one each time.
fn allow_pages(platform: &Platform, redirect_uri: &str) {
    const MOST: usize = 10;
    let Ok(url) = Url::parse(redirect_uri) else {
        return;
    };
    let origin = url.origin().ascii_serialization();
    let mut project = platform.project();
    if !project.allowed_origins.contains(&origin) {
        project.allowed_origins.push(origin);
        let surplus = project.allowed_origins.len().saturating_sub(MOST);
        project.allowed_origins.drain(..surplus);
        platform.set_project(project);
    }
}

/// Has the platform end the demo's sessions together with its own: through the back channel where it can reach the
/// demo, which is plain http on this machine, and through the browser everywhere else.
fn register_logout(client: &mut Client, config: &Config) {
    let Ok(url) = Url::parse(&config.redirect_uri) else {
        return;
    };
    let public_path = config.public_path.trim_end_matches('/');
    let at = |path: &str| {
        url.join(&format!("{public_path}{path}"))
            .ok()
            .map(String::from)
    };
    client.frontchannel_logout_uri = at(&config.paths.frontchannel_logout);
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && is_local {
        client.backchannel_logout_uri = at(&config.paths.backchannel_logout);
    }
}

fn read(file: &Path) -> io::Result<Option<Kept>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps the registration, readable by its owner only, unless one exists already: an existing file or link is
/// neither written to nor followed. A reader sees all of it or nothing.
fn write_first(file: &Path, kept: &Kept) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let random = random_secret().map_err(io::Error::other)?;
    let draft = file.with_extension(format!("{random}.new"));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(&draft)?;
    let written = serde_json::to_writer_pretty(&mut opened, kept)
        .map_err(io::Error::from)
        .and_then(|()| opened.sync_all())
        .and_then(|()| fs::hard_link(&draft, file));
    fs::remove_file(&draft)?;
    match written {
        // Another process was faster. A link that leads nowhere is no registration.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match read(file)? {
            Some(_) => Ok(()),
            None => Err(error),
        },
        written => written,
    }
}

fn random_secret() -> Result<String, String> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the operating system has no random numbers to give".to_owned())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            redirect_uri: "http://127.0.0.1:5000/login".into(),
            post_logout_redirect_uri: Some("http://127.0.0.1:5000/signed-out".into()),
            ..Config::default()
        }
    }

    #[tokio::test]
    async fn issuer_and_registration_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let first = LocalPlatform::start_in(folder.path(), "axum", &config())
            .await
            .unwrap();
        let (mut before, mut after) = (config(), config());
        first.configure(&mut before);
        first.platform.shutdown().await;

        let second = LocalPlatform::start_in(folder.path(), "axum", &config())
            .await
            .unwrap();
        second.configure(&mut after);
        assert_eq!(before.issuer, after.issuer);
        assert_eq!(before.client_secret.expose(), after.client_secret.expose());
    }

    #[test]
    fn both_channels_of_a_log_out_lead_to_the_demo() {
        let registered = |redirect_uri: &str| {
            let mut client = Client::new("demo", "secret", redirect_uri);
            let config = Config {
                redirect_uri: redirect_uri.into(),
                ..config()
            };
            register_logout(&mut client, &config);
            [
                client.backchannel_logout_uri,
                client.frontchannel_logout_uri,
            ]
        };
        let some = |url: &str| Some(url.to_owned());
        assert_eq!(
            registered("http://127.0.0.1:5000/login"),
            [
                some("http://127.0.0.1:5000/backchannel-logout"),
                some("http://127.0.0.1:5000/frontchannel-logout"),
            ]
        );
        let below = |public_path: &str| {
            let mut client = Client::new("demo", "secret", "https://demo.example/app/login");
            let config = Config {
                redirect_uri: client.redirect_uris[0].clone(),
                public_path: public_path.into(),
                ..config()
            };
            register_logout(&mut client, &config);
            client.frontchannel_logout_uri
        };
        assert_eq!(
            below("/app"),
            some("https://demo.example/app/frontchannel-logout")
        );
        // A proxy with a certificate: only the browser gets through it.
        assert_eq!(
            registered("https://demo.example/login"),
            [None, some("https://demo.example/frontchannel-logout")]
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_no_reason_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let first = LocalPlatform::start_in(folder.path(), "axum", &config())
            .await
            .unwrap();
        let second = LocalPlatform::start_in(folder.path(), "axum", &config())
            .await
            .unwrap();
        assert_ne!(first.platform.issuer(), second.platform.issuer());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_registration_is_its_owners_and_no_link_is_followed_to_write_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        LocalPlatform::start_in(folder.path(), "axum", &config())
            .await
            .unwrap();
        let file = folder.path().join("demo-axum.json");
        let mode = fs::symlink_metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let elsewhere = outside.path().join("elsewhere");
        symlink(&elsewhere, folder.path().join("demo-actix.json")).unwrap();
        let before = fs::read_dir(folder.path()).unwrap().count();
        let error = LocalPlatform::start_in(folder.path(), "actix", &config())
            .await
            .unwrap_err();
        assert!(error.contains("demo-actix.json"), "{error}");
        assert!(!elsewhere.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before);
    }

    #[tokio::test]
    async fn a_damaged_registration_is_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("demo-axum.json");
        fs::write(&file, "{").unwrap();
        let error = LocalPlatform::start_in(folder.path(), "axum", &config())
            .await
            .unwrap_err();
        assert!(error.contains("demo-axum.json"), "{error}");
        assert_eq!(fs::read_to_string(file).unwrap(), "{");
    }
}
