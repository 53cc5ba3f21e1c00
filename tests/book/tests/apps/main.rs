//! Every page "How do I …" ends in a whole app. Here each of them runs, and somebody logs in to it over HTTP.
//!
//! An app is a file of `tests/book/apps`, and stands in its page as it is: `tests/pages.rs` holds that. The page "Test
//! my app" has tests of its own in its apps, which run here as well.

#[allow(
    dead_code,
    unreachable_pub,
    clippy::needless_pass_by_value,
    reason = "a page shows a whole app, and a test calls no `main`"
)]
mod apps;
mod deployed;
mod guarded;
mod pages;
mod sessions;
mod site;
mod streams;
mod tornado;
