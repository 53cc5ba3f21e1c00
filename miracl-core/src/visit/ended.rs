//! Connections that stay open: the end of their session.

use crate::{
    flow::ended::{self, SessionEnded},
    visit::Visit,
};

/// Connections that stay open.
impl Visit {
    /// Returns the end of this request's session, as a future: for a WebSocket or an event stream, which nothing else
    /// closes when its person logs out.
    ///
    /// ```
    /// use miracl_core::{Visit, app::session::SessionEnd};
    ///
    /// # async fn next_message() -> String { String::new() }
    /// # async fn send(_: String) {}
    /// async fn connection(visit: &Visit) {
    ///     let mut ended = visit.ended();
    ///     # let connection =
    ///     async move {
    ///         loop {
    ///             tokio::select! {
    ///                 message = next_message() => send(message).await,
    ///                 end = &mut ended => return end,
    ///             }
    ///         }
    ///     };
    /// }
    /// ```
    ///
    /// It resolves when the session is over, and [`SessionEnd`](crate::app::session::SessionEnd) says why:
    ///
    /// * it was ended by a log-out of any kind, by the provider, by another session of the person, or by another login
    ///   in the same browser. In this process, that is noticed at once;
    /// * another replica has ended it. That is noticed within a second where sessions are in cookies and the replicas
    ///   share a [`marks_store`](crate::Config::marks_store), and otherwise within
    ///   [`session_check_interval`](crate::Config::session_check_interval), by default 30 seconds. Each session that is
    ///   waited for costs a lookup in the store per interval and process, however many connections it has;
    /// * one of its deadlines has passed. Other requests of the session move the idle deadline; an open connection does
    ///   not. Where sessions are in cookies, only the requests to this process are known: where several replicas serve
    ///   one browser, the connection may end while the session lives, and the browser connects again;
    /// * nobody is logged in: then at once.
    ///
    /// Later logins are other sessions, and so are other sessions of the same person. While the store or the marks
    /// cannot be read, it waits until they can, and the log says so; the absolute deadline counts meanwhile.
    ///
    /// Call it before the response is made, and ask before who is logged in, as an extractor does. Otherwise the
    /// session is read when the future is first polled, and one that has ended by then counts as nobody's. It borrows
    /// nothing of the visit.
    ///
    /// # Panics
    ///
    /// The future panics outside of a Tokio runtime with timers, if somebody is logged in.
    #[doc(alias = "revoked")]
    #[doc(alias = "websocket")]
    pub fn ended(&self) -> SessionEnded {
        ended::ended(&self.exchange)
    }
}
