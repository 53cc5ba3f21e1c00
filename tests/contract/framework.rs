//! Frameworks: how their servers read requests, start and stop, and how hooks, nested routers and guards behave in
//! each. What a demo answers is in `answers`.

use miracl_tests::{Need, Suite};

mod callers;
mod containers;
mod events;
mod hooks;
mod kept;
mod nested;
mod own_answers;
mod platform;
mod public_path;
mod rights;
mod server;
mod settings;
mod uploads;
mod visits;

pub(crate) fn suites() -> Vec<Suite> {
    vec![
        settings::suite(),
        containers::suite(),
        platform::suite(),
        public_path::suite(),
        events::suite().needing(Need::Probe),
        callers::suite().needing(Need::Probe),
        hooks::suite().needing(Need::Probe),
        nested::suite().needing(Need::Probe),
        own_answers::suite().needing(Need::Probe),
        kept::suite().needing(Need::Probe),
        rights::suite().needing(Need::Probe),
        server::suite(),
        uploads::suite(),
        visits::suite().needing(Need::Probe),
    ]
}
