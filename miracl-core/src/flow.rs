//! What happens: logging in, staying logged in, logging out. Each flow is a function over an exchange, in a file of its
//! own, and each public method of a visit calls one.
//!
//! A flow decides. How something is sent, sealed or stored is in the rooms below.

pub(crate) mod answer;
pub(crate) mod app_data;
pub(crate) mod app_login;
pub(crate) mod authorize;
pub(crate) mod backchannel;
pub(crate) mod callback;
pub(crate) mod challenge;
pub(crate) mod confirm;
pub(crate) mod devices;
pub(crate) mod elsewhere;
pub(crate) mod ended;
pub(crate) mod frontchannel;
pub(crate) mod hook;
pub(crate) mod initiate;
pub(crate) mod jwt_login;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod lost_form;
pub(crate) mod options;
mod parameters;
pub(crate) mod pending;
pub(crate) mod project_user;
pub(crate) mod proposal;
pub(crate) mod refresh;
pub(crate) mod refused;
pub(crate) mod registration;
pub(crate) mod session_route;
pub(crate) mod user;
pub(crate) mod verify_user;
