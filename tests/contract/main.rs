//! What every demo answers, whatever its framework: the demo as a process, over HTTP, against a provider that does as
//! it is told.
//!
//! `cargo test -p miracl-tests --test contract -- refused` runs the scenarios whose name holds "refused".

use std::process::ExitCode;

use miracl_tests::{Need, Scenario};
use promises::PROMISES;

mod backchannel;
mod challenge;
mod cookies;
mod cross_origin;
mod fleet;
mod form_post;
mod frameworks;
mod frontchannel;
mod hooks;
mod initiate;
mod journey;
mod login;
mod logout;
mod loops;
mod nested;
mod outage;
mod pages;
mod platform;
mod promises;
mod refresh;
mod refusal;
mod return_to;
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
    ];
    miracl_tests::run_with_promises(&modules, PROMISES)
}

fn needing(need: Need, scenarios: Vec<Scenario>) -> Vec<Scenario> {
    let scenarios = scenarios.into_iter();
    scenarios.map(|scenario| scenario.needing(need)).collect()
}
