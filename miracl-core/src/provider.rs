//! The provider, as we reach it: its metadata and keys, its endpoints, its tokens, and how the client proves who it is.
//!
//! Nothing here knows a browser, a cookie or a session.

pub(crate) mod claims;
pub(crate) mod client_auth;
pub(crate) mod credentials;
pub(crate) mod discovery;
pub(crate) mod fetched;
pub(crate) mod http;
pub(crate) mod id_token;
pub(crate) mod issuers;
pub(crate) mod jwks;
pub(crate) mod logout_token;
pub(crate) mod metadata;
pub(crate) mod refusal;
pub(crate) mod seen_algorithms;
pub(crate) mod token_request;
pub(crate) mod tokens;
pub(crate) mod user_data;
pub(crate) mod userinfo;
