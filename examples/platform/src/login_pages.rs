//! The pages of a login, as templates. A script shows their steps.

use askama::Template;
use axum::http::HeaderMap;
use url::Url;

use crate::interaction::{Document, Interaction};
use crate::qr::{self, Picture};
use crate::shared::Shared;
use crate::texts::Lang;

/// The page of a login, or of a signature.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    lang: Lang,
    id: &'a str,
    app: &'a str,
    /// The session that this browser may log in to; empty where the app wants another device to do it.
    access_id: &'a str,
    client_id: &'a str,
    prompt: &'a str,
    hint: &'a str,
    act_token: &'a str,
    /// Whom the message was sent to that led here, and its secret; empty otherwise.
    user_id: &'a str,
    code: &'a str,
    document: Option<&'a Document>,
    /// The QR code, where the app allows it.
    picture: Option<&'a Picture>,
    settings: Settings,
}

/// A page of a browser that has begun no login: it opened a message, read a QR code, or makes a QuickCode.
#[derive(Template)]
#[template(path = "standalone.html")]
pub(crate) struct Standalone<'a> {
    pub(crate) lang: Lang,
    pub(crate) kind: Kind,
    pub(crate) app: &'a str,
    /// The session that a message was sent for; empty otherwise.
    pub(crate) access_id: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) code: &'a str,
    /// Whether an app has made sure of the person, and its login follows the registration.
    pub(crate) goes_on: bool,
    pub(crate) settings: Settings,
}

/// Says why a login cannot go on.
#[derive(Template)]
#[template(path = "login_problem.html")]
pub(crate) struct LoginProblem {
    pub(crate) lang: Lang,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// What a page without a login is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    OtherDevice,
    QuickCode,
}

impl Kind {
    /// Returns the name by which the script knows it.
    fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::OtherDevice => "other-device",
            Self::QuickCode => "quick-code",
        }
    }
}

impl Standalone<'_> {
    /// Returns what the page is called.
    fn title(&self) -> &'static str {
        match self.kind {
            Kind::Message => self.lang.text("register-page"),
            Kind::OtherDevice => self.lang.text("other-device-page"),
            Kind::QuickCode => self.lang.text("quick-code-page"),
        }
    }
}

/// What the project and the platform set for every page.
pub(crate) struct Settings {
    project_id: String,
    pin_length: u8,
    quick_code: bool,
    /// The page of the project that verifies people; empty if messages do it.
    verification: String,
    /// The origin by which other machines reach the platform; empty if they do not.
    network: String,
    is_network: bool,
    /// Whether the page is in a frame of another site.
    is_apart: bool,
}

impl Settings {
    pub(crate) fn of(shared: &Shared, headers: &HeaderMap) -> Self {
        let project = shared.project();
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_framed = matches!(header("sec-fetch-dest"), Some("iframe" | "frame"));
        Self {
            project_id: shared.trust.project_id.clone(),
            pin_length: project.pin_length(),
            quick_code: project.quick_code,
            verification: project.verification_url.clone().unwrap_or_default(),
            network: qr::network_origin(shared).unwrap_or_default(),
            is_network: !shared.address.ip().is_loopback(),
            is_apart: is_framed && header("sec-fetch-site") == Some("cross-site"),
        }
    }

    /// Adds what the page of a project needs to send this login on: the fields of `/verification`.
    fn verify(mut self, interaction: &Interaction, access_id: &str) -> Self {
        let request = &interaction.request;
        let Ok(mut url) = Url::parse(&self.verification) else {
            return self;
        };
        let scope = request.scope.join(" ");
        let fields = [
            ("access_id", access_id),
            ("client_id", &request.client.client_id),
            ("redirect_uri", &request.redirect_uri),
            ("scope", &scope),
            ("state", request.state.as_deref().unwrap_or_default()),
            ("nonce", request.nonce.as_deref().unwrap_or_default()),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        url.query_pairs_mut().extend_pairs(given);
        self.verification = url.into();
        self
    }
}

impl<'a> LoginPage<'a> {
    /// Makes the page of an interaction. `user_id` and `code` are of the message that led here.
    pub(crate) fn of(
        interaction: &'a Interaction,
        user_id: &'a str,
        code: &'a str,
        picture: Option<&'a Picture>,
        settings: Settings,
    ) -> Self {
        let client = &interaction.request.client;
        let wanted = &interaction.wanted;
        let access_id = match client.browser_login {
            true => interaction.access_id.as_str(),
            false => "",
        };
        Self {
            lang: wanted.lang,
            id: &interaction.id,
            app: &client.name,
            access_id,
            client_id: &client.client_id,
            prompt: wanted.prompt,
            hint: wanted.hint.as_deref().unwrap_or_default(),
            act_token: wanted.act_token.as_deref().unwrap_or_default(),
            user_id,
            code,
            document: wanted.document.as_ref(),
            picture,
            settings: settings.verify(interaction, access_id),
        }
    }

    /// Returns what the page is called.
    fn title(&self) -> String {
        self.lang.text_for(self.title_key(), self.app)
    }

    fn title_key(&self) -> &'static str {
        match self.document {
            None => "log-in-to",
            Some(_) => "sign-for",
        }
    }

    /// Returns the text above the QR code.
    fn qr_title(&self) -> &'static str {
        match self.document {
            None => "qr.title",
            Some(_) => "qr.title-sign",
        }
    }

    /// Returns the text that explains the QR code.
    fn qr_lead(&self) -> &'static str {
        match (self.settings.is_network, self.settings.network.as_str()) {
            (false, _) => "qr.lead-local",
            (true, "") => "qr.lead",
            (true, _) => "qr.lead-network",
        }
    }
}
