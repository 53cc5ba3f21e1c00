//! How the platform's API is called: where it is, who calls, and what its errors say.

use serde_json::{Map, Value};
use url::Url;

use crate::{
    base::{json, loopback::is_secure, secret::Secret, text::printable},
    error::{
        description::Description,
        provider::ProviderError,
        trust::{TrustCode, TrustError},
    },
    provider::{Provider, client_auth::basic, http::response::Response},
    trust::service_account::ServiceAccount,
};

/// What a metadata address ends with (OpenID Connect Discovery 1.0 §4).
const METADATA_PATH: &str = "/.well-known/openid-configuration";
/// The longest code and field name that are kept, in characters.
const MAX_WORD: usize = 64;
/// The longest words of the platform that are kept, in characters.
const MAX_INFO: usize = 200;

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// The app, with its client id and secret.
    App,
    ServiceAccount(&'a ServiceAccount),
}

/// The platform's API, as one caller sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api<'a> {
    pub(crate) provider: &'a Provider,
    caller: Caller<'a>,
}

/// One request.
enum Method {
    Get,
    Post(String),
}

impl<'a> Api<'a> {
    pub(crate) fn new(provider: &'a Provider, caller: Caller<'a>) -> Self {
        Self { provider, caller }
    }

    /// Fetches a JSON object.
    pub(super) async fn get(
        &self,
        endpoint: &'static str,
        path: &str,
    ) -> Result<Map<String, Value>, TrustError> {
        self.call(endpoint, path, Method::Get).await
    }

    /// Posts JSON, and returns the JSON object that is answered.
    pub(super) async fn post(
        &self,
        endpoint: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Map<String, Value>, TrustError> {
        self.call(endpoint, path, Method::Post(body.to_string()))
            .await
    }

    /// Calls once, and once more where the client secret was refused and there is a newer one.
    async fn call(
        &self,
        endpoint: &'static str,
        path: &str,
        method: Method,
    ) -> Result<Map<String, Value>, TrustError> {
        let url = url(self.provider, path);
        let client = &self.provider.client;
        let secret = match self.caller {
            Caller::App => client.secret().await?,
            Caller::ServiceAccount(account) => {
                let bearer = format!("Bearer {}", account.token().expose());
                return self.send(endpoint, &url, &bearer, &method).await;
            }
        };
        let authorization = async |secret: &Secret| {
            let id = client.id().await?;
            Ok::<_, ProviderError>(basic(id, secret.expose()))
        };
        let first = authorization(&secret).await?;
        let answer = self.send(endpoint, &url, &first, &method).await;
        match &answer {
            Err(error) if error.code() == Some(&TrustCode::Unauthorized) => {
                let Some(newer) = client.newer_secret(&secret).await else {
                    return answer;
                };
                let again = authorization(&newer).await?;
                self.send(endpoint, &url, &again, &method).await
            }
            _ => answer,
        }
    }

    async fn send(
        &self,
        endpoint: &'static str,
        url: &str,
        authorization: &str,
        method: &Method,
    ) -> Result<Map<String, Value>, TrustError> {
        let http = &self.provider.client.http;
        let response = match method {
            Method::Get => http.get_authorized(endpoint, url, authorization).await,
            Method::Post(body) => {
                http.post_json(endpoint, url, authorization, body.clone())
                    .await
            }
        };
        read(endpoint, &response?)
    }
}

/// Returns the address of a path of the platform: below the issuer, or where the metadata's own address shows that this
/// app reaches the platform elsewhere, below that.
pub(super) fn url(provider: &Provider, path: &str) -> String {
    let config = &provider.client.config;
    let metadata_url = config.metadata_url.as_deref();
    let base = metadata_url.and_then(|url| url.strip_suffix(METADATA_PATH));
    let base = base.unwrap_or(&config.issuer).trim_end_matches('/');
    format!("{base}{path}")
}

/// Returns whether people may be sent to this address: it is secure, and on a host of the platform.
pub(super) fn check_host(provider: &Provider, found: &Url) -> Result<(), TrustError> {
    let config = &provider.client.config;
    let metadata = provider.known_metadata();
    let login = metadata
        .as_ref()
        .map(|known| &*known.authorization_endpoint);
    let here = url(provider, "/");
    let ours = [Some(config.issuer.as_str()), Some(&here), login];
    let is_ours = ours.into_iter().flatten().any(|ours| {
        let ours = Url::parse(ours);
        ours.is_ok_and(|ours| ours.origin() == found.origin() && ours.origin().is_tuple())
    });
    if is_ours && (is_secure(found) || provider.client.http.allows_http()) {
        return Ok(());
    }
    Err(TrustError::OtherHost {
        expected: config.issuer.clone(),
        found: printable(&found.origin().ascii_serialization(), 200),
    })
}

/// Returns the object of an answer, or what it says went wrong.
pub(super) fn read(
    endpoint: &'static str,
    response: &Response,
) -> Result<Map<String, Value>, TrustError> {
    let status = response.status;
    let object = json::object(&response.body);
    // A server that is ill is told by its status, whatever it says.
    let refusal = object.as_ref().ok().filter(|_| status < 500);
    if let Some(refused) = refusal.and_then(|object| refusal_in(endpoint, status, object)) {
        return Err(refused);
    }
    if !response.is_success() {
        return Err(ProviderError::Status { endpoint, status }.into());
    }
    object.map_err(|detail| TrustError::malformed(endpoint, detail))
}

/// Returns the refusal in an answer: `{"error":code,"info":…,"context":{"params":field}}`, or as older versions wrote
/// it, the same within `error`.
fn refusal_in(
    endpoint: &'static str,
    status: u16,
    object: &Map<String, Value>,
) -> Option<TrustError> {
    let (object, code) = match object.get("error")? {
        Value::Object(inner) => (inner, inner.get("code")?.as_str()?),
        Value::String(code) => (object, code.as_str()),
        _ => return None,
    };
    if code.is_empty() {
        return None;
    }
    let text = |name: &str, max| {
        let text = object.get(name).and_then(Value::as_str);
        text.map(|text| printable(text, max))
    };
    let context = object.get("context");
    let field = context.and_then(|context| context.get("params")?.as_str());
    // Only names of fields: a value could be personal.
    let field = field.filter(|field| json::is_plain_name(field));
    Some(TrustError::Refused {
        endpoint,
        status,
        code: TrustCode::read(printable(code, MAX_WORD)),
        field: field.map(str::to_owned),
        info: Description(text("info", MAX_INFO).filter(|info| !info.is_empty())),
    })
}

/// Returns a member that must be text.
pub(super) fn text<'a>(
    endpoint: &'static str,
    object: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a str, TrustError> {
    match object.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) | None => Err(TrustError::malformed(
            endpoint,
            format!("`{name}` is missing"),
        )),
        Some(other) => {
            let kind = json::kind(other);
            let detail = format!("`{name}` is a JSON {kind} instead of text");
            Err(TrustError::malformed(endpoint, detail))
        }
    }
}

/// Returns a member that is text, or empty text where it is absent or something else: nothing rests on it.
pub(super) fn any_text(object: &Map<String, Value>, name: &str) -> String {
    let text = object.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
