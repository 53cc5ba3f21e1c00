//! A client of M-Pin: what MIRACL's libraries do on a phone or in a page, for tests.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use serde_json::{Value, json};
use url::Url;

use crate::device_id::DeviceId;
use crate::mpin::authority::Half;
use crate::mpin::client::{KeyPair, Token};
use crate::mpin::point::G1;
use crate::mpin::scalar::Scalar;
use crate::mpin::subject::Subject;
use crate::pin;
use crate::registration::Registration;
use crate::shared::Shared;
use crate::{hex, wire};

/// A client of M-Pin, which speaks to its platform over HTTP.
///
/// ```
/// use miracl_platform::{Client, Platform, PlatformConfig};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let platform = Platform::start(PlatformConfig {
///     clients: vec![Client::new("app", "secret", "http://127.0.0.1:5000/login")],
///     ..PlatformConfig::default()
/// })
/// .await?;
/// let client = platform.mpin_client();
/// let verification = json!({ "userId": "alice", "delivery": "no" });
/// let link = client.call_as_app("app", "secret", "/verification", &verification).await?;
/// let token = client.confirm(link["verificationURL"].as_str().unwrap_or_default()).await?;
/// let mut alice = client.register("alice", &token, "1234").await?;
/// let login = client.log_in(&mut alice, "1234", "jwt", None).await?;
/// assert!(login["jwt"].is_string());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MpinClient {
    address: SocketAddr,
    /// The browser that it is a page of.
    device: Option<DeviceId>,
}

/// What a client keeps of a registration: an M-Pin id, and a token that is of no use without the PIN.
#[derive(Clone)]
pub struct MpinIdentity {
    user_id: String,
    mpin_id: String,
    public_key: Option<String>,
    dtas: String,
    token: Token,
}

/// Why a request of a client led to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MpinError {
    /// The platform refused it.
    Refused {
        /// The status of the answer.
        status: u16,
        /// What clients tell errors apart by, such as `UNSUCCESSFUL_AUTHENTICATION`.
        code: String,
        /// What it means, for a developer.
        info: String,
    },
    /// The answer is none of this protocol, or there was none.
    Broken(String),
}

impl MpinIdentity {
    /// Returns whom it belongs to.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the M-Pin id, as hexadecimal text.
    pub fn mpin_id(&self) -> &str {
        &self.mpin_id
    }

    /// Returns the public key, as hexadecimal text. A registration of the old protocol may have none.
    pub fn public_key(&self) -> Option<&str> {
        self.public_key.as_deref()
    }

    /// Returns what names the authorities.
    pub fn dtas(&self) -> &str {
        &self.dtas
    }
}

