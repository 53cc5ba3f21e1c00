//! What can go wrong, as types. The files are named as the rooms whose errors they hold.
//!
//! An error says what happened and what to do about it. The room that meets an error decides what happens next.

pub(crate) mod app_data;
pub(crate) mod chain;
pub(crate) mod claim;
pub(crate) mod config;
pub(crate) mod description;
pub(crate) mod difference;
pub(crate) mod login;
pub(crate) mod party;
pub(crate) mod provider;
pub(crate) mod refresh;
pub(crate) mod session;
pub(crate) mod store;
mod tls_trouble;
pub(crate) mod token;
pub(crate) mod told;
pub(crate) mod trust;
