//! How the provider is reached: with a private certificate authority, through a proxy, and never by a redirect.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::{
    fs,
    future::Future,
    sync::{Arc, Mutex},
};

use miracl_core::{Config, CookieKey, FailureReason, Miracl, ProviderError, RequestView, Visit};
use rustls::{HandshakeKind, ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A request with cookies, or without any header.
#[derive(Default)]
struct Bare {
    cookies: Option<String>,
}

impl RequestView for Bare {
    fn method(&self) -> &str {
        "GET"
    }

    fn path_and_query(&self) -> std::borrow::Cow<'_, str> {
        "/".into()
    }

    fn host(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let cookies = self.cookies.iter().filter(move |_| name == "cookie");
        cookies.map(String::as_bytes)
    }
}

fn visit(config: Config) -> Visit {
    miracl(config).visit(&Bare::default())
}

fn miracl(config: Config) -> Miracl {
    let config = Config {
        client_id: "id".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..config
    };
    Miracl::new(config).unwrap()
}

fn document(issuer: &str) -> String {
    serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
    })
    .to_string()
}

/// Answers one request, and returns its first line.
async fn answer_once(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    head: &str,
    body: &str,
) -> String {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await.unwrap();
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap() > 2 {
        line.clear();
    }
    let answer = format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // A client may close the connection before it has read everything.
    stream.write_all(answer.as_bytes()).await.ok();
    stream.shutdown().await.ok();
    first
}

/// A provider with a certificate of `localhost` that only our own authority signed. Answers until it is dropped.
async fn tls_provider() -> (String, tempfile::NamedTempFile, impl Future<Output = ()>) {
    tls_provider_with(|_| {}, Arc::default()).await
}

/// The same, with the certificate changed before it is signed. Notes how each connection began.
async fn tls_provider_with(
    change: impl FnOnce(&mut rcgen::CertificateParams),
    handshakes: Arc<Mutex<Vec<Option<HandshakeKind>>>>,
) -> (String, tempfile::NamedTempFile, impl Future<Output = ()>) {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut leaf);
    let leaf = leaf
        .signed_by(&key, &rcgen::Issuer::new(params, &authority))
        .unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), root.pem()).unwrap();
    let body = document(&issuer);
    let serve = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate ends the handshake.
            if let Ok(stream) = acceptor.accept(stream).await {
                let kind = stream.get_ref().1.handshake_kind();
                handshakes.lock().unwrap().push(kind);
                answer_once(stream, "200 OK", &body).await;
            }
        }
    };
    (issuer, file, serve)
}

#[tokio::test]
async fn a_provider_with_an_authority_of_its_own_is_trusted_only_when_told_so() {
    let (issuer, root, serve) = tls_provider().await;
    let told = visit(Config {
        issuer: issuer.clone(),
        ca_certs: vec![root.path().to_owned()],
        ..Config::default()
    });
    let untold = visit(Config {
        issuer: issuer.clone(),
        ..Config::default()
    });
    let check = async {
        let url = told.login_url().await.unwrap();
        assert!(url.starts_with(&format!("{issuer}/authorize?")), "{url}");
        let failure = untold.login_url().await.unwrap_err();
        assert!(matches!(
            failure.reason(),
            FailureReason::Provider(ProviderError::Unreachable { .. })
        ));
        assert_eq!(failure.status(), 503);
    };
    tokio::select! {
        () = serve => unreachable!("it serves for ever"),
        () = check => {}
    }
}

/// The error of a login at a provider with this certificate, in an app that does or does not trust its authority.
async fn told_of(trusted: bool, change: impl FnOnce(&mut rcgen::CertificateParams)) -> String {
    let (issuer, root, serve) = tls_provider_with(change, Arc::default()).await;
    let visit = visit(Config {
        issuer,
        ca_certs: trusted
            .then(|| root.path().to_owned())
            .into_iter()
            .collect(),
        ..Config::default()
    });
    let failure = tokio::select! {
        () = serve => unreachable!("it serves for ever"),
        result = visit.login_url() => result.unwrap_err(),
    };
    assert!(matches!(
        failure.reason(),
        FailureReason::Provider(ProviderError::Unreachable { .. })
    ));
    format!("{failure}\n{}", failure.receipt())
}

