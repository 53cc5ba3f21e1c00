//! Callbacks that the provider's page posts (OAuth 2.0 Form Post Response Mode), from another site and without
//! `Lax` cookies.

use miracl_tests::{
    Adapter, Answer, Answers, Browser, Demo, Endpoint, Form, Provider, Request, scenarios,
};

use crate::journey::{Journey, assert_refused, give_up, logged, subject};

scenarios![
    a_posted_callback_logs_in,
    a_form_posted_twice_logs_in_though_the_browser_gave_up_the_first,
    a_form_posted_again_leads_home_while_somebody_is_logged_in,
    a_posted_callback_ends_the_earlier_session,
    a_posted_callback_ends_the_session_that_another_tab_began_in_the_meantime,
    only_the_cookie_of_the_pending_login_crosses_sites,
    a_posted_callback_without_the_pending_cookie_is_refused,
    a_posted_error_is_told_and_uses_the_login_up,
    a_posted_parameter_given_twice_is_refused,
    parameters_in_the_address_of_a_post_are_not_taken,
    a_body_that_is_no_form_or_too_long_is_refused,
    a_provider_that_answers_in_the_query_instead_is_understood,
    a_posted_callback_is_refused_without_form_post,
];

fn begin(adapter: Adapter) -> Journey {
    let provider = Provider::start();
    Journey {
        demo: Demo::of(adapter, &provider)
            .env("RESPONSE_MODE", "form_post")
            .start(),
        provider,
        browser: Browser::new(),
    }
}

/// Starts a login, and returns the provider's page with the form that its script would post.
async fn approved(journey: &Journey) -> (Answer, Form) {
    let url = journey.authorize_url().await;
    let page = journey.browser.open(url).await.expect(200);
    let form = page.forms().into_iter().next().expect("a form");
    (page, form)
}

/// Posts to the callback as a browser does from another site: with the cookies that may cross sites, and no others.
async fn post(journey: &Journey, request: Request) -> Answer {
    let crossing = Browser::new();
    for cookie in journey.browser.cookies() {
        if cookie.same_site.as_deref() == Some("None") {
            assert!(cookie.secure, "browsers drop it otherwise: {cookie:?}");
            crossing.keep(cookie);
        }
    }
    let answer = crossing
        .send(request.from_page("https://provider.example/"))
        .await;
    for cookie in answer.set_cookies() {
        journey.browser.keep(cookie);
    }
    answer
}

fn request(form: &Form) -> Request {
    let fields: Vec<_> = form.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    Request::form(&form.action, &fields)
}

async fn a_posted_callback_logs_in(adapter: Adapter) {
    let journey = begin(adapter);
    let url = journey.authorize_url().await;
    assert!(url.as_str().contains("response_mode=form_post"), "{url}");
    let page = journey.browser.open(url).await.expect(200);
    let form = page.forms().into_iter().next().expect("a form");
    let answer = post(&journey, request(&form)).await.expect(303);
    assert!(answer.is_no_store());
    let page = journey.browser.follow(answer).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    journey.assert_still_logged_in().await;
    assert_eq!(
        journey.browser.cookies_named("login").len(),
        0,
        "the pending login is gone"
    );
    // A callback counts once, as any other does.
    assert_refused(&post(&journey, request(&form)).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
}

async fn a_form_posted_twice_logs_in_though_the_browser_gave_up_the_first(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider)
        .env("RESPONSE_MODE", "form_post")
        .env("RUST_LOG", "info,miracl_core=debug");
    let journey = Journey {
        demo: demo.start(),
        provider,
        browser: Browser::new(),
    };
    let (_, form) = approved(&journey).await;
    let (held, release) = Answers::held();
    journey.provider.set(Endpoint::Token, held);
    let (crossing, posted) = (journey.browser.copy(), request(&form));
    let posted = posted.from_page("https://provider.example/");
    let first = tokio::spawn(async move { crossing.send(posted).await });
    journey.provider.has_received(Endpoint::Token, 1).await;
    let give_up = async {
        logged(&journey.demo, "waits for the first", 1).await;
        give_up(adapter, &journey.demo, first, 1).await;
        release.send(true).expect("the provider waits");
    };
    let (answer, ()) = tokio::join!(post(&journey, request(&form)), give_up);
    answer.expect(303);
    journey.assert_still_logged_in().await;
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
}

/// Where the page of a failure sends the browser at once.
fn leads_to(answer: &Answer) -> Option<&str> {
    answer.header("refresh")?.strip_prefix("0;url=")
}

async fn a_form_posted_again_leads_home_while_somebody_is_logged_in(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    post(&journey, request(&form)).await.expect(303);
    // The session's cookies do not come with this request. They come with the next.
    let again = post(&journey, request(&form)).await;
    assert_refused(&again);
    let see = leads_to(&again).expect("an address that shows the session");
    assert!(!see.contains("code"), "{see}");
    let home = journey.browser.visit(journey.url(see)).await.expect(200);
    assert!(
        home.has_alert("info", "You are already logged in."),
        "{}",
        home.body
    );
    journey.assert_still_logged_in().await;
    // Nobody goes round in circles.
    let stranger = Browser::new().open(journey.url(see)).await;
    assert_refused(&stranger);
    assert_eq!(leads_to(&stranger), None);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
}

