//! Whoever comes from another SDK of MIRACL finds every name of it. `tests/public_api` holds what the tables name of
//! ours, and `tests/checklist` the tests that they name.

use std::collections::BTreeSet;

use crate::{page, quoted, rows};

/// Every name of the Tornado SDK 1.1.0: its functions, classes, hooks, settings, constants and cookies, and those of
/// its sample.
const TORNADO: &[&str] = &[
    "get_login_url",
    "is_authenticated",
    "get_user_id",
    "get_email",
    "refresh_user_data",
    "logout",
    "set_issuer",
    "MiraclMixin",
    "MiraclAuthRequestHandler",
    "on_auth_success",
    "on_auth_failed",
    "perform_access_token_request",
    "perform_login_redirect",
    "settings[\"miracl\"]",
    "miracl.json",
    "read_configuration",
    "client_id",
    "secret",
    "redirect_uri",
    "cookie_secret",
    "xsrf_cookies",
    "debug",
    "OAUTH_SETTINGS_KEY",
    "OAUTH_BASE_URL",
    "OAUTH_AUTHORIZE_URL",
    "OAUTH_ACCESS_TOKEN_URL",
    "OAUTH_USERINFO_URL",
    "MIRACL_MSG_AUTH_ERROR",
    "miracl_state",
    "MIRACL_STATE_COOKIE",
    "miracl_token",
    "MIRACL_COOKIE_TOKEN_KEY",
    "miracl_userdata",
    "MIRACL_COOKIE_USERDATA_KEY",
    "messages",
    "MainHandler",
    "AuthHandler",
    "LogoutHandler",
    "RefreshHandler",
    "/",
    "/c2id",
    "/logout",
    "/refresh",
    "flash_message",
    "render_template",
    "category",
    "message",
    "is_authorized",
    "auth_url",
    "retry",
    "email",
    "user_id",
    "btmpin",
    "mpad.js",
    "data-authurl",
    "data-element",
];

/// The other SDKs, each with the calls and settings that its documentation names.
const OTHERS: &[(&str, &[&str])] = &[
    (
        "Go",
        &[
            "NewClient",
            "mfa.New",
            "ClientID",
            "ClientSecret",
            "RedirectURI",
            "DiscoveryURI",
            "WithDiscoveryURL",
            "HTTPClient",
            "WithHTTPClient",
            "ProviderRetries",
            "RetryPeriod",
            "Clock",
            "Scope",
            "GetAuthRequestURL",
            "ValidateAuth",
            "Client.Verify",
            "GetUserInfo",
            "UserInfo",
            "CreateDocumentHash",
            "CreateAuthToken",
            "VerifySignature",
            "VerifyRequest",
            "ValidSignature",
            "BadPin",
            "UserBlocked",
            "MissingSignature",
            "InvalidSignature",
        ],
    ),
    (
        "Java",
        &[
            "MiraclClient",
            "MiraclStatePreserver",
            "getAuthorizationRequestUrl",
            "validateAuthorization",
            "isAuthorized",
            "getEmail",
            "getUserId",
            "clearUserInfo",
            "clearUserInfoAndSession",
            "MiraclClientException",
            "MiraclSystemException",
            "JwtValidator",
            "use_proxy",
            "proxy_host",
            "proxy_port",
        ],
    ),
    (
        ".NET",
        &[
            "AddMiracl",
            "MiraclOptions",
            "MiraclAuthenticationOptions",
            "ClientId",
            "ClientSecret",
            "Authority",
            "PlatformAPIAddress",
            "CallbackPath",
            "RequireHttpsMetadata",
            "SaveTokens",
            "UseTokenLifetime",
            "GetAuthorizationRequestUrlAsync",
            "data-prerollid",
            "GetRPInitiatedAuthUriAsync",
            "ValidateAuthorizationAsync",
            "GetIdentityAsync",
            "UserId",
            "Email",
            "ClearUserInfo",
            "DvsCreateDocumentHash",
            "DvsCreateAuthToken",
            "DvsVerifySignatureAsync",
            "/authzurl",
            "/authtoken",
            "GetIdentityInfoAsync",
            "ActivateIdentityAsync",
            "HandleNewIdentityPushAsync",
            "HandleNewIdentityPullAsync",
            "ParseCustomEmailQueryString",
        ],
    ),
    (
        "Python",
        &[
            "MiraclClient",
            "issuer",
            "allow_empty_state",
            "get_authorization_request_url",
            "validate_authorization",
            "is_authorized",
            "get_email",
            "get_user_id",
            "clear_user_info",
            "MiraclError",
        ],
    ),
    (
        "Node.js",
        &[
            "MiraclClient",
            "clientID",
            "clientSecret",
            "redirectURL",
            "issuer",
            "getAuthorizationRequestUrl",
            "validateAuthorization",
            "isAuthorized",
            "getEmail",
            "getUserID",
            "clearUserInfo",
            "MiraclError",
        ],
    ),
    (
        "Ruby",
        &[
            "MiraclApi::MiraclClient",
            "get_authorization_request_url",
            "validate_authorization",
            "is_authorized",
            "get_email",
            "get_user_id",
            "clear_user_info",
            "MiraclError",
        ],
    ),
    (
        "PHP",
        &[
            "MiraclClient",
            "miracl_base_url",
            "getAuthURL",
            "validateAuthorization",
            "isLoggedIn",
            "refreshUserData",
            "getUserID",
            "getEmail",
            "logout",
        ],
    ),
];

/// The names in the first cells of the tables of a text.
fn named(text: &str) -> BTreeSet<String> {
    let rows = rows(text);
    let names = rows.iter().flat_map(|row| quoted(&row[0]));
    names.map(str::to_owned).collect()
}

fn known(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_tables_have_every_name_of_the_tornado_sdk_and_no_other() {
    assert_eq!(named(&page("tornado.md")), known(TORNADO));
}

#[test]
fn each_row_says_what_replaces_the_name_or_what_became_of_it() {
    for name in ["tornado.md", "other-sdks.md"] {
        for row in rows(&page(name)).iter().filter(|row| row.len() == 3) {
            let says = !quoted(&row[1]).is_empty() || !row[2].is_empty();
            assert!(says, "{name}: {row:?}");
        }
    }
}

#[test]
fn the_tables_have_every_name_of_the_other_sdks_and_no_other() {
    let text = page("other-sdks.md");
    for (sdk, names) in OTHERS {
        let section = text
            .split("\n## ")
            .find(|section| section.lines().next() == Some(sdk));
        let section = section.unwrap_or_else(|| panic!("no section {sdk}"));
        assert_eq!(named(section), known(names), "{sdk}");
    }
}

#[test]
fn the_table_of_features_has_a_column_for_every_sdk_and_says_how_each_stands_here() {
    let text = page("other-sdks.md");
    let section = text
        .split("\n## ")
        .find(|part| part.starts_with("Every feature"));
    let section = section.expect("the table");
    let features = rows(section);
    assert_eq!(features.len(), 33);
    for row in &features {
        let [_, sdks @ .., here, tests] = &row[..] else {
            panic!("{row:?}")
        };
        assert_eq!(sdks.len(), 10, "{row:?}");
        let marks = ["●", "◐", "–"];
        assert!(sdks.iter().all(|mark| marks.contains(&&**mark)), "{row:?}");
        assert!(sdks.iter().any(|mark| mark != "–"), "{row:?}");
        // What is here is shown, and what is not has a reason.
        let missing = here.starts_with('–');
        assert_eq!(missing, quoted(tests).is_empty(), "{row:?}");
        assert_eq!(missing, here.contains("(#what-is-left-out)"), "{row:?}");
    }
}
