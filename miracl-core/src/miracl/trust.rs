//! What an app asks of MIRACL Trust without a visitor, with its own credentials or as a service account.

use std::sync::Arc;

use crate::{
    base::secret::Secret,
    engine::Engine,
    error::trust::TrustError,
    flow::{
        app_login::{self, AppLogin},
        hook::AuthFailure,
        options::LoginOptions,
        project_user,
    },
    miracl::Miracl,
    trust::{
        activation::{self, Activation},
        api::Caller,
        audit::{self, AuditPage, AuditQuery},
        configuration::ProjectConfiguration,
        project,
        project_jwt::ProjectUser,
        revocation::{self, Revocation},
        service_account::ServiceAccount,
        signature::{self, Signature, SignatureVerdict},
        verification::{self, VerificationOptions},
    },
};

/// MIRACL Trust: registrations, signatures, project JWTs, and the API for back ends. A provider that is not MIRACL has
/// none of this.
///
/// Every call goes through the same HTTP client as a login: https except on loopback, [`Config::proxy`],
/// [`Config::ca_certs`], [`Config::request_timeout`], no redirects, at most 1 MiB.
///
/// [`Config::proxy`]: crate::Config::proxy
/// [`Config::ca_certs`]: crate::Config::ca_certs
/// [`Config::request_timeout`]: crate::Config::request_timeout
impl Miracl {
    /// Returns the address at which a person registers whom the app has verified by its own means, to be sent to them.
    ///
    /// Anybody who has the address can register as that person: send it to nobody else, and do not log it. For the
    /// person at the browser there is [`Visit::verification_url`](crate::Visit::verification_url), which also logs them
    /// in.
    ///
    /// ```
    /// use miracl_core::app::{error::TrustError, trust::VerificationOptions};
    /// use miracl_core::Miracl;
    /// use std::time::Duration;
    ///
    /// /// For a letter to somebody whose passport was seen at the counter.
    /// async fn link(miracl: &Miracl, customer: &str) -> Result<String, TrustError> {
    ///     let for_a_week = VerificationOptions {
    ///         expires_in: Some(Duration::from_secs(7 * 24 * 60 * 60)),
    ///         ..VerificationOptions::default()
    ///     };
    ///     miracl.verification_url(customer, for_a_week).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrustError::Argument`] for a user id of more than 255 bytes or with line breaks, [`TrustError::OtherHost`] for
    /// an address elsewhere, and [`TrustError::Refused`] or [`TrustError::Provider`] where the platform has none.
    pub async fn verification_url(
        &self,
        user_id: &str,
        options: VerificationOptions,
    ) -> Result<String, TrustError> {
        let api = self.engine().api(Caller::App);
        verification::verification_url(&api, user_id, &options, None).await
    }

    /// Starts a registration by the API that was there before custom verification, and returns its activation token.
    ///
    /// [`Visit::activation_url`](crate::Visit::activation_url) makes the address of a login of it.
    ///
    /// # Errors
    ///
    /// As [`verification_url`](Self::verification_url).
    pub async fn activate(
        &self,
        user_id: &str,
        device_name: Option<&str>,
    ) -> Result<Activation, TrustError> {
        let api = self.engine().api(Caller::App);
        activation::activate(&api, user_id, device_name).await
    }

    /// Returns whether a signature is valid, and if it is, the platform's certificate of that.
    ///
    /// `timestamp` is the time in seconds since 1970 that was given to the person's device to sign. Keep it on the
    /// server: it says how old the signature is. A valid signature is of the `hash` in it, so compare that with your
    /// own document.
    ///
    /// The certificate must be signed by the platform with RS256 and a key of at least 2048 bits, be for this hash,
    /// have been made no earlier than `timestamp`, and not have expired, with [`Config::clock_skew`] for both clocks.
    ///
    /// ```
    /// use miracl_core::app::{error::TrustError, trust::Signature};
    /// use miracl_core::Miracl;
    ///
    /// async fn is_signed(
    ///     miracl: &Miracl,
    ///     document: &[u8],
    ///     signature: &Signature,
    ///     timestamp: u64,
    /// ) -> Result<bool, TrustError> {
    ///     let verdict = miracl.verify_signature(signature, timestamp).await?;
    ///     Ok(signature.is_of(document) && verdict.is_valid())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrustError::Argument`] for a hash that is no SHA-256, a field that is empty or longer than 8 KiB, or a time
    /// after the year 9999; and [`TrustError::Refused`] or [`TrustError::Provider`] where the platform judges nothing.
    ///
    /// [`Config::clock_skew`]: crate::Config::clock_skew
    pub async fn verify_signature(
        &self,
        signature: &Signature,
        timestamp: u64,
    ) -> Result<SignatureVerdict, TrustError> {
        let engine = self.engine();
        signature::verify(
            &engine.trust,
            &engine.api(Caller::App),
            signature,
            timestamp,
        )
        .await
    }

