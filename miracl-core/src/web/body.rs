//! The body of a request for a route of the login: a form or JSON, which is short and comes at once.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::timeout;

use crate::web::{request::RequestView, route::Route};

/// How long a client may send nothing.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// How long a body may take in all.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than [`Route::MAX_BODY`].
    TooLong,
    /// It breaks off.
    Broken,
    /// It did not arrive in time.
    Late,
}

/// Whether a route looks at the body of this request. `POST` to the log-out needs none, and what is no form has no
/// parameters.
pub(crate) fn is_read(route: Route, request: &impl RequestView) -> bool {
    match route {
        Route::Callback | Route::LoginInitiate | Route::BackChannelLogout | Route::VerifyUser => {
            request.method() == "POST" && is_form(request)
        }
        Route::LoginJwt => request.method() == "POST" && (is_form(request) || is_json(request)),
        Route::AppToken => request.method() == "POST" && is_json(request),
        Route::LoginStart
        | Route::Logout
        | Route::FrontChannelLogout
        | Route::AppLoginUrl
        | Route::Session
        | Route::SessionRefresh
        | Route::SignedOut => false,
    }
}

/// Whether a request says that its body is a form.
pub(crate) fn is_form(request: &impl RequestView) -> bool {
    is_of_type(request, "application/x-www-form-urlencoded")
}

/// Whether a request says that its body is JSON.
pub(crate) fn is_json(request: &impl RequestView) -> bool {
    is_of_type(request, "application/json")
}

fn is_of_type(request: &impl RequestView, wanted: &str) -> bool {
    let media_type = request.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case(wanted)
}

/// Reads a body. `next` waits for its next part.
pub(crate) async fn read<B: AsRef<[u8]>, E>(
    next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<B, E>>>,
) -> Result<Vec<u8>, Unread> {
    read_within(MAX_PAUSE, MAX_TIME, next).await
}

async fn read_within<B: AsRef<[u8]>, E>(
    pause: Duration,
    time: Duration,
    mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<B, E>>>,
) -> Result<Vec<u8>, Unread> {
    let whole = async {
        let mut body = Vec::new();
        loop {
            let part = timeout(pause, poll_fn(&mut next)).await;
            match part.map_err(|_| Unread::Late)? {
                None => return Ok(body),
                Some(Err(_)) => return Err(Unread::Broken),
                Some(Ok(part)) => {
                    let part = part.as_ref();
                    if body.len() + part.len() > Route::MAX_BODY {
                        return Err(Unread::TooLong);
                    }
                    body.extend_from_slice(part);
                }
            }
        }
    };
    timeout(time, whole).await.unwrap_or(Err(Unread::Late))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::request::tests::Request;

    type Part = Option<Result<Vec<u8>, ()>>;

    /// Reads a body of these parts.
    async fn read_parts(parts: impl IntoIterator<Item = Part>) -> Result<Vec<u8>, Unread> {
        let mut parts = parts.into_iter();
        read(move |_| Poll::Ready(parts.next().flatten())).await
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let part = |length| Some(Ok(vec![b'a'; length]));
        let whole = read_parts([part(3), part(0), part(2)]).await;
        assert_eq!(whole, Ok(b"aaaaa".to_vec()));
        assert_eq!(read_parts([]).await, Ok(Vec::new()));
        let most = read_parts([part(Route::MAX_BODY)]).await.unwrap();
        assert_eq!(most.len(), Route::MAX_BODY);
        let more = read_parts([part(Route::MAX_BODY), part(1)]).await;
        assert_eq!(more, Err(Unread::TooLong));
        assert_eq!(
            read_parts([part(1), Some(Err(()))]).await,
            Err(Unread::Broken)
        );
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_late_and_one_that_goes_on_is_not_until_its_time_is_over() {
        let (short, long) = (Duration::from_millis(30), Duration::from_secs(60));
        let silent = |_: &mut Context<'_>| Poll::<Part>::Pending;
        assert_eq!(read_within(short, long, silent).await, Err(Unread::Late));
        assert_eq!(read_within(long, short, silent).await, Err(Unread::Late));
        // Each part comes within the pause, and all of them together take longer.
        let mut left = 8;
        let mut wait = Box::pin(tokio::time::sleep(short / 3));
        let slow = move |cx: &mut Context<'_>| {
            if left == 0 {
                return Poll::Ready(None);
            }
            std::task::ready!(wait.as_mut().poll(cx));
            wait = Box::pin(tokio::time::sleep(short / 3));
            left -= 1;
            Poll::Ready(Some(Ok::<_, ()>(b"a")))
        };
        let whole = read_within(Duration::from_secs(10), long, slow).await;
        assert_eq!(whole, Ok(vec![b'a'; 8]));
    }

    #[test]
    fn only_a_form_is_read_and_only_where_a_route_looks_at_it() {
        let post = |kind: &str| Request::post("/").with("content-type", kind);
        let form = "Application/X-WWW-Form-URLencoded; charset=utf-8";
        for route in [
            Route::Callback,
            Route::LoginInitiate,
            Route::BackChannelLogout,
        ] {
            assert!(is_read(route, &post(form)));
            assert!(!is_read(route, &post("multipart/form-data; boundary=b")));
            assert!(!is_read(route, &Request::post("/")));
            assert!(!is_read(
                route,
                &Request::get("/").with("content-type", form)
            ));
        }
        assert!(!is_read(Route::Logout, &post(form)));
    }
}
