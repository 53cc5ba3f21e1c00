//! What a visit asks of MIRACL Trust: registrations that end in a login, and whose project JWT came along.

use crate::{
    access::requirement::Requirement,
    error::trust::TrustError,
    flow::{
        project_user::{
            self,
            rights::{self, NotAuthorized},
        },
        registration,
        verify_user::{self, Verification, VerificationRequest},
    },
    refusal::Refusal,
    trust::{project_jwt::ProjectUser, verification::VerificationOptions},
    visit::Visit,
    web::{reply::Reply, request::RequestView},
};

/// MIRACL Trust.
impl Visit {
    /// Returns the address at which the person at this browser registers, whom the app has verified by its own means.
    /// Redirect the browser to it: it ends logged in.
    ///
    /// This is the app's part of custom verification. The Portal knows the address of the app's page that verifies
    /// people; this call goes behind its last step.
    ///
    /// A login begins in this response, as with [`login_url`](Self::login_url), and the platform is given its `state`
    /// and `nonce`. So the registration logs in this browser, and no other. Anybody who has the address can register as
    /// that person: do not log it. The platform's own request of this login has no code challenge.
    ///
    /// For a visitor who came by another host name than the redirect URI's, the registration does not end logged in,
    /// and the log says so. For a `HEAD` or a prefetch nothing is begun, and the address is that of the login route.
    ///
    /// ```
    /// use miracl_core::app::{error::TrustError, trust::VerificationOptions};
    /// use miracl_core::Visit;
    ///
    /// /// The last step of the app's verification page: returns where to redirect the browser.
    /// async fn verified(visit: &Visit, customer: &str) -> Result<String, TrustError> {
    ///     visit.verification_url(customer, VerificationOptions::default()).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Miracl::verification_url`](crate::Miracl::verification_url), and [`TrustError::Login`] where the login does
    /// not fit into the browser's cookies.
    pub async fn verification_url(
        &self,
        user_id: &str,
        options: VerificationOptions,
    ) -> Result<String, TrustError> {
        self.exchange.answers();
        Box::pin(registration::verification_url(
            &self.exchange,
            user_id,
            &options,
        ))
        .await
    }

    /// Returns the address of a login at which the person at this browser registers first, by the API that was there
    /// before custom verification: [`Miracl::activate`](crate::Miracl::activate), and its token as `acttoken`.
    ///
    /// # Errors
    ///
    /// As [`Miracl::activate`](crate::Miracl::activate), and [`TrustError::Login`] where the login cannot begin.
    pub async fn activation_url(
        &self,
        user_id: &str,
        device_name: Option<&str>,
    ) -> Result<String, TrustError> {
        self.exchange.answers();
        Box::pin(registration::activation_url(
            &self.exchange,
            user_id,
            device_name,
        ))
        .await
    }

    /// Returns whose project JWT this request has, as `Authorization: Bearer` (RFC 6750 §2.1). Adapters have the
    /// extractor `ProjectUser` for it.
    ///
    /// [`Miracl::verify_project_jwt`](crate::Miracl::verify_project_jwt) says what is checked. However often it is
    /// asked during one request, the JWT is used once. No session is read, and none begins.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the answer to send, which is never a redirect: 401 with `WWW-Authenticate: Bearer` where there
    /// is no JWT or it is refused, 400 where there are several `Authorization` headers, and 502 to 504 while it cannot
    /// be checked.
    pub async fn project_user(&self, request: &impl RequestView) -> Result<ProjectUser, Refusal> {
        let found = Box::pin(project_user::project_user(&self.exchange, request)).await;
        found.map_err(|refused| {
            self.exchange.refuse();
            Refusal::project_user(&self.exchange, NotAuthorized::NoProjectUser(refused))
        })
    }

