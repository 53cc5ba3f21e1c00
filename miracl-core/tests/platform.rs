//! The clients of MIRACL Trust at the local platform, over real HTTP: what a back end asks for, and registrations that
//! the app starts.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use miracl_core::{
    Config, CookieKey, Miracl, RequestView, Visit,
    app::{
        error::{TrustCode, TrustError},
        trust::{
            AuditEntry, AuditQuery, ServiceAccount, ServiceClient, Signature, SignatureVerdict,
            VerificationOptions, document_hash,
        },
    },
};
use miracl_platform::{
    Client, MpinClient, MpinIdentity, Permission, Platform, PlatformConfig, Project,
};
use serde_json::json;
use url::Url;

const ID: &str = "app";
const SECRET: &str = "a secret of the tests";
const USER: &str = "ann@example.com";
const PIN: &str = "4321";
const HOST: &str = "127.0.0.1:5000";

/// A request of a browser.
#[derive(Clone)]
struct Request {
    method: &'static str,
    host: &'static str,
    cookies: String,
    prefetch: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET",
            host: HOST,
            cookies: String::new(),
            prefetch: false,
        }
    }
}

impl RequestView for Request {
    fn method(&self) -> &str {
        self.method
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        "/register".into()
    }

    fn host(&self) -> Option<&str> {
        Some(self.host)
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let value = match name {
            "cookie" => Some(self.cookies.as_bytes()),
            "sec-purpose" if self.prefetch => Some(&b"prefetch"[..]),
            _ => None,
        };
        value.into_iter()
    }
}

/// The platform, and an app of it.
struct Site {
    platform: Platform,
    miracl: Miracl,
}

impl Site {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let platform = Platform::start(PlatformConfig::default()).await.unwrap();
        let redirect_uri = format!("http://{HOST}/login");
        platform
            .add_client(Client::new(ID, SECRET, redirect_uri.clone()))
            .unwrap();
        let mut config = Config {
            issuer: platform.issuer().to_owned(),
            client_id: ID.to_owned(),
            client_secret: SECRET.into(),
            redirect_uri,
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        };
        change(&mut config);
        let miracl = Miracl::new(config).unwrap();
        Self { platform, miracl }
    }

    fn client(&self) -> MpinClient {
        self.platform.mpin_client()
    }

    /// A person with a device, registered by the address that the app asked for.
    async fn registered(&self, user_id: &str) -> MpinIdentity {
        let options = VerificationOptions::default();
        let link = self.miracl.verification_url(user_id, options).await;
        let token = self.client().confirm(&link.unwrap()).await.unwrap();
        self.client().register(user_id, &token, PIN).await.unwrap()
    }

    /// Logs in for the project's JWT, and returns who that says it is.
    async fn log_in(&self, device: &mut MpinIdentity) -> Result<String, String> {
        let answer = self.client().log_in(device, PIN, "jwt", None).await;
        let answer = answer.map_err(|error| format!("{error:?}"))?;
        let user = self
            .miracl
            .verify_project_jwt(answer["jwt"].as_str().unwrap());
        Ok(user.await.unwrap().id().to_owned())
    }

    /// A service account of the project.
    fn service(&self, permissions: &[Permission]) -> ServiceClient {
        let (account, token) = miracl_platform::ServiceAccount::new("back end", permissions);
        self.platform.set_project(Project {
            service_accounts: vec![account],
            ..Project::default()
        });
        let account = ServiceAccount::new(token);
        self.miracl.with_service_account(&account)
    }

    fn visit(&self, request: &Request) -> Visit {
        self.miracl.visit(request)
    }
}

