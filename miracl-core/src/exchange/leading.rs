//! The callback that others may wait for, and what is left of it where its request goes away.

use std::fmt;

use crate::engine::callbacks::{
    Ended, Lead,
    orphan::{Orphan, OrphanAnswer},
};

/// A callback that others may wait for. Dropped with something left, as when its request goes away, it leaves that to
/// one of them.
pub(crate) struct Leading {
    lead: Option<Lead>,
    /// What is left for others if the request goes away now.
    pub(crate) left: Option<Orphan>,
    /// Where the browser is sent if the app's answer does not say.
    pub(crate) return_to: String,
}

impl Leading {
    pub(crate) fn new(lead: Lead) -> Box<Self> {
        Box::new(Self {
            lead: Some(lead),
            left: None,
            return_to: String::new(),
        })
    }

    /// Whether anybody waits.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.lead.as_ref().is_some_and(Lead::is_waited_for)
    }

    /// Tells those who wait that the login has failed.
    pub(crate) fn fail(mut self, ended: Ended) {
        if let Some(lead) = self.lead.take() {
            lead.end(ended);
        }
    }

    /// Tells those who wait where the browser is sent, if its login went well.
    pub(crate) fn end(mut self) {
        let (lead, left) = (self.lead.take(), self.left.take());
        if let (Some(lead), Some(Orphan::Answer(answer))) = (lead, left) {
            let OrphanAnswer {
                status, location, ..
            } = *answer;
            lead.end(Ended::Sent { status, location });
        }
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        if let (Some(lead), Some(left)) = (self.lead.take(), self.left.take()) {
            lead.hand_over(left);
        }
    }
}

/// An answer that may not arrive: see [`Visit::until_sent`](crate::Visit::until_sent).
pub struct Unsent(pub(crate) Box<Leading>);

impl Unsent {
    /// Notes that the answer is on its way.
    pub fn sent(self) {
        self.0.end();
    }
}

impl fmt::Debug for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").finish_non_exhaustive()
    }
}
