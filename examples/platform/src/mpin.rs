//! M-Pin: a login with a PIN that never leaves the person's browser.
//!
//! Two authorities each give a browser a share of a secret point that belongs to its identity. The browser adds them,
//! takes the PIN times another point away, and keeps the rest, the token. To log in it adds the PIN again, and proves
//! in two messages that it has the whole secret. The server sees neither the PIN nor the token, and keeps nothing that
//! a PIN could be compared with: a pairing of the two messages is one, or the PIN was wrong.
//!
//! Both authorities are in this process here, so that it could log in as anybody. It is a **development** authority.
//! The curve is BN254CX, of which about 100 bits of security are believed today.
//!
//! | file | what |
//! |---|---|
//! | `scalar`, `point` | numbers and points, checked before anything is multiplied |
//! | `subject` | what a secret is for: an M-Pin id, and the public key of its browser |
//! | `authority` | the two master secrets, the shares made of them, and the check of a login |
//! | `signature` | a proof in one message, over a document |
//! | `client` | what a browser does, for tests and [`Platform::log_in`](crate::Platform::log_in) |

pub(crate) mod authority;
pub(crate) mod client;
pub(crate) mod point;
pub(crate) mod scalar;
pub(crate) mod signature;
pub(crate) mod subject;
#[cfg(test)]
mod vectors;
