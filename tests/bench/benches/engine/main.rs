//! What the engine's own work costs, through its public API: `cargo bench -p miracl-bench`.
//!
//! First the pure operations, then a login's callback. The callback is measured in microseconds of CPU of the
//! engine's thread, so neither the provider nor a busy machine counts.

mod callback;
mod cpu;
mod login;
mod verify;

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use divan::{Bencher, black_box};
use miracl_core::{Category, SigningAlgorithm};

use crate::login::{App, Get, LoggedIn};

static APP: LazyLock<(App, LoggedIn)> = LazyLock::new(|| {
    let app = App::start(SigningAlgorithm::ES256);
    let logged_in = app.log_in();
    (app, logged_in)
});

fn main() {
    divan::main();
    // The tables follow the filter and `--list`, too.
    if std::env::args()
        .skip(1)
        .all(|argument| argument == "--bench")
    {
        let holds = verify::print();
        callback::print();
        assert!(holds, "a goal was missed");
    }
}

/// Opens the session's cookie and reads who is logged in.
#[divan::bench]
fn open_a_session(bencher: Bencher<'_, '_>) {
    let (app, logged_in) = &*APP;
    let request = Get::with_cookies("/whoami", &logged_in.cookies);
    bencher.bench(|| {
        let user = now(app.miracl.visit(black_box(&request)).user());
        assert!(user.is_ok_and(|user| user.is_some()));
    });
}

/// Seals a message into a cookie. Messages are the shortest values.
#[divan::bench]
fn seal_a_message(bencher: Bencher<'_, '_>) {
    let (app, _) = &*APP;
    let request = Get::with_cookies("/", "");
    bencher.bench(|| {
        let visit = app.miracl.visit(black_box(&request));
        visit.flash(Category::Success, "Successfully logged in!");
        assert_eq!(visit.finish().set_cookies.len(), 1);
    });
}

/// Begins a login: `state`, `nonce`, PKCE, the URL, and the sealed cookie of the pending login.
#[divan::bench]
fn begin_a_login(bencher: Bencher<'_, '_>) {
    let (app, _) = &*APP;
    let request = Get::with_cookies("/login/start", "");
    bencher.bench(|| {
        let visit = app.miracl.visit(black_box(&request));
        assert!(now(visit.login_url()).is_ok());
        assert!(!visit.finish().set_cookies.is_empty());
    });
}

/// Runs a future that needs no network any more, and so is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}
