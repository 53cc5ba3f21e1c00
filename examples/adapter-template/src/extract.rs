//! Filters that extract: who is asking, and the visit.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use miracl_core::{LazyVisit, Miracl, Outcome, Reply};
use warp::{Filter, Rejection, http::request::Parts};

use crate::{reply::log_missing_layer, request::View};

/// Where the layer finds the visit again, if the request asked for it. It lies in the request's extensions.
///
/// Filters see a request in pieces only, so its head is here as well.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Inner>);

struct Inner {
    visit: LazyVisit,
    head: Parts,
    refused: OnceLock<Reply>,
}

impl Slot {
    pub(crate) fn new(miracl: Miracl, head: Parts) -> Self {
        Self(Arc::new(Inner {
            visit: LazyVisit::new(miracl),
            head,
            refused: OnceLock::new(),
        }))
    }

    /// The head of the request.
    pub(crate) fn head(&self) -> &Parts {
        &self.0.head
    }

    /// The head of the request, for hooks: they find the visit in its extensions.
    pub(crate) fn request(&self) -> Parts {
        let mut head = self.0.head.clone();
        head.extensions.insert(self.clone());
        head
    }

    /// The visit, made when it is first asked for.
    pub(crate) fn visit(&self) -> miracl_core::Visit {
        self.0.visit.visit(&View::from(self.head()))
    }

    /// Looks who is asking, where nothing has to be waited for.
    fn user_at_once(&self) -> Option<Option<miracl_core::User>> {
        self.0.visit.user_at_once(&View::from(self.head()))
    }

    /// What the visit changes about the response, if somebody asked for it.
    pub(crate) fn finish(&self) -> Outcome {
        self.0.visit.finish()
    }

    /// The answer to a request that a filter turned away, if one did.
    pub(crate) fn refused(&self) -> Option<&Reply> {
        self.0.refused.get()
    }
}

/// Who is logged in, as [`user`] and [`optional_user`] extract it.
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct User(pub miracl_core::User);

impl Deref for User {
    type Target = miracl_core::User;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Extracts who is logged in, and sends everybody else to log in.
///
/// Anonymous requests are answered by [`Miracl::challenge`]: 303 to the login for a browser that navigates, 401 for
/// `fetch` and APIs. When the session cannot be read, the answer is 503. [`optional_user`] accepts everybody, and extracts `None`
/// in both cases.
///
/// The answer is final: no filter behind an `or` or a `recover` can give another.
pub fn user() -> impl Filter<Extract = (User,), Error = Rejection> + Clone {
    slot().and_then(|slot| async move { answer(&slot).await.map(User) })
}

/// Extracts who is logged in, if anybody is. It never turns anybody away.
pub fn optional_user() -> impl Filter<Extract = (Option<User>,), Error = Rejection> + Clone {
    slot().then(|slot: Slot| async move {
        if let Some(user) = slot.user_at_once() {
            return user.map(User);
        }
        match slot.visit().user().await {
            Ok(user) => user.map(User),
            Err(error) => {
                tracing::error!(%error, "the session cannot be read; the request goes on as anonymous");
                None
            }
        }
    })
}

/// The request's view of login, as [`visit`] extracts it.
///
/// Everything it does is in [`miracl_core::Visit`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct Visit(pub miracl_core::Visit);

impl Deref for Visit {
    type Target = miracl_core::Visit;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Extracts the request's view of login. It never turns anybody away.
pub fn visit() -> impl Filter<Extract = (Visit,), Error = Rejection> + Clone {
    slot().map(|slot: Slot| Visit(slot.visit()))
}

/// Reaches the visit from the head of a request: in hooks, and in services between the layer and the filter.
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::layer`](crate::MiraclAuth::layer) is not around the service. Hooks never run without it.
    fn visit(&self) -> Visit;
}

impl RequestExt for Parts {
    fn visit(&self) -> Visit {
        let slot = self.extensions.get::<Slot>();
        let slot = slot.expect("`auth.layer()` is around every service that asks for a visit");
        Visit(slot.visit())
    }
}

/// Extracts the slot. Without the layer the answer is 500.
pub(crate) fn slot() -> impl Filter<Extract = (Slot,), Error = Rejection> + Clone {
    warp::ext::get::<Slot>().or_else(|missing| async {
        log_missing_layer();
        Err(missing)
    })
}

/// Turns everybody away who is not logged in.
pub(crate) async fn answer(slot: &Slot) -> Result<miracl_core::User, Rejection> {
    if let Some(Some(user)) = slot.user_at_once() {
        return Ok(user);
    }
    let visit = slot.visit();
    let refused = match visit.user().await {
        Ok(Some(user)) => return Ok(user),
        Ok(None) => visit.miracl().challenge(&View::from(slot.head())),
        Err(error) => {
            tracing::error!(%error, "the session cannot be read");
            visit.miracl().unavailable(&View::from(slot.head()))
        }
    };
    slot.0.refused.get_or_init(|| refused);
    // Whatever this becomes: the layer has the answer. A rejection of our own would be an error in warp's log.
    Err(warp::reject::not_found())
}
