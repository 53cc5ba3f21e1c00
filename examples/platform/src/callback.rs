//! How an app learns the result of a login: by a redirect, or by a form that posts itself.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::client::Client;
use crate::pages::{self, Frame, redirect, show};
use crate::texts::Lang;

/// How the parameters of a callback travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In a form (OAuth 2.0 Form Post Response Mode §2).
    FormPost,
}

impl ResponseMode {
    /// The names of all modes, as discovery lists them.
    pub(crate) const NAMES: [&str; 2] = ["query", "form_post"];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// The result of a login, as the browser must bring it to the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Where the browser goes.
    pub url: String,
    /// What it posts there, in order, if the app asked for `response_mode=form_post`. Otherwise everything is in
    /// the URL's query.
    pub form: Option<Vec<(String, String)>>,
}

impl Callback {
    /// Sends the browser to the app.
    pub(crate) fn answer(&self, client: &Client, lang: Lang) -> Response {
        match &self.form {
            None => redirect(&self.url),
            Some(fields) => self.form_page(client, fields, false, lang),
        }
    }

    /// Sends the browser to the app, which must open in the whole window. A redirect cannot leave a frame.
    pub(crate) fn leave(&self, client: &Client, headers: &HeaderMap, lang: Lang) -> Response {
        let destination = headers
            .get("sec-fetch-dest")
            .and_then(|value| value.to_str().ok());
        match (destination, &self.form) {
            (Some("iframe" | "frame"), None) => show(
                &pages::Done {
                    lang,
                    app: &client.name,
                    url: &self.url,
                },
                StatusCode::OK,
                Frame::Client(client),
            ),
            (Some("iframe" | "frame"), Some(fields)) => self.form_page(client, fields, true, lang),
            _ => self.answer(client, lang),
        }
    }

    fn form_page(
        &self,
        client: &Client,
        fields: &[(String, String)],
        framed: bool,
        lang: Lang,
    ) -> Response {
        let page = pages::FormPost {
            lang,
            app: &client.name,
            url: &self.url,
            fields,
            framed,
        };
        show(&page, StatusCode::OK, Frame::Client(client))
    }
}
