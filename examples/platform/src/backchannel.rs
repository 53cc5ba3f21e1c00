//! Log-out that the platform reports to apps directly (OpenID Connect Back-Channel Logout 1.0).

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::{Host, Position, Url, form_urlencoded};

use crate::client::Client;
use crate::device::AppLogin;
use crate::fault::{Fault, Faults};
use crate::shared::Shared;
use crate::signer::Signer;
use crate::{clock, random};

/// The header's `typ` (§2.4).
pub(crate) const LOGOUT_TYP: &str = "logout+jwt";

/// The event that makes a token a logout token (§2.4).
pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Life of a logout token, in seconds: two minutes at most, says §4.
const LIFETIME: u64 = 120;

/// How long all apps together may take. The person waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest status line that is read, in bytes.
const MAX_STATUS_LINE: u64 = 1024;

/// A logout token that was posted to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentLogoutToken {
    /// The `client_id` of the app.
    pub client_id: String,
    /// The token, in its compact form.
    pub token: String,
    /// The status that the app answered, or none if it did not answer within two seconds.
    pub status: Option<u16>,
}

impl SentLogoutToken {
    /// Returns whether the app accepted the token (§2.8; some frameworks turn an empty 200 into a 204).
    pub fn was_taken(&self) -> bool {
        matches!(self.status, Some(200 | 204))
    }
}

/// Checks that the platform can post to an address: plain http, on this machine.
pub(crate) fn check_uri(uri: &str) -> Result<(), String> {
    let parsed = Url::parse(uri).map_err(|_| format!("{uri:?} is not an absolute address"))?;
    let is_local = match parsed.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if parsed.scheme() != "http" || !is_local {
        return Err(format!(
            "the platform cannot post to {uri:?}: it reaches http on loopback only"
        ));
    }
    match parsed.fragment() {
        Some(_) => Err(format!("{uri:?} has a fragment (#...)")),
        None => Ok(()),
    }
}

/// Makes a logout token (§2.4), signed as the client's ID tokens are.
pub(crate) fn issue(
    shared: &Shared,
    faults: &Faults,
    client: &Client,
    sub: &str,
    sid: &str,
) -> String {
    let now = clock::now();
    let mut claims = json!({
        "iss": shared.issuer(),
        "aud": client.client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": random::token(),
        "sub": sub,
        "events": { EVENT: {} },
    });
    if client.backchannel_logout_session_required {
        claims["sid"] = json!(sid);
    }
    faults.on_logout_claims(&mut claims, sid);
    let algorithm = client.id_token_signed_response_alg;
    let signer: Signer = faults.logout_signer(shared.keys.current(), algorithm);
    let mut header = signer.header();
    header["typ"] = json!(LOGOUT_TYP);
    faults.on_logout_header(&mut header);
    faults.on_signed_logout(signer.sign(&header, &claims.to_string()))
}

/// Tells the apps of some logins that they have ended, all at once and for at most [`PATIENCE`]. Returns what was
/// sent for each login, in their order: nothing for an app that has no back channel.
pub(crate) async fn tell(shared: &Shared, logins: &[AppLogin]) -> Vec<Vec<SentLogoutToken>> {
    let deadline = Instant::now() + PATIENCE;
    let faults = shared.faults();
    let times = if faults.has(Fault::LogoutTokenSentTwice) {
        2
    } else {
        1
    };
    let sending: Vec<_> = logins
        .iter()
        .map(|login| {
            let client = shared.clients.find(&login.client_id)?;
            let uri = client.backchannel_logout_uri.clone()?;
            let token = issue(shared, &faults, &client, &login.sub, &login.sid);
            // Tasks of their own go on even if the browser does not wait for the answer.
            Some(tokio::spawn(async move {
                let mut sent = Vec::new();
                for _ in 0..times {
                    sent.push(SentLogoutToken {
                        client_id: client.client_id.clone(),
                        status: send(&client, &uri, &token, deadline).await,
                        token: token.clone(),
                    });
                }
                sent
            }))
        })
        .collect();
    let mut all = Vec::new();
    for task in sending {
        all.push(match task {
            Some(task) => task.await.unwrap_or_default(),
            None => Vec::new(),
        });
    }
    all
}

/// Posts a token, and returns the status of the answer.
async fn send(client: &Client, uri: &str, token: &str, deadline: Instant) -> Option<u16> {
    let app = &client.client_id;
    let sent = timeout_at(deadline, post(uri, token)).await;
    match sent {
        Ok(Ok(status @ (200 | 204))) => Some(status),
        Ok(Ok(status)) => {
            tracing::warn!(%app, %uri, status, "an app refused a logout token");
            Some(status)
        }
        Ok(Err(error)) => {
            tracing::warn!(%app, %uri, %error, "an app could not be sent a logout token");
            None
        }
        Err(_) => {
            tracing::warn!(%app, %uri, "an app did not answer a logout token in time");
            None
        }
    }
}

async fn post(uri: &str, token: &str) -> io::Result<u16> {
    let invalid = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    let url = Url::parse(uri).map_err(io::Error::other)?;
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(80);
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", token)
        .finish();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        &url[Position::BeforePath..Position::AfterQuery],
        &url[Position::BeforeHost..Position::AfterPort],
        body.len(),
    );
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    let mut answer = BufReader::new(stream).take(MAX_STATUS_LINE);
    answer.read_line(&mut line).await?;
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| {
        let (_, rest) = rest.split_once(' ')?;
        rest.get(..3)?.parse().ok()
    });
    status.ok_or_else(|| invalid("the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_posts_to_this_machine_only() {
        for good in [
            "http://127.0.0.1:5000/backchannel-logout",
            "http://localhost/x?y=z",
            "http://[::1]:5000/",
        ] {
            assert_eq!(check_uri(good), Ok(()));
        }
        for bad in [
            "/backchannel-logout",
            "https://127.0.0.1:5000/",
            "http://app.example/",
            "http://127.0.0.1.example/",
            "http://127.0.0.1:5000/#x",
            "unix:/socket",
        ] {
            assert!(check_uri(bad).is_err(), "{bad:?}");
        }
    }
}
