//! Fleets: several replicas, of different frameworks, that share keys, and sessions or marks in Redis.
//! The program that starts a fleet, `demo-fleet`, has tests of its own in `tests/fleet`.

use miracl_tests::{Need, Store, Suite};

mod caddy;
mod differing;
mod ended_elsewhere;
mod marks;
mod nginx;
pub(crate) mod replicas;
mod rotation;
mod sessions;
mod upgrade;

pub(crate) fn suites() -> Vec<Suite> {
    vec![
        sessions::suite().with_sessions_in(Store::Redis),
        marks::suite().needing(Need::Redis),
        ended_elsewhere::suite()
            .needing(Need::Redis)
            .needing(Need::Probe),
        replicas::suite(),
        nginx::suite().needing(Need::Nginx),
        caddy::suite().needing(Need::Caddy),
        rotation::suite(),
        upgrade::suite(),
        differing::suite(),
    ]
}