    /// Makes the token by which front ends of earlier versions ask for a signature of a hash: the client id and an
    /// HMAC-SHA256 of the hash with the client secret, in base64. Today's need none.
    ///
    /// # Errors
    ///
    /// [`TrustError::Argument`] for a hash that is no SHA-256, and [`TrustError::Provider`] where the app's own source
    /// of credentials fails.
    pub async fn dvs_auth_token(&self, hash: &str) -> Result<Secret, TrustError> {
        signature::auth_token(self.engine().provider(), hash).await
    }

    /// Checks a JWT of the project, which proves a login that a front end of one's own made with MIRACL's client
    /// libraries.
    ///
    /// It must be signed with RS256 by a key of `/.well-known/jwks`, be for this project
    /// ([`Config::project_id`](crate::Config::project_id)) and of this issuer, and be no older than 60 seconds. A key
    /// that is not known is fetched, three times a minute at most. When these fetches are used up, it is unknown
    /// whether a JWT with an unknown key is good. By default a JWT counts once: see
    /// [`Config::project_jwt_use`](crate::Config::project_jwt_use).
    ///
    /// The platform is asked only for keys and for the project's id, which are kept for an hour.
    ///
    /// ```
    /// use miracl_core::app::error::TrustError;
    /// use miracl_core::Miracl;
    ///
    /// async fn who(miracl: &Miracl, jwt: &str) -> Result<String, TrustError> {
    ///     Ok(miracl.verify_project_jwt(jwt).await?.id().to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrustError::ProjectJwt`] with the check that failed, [`TrustError::Replayed`] for one that was used before,
    /// [`TrustError::Provider`] while keys or the project's id cannot be had or no more keys are fetched, and
    /// [`TrustError::Store`] while the store of marks cannot be reached.
    pub async fn verify_project_jwt(&self, jwt: &str) -> Result<ProjectUser, TrustError> {
        project_user::verify(self.engine(), jwt).await
    }

    /// Returns the address at which a person logs in to a mobile app, which receives the code itself and hands it over
    /// for [`validate_code`](Self::validate_code).
    ///
    /// It has a `state`, which only the mobile app can compare. It has no `nonce` and no code challenge, because no
    /// browser of this site takes part that could keep them.
    ///
    /// # Errors
    ///
    /// As [`Visit::login_url_with`](crate::Visit::login_url_with).
    pub async fn authorize_url_for_app(
        &self,
        options: LoginOptions,
    ) -> Result<String, AuthFailure> {
        app_login::authorize_url(self.engine(), &options).await
    }

    /// Exchanges the code that a mobile app has received, and returns who logged in, after all checks of a callback but
    /// those of `state` and `nonce`. Returns `None` where it is not `expected_user`, by `sub`. No session begins.
    ///
    /// An ID token with a `nonce` is refused: it belongs to a login in a browser. `redirect_uri` is that of the app's
    /// own request where it differs from [`Config::redirect_uri`](crate::Config::redirect_uri).
    ///
    /// ```
    /// use miracl_core::{AuthFailure, Miracl};
    ///
    /// /// Returns whether the code that a phone sent is its user's.
    /// async fn is_theirs(miracl: &Miracl, code: &str, user: &str) -> Result<bool, AuthFailure> {
    ///     Ok(miracl.validate_code(code, user, None).await?.is_some())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AuthFailure`] with the check that failed.
    pub async fn validate_code(
        &self,
        code: &str,
        expected_user: &str,
        redirect_uri: Option<&str>,
    ) -> Result<Option<AppLogin>, AuthFailure> {
        app_login::validate_code(self.engine(), code, expected_user, redirect_uri).await
    }