#[tokio::test]
async fn an_error_of_a_certificate_names_the_setting_that_helps() {
    let told = told_of(true, |leaf| {
        leaf.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let authority = told.await;
    let unknown = told_of(false, |_| {}).await;
    let expired = told_of(true, |leaf| {
        leaf.not_before = rcgen::date_time_ymd(2001, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let expired = expired.await;
    let too_early = told_of(true, |leaf| {
        leaf.not_before = rcgen::date_time_ymd(4000, 1, 1)
    })
    .await;
    let other_name = told_of(true, |leaf| {
        leaf.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
    });
    let other_name = other_name.await;
    for (told, parts) in [
        (authority, ["of an authority (CA)", "CA:FALSE", "provider"]),
        (unknown, ["not trusted here", "CA_CERT", "this app"]),
        (expired, ["has expired", "clock", "the provider"]),
        (too_early, ["not valid yet", "clock", "the provider"]),
        (
            other_name,
            ["another host name", "METADATA_URL", "this app"],
        ),
    ] {
        for part in parts {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}

#[tokio::test]
async fn the_connection_of_a_token_request_is_its_own_and_begins_with_a_short_handshake() {
    let handshakes = Arc::<Mutex<Vec<_>>>::default();
    let (issuer, root, serve) = tls_provider_with(|_| {}, handshakes.clone()).await;
    let miracl = miracl(Config {
        issuer,
        ca_certs: vec![root.path().to_owned()],
        ..Config::default()
    });
    let log_in = async {
        let start = miracl.visit(&Bare::default());
        let url = start.login_url().await.unwrap();
        let state = url.split("state=").nth(1).unwrap().split('&').next();
        let set = start.finish().set_cookies.remove(0);
        let cookies = Some(set.split(';').next().unwrap().to_owned());
        let back = miracl.visit(&Bare { cookies });
        // It answers with its metadata again, which is no token response.
        let query = format!("code=a-code&state={}", state.unwrap());
        back.complete_login(query).await.unwrap_err()
    };
    let failure = tokio::select! {
        () = serve => unreachable!("it serves for ever"),
        failure = log_in => failure,
    };
    assert!(failure.to_string().contains("`access_token`"), "{failure}");
    let handshakes = handshakes.lock().unwrap();
    assert_eq!(
        *handshakes,
        [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]
    );
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_away() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let visit = visit(Config {
        issuer: format!(
            "https://localhost:{}",
            provider.local_addr().unwrap().port()
        ),
        ..Config::default()
    });
    let serve = async {
        loop {
            let (mut stream, _) = provider.accept().await.unwrap();
            let answer = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.ok();
            // Until it is heard.
            let mut rest = BufReader::new(stream);
            while rest.fill_buf().await.is_ok_and(|bytes| !bytes.is_empty()) {
                let len = rest.buffer().len();
                rest.consume(len);
            }
        }
    };
    let failure = tokio::select! {
        () = serve => unreachable!("it serves for ever"),
        result = visit.login_url() => result.unwrap_err(),
    };
    let told = format!("{failure}\n{}", failure.receipt());
    assert!(
        told.contains("does not speak TLS") && told.contains("right port"),
        "{told}"
    );
}

#[tokio::test]
async fn requests_to_the_provider_go_through_the_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let visit = visit(Config {
        issuer: "http://localhost:9".into(),
        proxy: Some(format!("http://{}", proxy.local_addr().unwrap())),
        ..Config::default()
    });
    let body = document("http://localhost:9");
    let serve = async {
        let (stream, _) = proxy.accept().await.unwrap();
        answer_once(stream, "200 OK", &body).await
    };
    let (url, first) = tokio::join!(visit.login_url(), serve);
    assert!(url.unwrap().starts_with("http://localhost:9/authorize?"));
    assert!(
        first.starts_with("GET http://localhost:9/.well-known/openid-configuration "),
        "{first}"
    );
}

#[tokio::test]
async fn a_redirect_of_the_provider_is_not_followed() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", provider.local_addr().unwrap());
    let visit = visit(Config {
        issuer,
        ..Config::default()
    });
    let serve = async {
        let (stream, _) = provider.accept().await.unwrap();
        let head = "302 Found\r\nlocation: http://169.254.169.254/";
        answer_once(stream, head, "").await
    };
    let (url, _) = tokio::join!(visit.login_url(), serve);
    assert!(matches!(
        url.unwrap_err().reason(),
        FailureReason::Provider(ProviderError::Redirect { .. })
    ));
}

#[tokio::test]
async fn a_huge_answer_of_the_provider_is_cut_off() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", provider.local_addr().unwrap());
    let visit = visit(Config {
        issuer,
        ..Config::default()
    });
    let body = "x".repeat(2 * 1024 * 1024);
    let serve = async {
        let (stream, _) = provider.accept().await.unwrap();
        answer_once(stream, "200 OK", &body).await
    };
    let (url, _) = tokio::join!(visit.login_url(), serve);
    assert!(matches!(
        url.unwrap_err().reason(),
        FailureReason::Provider(ProviderError::TooLarge { .. })
    ));
}
