//! Logging in: the two passes of a proof, and the verdict.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::fields::{Fields, public_key};
use super::{ApiError, Reply, project, reply};
use crate::access::Status;
use crate::audit::{Entry, Event};
use crate::device_id::{DeviceId, DeviceKey};
use crate::exchange::{Pass, Proof, Scope, TOKEN_SECONDS};
use crate::identity::Session;
use crate::mpin::scalar::Scalar;
use crate::registration::{Registration, Verdict};
use crate::shared::Shared;
use crate::verification::Activation;
use crate::{clock, random};

/// The curve, as clients call it.
pub(super) const CURVE: &str = "BN254CX";

/// Answers `POST /rps/v2/pass1`: takes the first message of a proof, and returns the challenge.
pub(super) async fn pass1(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    let scopes = fields.texts("scope")?;
    let scopes: Option<Vec<Scope>> = scopes.into_iter().map(Scope::parse).collect();
    let scopes = scopes.filter(|scopes| (1..=4).contains(&scopes.len()));
    let scopes = scopes.ok_or_else(|| ApiError::field("scope", "no list of known scopes"))?;
    let mpin_id = fields.mpin_id("mpin_id")?;
    let dtas = fields.text("dtas")?;
    // Time permits do not exist any more.
    if fields.optional("UT")?.is_some() {
        return Err(ApiError::field("UT", "not empty"));
    }
    let u = fields.g1("U")?;
    let expired = || {
        let info = "this M-Pin id is not registered here";
        ApiError::new(StatusCode::GONE, "EXPIRED_MPINID", info)
    };
    let registration = shared.registrations.find(&mpin_id).ok_or_else(expired)?;
    if !shared.trust.is_dtas(dtas) {
        return Err(ApiError::field("dtas", "not the one of this platform"));
    }
    // The equation that checks a proof holds for every key of whoever chooses it.
    let key = fields.optional("publicKey")?.map(str::to_ascii_lowercase);
    if key != registration.public_key {
        let key = key.map(|key| public_key("publicKey", &key)).transpose();
        return Err(key.map_or_else(
            |error| error,
            |_| ApiError::field("publicKey", "not the registered one"),
        ));
    }
    let y = Scalar::random();
    let answer = json!({ "y": y.to_hex() });
    shared.exchanges.passes.put(&mpin_id, Pass { u, y, scopes });
    Ok(reply(&answer))
}

/// Answers `POST /rps/v2/pass2`: takes the second message of a proof, and returns what the verdict is asked for with.
/// It is the same for a right PIN and a wrong one.
pub(super) async fn pass2(State(shared): State<Arc<Shared>>, body: Bytes) -> Reply {
    let fields = Fields::parse(&body)?;
    let mpin_id = fields.mpin_id("mpin_id")?;
    let v = fields.g1("V")?;
    let access_id = fields.optional("WID")?.map(str::to_owned);
    let pass = shared.exchanges.passes.take(&mpin_id);
    let Pass { u, y, scopes } = pass.ok_or_else(ApiError::login_session)?;
    let subject = shared.registrations.subject(&mpin_id);
    let is_right =
        subject.is_some_and(|subject| shared.trust.authority.accepts(&subject, &u, &y, &v));
    let auth_ott = shared.exchanges.proofs.add(Proof {
        mpin_id,
        is_right,
        scopes,
        access_id,
    });
    Ok(reply(&json!({ "authOTT": auth_ott })))
}

