//! What all handlers of a platform share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::access::Sessions;
use crate::api::ApiError;
use crate::audit::Audit;
use crate::browser::JourneyError;
use crate::claims::Claims;
use crate::client::Clients;
use crate::client_auth::UsedAssertions;
use crate::config::PlatformConfig;
use crate::device::Devices;
use crate::device_id::DeviceId;
use crate::exchange::Exchanges;
use crate::fault::Faults;
use crate::grant::Grants;
use crate::identity::{Session, parse_email};
use crate::inbox::Inbox;
use crate::interaction::Interactions;
use crate::keys::KeyRing;
use crate::pending::Pending;
use crate::project::Project;
use crate::project::kept::KeptProject;
use crate::record::Recorder;
use crate::registration::Registrations;
use crate::sync::lock;
use crate::trust::Trust;
use crate::verification::Verifications;

/// Everything the handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) issuer: String,
    /// Where the platform listens.
    pub(crate) address: SocketAddr,
    pub(crate) config: PlatformConfig,
    pub(crate) keys: KeyRing,
    /// What tests say about people.
    pub(crate) claims: Claims,
    pub(crate) clients: Clients,
    pub(crate) devices: Devices,
    pub(crate) grants: Grants,
    pub(crate) assertions: UsedAssertions,
    pub(crate) interactions: Interactions,
    pub(crate) inbox: Inbox,
    pub(crate) recorder: Recorder,
    pub(crate) trust: Trust,
    pub(crate) project: KeptProject,
    /// The tokens of service accounts that were just made, by the account, until the portal has shown them.
    pub(crate) new_tokens: Pending<String>,
    pub(crate) registrations: Registrations,
    pub(crate) verifications: Verifications,
    pub(crate) sessions: Sessions,
    pub(crate) exchanges: Exchanges,
    pub(crate) audit: Audit,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) closing: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn faults(&self) -> Faults {
        lock(&self.faults).clone()
    }

    /// Returns the settings of the project as they are now.
    pub(crate) fn project(&self) -> Arc<Project> {
        self.project.get()
    }

    /// Returns what tokens call a person.
    pub(crate) fn sub(&self, user_id: &str) -> String {
        match self.project().opaque_sub {
            true => self.trust.authority.pseudonym(user_id),
            false => user_id.to_owned(),
        }
    }

    /// Checks that a request is for this project.
    pub(crate) fn check_project_id(&self, project_id: &str) -> Result<(), ApiError> {
        let is_it = project_id == self.trust.project_id;
        is_it
            .then_some(())
            .ok_or_else(|| ApiError::field("projectId", "not the one of this project"))
    }

    /// Records that a token was requested, and returns the faults as they are then.
    pub(crate) fn token_requested(&self) -> Faults {
        let mut faults = lock(&self.faults);
        faults.token_requested();
        faults.clone()
    }

    /// Waits until the platform shuts down.
    pub(crate) async fn closed(&self) {
        let mut closing = self.closing.clone();
        // An error means that the platform is gone, and so closed.
        let _ = closing.wait_for(|closing| *closing).await;
    }

    /// Makes a session, as if the PIN had been entered just now.
    pub(crate) fn sign_in(&self, device: &DeviceId, email: &str) -> Result<(), JourneyError> {
        let email = check_email(email)?;
        self.devices.sign_in(&device.key(), Session::new(&email));
        Ok(())
    }
}

pub(crate) fn check_email(email: &str) -> Result<String, JourneyError> {
    parse_email(email).ok_or_else(|| JourneyError::new(format!("{email:?} is no e-mail address")))
}
