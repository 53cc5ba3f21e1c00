//! What an adapter for a web framework uses of the engine. An app needs none of it.
//!
//! The repository's `examples/adapter-template` is a whole adapter, to be copied. In short, an adapter
//!
//! 1. implements [`RequestView`] over its framework's request;
//! 2. asks [`Miracl::check_origin`](crate::Miracl::check_origin) before anything else, and leaves a [`LazyVisit`] in
//!    the request;
//! 3. mounts every [`Mount`] of [`Miracl::routes`](crate::Miracl::routes), hands its requests to
//!    [`Visit::answer`](crate::Visit::answer), and does with the [`Answer`] what each variant says;
//! 4. turns a [`Reply`] or a [`Refusal`] into its framework's response;
//! 5. does with the [`Outcome`] of [`LazyVisit::finish`] what each of its fields says, for every response.

pub use crate::{
    exchange::{Outcome, leading::Unsent},
    flow::{answer::Answer, login::LoginStart, refused::Refused},
    lazy::LazyVisit,
    refusal::{NoVisit, Refusal},
    web::{
        headers::SeenHeaders,
        reply::Reply,
        request::RequestView,
        route::{Mount, Route},
        unread::drop_body,
    },
};
