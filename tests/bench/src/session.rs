//! A login at the local MIRACL platform, and the `Cookie` header that it leaves.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{Browser, Demo};
use serde_json::json;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::Stop;

const PIN: &str = "2468";
const SECRET: &str = "a secret of the bench";
/// The cookies that an app has besides ours.
pub(crate) const OTHERS: &str = "theme=dark; _ga=GA1.1.1234567890.1700000000";
/// How long the person's claims are as JSON: issuer, subject, e-mail address and `sid`. The peers keep a record of
/// this length.
const IDENTITY: usize = 300;
/// The length of a `sid` of the platform.
const SID: usize = 43;

/// The platform, in this process: what a login costs the provider does not count.
#[derive(Debug)]
pub(crate) struct Provider {
    runtime: Runtime,
    platform: Platform,
    /// The subject and the e-mail address of the one person.
    email: String,
    /// Those of another, whose name is as long. The platform calls this one an admin.
    admin: String,
    clients: AtomicU32,
}

impl Provider {
    /// Starts the platform.
    pub(crate) fn start() -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let platform = runtime
            .block_on(Platform::start(PlatformConfig::default()))
            .map_err(|error| error.to_string())?;
        let email = email(platform.issuer());
        let admin = email.replacen("first", "admin", 1);
        // The role that is asked for is the last of three.
        let claims = [("roles", json!(["reader", "writer", "admin"]))];
        platform
            .register_identity_with_claims(&admin, PIN, claims)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            runtime,
            platform,
            email,
            admin,
            clients: AtomicU32::new(0),
        })
    }

    /// Sets `stop` when this program is asked to end.
    pub(crate) fn stop_on_signals(&self, stop: &Stop) -> Result<(), String> {
        let _entered = self.runtime.enter();
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let mut asked = signal(kind).map_err(|error| error.to_string())?;
            let stop = stop.clone();
            self.runtime.spawn(async move {
                asked.recv().await;
                stop.ask();
            });
        }
        Ok(())
    }

    /// The settings that make a demo a client of this provider. The client still has to be registered there.
    pub(crate) fn client(&self) -> [(&'static str, String); 3] {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        [
            ("ISSUER", self.platform.issuer().to_owned()),
            // The same length every time.
            ("CLIENT_ID", format!("bench-{number:06}")),
            ("CLIENT_SECRET", SECRET.to_owned()),
        ]
    }

    /// Its issuer.
    pub(crate) fn issuer(&self) -> &str {
        self.platform.issuer()
    }

    /// The person's e-mail address, which is what `/whoami` answers.
    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    /// The e-mail address of the admin.
    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// Logs a person in at a demo with these settings, and returns the `Cookie` header of a browser that has two
    /// other cookies besides.
    pub(crate) fn log_in(
        &self,
        demo: &Demo,
        client: &[(&'static str, String); 3],
        email: &str,
    ) -> Result<String, String> {
        let [_, (_, id), _] = client;
        let client = Client::new(id, SECRET, demo.url("/login"));
        let known = self.platform.add_client(client);
        known.map_err(|error| error.to_string())?;
        // A browser of its own at the platform: logins run side by side.
        let person = self.platform.browser();
        let registered = person.register_identity(email, PIN);
        registered.map_err(|error| error.to_string())?;
        let journey = async {
            let browser = Browser::new();
            let start = browser.open(demo.url("/login/start")).await.expect(303);
            let authorize = start.location().ok_or("the demo sends nobody to log in")?;
            let callback = person.log_in(authorize.as_str(), email, PIN).await;
            let callback = callback.map_err(|error| error.to_string())?;
            // The page that it leads to shows the messages of the login, and clears their cookie.
            browser.visit(&callback).await.expect(200);
            let mut cookies: Vec<String> = browser
                .cookies()
                .into_iter()
                .map(|cookie| format!("{}={}", cookie.name, cookie.value))
                .collect();
            cookies.push(OTHERS.to_owned());
            Ok::<_, String>(cookies.join("; "))
        };
        let limit = Duration::from_secs(120);
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, journey).await });
        ended.map_err(|_| format!("the login did not end within {limit:?}"))?
    }
}

/// An address of the length that makes a person of [`IDENTITY`] bytes: the platform takes it as the subject, too.
fn email(issuer: &str) -> String {
    const DOMAIN: &str = "@accounts.subsidiary.a-company.example";
    let length = (IDENTITY - claims(issuer, "").len()) / 2;
    let name = "firstname.lastname+".chars().cycle();
    let mut email: String = name.take(length - DOMAIN.len()).collect();
    email.push_str(DOMAIN);
    email
}

/// All that the platform says about a person.
fn claims(issuer: &str, email: &str) -> String {
    let sid = "s".repeat(SID);
    format!(
        r#"{{"iss":"{issuer}","sub":"{email}","email":"{email}","email_verified":true,"sid":"{sid}"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_as_many_bytes_as_the_goals_are_for() {
        for issuer in ["http://127.0.0.1:1024", "http://127.0.0.1:65535"] {
            let email = email(issuer);
            let bytes = claims(issuer, &email).len();
            assert!((IDENTITY - 1..=IDENTITY).contains(&bytes), "{bytes}");
            // RFC 5321 §4.5.3.1.1
            assert!(email.split('@').next().unwrap().len() <= 64);
        }
    }
}
