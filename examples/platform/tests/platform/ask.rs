//! A correct request to each endpoint of the platform.

use miracl_platform::Platform;

use crate::app::{CALLBACK, VERIFIER, log_in, params};
use crate::http::{self, Answer};
use crate::refresh::offline;

/// The endpoint that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Discovery,
    Token,
    Certs,
    Userinfo,
    Refresh,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [
        Self::Discovery,
        Self::Token,
        Self::Certs,
        Self::Userinfo,
        Self::Refresh,
    ];
}

/// A correct request.
pub(crate) struct Ask {
    pub(crate) url: String,
    bearer: Option<String>,
    pub(crate) form: Option<Vec<(&'static str, String)>>,
}

impl Ask {
    /// Prepares a request. What it needs is fetched before, without faults.
    pub(crate) async fn new(platform: &Platform, place: Place) -> Self {
        let at = |path: &str| format!("{}{path}", platform.issuer());
        let secret = |form: &[(&'static str, &str)]| {
            let mut form: Vec<_> = form.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
            form.push(("client_id", "app".to_owned()));
            form.push(("client_secret", "s3cret".to_owned()));
            Some(form)
        };
        let (url, bearer, form) = match place {
            Place::Discovery => (at("/.well-known/openid-configuration"), None, None),
            Place::Certs => (at("/oidc/certs"), None, None),
            Place::Token => {
                let code = params(&log_in(platform).await)["code"].clone();
                let form = secret(&[
                    ("grant_type", "authorization_code"),
                    ("code", &code),
                    ("redirect_uri", CALLBACK),
                    ("code_verifier", VERIFIER),
                ]);
                (at("/oidc/token"), None, form)
            }
            Place::Refresh => {
                let tokens = offline(platform).await;
                let form = secret(&[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
                ]);
                (at("/oidc/token"), None, form)
            }
            Place::Userinfo => {
                let tokens = Self::new_boxed(platform, Place::Token).await.send().await;
                let token = tokens.unwrap().json()["access_token"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                (at("/oidc/userinfo"), Some(format!("Bearer {token}")), None)
            }
        };
        Self { url, bearer, form }
    }

    async fn new_boxed(platform: &Platform, place: Place) -> Self {
        Box::pin(Self::new(platform, place)).await
    }

    pub(crate) async fn send(&self) -> Option<Answer> {
        self.send_to(&self.url).await
    }

    pub(crate) async fn send_to(&self, url: &str) -> Option<Answer> {
        let headers: Vec<_> = self
            .bearer
            .iter()
            .map(|it| ("authorization", it.as_str()))
            .collect();
        match &self.form {
            None => http::try_send("GET", url, &headers, "").await,
            Some(form) => {
                let form: Vec<_> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
                http::try_post(url, &headers, &form).await
            }
        }
    }
}
