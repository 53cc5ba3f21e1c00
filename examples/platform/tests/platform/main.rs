//! Tests of the platform from outside: over real HTTP, and through what it offers to tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod algorithms;
mod answer_faults;
mod app;
mod ask;
mod callback_faults;
mod claims;
mod client_authentication;
mod degrees;
mod faults;
mod form_post;
mod http;
mod id_token_faults;
mod journey;
mod key_faults;
mod login_pages;
mod logout;
mod logout_token_faults;
mod mpin;
mod mpin_backend;
mod mpin_bad_input;
mod mpin_origins;
mod portal;
mod portal_access;
mod portal_bad_input;
mod refresh;
mod requests;
mod server;
mod signing_pages;
mod told_app;
mod userinfo_faults;
mod verify;
