//! Answers: what each kind of request is told, and what no answer, cookie or log may say.
//! How a framework reads a request is in `framework`.

use miracl_tests::Suite;

mod challenge;
mod cross_origin;
mod flood;
mod pages;
mod prefetch;
mod scripts;
mod secrets;

pub(crate) fn suites() -> Vec<Suite> {
    vec![
        flood::suite(),
        secrets::suite(),
        challenge::suite(),
        cross_origin::suite(),
        pages::suite(),
        prefetch::suite(),
        scripts::suite(),
    ]
}
