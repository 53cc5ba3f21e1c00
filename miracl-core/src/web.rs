//! HTTP as the engine sees it, without a framework: requests, replies, paths, messages, where a request comes from.
//!
//! Nothing here knows a session or a provider.

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod cross_origin;
pub(crate) mod flash;
pub(crate) mod headers;
pub(crate) mod page;
pub(crate) mod public_path;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod return_to;
pub(crate) mod route;
pub(crate) mod unread;
