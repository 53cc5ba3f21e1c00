//! Compiles the code of the book: `cargo test -p miracl-book --doc` names the page and the line of a mistake.

/// One module for each page that has code.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/src/how/call-api.md")]
    mod how_call_api {}
    #[doc = include_str!("../../../docs/src/how/keys.md")]
    mod how_keys {}
    #[doc = include_str!("../../../docs/src/how/require-login.md")]
    mod how_require_login {}
    #[doc = include_str!("../../../docs/src/how/roles.md")]
    mod how_roles {}
    #[doc = include_str!("../../../docs/src/how/test.md")]
    mod how_test {}
    #[doc = include_str!("../../../docs/src/start/actix.md")]
    mod start_actix {}
    #[doc = include_str!("../../../docs/src/start/axum.md")]
    mod start_axum {}
    #[doc = include_str!("../../../docs/src/start/rocket.md")]
    mod start_rocket {}
    #[doc = include_str!("../../../docs/src/start/without-account.md")]
    mod start_without_account {}
}
