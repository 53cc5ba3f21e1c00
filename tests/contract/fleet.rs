//! Fleets: several replicas, of different frameworks, that share keys, or marks in Redis.
//! The program that starts a fleet, `demo-fleet`, has tests of its own in `tests/fleet`.

use miracl_tests::{Need, Suite};

mod marks;
pub(crate) mod replicas;
mod rotation;

pub(crate) fn suites() -> Vec<Suite> {
    vec![
        marks::suite().needing(Need::Redis),
        replicas::suite(),
        rotation::suite(),
    ]
}
