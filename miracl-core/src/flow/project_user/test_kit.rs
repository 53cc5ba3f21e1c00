//! The project JWTs of the test kit: claims that are sealed by the app's own cookie keys, for a purpose of their own.
//!
//! A build without the feature `testing` does not have this purpose: to it, such a value is no JWT. It begins no
//! session in any build.

use serde_json::{Map, Value};

use crate::engine::Engine;

/// The name that they are sealed for.
#[cfg(feature = "testing")]
const NAME: &str = "project jwt";

/// Returns the claims of a project JWT of the kit. `None` for all others.
#[cfg(feature = "testing")]
pub(super) fn opened(engine: &Engine, jwt: &str) -> Option<Map<String, Value>> {
    // A JWT has points, and what is sealed has none.
    let is_sealed = !jwt.contains('.');
    let cookies = &engine.sessions.cookies;
    let of_tests = crate::session::seal::Purpose::TestJwt;
    let plain = is_sealed.then(|| cookies.open_value(of_tests, NAME, jwt.as_bytes()));
    crate::base::json::object(&plain.flatten()?).ok()
}

/// Opens nothing: this build takes no project JWT of the kit.
#[cfg(not(feature = "testing"))]
#[inline(always)]
pub(super) fn opened(_: &Engine, _: &str) -> Option<Map<String, Value>> {
    None
}

/// Makes a project JWT of the kit.
#[cfg(feature = "testing")]
pub(crate) fn sealed(engine: &Engine, claims: &Map<String, Value>) -> String {
    let plain = Value::Object(claims.clone()).to_string();
    let of_tests = crate::session::seal::Purpose::TestJwt;
    let cookies = &engine.sessions.cookies;
    let sealed = cookies.seal_value(of_tests, NAME, plain.as_bytes());
    sealed.expect("a value that is not cut is one part")
}
