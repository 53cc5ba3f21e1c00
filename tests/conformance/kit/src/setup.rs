//! How an app is registered for a module.

use miracl_platform::{Client, ClientAuthMethod, Platform, SigningAlgorithm};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::settings::ProviderSettings;

/// The `client_id` of every app.
pub(crate) const CLIENT_ID: &str = "conformance:app";

/// Characters that RFC 6749 §2.3.1 encodes twice: once as a form, once in base64.
pub(crate) const CLIENT_SECRET: &str = "s3cr%t+of the:app/&=?~ with enough characters for a MAC";

/// The elliptic-curve key of RFC 7517, appendix A.2, so that nobody mistakes it for a secret.
const KEY: [(&str, &str); 7] = [
    ("kty", "EC"),
    ("crv", "P-256"),
    ("use", "sig"),
    ("alg", "ES256"),
    ("kid", "conformance"),
    ("x", "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"),
    ("y", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"),
];

/// Its private part.
const PRIVATE: &str = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";

fn public_jwk() -> Value {
    KEY.iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn private_jwk() -> String {
    let mut jwk = public_jwk();
    jwk["d"] = json!(PRIVATE);
    jwk.to_string()
}

/// How an app is registered, and whether it may have met the provider before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup {
    /// The algorithm that signs the ID tokens.
    pub(crate) signs: SigningAlgorithm,
    /// Whether that is registered, so that the app is told.
    pub(crate) told: bool,
    /// `None`: one of the two methods with the secret, as the app chooses.
    pub(crate) auth: Option<ClientAuthMethod>,
    pub(crate) form_post: bool,
    /// The algorithm that signs userinfo, or nothing where it is plain.
    pub(crate) userinfo: Option<SigningAlgorithm>,
    pub(crate) scopes: &'static str,
    /// Whether the provider refuses logins without PKCE.
    pub(crate) require_pkce: bool,
    /// Whether log-out by the provider reaches the app in a frame. Otherwise it comes through the back channel,
    /// which a provider with both prefers.
    pub(crate) front_channel: bool,
    /// Whether the module gets an app of its own, which knows nothing of the provider at the start.
    pub(crate) fresh: bool,
    /// Tells providers apart where a module needs two.
    pub(crate) number: u8,
}

impl Setup {
    /// Registers nothing but the app itself.
    pub(crate) const PLAIN: Self = Self {
        signs: SigningAlgorithm::Rs256,
        told: false,
        auth: None,
        form_post: false,
        userinfo: None,
        scopes: "openid email",
        require_pkce: false,
        front_channel: false,
        fresh: false,
        number: 0,
    };

    pub(crate) const fn signed(self, signs: SigningAlgorithm) -> Self {
        Self { signs, ..self }
    }

    pub(crate) const fn told(self) -> Self {
        Self { told: true, ..self }
    }

    pub(crate) const fn userinfo(self, signs: SigningAlgorithm) -> Self {
        Self {
            userinfo: Some(signs),
            ..self
        }
    }

    pub(crate) const fn form_post(self) -> Self {
        Self {
            form_post: true,
            ..self
        }
    }

    pub(crate) const fn scopes(self, scopes: &'static str) -> Self {
        Self { scopes, ..self }
    }

    /// With an app and a provider that only modules of this number share.
    pub(crate) const fn numbered(self, number: u8) -> Self {
        Self { number, ..self }
    }

    pub(crate) const fn require_pkce(self) -> Self {
        Self {
            require_pkce: true,
            ..self
        }
    }

    pub(crate) const fn front_channel(self) -> Self {
        Self {
            front_channel: true,
            ..self
        }
    }

    pub(crate) const fn fresh(self) -> Self {
        Self {
            fresh: true,
            ..self
        }
    }

    pub(crate) const fn auth(self, auth: ClientAuthMethod) -> Self {
        Self {
            auth: Some(auth),
            ..self
        }
    }

    /// The settings for the app.
    pub(crate) fn settings(&self, issuer: &str) -> ProviderSettings {
        ProviderSettings {
            issuer: issuer.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            client_jwk: (self.auth == Some(ClientAuthMethod::PrivateKeyJwt)).then(private_jwk),
            scopes: self.scopes.to_owned(),
            response_mode: self.form_post.then(|| "form_post".to_owned()),
            token_endpoint_auth_method: self.auth.map(|auth| auth.as_str().to_owned()),
            id_token_signed_response_alg: self.told.then(|| self.signs.as_str().to_owned()),
            userinfo_signed_response_alg: self.userinfo.map(|signs| signs.as_str().to_owned()),
        }
    }

    /// Registers the app, whose addresses are known by now.
    pub(crate) fn register(&self, platform: &Platform, app: &App) -> Result<(), String> {
        let mut client = Client::new(CLIENT_ID, CLIENT_SECRET, app.redirect_uri());
        client
            .post_logout_redirect_uris
            .extend(app.post_logout_redirect_uri());
        if self.front_channel {
            client.frontchannel_logout_uri = app.frontchannel_logout_uri();
        } else {
            client.backchannel_logout_uri = app.backchannel_logout_uri();
        }
        client.id_token_signed_response_alg = self.signs;
        client.userinfo_signed_response_alg = self.userinfo;
        client.token_endpoint_auth_method = self.auth;
        client.jwks = Some(json!({ "keys": [public_jwk()] }));
        platform
            .add_client(client)
            .map_err(|error| error.to_string())
    }

    /// The set-up in words, for messages.
    pub(crate) fn describe(&self) -> String {
        let mut words = vec![format!("ID tokens signed with {}", self.signs.as_str())];
        words.push(
            if self.told {
                "registered so"
            } else {
                "not registered"
            }
            .to_owned(),
        );
        words.extend(self.auth.map(|auth| auth.as_str().to_owned()));
        words.extend(self.form_post.then(|| "form_post".to_owned()));
        words.extend(self.front_channel.then(|| "front channel".to_owned()));
        words.push(format!("scope {}", self.scopes));
        words.join(", ")
    }
}
