//! Logins: what the provider is asked, which callbacks and tokens are refused, and where the browser comes back to.
//! What happens to the session afterwards is in `session`.

use miracl_tests::Suite;

mod callback;
mod double_click;
mod elsewhere;
mod failure;
mod form_post;
mod id_token;
mod initiate;
mod lenient;
mod loops;
mod outage;
mod person;
mod provider_errors;
mod requests;
mod return_to;
mod tabs;
mod tenants;
mod trust;
mod trust_faults;
mod verification;

pub(crate) fn suites() -> Vec<Suite> {
    let [form_post, memory_form_post, redis_form_post] = form_post::suite().everywhere();
    let [double_click, memory_double_click, redis_double_click] =
        double_click::suite().everywhere();
    let [tabs, memory_tabs, redis_tabs] = tabs::suite().everywhere();
    vec![
        double_click,
        memory_double_click,
        redis_double_click,
        person::suite(),
        requests::suite(),
        form_post,
        memory_form_post,
        redis_form_post,
        initiate::suite(),
        loops::suite(),
        callback::suite(),
        provider_errors::suite(),
        id_token::suite(),
        failure::suite(),
        lenient::suite(),
        return_to::suite(),
        tenants::suite(),
        elsewhere::suite(),
        tabs,
        memory_tabs,
        redis_tabs,
        outage::suite(),
        trust::suite(),
        trust_faults::suite(),
        verification::suite(),
    ]
}