impl MpinClient {
    /// Makes a client of the platform that listens at an address, such as one in another process.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            device: None,
        }
    }

    /// Returns the client of a page in a browser, which sends the browser's cookie.
    pub(crate) fn in_browser(self, device: DeviceId) -> Self {
        let device = Some(device);
        Self { device, ..self }
    }

    /// Asks for the id of the project.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn project_id(&self) -> Result<String, MpinError> {
        let path = "/.well-known/project-configuration";
        let answer = self.send("GET", path, &[], "").await?;
        text(&answer, "id").map(str::to_owned)
    }

    /// Posts JSON to a path, and returns the answer.
    ///
    /// # Errors
    /// [`MpinError`] for an answer other than 200.
    pub async fn call(&self, path: &str, body: &Value) -> Result<Value, MpinError> {
        self.send("POST", path, &[], &body.to_string()).await
    }

    /// Posts JSON as an app does that has a secret.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn call_as_app(
        &self,
        client_id: &str,
        client_secret: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, MpinError> {
        let pair = format!("{client_id}:{client_secret}");
        let credentials = format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair));
        let headers = [("Authorization", credentials.as_str())];
        self.send("POST", path, &headers, &body.to_string()).await
    }

    /// Exchanges the link of a message for an activation token.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn confirm(&self, link: &str) -> Result<String, MpinError> {
        let link = Url::parse(link).map_err(|error| MpinError::Broken(error.to_string()))?;
        let param = |name: &str| {
            let mut pairs = link.query_pairs();
            let found = pairs.find(|(other, _)| other == name);
            found
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let body = json!({ "userId": param("user_id"), "code": param("code") });
        let answer = self.call("/verification/confirmation", &body).await?;
        text(&answer, "actToken").map(str::to_owned)
    }

    /// Registers this device for a user, with an activation token or a QuickCode.
    ///
    /// # Errors
    /// As [`call`](Self::call), and if `pin` is not four to six digits.
    pub async fn register(
        &self,
        user_id: &str,
        activation_token: &str,
        pin: &str,
    ) -> Result<MpinIdentity, MpinError> {
        let pin = parse_pin(pin)?;
        let keys = KeyPair::random();
        let body = json!({
            "userId": user_id,
            "deviceName": "Test device",
            "activationToken": activation_token,
            "publicKey": keys.public.to_hex(),
        });
        let answer = self.call("/registration", &body).await?;
        let mut shares = Vec::new();
        for url in answer["secretUrls"].as_array().into_iter().flatten() {
            let path = path_of(url.as_str().unwrap_or_default())?;
            let share = self.send("GET", &path, &[], "").await?;
            shares.push(point(&share, "dvsClientSecret")?);
        }
        make(user_id, &answer, &answer, Some(&keys), &shares, pin)
    }

    /// Registers this device as clients did it before `/registration`, with a key pair or without.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub async fn register_as_before(
        &self,
        user_id: &str,
        activation_token: &str,
        pin: &str,
        with_key: bool,
    ) -> Result<MpinIdentity, MpinError> {
        let pin = parse_pin(pin)?;
        let keys = with_key.then(KeyPair::random);
        let body = json!({
            "userId": user_id,
            "deviceName": "Test device",
            "activateCode": activation_token,
        });
        let user = self
            .send("PUT", "/rps/v2/user", &[], &body.to_string())
            .await?;
        let mut path = format!(
            "/rps/v2/signature/{}?regOTT={}",
            text(&user, "mpinId")?,
            text(&user, "regOTT")?
        );
        if let Some(keys) = &keys {
            path += &format!("&publicKey={}", keys.public.to_hex());
        }
        let first = self.send("GET", &path, &[], "").await?;
        let second = self
            .send("GET", &path_of(text(&first, "cs2url")?)?, &[], "")
            .await?;
        let names = match with_key {
            true => ["dvsClientSecretShare", "dvsClientSecret"],
            false => ["clientSecretShare", "clientSecret"],
        };
        let shares = [point(&first, names[0])?, point(&second, names[1])?];
        make(user_id, &user, &first, keys.as_ref(), &shares, pin)
    }

    /// Logs in for a scope (`oidc`, `jwt`, `reg-code` or `dvs-auth`), and for a session if there is one. If the
    /// platform asks for it, the secret is renewed and the login repeated.
    ///
    /// # Errors
    /// As [`call`](Self::call): a wrong PIN is `UNSUCCESSFUL_AUTHENTICATION`, the third one `REVOKED_MPINID`.
    pub async fn log_in(
        &self,
        identity: &mut MpinIdentity,
        pin: &str,
        scope: &str,
        access_id: Option<&str>,
    ) -> Result<Value, MpinError> {
        let answer = self.prove(identity, pin, scope, access_id).await?;
        let Some(token) = answer["dvsRegister"]["token"].as_str() else {
            return Ok(answer);
        };
        *identity = self.register(&identity.user_id, token, pin).await?;
        self.prove(identity, pin, scope, access_id).await
    }

    /// Logs in as [`log_in`](Self::log_in) does, without a renewal.
    async fn prove(
        &self,
        identity: &MpinIdentity,
        pin: &str,
        scope: &str,
        access_id: Option<&str>,
    ) -> Result<Value, MpinError> {
        let pin = parse_pin(pin)?;
        let begun = identity.token.begin();
        let mut body = json!({
            "scope": [scope],
            "mpin_id": identity.mpin_id,
            "dtas": identity.dtas,
            "UT": "",
            "U": begun.u.to_hex(),
        });
        if let Some(key) = &identity.public_key {
            body["publicKey"] = json!(key);
        }
        let answer = self.call("/rps/v2/pass1", &body).await?;
        let y = hex::decode(text(&answer, "y")?).and_then(|bytes| Scalar::parse(&bytes));
        let y = y.ok_or_else(|| MpinError::Broken("y is no number".to_owned()))?;
        let v = identity.token.answer(&begun, &y, pin);
        let body = json!({ "mpin_id": identity.mpin_id, "WID": access_id, "V": v.to_hex() });
        let answer = self.call("/rps/v2/pass2", &body).await?;
        let body = json!({ "authOTT": text(&answer, "authOTT")?, "wam": "dvs" });
        self.call("/rps/v2/authenticate", &body).await
    }

    /// Signs a message at a time in seconds since 1970, and returns what `/dvs/verify` takes as `signature`, and an app
    /// as JSON. The message is the document's hash: the 32 bytes of its SHA-256, not their hexadecimal digits. A wrong
    /// PIN is not noticed here: log in with the scope `dvs-auth` first.
    ///
    /// # Errors
    /// If `pin` is not four to six digits.
    pub fn sign(
        identity: &MpinIdentity,
        pin: &str,
        message: &[u8],
        timestamp: u64,
    ) -> Result<Value, MpinError> {
        let signature = identity.token.sign(message, timestamp, parse_pin(pin)?);
        Ok(json!({
            "hash": hex::encode(message),
            "u": signature.u.to_hex(),
            "v": signature.v.to_hex(),
            "mpinId": identity.mpin_id,
            "publicKey": identity.public_key,
            "dtas": identity.dtas,
        }))
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Value, MpinError> {
        let mut headers = [&[("Content-Type", "application/json")], headers].concat();
        let cookie = self.device.as_ref().map(DeviceId::cookie_line);
        headers.extend(cookie.as_deref().map(|cookie| ("Cookie", cookie)));
        let answer = wire::send(self.address, method, path, &headers, body).await;
        let answer = answer.map_err(|error| MpinError::Broken(error.to_string()))?;
        let broken = || MpinError::Broken(format!("the answer is no JSON over HTTP: {answer}"));
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(broken)?;
        let value: Value = serde_json::from_str(body).map_err(|_| broken())?;
        if status == 200 {
            return Ok(value);
        }
        Err(MpinError::Refused {
            status,
            code: value["error"].as_str().unwrap_or_default().to_owned(),
            info: value["info"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

fn make(
    user_id: &str,
    id: &Value,
    answer: &Value,
    keys: Option<&KeyPair>,
    shares: &[G1],
    pin: u32,
) -> Result<MpinIdentity, MpinError> {
    let [first, second] = shares else {
        return Err(MpinError::Broken("there are not two shares".to_owned()));
    };
    let mpin_id = text(id, "mpinId")?;
    let subject = Subject::of_hex(mpin_id, keys.map(|keys| keys.public.clone()));
    let subject =
        subject.ok_or_else(|| MpinError::Broken("mpinId is no hexadecimal text".to_owned()))?;
    Ok(MpinIdentity {
        user_id: user_id.to_owned(),
        mpin_id: mpin_id.to_owned(),
        public_key: keys.map(|keys| keys.public.to_hex()),
        dtas: text(answer, "dtas")?.to_owned(),
        token: Token::new(subject, keys, [first, second], pin),
    })
}

fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str, MpinError> {
    let missing = || MpinError::Broken(format!("{name} is missing"));
    answer[name].as_str().ok_or_else(missing)
}

fn point(answer: &Value, name: &str) -> Result<G1, MpinError> {
    let broken = || MpinError::Broken(format!("{name} is no point"));
    G1::parse(text(answer, name)?).ok_or_else(broken)
}

fn path_of(url: &str) -> Result<String, MpinError> {
    let url = Url::parse(url).map_err(|error| MpinError::Broken(error.to_string()))?;
    Ok(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

fn parse_pin(pin: &str) -> Result<u32, MpinError> {
    let wrong = || MpinError::Broken("a PIN has four to six digits".to_owned());
    pin::parse_pin(pin).ok_or_else(wrong)
}

/// Registers a user whose address counts as confirmed, without HTTP.
pub(crate) fn enrol(shared: &Shared, user_id: &str, pin: &str) -> Result<MpinIdentity, MpinError> {
    let pin = parse_pin(pin)?;
    let keys = KeyPair::random();
    let public_key = keys.public.to_hex();
    let id = json!({ "mpinId": shared.trust.new_mpin_id(user_id), "dtas": shared.trust.dtas() });
    let mpin_id = text(&id, "mpinId")?;
    let subject = Subject::of_hex(mpin_id, Some(keys.public.clone()));
    let subject = subject.ok_or_else(|| MpinError::Broken("no subject".to_owned()))?;
    let shares =
        [Half::First, Half::Second].map(|half| shared.trust.authority.share(half, &subject));
    let registration = Registration::new(user_id, "Test device", Some(public_key));
    shared.registrations.keep(mpin_id, registration);
    make(user_id, &id, &id, Some(&keys), &shares, pin)
}

impl fmt::Debug for MpinIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MpinIdentity")
            .field("user_id", &self.user_id)
            .field("token", &"[redacted]")
            .finish_non_exhaustive()
    }
}

impl fmt::Display for MpinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, code, info } => write!(f, "{code} ({status}): {info}"),
            Self::Broken(reason) => f.write_str(reason),
        }
    }
}

impl Error for MpinError {}