async fn a_posted_callback_ends_the_earlier_session(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    post(&journey, request(&form)).await.expect(303);
    let before = journey.browser.copy();
    assert!(subject(&before, &journey.demo).await.is_some());
    let (_, form) = approved(&journey).await;
    post(&journey, request(&form)).await.expect(303);
    journey.assert_still_logged_in().await;
    assert_eq!(subject(&before, &journey.demo).await, None);
}

async fn a_posted_callback_ends_the_session_that_another_tab_began_in_the_meantime(
    adapter: Adapter,
) {
    let journey = begin(adapter);
    // Three tabs: nobody is logged in when these logins begin.
    let mut forms = Vec::new();
    for _ in 0..3 {
        forms.push(approved(&journey).await.1);
    }
    let mut before: Option<Browser> = None;
    for (place, form) in forms.iter().enumerate() {
        post(&journey, request(form)).await.expect(303);
        journey.assert_still_logged_in().await;
        if let Some(before) = before {
            assert_eq!(subject(&before, &journey.demo).await, None, "{place}");
        }
        before = Some(journey.browser.copy());
        let under_way = journey.browser.cookies_named("login").len();
        assert_eq!(under_way, forms.len() - 1 - place);
    }
}

async fn only_the_cookie_of_the_pending_login_crosses_sites(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    let pending = journey.browser.cookies();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].same_site.as_deref(), Some("None"));
    assert!(pending[0].http_only && pending[0].secure);
    let answer = post(&journey, request(&form)).await.expect(303);
    for cookie in answer.set_cookies() {
        if cookie.name == pending[0].name {
            assert!(cookie.deleted && cookie.secure, "{cookie:?}");
            assert_eq!(cookie.same_site.as_deref(), Some("None"));
        } else {
            assert_eq!(cookie.same_site.as_deref(), Some("Lax"), "{cookie:?}");
        }
    }
}

async fn a_posted_callback_without_the_pending_cookie_is_refused(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    journey.browser.clear();
    assert_refused(&post(&journey, request(&form)).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
}

async fn a_posted_error_is_told_and_uses_the_login_up(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    let value = |name: &str| {
        let field = form.fields.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.clone()).expect("it is there")
    };
    let fields = [
        ("error", "login_required"),
        ("state", &value("state")),
        ("iss", &value("iss")),
    ];
    let answer = post(&journey, Request::form(&form.action, &fields)).await;
    assert_refused(&answer);
    assert!(answer.body.contains("login_required"), "{}", answer.body);
    assert_refused(&post(&journey, request(&form)).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    journey.assert_nobody().await;
}

async fn a_posted_parameter_given_twice_is_refused(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, mut form) = approved(&journey).await;
    form.fields.push(("code".to_owned(), "another".to_owned()));
    assert_refused(&post(&journey, request(&form)).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
}

async fn parameters_in_the_address_of_a_post_are_not_taken(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    let mut url = url::Url::parse(&form.action).expect("an address");
    url.query_pairs_mut().extend_pairs(&form.fields);
    assert_refused(&post(&journey, Request::form(&url, &[])).await);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    journey.assert_nobody().await;
}

async fn a_body_that_is_no_form_or_too_long_is_refused(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    let json = request(&form).header("content-type", "application/json");
    assert_refused(&post(&journey, json).await);
    let long = "x".repeat(70 * 1024);
    let mut fields: Vec<_> = form.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    fields.push(("session_state", &long));
    let answer = post(&journey, Request::form(&form.action, &fields)).await;
    assert_refused(&answer);
    assert_eq!(answer.status, 413);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    // Neither request was the provider's answer, so the login is still under way.
    post(&journey, request(&form)).await.expect(303);
    journey.assert_still_logged_in().await;
}

async fn a_provider_that_answers_in_the_query_instead_is_understood(adapter: Adapter) {
    let journey = begin(adapter);
    let (_, form) = approved(&journey).await;
    let mut url = url::Url::parse(&form.action).expect("an address");
    url.query_pairs_mut().extend_pairs(&form.fields);
    journey.browser.visit(url).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn a_posted_callback_is_refused_without_form_post(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let callback = journey.callback_url().await;
    let fields: Vec<_> = callback.query_pairs().into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let url = journey.url("/login");
    let cross = Request::form(&url, &fields).from_page("https://provider.example/");
    journey.browser.send(cross).await.expect(403);
    let own = journey.browser.post(&url, &fields).await;
    assert_eq!(own.status, adapter.wrong_method, "{}", own.body);
    assert_eq!(journey.provider.count(Endpoint::Token), 0);
    journey.browser.visit(callback).await.expect(200);
    journey.assert_still_logged_in().await;
}
