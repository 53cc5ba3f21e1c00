//! Sessions: in sealed cookies, in memory and in Redis; how they are refreshed, and every way in which they end.
//! What only several replicas can show is in `fleet`.

use miracl_tests::{Need, Store, Suite};

mod app_data;
pub(crate) mod backchannel;
mod cookies;
pub(crate) mod devices;
pub(crate) mod ended;
mod front_end;
pub(crate) mod frontchannel;
mod junk;
mod logout;
pub(crate) mod logout_during_login;
mod memory;
mod redis;
mod refresh;
mod sealed;
mod tokens;

pub(crate) fn suites() -> Vec<Suite> {
    let everywhere = [
        refresh::suite(),
        tokens::suite(),
        logout::suite(),
        backchannel::suite(),
        logout_during_login::suite(),
        frontchannel::suite(),
        ended::suite().needing(Need::Probe),
        junk::suite(),
    ];
    let mut suites = vec![
        app_data::suite().needing(Need::Probe),
        front_end::suite().needing(Need::Probe),
        sealed::suite(),
        cookies::suite(),
        memory::suite().with_sessions_in(Store::Memory),
        redis::suite().with_sessions_in(Store::Redis),
        devices::without_a_list(),
        ended::many().needing(Need::Probe),
    ];
    suites.extend(everywhere.into_iter().flat_map(Suite::everywhere));
    suites.extend(devices::suite().on_servers());
    suites
}
