//! Requests that are refused while their body is still on its way. A server that closes the connection too early resets
//! it, and the client may see an error in place of the answer.

use std::time::{Duration, Instant};

use miracl_tests::{Adapter, Demo, Provider, Raw, Wire, scenarios};

scenarios![
    an_upload_of_somebody_logged_out_gets_its_answer,
    an_upload_from_another_site_gets_its_answer,
    a_body_too_long_for_a_route_of_the_login_gets_its_answer,
    an_upload_that_stalls_is_not_waited_for,
    an_upload_without_an_end_is_answered,
    a_form_that_stalls_is_answered_and_a_log_out_does_not_wait_for_one,
    a_form_that_comes_in_pieces_is_read,
];

/// What a photo has, and nearly all that is read.
const SIZES: [usize; 2] = [100_000, 1_000_000];

/// How long a stalled upload may take, on a machine that is busy. It is read for two seconds.
const SOON: Duration = Duration::from_secs(30);

/// What a server may take of an upload without an end before it answers. It reads one mebibyte; the rest waits in the
/// buffers of sockets.
const ENOUGH: usize = 64 * 1024 * 1024;

/// The head of a `POST` that lets the connection stay open, with these lines of its own.
fn head(path: &str, lines: &[&str]) -> String {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for line in lines {
        head += &format!("{line}\r\n");
    }
    head + "\r\n"
}

/// Sends a whole body of this type, and reads the answer after it, as simple clients do.
async fn upload(demo: &Demo, path: &str, kind: &str, lines: &[&str], size: usize) -> Raw {
    let kind = format!("Content-Type: {kind}");
    let length = format!("Content-Length: {size}");
    let lines = ["Connection: close", &*kind, &*length]
        .into_iter()
        .chain(lines.iter().copied());
    let mut request = head(path, &lines.collect::<Vec<_>>()).into_bytes();
    request.resize(request.len() + size, b'a');
    Wire::ask(demo, request).await
}

const MULTIPART: &str = "multipart/form-data; boundary=a-boundary";
const FORM: &str = "application/x-www-form-urlencoded";

fn start(adapter: Adapter) -> (Provider, Demo) {
    let provider = Provider::start();
    let demo = Demo::start(adapter, &provider);
    (provider, demo)
}

async fn an_upload_of_somebody_logged_out_gets_its_answer(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for path in ["/profile", "/devices/end"] {
        for size in SIZES {
            for kind in [MULTIPART, FORM] {
                let navigation = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
                let answer = upload(&demo, path, kind, &navigation, size).await;
                assert_eq!(answer.status, 303, "{path}: {answer:?}");
                let answer = upload(&demo, path, kind, &[], size).await;
                assert_eq!(answer.status, 401, "{path}: {answer:?}");
                assert!(answer.body.contains("login_url"), "{answer:?}");
            }
        }
    }
}

async fn an_upload_from_another_site_gets_its_answer(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for path in ["/profile", "/logout", "/nothing-here"] {
        for size in SIZES {
            let elsewhere = ["Sec-Fetch-Site: cross-site", "Origin: https://evil.example"];
            let answer = upload(&demo, path, MULTIPART, &elsewhere, size).await;
            assert_eq!(answer.status, 403, "{path}: {answer:?}");
        }
    }
}

async fn a_body_too_long_for_a_route_of_the_login_gets_its_answer(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    for size in SIZES {
        for (path, status) in [("/backchannel-logout", 400), ("/login/initiate", 413)] {
            let answer = upload(&demo, path, FORM, &[], size).await;
            assert_eq!(answer.status, status, "{path}: {answer:?}");
        }
        // A log-out needs no body, and does not mind one.
        let answer = upload(&demo, "/logout", MULTIPART, &[], size).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }
}

async fn an_upload_that_stalls_is_not_waited_for(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let elsewhere = "Sec-Fetch-Site: cross-site";
    for (path, line, status) in [
        ("/profile", "Accept: */*", 401),
        ("/profile", elsewhere, 403),
    ] {
        let began = Instant::now();
        let mut wire = Wire::connect(&demo).await;
        let lines = ["Content-Type: text/plain", "Content-Length: 100000", line];
        wire.send(head(path, &lines)).await;
        wire.send([b'a'; 1000]).await;
        let answer = wire.answer_or_reset().await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    }
}

async fn an_upload_without_an_end_is_answered(adapter: Adapter) {
    let (_provider, demo) = start(adapter);
    let elsewhere = "Sec-Fetch-Site: cross-site";
    for (path, line, status) in [
        ("/profile", "Accept: */*", 401),
        ("/profile", elsewhere, 403),
        ("/logout", "Accept: */*", 303),
    ] {
        let mut wire = Wire::connect(&demo).await;
        let lines = [
            "Content-Type: text/plain",
            "Transfer-Encoding: chunked",
            line,
        ];
        wire.send(head(path, &lines)).await;
        let part = [b"10000\r\n".to_vec(), vec![b'a'; 0x10000], b"\r\n".to_vec()].concat();
        let sent = wire.send_until_answered(&part, ENOUGH).await;
        assert!(sent < ENOUGH, "{path}, {line}: it reads on");
        // The connection ends, though the body does not.
        let answer = wire.answer_or_reset().await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    }
}

async fn a_form_that_stalls_is_answered_and_a_log_out_does_not_wait_for_one(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::of(adapter, &provider).env("RESPONSE_MODE", "form_post");
    let demo = demo.start();
    let began = Instant::now();
    let stalled = async |path, status| {
        let mut wire = Wire::connect(&demo).await;
        let kind = format!("Content-Type: {FORM}");
        wire.send(head(path, &[&kind, "Content-Length: 1000"]))
            .await;
        // Rocket itself waits for the first bytes of a body.
        wire.send("iss=a&login_hint=somebody").await;
        let answer = wire.answer_or_reset().await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    };
    tokio::join!(
        stalled("/login", 408),
        stalled("/login/initiate", 408),
        stalled("/backchannel-logout", 408),
        stalled("/logout", 303),
    );
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

async fn a_form_that_comes_in_pieces_is_read(adapter: Adapter) {
    let (provider, demo) = start(adapter);
    let mut wire = Wire::connect(&demo).await;
    let form = format!("iss={}", provider.issuer().replace(':', "%3A"));
    let (kind, length) = (
        format!("Content-Type: {FORM}"),
        format!("Content-Length: {}", form.len()),
    );
    let lines = [&*kind, &*length, "Connection: close"];
    wire.send(head("/login/initiate", &lines)).await;
    for piece in form.as_bytes().chunks(7) {
        wire.send(piece).await;
        tokio::task::yield_now().await;
    }
    let answer = wire.answer().await;
    assert_eq!(answer.status, 303, "{answer:?}");
}
