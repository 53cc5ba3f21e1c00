//! What the engine's own work takes, through its public API: `cargo bench -p miracl-bench`.
//!
//! First the pure operations, then what a login's callback costs. The latter is in microseconds of CPU of the thread that the
//! engine is on, so neither the provider nor a busy machine is part of it.

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
    // What a filter or `--list` leaves out, the tables do not show either.
    if std::env::args()
        .skip(1)
        .all(|argument| argument == "--bench")
    {
        verify::print();
        callback::print();
    }
}

/// Opens the session's cookie: who is asking?
#[divan::bench]
fn open_a_session(bencher: Bencher<'_, '_>) {
    let (app, logged_in) = &*APP;
    let request = Get::with_cookies("/whoami", &logged_in.cookies);
    bencher.bench(|| {
        let user = now(app.miracl.visit(black_box(&request)).user());
        assert!(user.is_ok_and(|user| user.is_some()));
    });
}

/// Seals a message into a cookie, as short as messages are.
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

/// Runs what needs no network any more, and so is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}