    /// Returns whose project JWT this request has, as [`project_user`](Self::project_user) does, if they meet a
    /// requirement. The words are those for people who are logged in:
    ///
    /// | requirement | what it means for a project JWT |
    /// |---|---|
    /// | `logged_in()` | the JWT is valid |
    /// | `claim(..)` | the claim of the JWT. Which claims sessions keep plays no part |
    /// | `scope(..)` | a word of the claim `scope`, a text. Without that claim the JWT has none |
    /// | `acr(..)` | the claim `acr` |
    /// | `logged_in_within(..)` | the claim `auth_time`; without it `iat`, where [`Config::asks_every_time`] is set |
    /// | `email_verified()` | the claim `email_verified`, beside `email` |
    /// | `decided_by(..)` | the app is asked, with [`Caller::ProjectUser`](crate::app::access::Caller::ProjectUser) |
    ///
    /// What a session of the same person has plays no part.
    ///
    /// [`Config::asks_every_time`]: crate::Config::asks_every_time
    ///
    /// ```
    /// use miracl_core::app::access::Requirement;
    /// # use miracl_core::{Visit, adapter::{Refusal, RequestView}};
    ///
    /// # async fn orders(visit: &Visit, request: &impl RequestView) -> Result<String, Refusal> {
    /// let seller = Requirement::claim("roles").contains("seller");
    /// let user = visit.authorized_project_user(&seller, request).await?;
    /// Ok(format!("The orders of {}", user.id()))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`project_user`](Self::project_user), and for a valid JWT:
    ///
    /// | outcome | answer, as `application/problem+json` |
    /// |---|---|
    /// | denied | 403, with `error="insufficient_scope"` where a scope is missing (RFC 6750 §3.1) |
    /// | a newer or stronger login would do | 401, with `error="insufficient_user_authentication"` (RFC 9470 §3) |
    /// | the app's decision has failed | 503 |
    ///
    /// For a newer or stronger login, `WWW-Authenticate` has `acr_values` and `max_age` as well: the front end logs the
    /// person in again, and sends the new JWT.
    pub async fn authorized_project_user(
        &self,
        requirement: &Requirement,
        request: &impl RequestView,
    ) -> Result<ProjectUser, Refusal> {
        let found = Box::pin(rights::authorize(&self.exchange, requirement, request)).await;
        found.map_err(|refused| {
            self.exchange.refuse();
            Refusal::project_user(&self.exchange, refused)
        })
    }

    /// Returns whose project JWT this request has and who meets a requirement, for a route that is open to everybody:
    /// `None` for all others, and where it cannot be told, which the log explains.
    pub async fn optional_project_user(
        &self,
        requirement: &Requirement,
        request: &impl RequestView,
    ) -> Option<ProjectUser> {
        let found = Box::pin(rights::authorize(&self.exchange, requirement, request)).await;
        found.ok()
    }

    /// Ends a request for the app's own verification page as `on_verify_user` decides, and returns the page to send.
    /// Adapters call it with what the hook returned.
    ///
    /// # Errors
    ///
    /// The reply to send instead: the redirect of a person who was verified, or why they cannot register. A person is
    /// verified by a `POST` only.
    pub async fn conclude_verification<P, E>(
        &self,
        request: &VerificationRequest,
        hook: Result<Verification<P>, E>,
    ) -> Result<Result<P, E>, Reply> {
        match hook {
            Ok(Verification::Page(page)) => Ok(Ok(page)),
            Err(error) => Ok(Err(error)),
            Ok(Verification::Verified { user_id, options }) => Err(Box::pin(
                verify_user::conclude(&self.exchange, request, &user_id, options),
            )
            .await),
        }
    }

    /// Returns the page of an app that has the route and no `on_verify_user`: nobody is verified. The status is 403.
    pub fn nobody_verified_reply(&self) -> Reply {
        tracing::warn!(
            "`paths.verify_user` is set, and `on_verify_user` is not written: nobody is verified"
        );
        verify_user::nobody_verified(&self.exchange)
    }
}