/// Answers `POST /rps/v2/authenticate`: the verdict, and what the login is good for.
pub(super) async fn authenticate(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let fields = Fields::parse(&body)?;
    fields.optional("wam")?;
    let proof = shared.exchanges.proofs.take(fields.text("authOTT")?);
    let proof = proof.ok_or_else(ApiError::login_session)?;
    // Nothing is said about the PIN where the login could lead nowhere.
    let access_id = proof.access_id.as_deref();
    let access_id = access_id.filter(|_| proof.scopes.contains(&Scope::Oidc));
    let registration = shared.registrations.find(&proof.mpin_id);
    let device = DeviceId::of(&headers).map(|id| id.key());
    if proof.scopes.contains(&Scope::Oidc)
        && !access_id
            .is_some_and(|id| takes_login(&shared, id, device.as_ref(), registration.as_ref()))
    {
        return Err(ApiError::login_session());
    }
    let verdict = shared.registrations.judge(&proof.mpin_id, proof.is_right);
    let registration = registration.ok_or_else(ApiError::login_session)?;
    let event = match verdict {
        Verdict::Proved => Event::LoggedIn,
        Verdict::Wrong { .. } => Event::WrongPin,
        Verdict::Revoked | Verdict::Unknown => Event::Blocked,
    };
    note(&shared, event, &proof, &registration);
    match verdict {
        Verdict::Proved => {}
        Verdict::Wrong { tries_left } => {
            let tries = if tries_left == 1 { "try" } else { "tries" };
            let info = format!("the PIN is wrong: {tries_left} {tries} left");
            let code = "UNSUCCESSFUL_AUTHENTICATION";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, code, info)
                .with("triesLeft", tries_left.to_string()));
        }
        Verdict::Revoked | Verdict::Unknown => {
            let info = "the M-Pin id is revoked";
            return Err(ApiError::new(StatusCode::GONE, "REVOKED_MPINID", info));
        }
    }
    if let Some(access_id) = access_id {
        let session = Session {
            email: registration.user_id.clone(),
            mpin_id: proof.mpin_id.clone(),
            auth_time: clock::now(),
            sid: random::token(),
        };
        let replaced = registration.replaces.as_deref();
        if !replaced.is_some_and(|id| shared.sessions.renew(access_id, id, &session)) {
            let status = Status::Authenticated(session);
            shared
                .sessions
                .advance(access_id, Some(&registration.user_id), status);
        }
    }
    Ok(reply(&granted(&shared, &proof, &registration)))
}

/// Whether a session waits for a login of this device: it is open and not for a signature, or the id has replaced the
/// one that logged in to it.
fn takes_login(
    shared: &Shared,
    access_id: &str,
    device: Option<&DeviceKey>,
    registration: Option<&Registration>,
) -> bool {
    let Some(session) = shared.sessions.find(access_id) else {
        return false;
    };
    if !session.admits(device) {
        return false;
    }
    let replaced = registration.and_then(|registration| registration.replaces.as_ref());
    match &session.status {
        Status::Authenticated(earlier) => replaced == Some(&earlier.mpin_id),
        status => status.is_open() && session.purpose.hash.is_none(),
    }
}

/// Returns what a login is good for.
fn granted(shared: &Shared, proof: &Proof, registration: &Registration) -> Value {
    let mut answer = json!({ "status": 200, "message": "OK" });
    let user_id = &registration.user_id;
    let now = clock::now();
    if proof.scopes.contains(&Scope::Jwt) {
        let mut claims = json!({
            "iss": shared.issuer(),
            "aud": shared.trust.project_id,
            "sub": shared.sub(user_id),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": random::token(),
        });
        shared.claims.apply(user_id, &mut claims);
        answer["jwt"] = json!(project::sign_login(shared, &claims));
    } else if proof.scopes.contains(&Scope::RegCode) {
        // It is for the platform, so no app that checks `aud` takes it for a login.
        let claims = json!({
            "iss": shared.issuer(),
            "aud": shared.issuer(),
            "sub": user_id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": shared.exchanges.quick_tokens.add(user_id.clone()),
        });
        answer["jwt"] = json!(project::sign_login(shared, &claims));
    }
    if shared.project().renew_secrets && registration.public_key.is_some() && !registration.renewed
    {
        let token = shared.verifications.activate(Activation {
            user_id: user_id.clone(),
            mpin_id: None,
            replaces: Some(proof.mpin_id.clone()),
            renewal: true,
        });
        answer["dvsRegister"] = json!({ "token": token, "curve": CURVE });
    }
    answer
}

fn note(shared: &Shared, event: Event, proof: &Proof, registration: &Registration) {
    let Registration {
        user_id,
        device_name,
        ..
    } = registration;
    let mut entry = Entry::new(event, &proof.mpin_id, user_id, device_name);
    let session = proof
        .access_id
        .as_ref()
        .and_then(|id| shared.sessions.find(id));
    if let Some(request) = session.and_then(|session| session.purpose.request) {
        entry.app_id = request.client.client_id.clone();
        entry.app_name = request.client.name.clone();
    }
    shared.audit.add(entry);
}
