//! Compiles the code of the book: `cargo test -p miracl-book --doc` names the page and the line of a mistake.

/// One module for each page that has code.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/src/how/call-api.md")]
    mod how_call_api {}
    #[doc = include_str!("../../../docs/src/how/customise.md")]
    mod how_customise {}
    #[doc = include_str!("../../../docs/src/how/keys.md")]
    mod how_keys {}
    #[doc = include_str!("../../../docs/src/how/kubernetes.md")]
    mod how_kubernetes {}
    #[doc = include_str!("../../../docs/src/how/log-out-everywhere.md")]
    mod how_log_out_everywhere {}
    #[doc = include_str!("../../../docs/src/how/open-connections.md")]
    mod how_open_connections {}
    #[doc = include_str!("../../../docs/src/how/postgres.md")]
    mod how_postgres {}
    #[doc = include_str!("../../../docs/src/how/proxy.md")]
    mod how_proxy {}
    #[doc = include_str!("../../../docs/src/how/require-login.md")]
    mod how_require_login {}
    #[doc = include_str!("../../../docs/src/how/roles.md")]
    mod how_roles {}
    #[doc = include_str!("../../../docs/src/how/scripts.md")]
    mod how_scripts {}
    #[doc = include_str!("../../../docs/src/how/secrets.md")]
    mod how_secrets {}
    #[doc = include_str!("../../../docs/src/how/session-data.md")]
    mod how_session_data {}
    #[doc = include_str!("../../../docs/src/how/session-lifetime.md")]
    mod how_session_lifetime {}
    #[doc = include_str!("../../../docs/src/how/sub-path.md")]
    mod how_sub_path {}
    #[doc = include_str!("../../../docs/src/how/test.md")]
    mod how_test {}
    #[doc = include_str!("../../../docs/src/how/tower.md")]
    mod how_tower {}
    #[doc = include_str!("../../../docs/src/how/two-apps.md")]
    mod how_two_apps {}
    #[doc = include_str!("../../../docs/src/how/websocket.md")]
    mod how_websocket {}
    #[doc = include_str!("../../../docs/src/miracl.md")]
    mod miracl {}
    #[doc = include_str!("../../../docs/src/operate.md")]
    mod operate {}
    #[doc = include_str!("../../../docs/src/start/actix.md")]
    mod start_actix {}
    #[doc = include_str!("../../../docs/src/start/axum.md")]
    mod start_axum {}
    #[doc = include_str!("../../../docs/src/start/rocket.md")]
    mod start_rocket {}
    #[doc = include_str!("../../../docs/src/tornado-guide.md")]
    mod tornado_guide {}
}
