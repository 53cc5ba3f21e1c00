//! Filters that extract: who is asking, and the visit.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use miracl_core::{LazyVisit, Miracl, NoVisit, Outcome, Reply};
use warp::{
    Filter, Rejection,
    http::{HeaderMap, HeaderValue, header::COOKIE, request::Parts},
};

use crate::{reply::log_missing_layer, request::View};

/// Where the layer finds the visit again, if the request asked for it. It lies in the request's extensions, and nowhere
/// else.
///
/// Filters see a request in pieces only, so its head is here as well.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Inner>);

struct Inner {
    visit: LazyVisit<HeaderValue>,
    head: Parts,
    refused: OnceLock<Reply>,
}

impl Slot {
    /// Makes one for a request. What another layer has left there stays to be found behind it.
    pub(crate) fn new(miracl: Miracl, head: Parts) -> Self {
        let cookies = head.headers.get_all(COOKIE).iter().cloned();
        let visit = LazyVisit::new(miracl, cookies);
        let visit = match head.extensions.get::<Self>() {
            Some(outer) => visit.within(outer.0.visit.clone()),
            None => visit,
        };
        Self::of(visit, head)
    }

    fn of(visit: LazyVisit<HeaderValue>, head: Parts) -> Self {
        Self(Arc::new(Inner {
            visit,
            head,
            refused: OnceLock::new(),
        }))
    }

    /// The slot with the visit of this engine, also where another's layer lies in between.
    pub(crate) fn turned_to(&self, miracl: &Miracl) -> Result<Self, NoVisit> {
        let mut visit = self.0.visit.clone();
        Ok(match visit.turn_to(miracl)? {
            true => Self::of(visit, self.0.head.clone()),
            false => self.clone(),
        })
    }

    /// Whether this is of this engine.
    pub(crate) fn check(&self, miracl: &Miracl) -> Result<(), NoVisit> {
        self.0.visit.check(miracl)
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

    /// The visit, made when it is first asked for. Whoever asks shows the headers of the request.
    pub(crate) fn visit(&self, headers: &HeaderMap) -> Result<miracl_core::Visit, NoVisit> {
        self.0.visit.visit(&self.view(headers))
    }

    /// Looks who is asking, where nothing has to be waited for.
    fn user_at_once(&self, headers: &HeaderMap) -> Option<Option<miracl_core::User>> {
        self.0.visit.user_at_once(&self.view(headers))
    }

    /// The request as the layer saw it, with the headers of whoever asks.
    fn view<'a>(&'a self, headers: &'a HeaderMap) -> View<'a> {
        View::new(&self.0.head, headers)
    }

    /// What the visit changes about the response, if somebody asked for it.
    pub(crate) fn finish(&self) -> Outcome {
        self.0.visit.finish()
    }

    /// The answer to a request that a filter turned away, if one did.
    pub(crate) fn refused(&self) -> Option<&Reply> {
        self.0.refused.get()
    }

    /// Turns the request away. Whatever this becomes: the layer has the answer. A rejection of our own would be an
    /// error in warp's log.
    pub(crate) fn refuse(&self, refused: Reply) -> Rejection {
        self.0.refused.get_or_init(|| refused);
        warp::reject::not_found()
    }
}

/// Who is logged in, as [`user`] and [`optional_user`] extract it.
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences. With several layers around a
/// filter, it is who is logged in by the innermost.
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
    asked()
        .and_then(|slot, headers: HeaderMap| async move { answer(&slot, &headers).await.map(User) })
}

/// Extracts who is logged in, if anybody is. It never turns anybody away.
pub fn optional_user() -> impl Filter<Extract = (Option<User>,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        if let Some(user) = slot.user_at_once(&headers) {
            return Ok(user.map(User));
        }
        let visit = slot.visit(&headers);
        let visit = visit.map_err(|no_visit| slot.refuse(no_visit.reply()))?;
        match visit.user().await {
            Ok(user) => Ok(user.map(User)),
            Err(error) => {
                tracing::error!(%error, "the session cannot be read; the request goes on as anonymous");
                Ok::<_, Rejection>(None)
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
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let visit = slot.visit(&headers);
        visit
            .map(Visit)
            .map_err(|no_visit| slot.refuse(no_visit.reply()))
    })
}

/// Reaches the visit from the head of a request: in hooks, and in services between the layer and the filter.
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::layer`](crate::MiraclAuth::layer) is not around the service, or the request has other cookies
    /// than when it came there. Hooks never run without it.
    fn visit(&self) -> Visit;
}

impl RequestExt for Parts {
    fn visit(&self) -> Visit {
        let slot = self.extensions.get::<Slot>();
        let slot = slot.expect("`auth.layer()` is around every service that asks for a visit");
        let visit = slot.visit(&self.headers);
        Visit(visit.expect("a request keeps the cookies with which it came to the layer"))
    }
}

/// Extracts the slot. Without the layer the answer is 500.
pub(crate) fn slot() -> impl Filter<Extract = (Slot,), Error = Rejection> + Clone {
    warp::ext::get::<Slot>().or_else(|missing| async {
        log_missing_layer();
        Err(missing)
    })
}

/// Extracts the slot and the headers of the request, by which it is told from another that has the same extensions.
pub(crate) fn asked() -> impl Filter<Extract = (Slot, HeaderMap), Error = Rejection> + Clone {
    slot().and(warp::header::headers_cloned())
}

/// Turns everybody away who is not logged in.
pub(crate) async fn answer(
    slot: &Slot,
    headers: &HeaderMap,
) -> Result<miracl_core::User, Rejection> {
    if let Some(Some(user)) = slot.user_at_once(headers) {
        return Ok(user);
    }
    let visit = slot.visit(headers);
    let visit = visit.map_err(|no_visit| slot.refuse(no_visit.reply()))?;
    let refused = match visit.user().await {
        Ok(Some(user)) => return Ok(user),
        Ok(None) => visit.miracl().challenge(&View::from(slot.head())),
        Err(error) => {
            tracing::error!(%error, "the session cannot be read");
            visit.miracl().unavailable(&View::from(slot.head()))
        }
    };
    Err(slot.refuse(refused))
}
