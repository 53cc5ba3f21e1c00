//! Login loops: the provider logs a browser in at once, and its session gets lost on the way back.

use miracl_tests::{Adapter, Answer, scenarios};

use crate::journey::{Journey, assert_refused, login_button};

scenarios![
    a_browser_that_loses_its_session_each_time_is_told_after_three_logins,
    logging_in_many_times_is_no_loop,
    logging_out_and_in_again_is_no_loop,
    browsers_of_one_person_are_not_taken_for_one,
];

/// Goes from a page for members through a login, and loses the session on the way, as behind a proxy that drops
/// large cookies.
///
/// Returns the answer of the page for members, or the answer that came in its place.
async fn round(journey: &Journey) -> Answer {
    let challenge = journey.browser.open(journey.url("/members")).await;
    let start = journey.browser.step(&challenge.expect(303)).await;
    if start.status != 303 {
        return start;
    }
    let approved = journey.browser.step(&start).await.expect(302);
    let back = journey.browser.step(&approved).await.expect(303);
    for cookie in journey.browser.cookies() {
        if cookie.name.contains("session") || cookie.name.contains("data") {
            journey.browser.keep(miracl_tests::Cookie {
                deleted: true,
                ..cookie
            });
        }
    }
    back
}

async fn a_browser_that_loses_its_session_each_time_is_told_after_three_logins(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..3 {
        round(&journey).await.expect(303);
    }
    let told = round(&journey).await;
    assert_refused(&told);
    assert!(told.body.contains("cookies are allowed"), "{}", told.body);
    // The page ends the loop. Once the cause is mended, its button logs in.
    let button = login_button(&told).expect("a button");
    journey.browser.visit(button).await.expect(200);
    journey.assert_still_logged_in().await;
}

async fn logging_in_many_times_is_no_loop(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..6 {
        let cookies = journey.browser.cookies().len();
        let callback = journey.callback_url().await;
        journey.browser.open(callback).await.expect(303);
        assert!(
            journey.browser.cookies_named("loop").is_empty(),
            "of {cookies}"
        );
    }
    journey.assert_still_logged_in().await;
}

async fn logging_out_and_in_again_is_no_loop(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..5 {
        journey.log_in().await;
        journey.browser.post(journey.url("/logout"), &[]).await;
        journey.assert_nobody().await;
    }
    journey.log_in().await;
}

async fn browsers_of_one_person_are_not_taken_for_one(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for _ in 0..5 {
        round(&journey).await.expect(303);
        journey.browser.clear();
    }
}
