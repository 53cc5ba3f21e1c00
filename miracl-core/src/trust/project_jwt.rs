//! JWTs of the project, by which a front end of one's own proves who has logged in, without OpenID Connect.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use ring::digest;
use serde_json::{Map, Value};

use crate::{
    base::text::printable,
    config::options::ProjectJwtUse,
    error::{provider::ProviderError, token::IdTokenError, trust::TrustError},
    jose::{algorithm::SigningAlgorithm, jws::Unverified, keys::SignatureCheck},
    provider::{
        Provider,
        claims::{check_audience, text, time},
        jwks::Cause,
    },
    receipt::Recorder,
    session::marks::Marks,
    store::marks::MarkKey,
    trust::{Trust, api::url, project},
};

/// How old a JWT may be, in seconds. The platform's say the same by their `exp`.
const LIFE: u64 = 60;

/// The longest `sub`, in bytes.
const MAX_SUB: usize = 255;

/// A person whose project JWT passed every check.
///
/// There is no session: the JWT is all that this rests on. `Debug` shows only the names of the claims.
#[derive(Clone)]
pub struct ProjectUser {
    id: String,
    issuer: String,
    claims: Map<String, Value>,
}

impl ProjectUser {
    #[cfg(feature = "testing")]
    pub(crate) fn new(id: String, issuer: String, claims: Map<String, Value>) -> Self {
        Self { id, issuer, claims }
    }

    /// Returns the person (`sub`): the user id that they registered with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns who says so (`iss`). Key your own users by both, as with [`User`](crate::User).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns every claim of the JWT.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

impl fmt::Debug for ProjectUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.claims.keys().collect();
        f.debug_struct("ProjectUser")
            .field("claims", &names)
            .finish_non_exhaustive()
    }
}

/// Checks a JWT of the project (RFC 8725), and marks it as used where it counts once.
pub(crate) async fn verify(
    trust: &Trust,
    provider: &Provider,
    marks: &Marks,
    jwt: &str,
    usage: ProjectJwtUse,
) -> Result<ProjectUser, TrustError> {
    let token = Unverified::parse(jwt, &[SigningAlgorithm::RS256])?;
    let http = &provider.client.http;
    let (uri, mut receipt) = (url(provider, "/.well-known/jwks"), Recorder::new());
    let keys = &trust.jwt_keys;
    let signature = keys.check(http, &uri, &token, Cause::ProjectJwt, &mut receipt);
    let signature = signature.await?;
    if signature == SignatureCheck::NoKey && keys.is_exhausted(Cause::ProjectJwt) {
        return Err(keys_unknown().into());
    }
    token.require_signature(signature)?;
    let claims = token.payload()?;

    // Other kinds of token may be signed with the same key (RFC 8725 §3.11).
    if let Some(typ) = token.typ.as_deref().filter(|typ| *typ != "jwt") {
        let detail = format!("its type is `{}`", printable(typ, 32));
        return Err(IdTokenError::Malformed { detail }.into());
    }
    accept(provider, marks, Some(trust), claims, token.signed(), usage).await
}

/// Checks the claims of a JWT whose signature is good, and marks it as used where it counts once. `signed` is what it
/// is known by. Without the project, whom it is for is not checked.
pub(crate) async fn accept(
    provider: &Provider,
    marks: &Marks,
    project: Option<&Trust>,
    claims: Map<String, Value>,
    signed: &str,
    usage: ProjectJwtUse,
) -> Result<ProjectUser, TrustError> {
    let issuer = issuer(provider, &claims).await?.to_owned();
    if let Some(trust) = project {
        let project = project::id(trust, provider).await?;
        check_audience(&claims, &project, &[])?;
    }
    let now = provider.client.now();
    let skew = provider.client.config.clock_skew.as_secs();
    let left = left(&claims, now, skew)?;
    let missing = IdTokenError::Missing { claim: "sub" };
    let id = text(&claims, "sub")?.ok_or(missing)?;
    if id.is_empty() || id.len() > MAX_SUB || id.contains(char::is_control) {
        return Err(IdTokenError::Invalid { claim: "sub" }.into());
    }
    let id = id.to_owned();
    if usage == ProjectJwtUse::Once && !marks.use_project_jwt(&mark(signed), left).await? {
        return Err(TrustError::Replayed);
    }
    Ok(ProjectUser { id, issuer, claims })
}

/// The error for a JWT whose key may be a new one, where strangers' JWTs have used up the fetches. The JWT may be good.
fn keys_unknown() -> ProviderError {
    let why = "too many project JWTs are signed with unknown keys, and the keys are not fetched again for a while";
    ProviderError::Unreachable {
        endpoint: "/.well-known/jwks",
        source: Arc::from(Box::<dyn Error + Send + Sync>::from(why)),
    }
}

/// Checks the issuer: as it is configured, or as the provider's metadata spells it.
async fn issuer<'a>(
    provider: &Provider,
    claims: &'a Map<String, Value>,
) -> Result<&'a str, TrustError> {
    let issuer = text(claims, "iss")?.ok_or(IdTokenError::Missing { claim: "iss" })?;
    if provider.has_issuer(issuer) {
        return Ok(issuer);
    }
    let configured = &provider.client.config.issuer;
    let differs_by_slash = issuer.trim_end_matches('/') == configured.trim_end_matches('/');
    if differs_by_slash {
        let metadata = provider.metadata().await?;
        if provider.issuers(&metadata).contains(issuer) {
            return Ok(issuer);
        }
    }
    Err(TrustError::ProjectJwt(IdTokenError::Issuer {
        expected: configured.clone(),
        found: printable(issuer, 200),
    }))
}

/// Checks the times, and returns for how long the JWT could still be accepted.
///
/// A clock that differs may make it younger than it is, never older: it is not accepted after its time.
fn left(claims: &Map<String, Value>, now: u64, skew: u64) -> Result<Duration, IdTokenError> {
    let needed = |claim| time(claims, claim)?.ok_or(IdTokenError::Missing { claim });
    let (exp, iat) = (needed("exp")?, needed("iat")?);
    let not_in_the_future = |claim, at: u64| match at > now.saturating_add(skew) {
        true => Err(IdTokenError::NotYetValid {
            claim,
            seconds: at - now,
        }),
        false => Ok(()),
    };
    not_in_the_future("iat", iat)?;
    if let Some(nbf) = time(claims, "nbf")? {
        not_in_the_future("nbf", nbf)?;
    }
    let ends = exp.min(iat.saturating_add(LIFE));
    if now >= ends {
        return Err(IdTokenError::Expired {
            seconds: now - ends,
        });
    }
    Ok(Duration::from_secs(ends - now))
}

/// What a JWT is marked by: a hash of what is signed, so that another spelling of its signature is no other JWT.
fn mark(signed: &str) -> MarkKey {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(b"project jwt\n");
    hash.update(signed.as_bytes());
    let mut mark = MarkKey([0; 32]);
    mark.0.copy_from_slice(hash.finish().as_ref());
    mark
}