    /// Returns what everybody may know of the project. It is kept for an hour.
    ///
    /// # Errors
    ///
    /// [`TrustError::Provider`] when it cannot be had.
    pub async fn project_configuration(&self) -> Result<ProjectConfiguration, TrustError> {
        let engine = self.engine();
        project::configuration(&engine.trust, engine.provider()).await
    }

    /// Returns a page of the project's audit log.
    ///
    /// ```
    /// use miracl_core::app::{error::TrustError, trust::AuditQuery};
    /// use miracl_core::Miracl;
    ///
    /// async fn logins(miracl: &Miracl, user_id: &str) -> Result<usize, TrustError> {
    ///     let mut count = 0;
    ///     let mut query = Some(AuditQuery {
    ///         user_id: Some(user_id.to_owned()),
    ///         ..AuditQuery::default()
    ///     });
    ///     while let Some(page) = query.take() {
    ///         let page = miracl.audit(page).await?;
    ///         count += page.entries.iter().filter(|entry| entry.event_type == "authentication").count();
    ///         query = page.next;
    ///     }
    ///     Ok(count)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrustError::Argument`] for a text of more than 8 KiB or a time after the year 9999, and
    /// [`TrustError::Refused`] or [`TrustError::Provider`] where the platform answers none.
    pub async fn audit(&self, query: AuditQuery) -> Result<AuditPage, TrustError> {
        let engine = self.engine();
        audit::audit(&engine.trust, &engine.api(Caller::App), query).await
    }

    /// Revokes a person's registration on one device, by its M-Pin id or that one's hash. They can register again.
    ///
    /// Sessions at this app stay: end them where that is wanted.
    ///
    /// # Errors
    ///
    /// [`TrustError::Argument`] for an id that is no hexadecimal text, and [`TrustError::Refused`], with
    /// [`TrustCode::NotFound`](crate::app::error::TrustCode::NotFound) where there is no such registration, or
    /// [`TrustError::Provider`].
    pub async fn revoke_identity(
        &self,
        mpin_id: &str,
        reason: &str,
    ) -> Result<Revocation, TrustError> {
        let engine = self.engine();
        revocation::revoke(&engine.trust, &engine.api(Caller::App), mpin_id, reason).await
    }

    /// Returns the calls that a service account may make, with its token in place of this app's credentials.
    pub fn with_service_account(&self, account: &ServiceAccount) -> ServiceClient {
        ServiceClient {
            engine: Arc::clone(self.engine()),
            account: account.clone(),
        }
    }
}

/// The calls of a service account: [`Miracl::with_service_account`] makes it.
///
/// An account that lacks the permission is refused with
/// [`TrustCode::Forbidden`](crate::app::error::TrustCode::Forbidden), and one that was switched off with
/// [`TrustCode::Unauthorized`](crate::app::error::TrustCode::Unauthorized).
#[derive(Clone)]
pub struct ServiceClient {
    engine: Arc<Engine>,
    account: ServiceAccount,
}

impl ServiceClient {
    /// Does what [`Miracl::verification_url`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn verification_url(
        &self,
        user_id: &str,
        options: VerificationOptions,
    ) -> Result<String, TrustError> {
        let api = self.engine.api(self.caller());
        verification::verification_url(&api, user_id, &options, None).await
    }

    /// Does what [`Miracl::verify_signature`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn verify_signature(
        &self,
        signature: &Signature,
        timestamp: u64,
    ) -> Result<SignatureVerdict, TrustError> {
        let api = self.engine.api(self.caller());
        signature::verify(&self.engine.trust, &api, signature, timestamp).await
    }

    /// Does what [`Miracl::audit`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn audit(&self, query: AuditQuery) -> Result<AuditPage, TrustError> {
        let api = self.engine.api(self.caller());
        audit::audit(&self.engine.trust, &api, query).await
    }

    /// Does what [`Miracl::revoke_identity`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn revoke_identity(
        &self,
        mpin_id: &str,
        reason: &str,
    ) -> Result<Revocation, TrustError> {
        let api = self.engine.api(self.caller());
        revocation::revoke(&self.engine.trust, &api, mpin_id, reason).await
    }

    fn caller(&self) -> Caller<'_> {
        Caller::ServiceAccount(&self.account)
    }
}

impl std::fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceClient").finish_non_exhaustive()
    }
}
