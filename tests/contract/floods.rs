//! Log-outs that a stranger makes up, more than an app remembers.

use miracl_tests::{Adapter, Browser, Wire, scenarios};

use crate::{
    frontchannel::{frame, frame_url, load, logged_in, with_sid},
    journey::{log_in, subject},
};

scenarios![
    // One, which takes its time.
    sids_that_are_made_up_bring_no_session_back_and_hide_no_log_out,
];

/// More than are remembered.
const MANY: usize = 10_050;

async fn sids_that_are_made_up_bring_no_session_back_and_hide_no_log_out(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let issuer = journey.provider.issuer();
    let end = async |sid: &str| {
        let parameters = [("iss", &*issuer), ("sid", sid)];
        load(&Browser::new(), frame(&journey, &parameters)).await;
    };
    let first = journey.browser.copy();
    end("first").await;
    with_sid(&journey, "second");
    let second = Browser::new();
    log_in(&second, &journey.demo).await;

    let target = |number: usize| {
        let mut url = frame_url(&journey, &[("iss", &issuer)]);
        let sid = format!("made-up-{number}");
        url.query_pairs_mut().append_pair("sid", &sid);
        url[url::Position::BeforePath..].to_owned()
    };
    let mut wire = Wire::connect(&journey.demo).await;
    for chunk in (0..MANY).collect::<Vec<_>>().chunks(150) {
        wire.get_all(chunk.iter().map(|number| target(*number)), 200)
            .await;
    }
    journey.demo.wait_for_log("Somebody makes them up");

    assert_eq!(subject(&first, &journey.demo).await, None);
    assert!(subject(&second, &journey.demo).await.is_some());
    end("second").await;
    assert_eq!(subject(&second, &journey.demo).await, None);
    with_sid(&journey, "third");
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    end("third").await;
    journey.assert_nobody().await;
}
