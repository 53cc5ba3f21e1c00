//! The list of modules.

mod backchannel;
mod cookies;
mod discovery;
mod fapi;
mod faults;
mod flow;
mod foundation;
mod frontchannel;
mod logout;
mod redirects;
mod refresh;
mod registration;
mod requests;
mod third_party;

use miracl_platform::Fault;

use crate::judge::Expect;
use crate::module::Module;
use crate::run::Run;
use crate::stop::{Checked, Stop};

/// Every module, those of the OpenID Foundation first.
pub fn modules() -> Vec<Module> {
    [
        foundation::modules(),
        discovery::modules(),
        logout::modules(),
        backchannel::modules(),
        frontchannel::modules(),
        third_party::modules(),
        refresh::modules(),
        fapi::modules(),
        flow::modules(),
        registration::modules(),
        cookies::modules(),
        redirects::modules(),
        requests::modules(),
        faults::modules(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A login at a provider with faults, then one without, which must be accepted: a fault leaves nothing behind.
pub(crate) async fn login(run: &Run, faults: &[Fault], query: &str, expect: Expect) -> Checked {
    if !query.is_empty() && !run.app().passes_on {
        return Err(Stop::Lacks("a login path that passes parameters on"));
    }
    let parameters: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let parameters: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let [fault] = faults else {
        return Err(Stop::Failed("one fault at a time".to_owned()));
    };
    run.platform().set_fault(Some(*fault));
    let attempt = run.attempt_with(&parameters).await?;
    expect.judge(run, &attempt).await?;
    run.platform().set_fault(None);
    if expect != Expect::Accepted {
        // As the next person.
        run.browser.set_cookies(Vec::new());
        run.log_in().await.map_err(|stop| match stop {
            Stop::Failed(why) => Stop::Failed(format!("when the provider is well again: {why}")),
            lacks @ Stop::Lacks(_) => lacks,
        })?;
    }
    Ok(())
}
