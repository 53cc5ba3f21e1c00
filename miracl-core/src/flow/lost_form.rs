//! The message to somebody whose form a step-up has lost: it waits until they are back on the form's page.

use crate::{
    engine::pages::languages,
    exchange::Exchange,
    web::{
        client::Client,
        flash::Category,
        page::PageKind,
        request::{RequestView, is_safe},
    },
};

/// The message to somebody whose form could not be taken before they have logged in again.
const FORM_NOT_SENT: &str =
    "Your form was not sent, because it needs a new login. Please send it again.";

/// Tells somebody who has sent a form that a step-up loses.
pub(crate) fn tell(exchange: &Exchange, request: &impl RequestView) {
    let client = Client::of(request);
    if !is_safe(request) && matches!(client, Client::Navigation | Client::Turbo) {
        exchange.flash_once(Category::Info, &text(exchange, languages(request)));
    }
}

/// Tells it to somebody whose browser has not sent the message along, because another site has posted the callback.
pub(crate) fn tell_again(exchange: &Exchange) {
    exchange.flash_once(Category::Info, &text(exchange, exchange.languages()));
}

/// Whether the message waits to be shown.
pub(crate) fn waits(exchange: &Exchange) -> bool {
    let text = text(exchange, exchange.languages());
    let mut state = exchange.lock();
    let mut waiting = exchange.open_flashes(&mut state).iter();
    waiting.any(|flash| flash.text == text)
}

/// Drops the message, where somebody else has logged in: the form was not theirs.
pub(crate) fn forget(exchange: &Exchange) {
    let text = text(exchange, exchange.languages());
    let mut state = exchange.lock();
    let waiting = exchange.open_flashes(&mut state);
    let before = waiting.len();
    waiting.retain(|flash| flash.text != text);
    let forgot = waiting.len() < before;
    state.flashes_changed |= forgot;
}

/// The message in the words of the app.
fn text(exchange: &Exchange, languages: Option<String>) -> String {
    let engine = &exchange.engine;
    engine.words(languages, PageKind::FormNotSent, FORM_NOT_SENT)
}
