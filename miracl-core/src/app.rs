//! What an app uses of the engine: every adapter re-exports all of it.
//!
//! The names of everyday use come first. The modules hold the rest: rights in [`access`], values of settings in
//! [`config`], errors in [`error`], the data of a login and its session in [`session`], the record of its checks in
//! [`receipt`], what MIRACL Trust offers beyond a login in [`trust`], and what a writer of a store needs in [`store`].
//! `User` and `Visit` are not among them, because each adapter has extractors of these names.

pub use crate::{
    config::Config,
    flow::hook::{AuthFailure, AuthSuccess, LogoutKind},
    miracl::Miracl,
    web::flash::Category,
};

/// What a request must have besides a login: a claim, a scope, a new login, the app's own word.
pub mod access {
    pub use crate::{
        access::{
            caller::Caller,
            claim::ClaimValue,
            policy::Policy,
            request::{AccessRequest, BoxError},
            requirement::{ClaimTest, Requirement},
        },
        flow::refused::{RefusalKind, Refused},
    };
}

/// The values of [`Config`]'s fields, with the types that hold and read secrets.
pub mod config {
    pub use crate::{
        base::{clock::Clock, cookie_key::CookieKey, secret::Secret},
        config::{
            credentials::{ClientCredentials, CredentialSource},
            options::{
                ClientAuthMethod, Danger, LogoutTokenRules, Paths, Pkce, ProjectJwtUse, Renewal,
                ResponseMode, UserinfoRequests, WhenUnavailable,
            },
            session_claims::{KeepClaims, SessionClaims},
            variable::{GivenBy, Variable},
        },
        jose::{algorithm::SigningAlgorithm, client_key::ClientKey},
    };
}

/// What happens to logins, for audit trails: see [`Miracl::observe`].
pub mod event {
    pub use crate::{
        engine::events::{AuthEvent, EventPerson},
        session::end::EndedBy,
    };
}

/// The engine's own pages and messages, to change them: see [`Miracl::change_pages`].
pub mod page {
    pub use crate::web::page::{Page, PageKind, PageLink};
}

/// What can go wrong, as types.
pub mod error {
    pub use crate::{
        base::cookie_key::CookieKeyError,
        error::{
            app_data::DataError,
            claim::ClaimError,
            config::{ConfigError, Problem},
            description::Description,
            difference::{Difference, LostSession},
            login::FailureReason,
            provider::ProviderError,
            refresh::RefreshError,
            session::{SessionError, SessionTooLarge},
            token::IdTokenError,
            trust::{TrustCode, TrustError},
        },
        jose::client_key::ClientKeyError,
    };
}

/// What a login asks for, and what its session holds: user data, tokens, messages, the person's devices.
pub mod session {
    pub use crate::{
        flow::{devices::SessionInfo, ended::SessionEnded, options::LoginOptions},
        provider::{
            tokens::Tokens,
            user_data::{UserData, standard::Address},
        },
        session::{app_data::AppData, end::SessionEnd},
        web::flash::Flash,
    };
}

/// The clients of MIRACL Trust: registrations that the app starts, signatures, project JWTs, and the API for back ends.
///
/// The calls themselves are methods of [`Miracl`] and [`Visit`](crate::Visit).
pub mod trust {
    pub use crate::{
        flow::{
            app_login::AppLogin,
            verify_user::{Verification, VerificationRequest},
        },
        miracl::trust::ServiceClient,
        trust::{
            activation::Activation,
            audit::{AuditEntry, AuditPage, AuditQuery},
            certificate::Certificate,
            configuration::ProjectConfiguration,
            project_jwt::ProjectUser,
            revocation::Revocation,
            service_account::ServiceAccount,
            signature::{Signature, SignatureVerdict, document_hash},
            verification::VerificationOptions,
        },
    };
}

/// The record of every check that a login passed or failed.
pub mod receipt {
    pub use crate::receipt::{
        Party, Receipt,
        check::{Check, CheckOutcome},
    };
}

/// People who are logged in without a provider, for an app's own tests. Needs the feature `testing`.
#[cfg(feature = "testing")]
pub mod testing {
    pub use crate::testing::TestUser;
}

/// Where sessions and marks are stored: the stores that come with the engine, and for the writer of another one its
/// trait, its types and the contract that tests it.
pub mod store {
    #[cfg(feature = "redis")]
    pub use crate::store::redis::{RedisOptions, RedisStore};
    pub use crate::{
        error::store::StoreError,
        store::{
            contract::{marks::mark_store_contract, sessions::session_store_contract},
            marks::{Lease, LeaseOwner, MarkKey, MarkStore, NoteList, Notes},
            memory::{marks::MemoryMarkStore, sessions::MemoryStore},
            sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
            storage::{MarkStorage, SessionStorage},
        },
    };
}
