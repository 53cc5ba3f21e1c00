//! What happens: logging in, staying logged in, logging out. One file for each flow.
//!
//! A flow decides. How something is sent, sealed or stored is in the rooms below.

pub(crate) mod answer;
pub(crate) mod backchannel;
pub(crate) mod callback;
pub(crate) mod challenge;
pub(crate) mod confirm;
pub(crate) mod devices;
pub(crate) mod frontchannel;
pub(crate) mod hook;
pub(crate) mod initiate;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod options;
mod parameters;
pub(crate) mod pending;
pub(crate) mod refresh;
pub(crate) mod user;
