//! What every module checks: the requests that an app sends.

use std::collections::HashSet;

use miracl_platform::{Authorization, ClientAuthMethod, RecordedRequest};

use crate::judge::Step;
use crate::run::Run;
use crate::setup::CLIENT_ID;
use crate::stop::{Checked, ensure};

/// Checks every request of the app that the provider recorded.
pub(crate) fn requests(run: &Run) -> Checked {
    let requests = run.requests();
    let of = |step: Step| {
        requests
            .iter()
            .filter(move |request| Some(request.path.as_str()) == step.path())
    };
    for request in &requests {
        for (name, value) in request.query.iter().chain(&request.form) {
            ensure!(
                value != crate::setup::CLIENT_SECRET,
                "the secret is sent as {name}: {}",
                line(request)
            );
        }
        ensure!(
            !request.has_access_token_in_query() && request.query_value("client_secret").is_none(),
            "RFC 9700 §4.3.2: a secret is in the query: {}",
            line(request)
        );
    }
    for request in of(Step::Authorization) {
        authorization(run, request).map_err(|stop| at(stop, request))?;
    }
    for name in ["state", "nonce", "code_challenge"] {
        let values: Vec<_> = of(Step::Authorization)
            .filter_map(|request| request.query_value(name))
            .collect();
        let different: HashSet<_> = values.iter().collect();
        ensure!(
            values.len() == different.len(),
            "RFC 9700 §2.1.1: a {name} was used twice"
        );
    }
    let challenged =
        of(Step::Authorization).any(|request| request.query_value("code_challenge").is_some());
    for request in of(Step::Token) {
        token(run, request, challenged).map_err(|stop| at(stop, request))?;
    }
    let codes: Vec<_> = of(Step::Token)
        .filter_map(|request| request.form_value("code"))
        .collect();
    let different: HashSet<_> = codes.iter().collect();
    ensure!(
        codes.len() == different.len(),
        "RFC 6749 §4.1.2: a code was sent twice"
    );
    for request in of(Step::Userinfo) {
        ensure!(
            request.authorization == Authorization::Bearer,
            "OIDC Core §5.3.1: the access token is not in the header: {}",
            line(request)
        );
    }
    Ok(())
}

/// OpenID Connect Core 1.0 §3.1.2.1.
fn authorization(run: &Run, request: &RecordedRequest) -> Checked {
    let value = |name| request.query_value(name);
    ensure!(
        request.method == "GET" || request.method == "POST",
        "the method is {}",
        request.method
    );
    let names: HashSet<_> = request.query.iter().map(|(name, _)| name).collect();
    ensure!(
        names.len() == request.query.len(),
        "RFC 6749 §3.1: a parameter comes twice"
    );
    ensure!(
        value("response_type") == Some("code"),
        "`response_type` is not `code`"
    );
    ensure!(
        value("client_id") == Some(CLIENT_ID),
        "`client_id` is not as registered"
    );
    ensure!(
        value("redirect_uri") == Some(&run.app().redirect_uri()),
        "`redirect_uri` is not as registered"
    );
    let scope = value("scope").unwrap_or_default();
    ensure!(
        scope.split(' ').any(|scope| scope == "openid"),
        "`scope` has no `openid`"
    );
    ensure!(
        value("request").is_none() && value("request_uri").is_none(),
        "there is a request object"
    );
    ensure!(
        value("prompt") != Some("none") || value("max_age") != Some("0"),
        "`prompt=none` with `max_age=0`"
    );
    ensure!(
        value("state").is_some_and(|state| state.len() >= 22),
        "`state` is missing or has less than 128 bits"
    );
    ensure!(
        value("nonce").is_some_and(|nonce| nonce.len() >= 22),
        "`nonce` is missing or has less than 128 bits"
    );
    let method = value("code_challenge_method");
    ensure!(
        value("code_challenge").is_none() || method == Some("S256"),
        "RFC 9700 §2.1.1: the challenge is not S256"
    );
    let mode = run.setup().form_post.then_some("form_post");
    ensure!(
        value("response_mode").filter(|mode| *mode != "query") == mode,
        "`response_mode` is not as registered"
    );
    Ok(())
}

/// OpenID Connect Core 1.0 §3.1.3.1, and RFC 6749 §2.3: not more than one method in one request.
fn token(run: &Run, request: &RecordedRequest, challenged: bool) -> Checked {
    ensure!(
        request.method == "POST" && request.query.is_empty(),
        "it is no POST of a form"
    );
    match request.form_value("grant_type") {
        Some("authorization_code") => {
            ensure!(
                request.form_value("redirect_uri") == Some(&run.app().redirect_uri()),
                "`redirect_uri` is not repeated"
            );
            ensure!(
                !challenged || request.form_value("code_verifier").is_some(),
                "RFC 7636 §4.5: there was a challenge, and there is no verifier"
            );
        }
        Some("refresh_token") => ensure!(
            request.form_value("refresh_token").is_some() && request.form_value("code").is_none(),
            "RFC 6749 §6: a refresh is made of a refresh token"
        ),
        other => ensure!(false, "`grant_type` is {other:?}"),
    }
    let right = match (run.setup().auth, request.client_auth.as_slice()) {
        (None, [ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost]) => true,
        (Some(registered), [used]) => registered == *used,
        _ => false,
    };
    ensure!(
        right,
        "the client does not authenticate by the registered method, or by two: {:?}",
        request.client_auth
    );
    Ok(())
}

fn at(stop: crate::stop::Stop, request: &RecordedRequest) -> crate::stop::Stop {
    match stop {
        crate::stop::Stop::Failed(why) => {
            crate::stop::Stop::Failed(format!("{why}: {}", line(request)))
        }
        other => other,
    }
}

/// A request in one line, without secrets and without long values.
pub(crate) fn line(request: &RecordedRequest) -> String {
    let short = |(name, value): &(String, String)| match name.as_str() {
        "code" | "code_verifier" | "refresh_token" | "client_assertion" | "id_token_hint" => {
            format!("{name}=…")
        }
        _ => format!("{name}={value}"),
    };
    let parameters: Vec<String> = request
        .query
        .iter()
        .chain(&request.form)
        .map(short)
        .collect();
    let authorization = match request.authorization {
        Authorization::Absent => "",
        Authorization::Basic => " (Basic)",
        Authorization::Bearer => " (Bearer)",
        _ => " (another Authorization)",
    };
    format!(
        "{} {}{authorization} {}",
        request.method,
        request.path,
        parameters.join(" ")
    )
}
