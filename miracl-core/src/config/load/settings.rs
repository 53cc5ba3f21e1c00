//! The settings' names.

/// Every setting: its key in the file, and its variable in the environment.
pub(super) const SETTINGS: [(&str, &str); 52] = [
    ("issuer", "ISSUER"),
    ("metadata_url", "METADATA_URL"),
    ("issuer_template", "ISSUER_TEMPLATE"),
    ("allowed_tenants", "ALLOWED_TENANTS"),
    ("client_id", "CLIENT_ID"),
    ("client_id_file", "CLIENT_ID_FILE"),
    ("client_secret", "CLIENT_SECRET"),
    ("client_secret_file", "CLIENT_SECRET_FILE"),
    ("client_jwk_file", "CLIENT_JWK_FILE"),
    ("redirect_uri", "REDIRECT_URL"),
    ("post_logout_redirect_uri", "POST_LOGOUT_REDIRECT_URL"),
    ("end_session_parameters", "END_SESSION_PARAMETERS"),
    ("scopes", "SCOPES"),
    ("pkce", "PKCE"),
    ("response_mode", "RESPONSE_MODE"),
    ("token_endpoint_auth_method", "TOKEN_ENDPOINT_AUTH_METHOD"),
    (
        "id_token_signed_response_alg",
        "ID_TOKEN_SIGNED_RESPONSE_ALG",
    ),
    (
        "userinfo_signed_response_alg",
        "USERINFO_SIGNED_RESPONSE_ALG",
    ),
    ("userinfo_requests", "USERINFO_REQUESTS"),
    ("logout_token_rules", "LOGOUT_TOKEN_RULES"),
    ("asks_every_time", "ASKS_EVERY_TIME"),
    ("trusted_audiences", "TRUSTED_AUDIENCES"),
    ("trusted_origins", "TRUSTED_ORIGINS"),
    ("ca_cert", "CA_CERT"),
    ("proxy_host", "PROXY_HOST"),
    ("proxy_port", "PROXY_PORT"),
    ("session_store", "SESSION_STORE"),
    ("session_store_file", "SESSION_STORE_FILE"),
    ("marks_store", "MARKS_STORE"),
    ("marks_store_file", "MARKS_STORE_FILE"),
    ("redis_timeout", "REDIS_TIMEOUT"),
    ("session_unavailable", "SESSION_UNAVAILABLE"),
    ("renewal", "RENEWAL"),
    ("session_idle_timeout", "SESSION_IDLE_TIMEOUT"),
    ("session_absolute_timeout", "SESSION_ABSOLUTE_TIMEOUT"),
    ("session_check_interval", "SESSION_CHECK_INTERVAL"),
    ("session_remember", "SESSION_REMEMBER"),
    ("session_quick_claims", "SESSION_QUICK_CLAIMS"),
    ("session_keep_claims", "SESSION_KEEP_CLAIMS"),
    ("session_keep_id_token", "SESSION_KEEP_ID_TOKEN"),
    ("session_keep_tokens", "SESSION_KEEP_TOKENS"),
    ("login_timeout", "LOGIN_TIMEOUT"),
    ("cookie_keys", "COOKIE_KEYS"),
    ("cookie_keys_file", "COOKIE_KEYS_FILE"),
    ("cookie_prefix", "COOKIE_PREFIX"),
    ("home_path", "HOME_PATH"),
    ("public_path", "PUBLIC_PATH"),
    ("project_id", "PROJECT_ID"),
    ("project_jwt_use", "PROJECT_JWT_USE"),
    ("mpad_url", "MPAD_URL"),
    ("development", "DEVELOPMENT"),
    ("danger_allow_http", "DANGER_ALLOW_HTTP"),
];

/// Further names of settings in the file.
pub(super) const OTHER_KEYS: [(&str, &str); 3] = [
    // The Tornado SDK's.
    ("client_secret", "secret"),
    ("redirect_uri", "redirect_url"),
    ("post_logout_redirect_uri", "post_logout_redirect_url"),
];

/// Further names of settings in the environment.
pub(super) const OTHER_VARIABLES: [(&str, &str); 2] = [
    ("redirect_uri", "REDIRECT_URI"),
    ("post_logout_redirect_uri", "POST_LOGOUT_REDIRECT_URI"),
];

/// Returns a setting's variables, each without the prefix that it may have.
pub(super) fn variables_of(key: &str) -> Vec<&'static str> {
    let known = SETTINGS.iter().chain(&OTHER_VARIABLES);
    known
        .filter(|(known, _)| *known == key)
        .map(|(_, variable)| *variable)
        .collect()
}
