//! The local inbox, which stands in for e-mail.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::clock;
use crate::random;
use crate::sync::lock;

/// How many messages are kept; the oldest are forgotten first.
const MAX_MESSAGES: usize = 100;

/// A message that asks a person to confirm their address.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Confirms the address: the secret of the link.
    pub(crate) code: String,
    pub(crate) to: String,
    /// The app that the person was logging in to.
    pub(crate) app: String,
    /// The interaction that the link goes on with.
    pub(crate) interaction: String,
    pub(crate) sent: u64,
    pub(crate) used: bool,
}

/// The messages, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<VecDeque<Message>>);

impl Inbox {
    /// Sends a message; an older one for the same interaction stops working.
    pub(crate) fn send(&self, to: &str, app: &str, interaction: &str) {
        let mut messages = lock(&self.0);
        messages.retain(|message| message.interaction != interaction);
        messages.truncate(MAX_MESSAGES - 1);
        messages.push_front(Message {
            code: random::token(),
            to: to.to_owned(),
            app: app.to_owned(),
            interaction: interaction.to_owned(),
            sent: clock::now(),
            used: false,
        });
    }

    pub(crate) fn all(&self) -> Vec<Message> {
        lock(&self.0).iter().cloned().collect()
    }

    pub(crate) fn find(&self, code: &str) -> Option<Message> {
        lock(&self.0)
            .iter()
            .find(|message| message.code == code)
            .cloned()
    }

    pub(crate) fn mark_used(&self, code: &str) {
        let mut messages = lock(&self.0);
        if let Some(message) = messages.iter_mut().find(|message| message.code == code) {
            message.used = true;
        }
    }
}
