//! What today's sites do to links and forms: htmx, Turbo, service workers, and a policy for forms.

use miracl_tests::{Adapter, Library, scenarios};

use crate::page_of_an_app::AppPage;

scenarios![
    htmx_logs_in_and_out,
    turbo_logs_in_and_out,
    a_service_worker_logs_in,
    a_log_out_form_works_under_form_action,
];

/// The page of an app whose links and forms are a library's.
fn page(library: &str) -> String {
    format!(
        "<!doctype html><html><head><title>App</title>{library}</head><body>\
         <a id=\"login\" hx-boost=\"true\" href=\"/login/start?return_to=%2Fapp\">Log in</a>\
         <a id=\"members\" hx-boost=\"true\" href=\"/members?page=2\">Members</a>\
         <form id=\"plain\" hx-boost=\"true\" method=\"post\" action=\"/logout\"><button>Log out</button></form>\
         <form id=\"page\" method=\"post\" action=\"/logout?via=page\"><button>Log out</button></form>\
         </body></html>"
    )
}

/// A link and a form log in and out, and a page for members is there after the login.
async fn assert_logs_in_and_out(adapter: Adapter, library: Library) {
    let files = vec![
        (
            "/app",
            "text/html",
            "",
            page("<script src=\"/library.js\"></script>"),
        ),
        ("/library.js", "text/javascript", "", library.source()),
    ];
    let app = AppPage::begin(adapter, files).await;
    app.open("/app").await;
    app.chrome.click("#members").await;
    app.arrived("/members?page=2").await;
    app.open("/app").await;
    app.chrome.click("#plain button").await;
    app.logged_out(1).await;
    app.open("/app").await;
    app.chrome.click("#login").await;
    // The page of the app shows nothing of the login.
    app.wait_for(|asked| asked.iter().filter(|one| one.path == "/login").count() == 2)
        .await;
    app.chrome.wait_for_url(|url| url == app.url("/app")).await;
    app.open("/whoami").await;
    let shown = app.chrome.text().await;
    assert_eq!(
        shown.trim(),
        miracl_tests::Provider::EMAIL,
        "{}",
        library.name
    );
}

async fn htmx_logs_in_and_out(adapter: Adapter) {
    for library in [Library::HTMX_2, Library::HTMX_4] {
        assert_logs_in_and_out(adapter, library).await;
    }
}

async fn turbo_logs_in_and_out(adapter: Adapter) {
    assert_logs_in_and_out(adapter, Library::TURBO).await;
}

/// A service worker that sends each navigation on with a header more, as those of many sites do.
const WORKER: &str = "\
    self.addEventListener('install', () => self.skipWaiting());\
    self.addEventListener('activate', event => event.waitUntil(clients.claim()));\
    self.addEventListener('fetch', event => {\
        if (event.request.mode !== 'navigate') return;\
        const headers = new Headers(event.request.headers);\
        headers.set('x-worker', '1');\
        event.respondWith(fetch(new Request(event.request, { headers })));\
    });";

async fn a_service_worker_logs_in(adapter: Adapter) {
    let files = vec![
        ("/app", "text/html", "", page("")),
        ("/worker.js", "text/javascript", "", WORKER.to_owned()),
    ];
    let app = AppPage::begin(adapter, files).await;
    app.open("/app").await;
    let register = "navigator.serviceWorker.addEventListener('controllerchange', \
                    () => document.body.append('it stands in between'));\
                    navigator.serviceWorker.register('/worker.js');";
    app.chrome.script(register).await;
    app.chrome.wait_for_text("it stands in between").await;
    app.open("/members?page=2").await;
    app.arrived("/members?page=2").await;
}

async fn a_log_out_form_works_under_form_action(adapter: Adapter) {
    let files = vec![("/app", "text/html", "form-action 'self'", page(""))];
    let app = AppPage::begin(adapter, files).await;
    app.log_in().await;
    app.open("/app").await;
    app.chrome.click("#page button").await;
    app.logged_out(1).await;
}
