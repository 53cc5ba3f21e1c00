//! The local inbox, which stands in for e-mail.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::clock;
use crate::sync::lock;

/// How many messages are kept; the oldest are forgotten first.
const MAX_MESSAGES: usize = 100;

/// A message that asks a person to confirm their address.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Confirms the address: the secret of the link, or the digits to type.
    pub(crate) code: String,
    /// The link; none if the digits are to be typed.
    pub(crate) link: Option<String>,
    pub(crate) to: String,
    /// The app that the person was logging in to.
    pub(crate) app: String,
    pub(crate) sent: u64,
    pub(crate) used: bool,
}

/// The messages, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<VecDeque<Message>>);

impl Inbox {
    /// Sends a link, whose secret is `code`.
    pub(crate) fn send_link(&self, to: &str, app: &str, link: &str, code: &str) {
        let message = new_message(to, app, Some(link.to_owned()), code.to_owned());
        push(&mut lock(&self.0), message);
    }

    /// Sends digits to type.
    pub(crate) fn send_digits(&self, to: &str, app: &str, digits: &str) {
        push(
            &mut lock(&self.0),
            new_message(to, app, None, digits.to_owned()),
        );
    }

    pub(crate) fn all(&self) -> Vec<Message> {
        lock(&self.0).iter().cloned().collect()
    }

    pub(crate) fn mark_used(&self, code: &str) {
        let mut messages = lock(&self.0);
        if let Some(message) = messages.iter_mut().find(|message| message.code == code) {
            message.used = true;
        }
    }
}

fn push(messages: &mut VecDeque<Message>, message: Message) {
    messages.truncate(MAX_MESSAGES - 1);
    messages.push_front(message);
}

fn new_message(to: &str, app: &str, link: Option<String>, code: String) -> Message {
    Message {
        code,
        link,
        to: to.to_owned(),
        app: app.to_owned(),
        sent: clock::now(),
        used: false,
    }
}