fn code(error: &TrustError) -> Option<&TrustCode> {
    match error {
        TrustError::Refused { code, .. } => Some(code),
        _ => None,
    }
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.map(|(_, value)| value.into_owned())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn the_project_is_what_the_platform_says() {
    let site = Site::new().await;
    let project = site.miracl.project_configuration().await.unwrap();
    assert_eq!(project.id, site.platform.project_id());
    assert_eq!(project.pin_length, Some(4));
    // It is kept.
    site.miracl.project_configuration().await.unwrap();
    let asked = site.platform.count("/.well-known/project-configuration");
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn the_audit_log_is_read_page_by_page_and_by_filter() {
    let site = Site::new().await;
    let mut ann = site.registered(USER).await;
    site.registered("bob&co#1@example.com").await;
    for _ in 0..3 {
        assert_eq!(site.log_in(&mut ann).await.unwrap(), USER);
    }
    let read = async |query: AuditQuery| {
        let (mut entries, mut pages, mut query) = (Vec::<AuditEntry>::new(), 0, Some(query));
        while let Some(asked) = query.take() {
            let page = site.miracl.audit(asked).await.unwrap();
            pages += 1;
            query = page.next;
            let total = page.total;
            entries.extend(page.entries);
            assert!(entries.len() as u64 <= total);
        }
        (entries, pages)
    };
    let (whole, pages) = read(AuditQuery::default()).await;
    assert_eq!((whole.len(), pages), (5, 1));
    for limit in [1, 2, 5] {
        let query = AuditQuery {
            limit: Some(limit),
            ..AuditQuery::default()
        };
        let (entries, pages) = read(query).await;
        assert_eq!(entries, whole, "{limit}");
        assert_eq!(pages, 5_u64.div_ceil(limit), "{limit}");
    }
    let newest = &whole[0];
    assert_eq!(newest.event_type, "authentication");
    assert_eq!(newest.event_status, "authenticate_success");
    assert_eq!(newest.user_id, USER);
    // As the device itself says at its registration.
    assert_eq!(newest.device_name, "Test device");
    assert_eq!(newest.mpin_id.len(), 64);
    assert!(newest.created_at.ends_with('Z') && newest.created_at.starts_with("20"));

    let some = |text: &str| Some(text.to_owned());
    let mut queries: [(AuditQuery, usize); 8] = Default::default();
    queries[0].0.user_id = some("bob&co#1@example.com");
    queries[1].0.user_id = some("nobody@example.com");
    queries[2].0.mpin_id = some(ann.mpin_id());
    queries[3].0.device_name = some("Test device");
    queries[4].0.from = Some(now() + 3600);
    (queries[5].0.from, queries[5].0.to) = (Some(now() - 3600), Some(now() + 3600));
    queries[6].0.to = Some(0);
    queries[7].0.offset = 3;
    let counts = [1, 0, 4, 5, 0, 5, 0, 2];
    queries
        .iter_mut()
        .zip(counts)
        .for_each(|(query, count)| query.1 = count);
    for (query, count) in queries {
        let shown = format!("{query:?}");
        let (entries, _) = read(query).await;
        assert_eq!(entries.len(), count, "{shown}");
    }
    // A time that no calendar has is not asked for.
    let never = AuditQuery {
        from: Some(u64::MAX),
        ..AuditQuery::default()
    };
    let error = site.miracl.audit(never).await.unwrap_err();
    assert!(
        matches!(error, TrustError::Argument { name: "from", .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_revoked_identity_logs_in_no_more() {
    let site = Site::new().await;
    let mut lost = site.registered(USER).await;
    let mut kept = site.registered(USER).await;
    assert_eq!(site.log_in(&mut lost).await.unwrap(), USER);
    let time = 1_700_000_000;
    let hash = document_hash("sample document");
    let bytes: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let signed = MpinClient::sign(&lost, PIN, &bytes, time).unwrap();
    let signature: Signature = serde_json::from_value(signed).unwrap();
    let verdict = site.miracl.verify_signature(&signature, time).await;
    assert!(verdict.unwrap().is_valid() && signature.is_of("sample document"));

    let revoked = site.miracl.revoke_identity(lost.mpin_id(), "lost").await;
    let revoked = revoked.unwrap();
    assert_eq!(revoked.reason, "lost");
    let refused = site.log_in(&mut lost).await.unwrap_err();
    assert!(refused.contains("REVOKED_MPINID"), "{refused}");
    let verdict = site.miracl.verify_signature(&signature, time).await;
    assert_eq!(verdict.unwrap(), SignatureVerdict::UserBlocked);
    // The person's other device still logs in.
    assert_eq!(site.log_in(&mut kept).await.unwrap(), USER);

    // The log has it, by the same hash, by which it can be revoked as well: once more does no harm.
    let log = site.miracl.audit(AuditQuery::default()).await.unwrap();
    assert!(
        log.entries
            .iter()
            .any(|entry| entry.mpin_id == revoked.hash_mpin_id)
    );
    let again = site
        .miracl
        .revoke_identity(&revoked.hash_mpin_id, "lost")
        .await;
    assert_eq!(again.unwrap().hash_mpin_id, revoked.hash_mpin_id);
    // One that nobody has registered.
    let unknown = site
        .miracl
        .revoke_identity("00ff", "lost")
        .await
        .unwrap_err();
    assert_eq!(code(&unknown), Some(&TrustCode::NotFound));
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn a_service_account_does_what_it_may_and_no_more() {
    let site = Site::new().await;
    let device = site.registered(USER).await;
    let mut signed = MpinClient::sign(&device, PIN, &[7; 32], 1).unwrap();
    signed["timestamp"] = json!(1);
    let signature: Signature = serde_json::from_value(signed).unwrap();
    let calls = async |service: &ServiceClient| {
        let url = service.verification_url("bob@example.com", VerificationOptions::default());
        [
            (Permission::Verification, url.await.err()),
            (
                Permission::Signatures,
                service.verify_signature(&signature, 1).await.err(),
            ),
            (
                Permission::Audit,
                service.audit(AuditQuery::default()).await.err(),
            ),
            // It comes last, since nothing else works with a revoked one.
            (
                Permission::Revocation,
                service
                    .revoke_identity(device.mpin_id(), "lost")
                    .await
                    .err(),
            ),
        ]
    };
    for allowed in Permission::ALL {
        let service = site.service(&[allowed]);
        for (needed, error) in calls(&service).await {
            match error {
                None => assert_eq!(needed, allowed),
                Some(error) => {
                    assert_ne!(needed, allowed, "{error:?}");
                    assert_eq!(code(&error), Some(&TrustCode::Forbidden), "{error:?}");
                }
            }
        }
    }
    // A wrong token, and one that was switched off.
    let wrong = ServiceAccount::new("a wrong token");
    let wrong = site.miracl.with_service_account(&wrong);
    let service = site.service(&Permission::ALL);
    let mut project = site.platform.project();
    project.service_accounts[0].active = false;
    site.platform.set_project(project);
    for service in [wrong, service] {
        for (_, error) in calls(&service).await {
            let error = error.unwrap();
            assert_eq!(code(&error), Some(&TrustCode::Unauthorized), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("a wrong token"));
        }
    }
}

#[tokio::test]
async fn an_app_with_a_wrong_secret_is_told_so() {
    let site = Site::with(|config| config.client_secret = "another secret".into()).await;
    let miracl = &site.miracl;
    let options = VerificationOptions::default();
    for error in [
        miracl.verification_url(USER, options).await.unwrap_err(),
        miracl.activate(USER, None).await.unwrap_err(),
        miracl.audit(AuditQuery::default()).await.unwrap_err(),
        miracl.revoke_identity("00ff", "lost").await.unwrap_err(),
    ] {
        assert_eq!(code(&error), Some(&TrustCode::Unauthorized), "{error:?}");
        assert!((500..=504).contains(&error.status()), "{}", error.status());
        assert!(!format!("{error} {error:?}").contains("another secret"));
    }
}

#[tokio::test]
async fn who_registers_by_the_older_api_ends_logged_in() {
    let site = Site::new().await;
    for user_id in [USER, "a&b=c#d+e%20@example.com"] {
        let visit = site.visit(&Request::default());
        let url = visit.activation_url(user_id, Some("Phone")).await.unwrap();
        assert!(url.starts_with(&format!("{}/authorize?", site.platform.issuer())));
        // Encoded, so that the platform reads the very same.
        assert_eq!(parameter(&url, "prerollid").as_deref(), Some(user_id));
        let token = parameter(&url, "acttoken").expect("a token");
        let client = site.client();
        client.register(user_id, &token, PIN).await.unwrap();
        // The token was for one registration.
        assert!(client.register(user_id, &token, PIN).await.is_err());

        let cookies = visit.finish().set_cookies;
        let [cookie] = &cookies[..] else {
            panic!("one cookie for the login: {cookies:?}")
        };
        let cookies = cookie.split(';').next().unwrap().to_owned();
        site.platform.register_identity(USER, PIN).unwrap();
        let callback = site.platform.log_in(&url, USER, PIN).await.unwrap();
        let (_, query) = callback.split_once('?').unwrap();
        let visit = site.visit(&Request {
            cookies,
            ..Request::default()
        });
        let login = visit.complete_login(query).await.unwrap();
        assert_eq!(login.user().id(), USER);
        // In another browser it is worth nothing.
        let other = site.visit(&Request::default());
        assert!(other.complete_login(query).await.is_err());
    }
}

#[tokio::test]
async fn a_prefetch_begins_no_registration() {
    let site = Site::new().await;
    for request in [
        Request {
            method: "HEAD",
            ..Request::default()
        },
        Request {
            prefetch: true,
            ..Request::default()
        },
    ] {
        let visit = site.visit(&request);
        let options = VerificationOptions::default();
        for url in [
            visit.verification_url(USER, options).await.unwrap(),
            visit.activation_url(USER, None).await.unwrap(),
        ] {
            assert_eq!(url, site.miracl.login_start_url(&Default::default()));
        }
        assert!(visit.finish().set_cookies.is_empty());
    }
    for path in ["/verification", "/activate/initiate"] {
        assert_eq!(site.platform.count(path), 0, "{path}");
    }
}

#[tokio::test]
async fn who_comes_by_another_host_name_registers_and_is_not_logged_in() {
    let site = Site::new().await;
    let elsewhere = Request {
        host: "localhost:5000",
        ..Request::default()
    };
    let visit = site.visit(&elsewhere);
    let options = VerificationOptions::default();
    let url = visit.verification_url(USER, options).await.unwrap();
    assert!(visit.finish().set_cookies.is_empty());
    // The address is good, and leads to no login.
    let token = site.client().confirm(&url).await.unwrap();
    site.client().register(USER, &token, PIN).await.unwrap();
    assert_eq!(parameter(&url, "redirect_uri"), None);

    // The older API hands over a login, which cannot begin there: the person is sent to the right host first.
    let visit = site.visit(&elsewhere);
    let url = visit.activation_url(USER, None).await.unwrap();
    assert!(url.starts_with(&format!("http://{HOST}/")), "{url}");
    assert!(visit.finish().set_cookies.is_empty());
}

#[tokio::test]
async fn a_verification_url_is_good_for_its_time_and_once() {
    let site = Site::new().await;
    let with = |expires_in| VerificationOptions {
        expires_in: Some(expires_in),
        ..VerificationOptions::default()
    };
    let hour = with(Duration::from_secs(3600));
    let url = site.miracl.verification_url(USER, hour).await.unwrap();
    assert!(url.starts_with(site.platform.issuer()), "{url}");
    assert_eq!(parameter(&url, "user_id").as_deref(), Some(USER));
    let token = site.client().confirm(&url).await.unwrap();
    assert!(site.client().confirm(&url).await.is_err());
    site.client().register(USER, &token, PIN).await.unwrap();
    for wrong in [Duration::ZERO, Duration::from_secs(u64::MAX)] {
        let refused = site.miracl.verification_url(USER, with(wrong)).await;
        assert_eq!(refused.unwrap_err().status(), 400);
    }
}
