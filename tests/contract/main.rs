//! What every demo answers, whatever its framework: the demo as a process, over HTTP, against a provider that does as
//! it is told.
//!
//! `cargo test -p miracl-tests --test contract -- refused` runs the scenarios whose name holds "refused".

use std::process::ExitCode;

use miracl_tests::{Need, in_memory, in_redis, needing};
use promises::PROMISES;

mod backchannel;
mod challenge;
mod cookies;
mod cross_origin;
mod devices;
mod fleet;
mod floods;
mod form_post;
mod frameworks;
mod frontchannel;
mod hooks;
mod initiate;
mod journey;
mod login;
mod logout;
mod loops;
mod marks;
mod memory;
mod nested;
mod outage;
mod pages;
mod platform;
mod promises;
mod redis;
mod refresh;
mod refusal;
mod return_to;
mod rotation;
mod secrets;
mod session;
mod settings;
mod tabs;
mod tenants;
mod tokens;

fn main() -> ExitCode {
    let modules = [
        ("login", login::scenarios()),
        ("form_post", form_post::scenarios()),
        ("initiate", initiate::scenarios()),
        ("loops", loops::scenarios()),
        ("refusal", refusal::scenarios()),
        ("return_to", return_to::scenarios()),
        ("tenants", tenants::scenarios()),
        ("tabs", tabs::scenarios()),
        ("session", session::scenarios()),
        ("refresh", refresh::scenarios()),
        ("tokens", tokens::scenarios()),
        ("logout", logout::scenarios()),
        ("backchannel", backchannel::scenarios()),
        ("frontchannel", frontchannel::scenarios()),
        ("floods", floods::scenarios()),
        ("memory", in_memory(memory::scenarios())),
        ("memory_refresh", in_memory(refresh::scenarios())),
        ("memory_tokens", in_memory(tokens::scenarios())),
        ("memory_logout", in_memory(logout::scenarios())),
        ("memory_backchannel", in_memory(backchannel::scenarios())),
        ("memory_frontchannel", in_memory(frontchannel::scenarios())),
        ("memory_form_post", in_memory(form_post::scenarios())),
        ("redis", in_redis(redis::scenarios())),
        ("redis_refresh", in_redis(refresh::scenarios())),
        ("redis_tokens", in_redis(tokens::scenarios())),
        ("redis_logout", in_redis(logout::scenarios())),
        ("redis_backchannel", in_redis(backchannel::scenarios())),
        ("redis_frontchannel", in_redis(frontchannel::scenarios())),
        ("redis_form_post", in_redis(form_post::scenarios())),
        ("marks", needing(Need::Redis, marks::scenarios())),
        ("devices", devices::without_a_list()),
        ("memory_devices", in_memory(devices::scenarios())),
        ("redis_devices", in_redis(devices::scenarios())),
        ("cookies", cookies::scenarios()),
        ("secrets", secrets::scenarios()),
        ("outage", outage::scenarios()),
        ("challenge", challenge::scenarios()),
        ("cross_origin", cross_origin::scenarios()),
        ("pages", pages::scenarios()),
        ("settings", settings::scenarios()),
        ("platform", platform::scenarios()),
        ("hooks", needing(Need::Probe, hooks::scenarios())),
        ("nested", needing(Need::Probe, nested::scenarios())),
        ("frameworks", frameworks::scenarios()),
        ("fleet", fleet::scenarios()),
        ("rotation", rotation::scenarios()),
    ];
    miracl_tests::run_with_promises(&modules, PROMISES)
}
