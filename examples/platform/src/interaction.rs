//! A login that is under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::callback::ResponseMode;
use crate::client::Client;
use crate::device_id::DeviceKey;
use crate::grant::Grant;
use crate::sync::lock;
use crate::texts::Lang;
use crate::{clock, identity, random};

/// How long a person may take, in seconds.
const LIFETIME: u64 = 15 * 60;

/// How many logins may be under way; the oldest are forgotten first.
const MAX_PENDING: usize = 1000;

/// An authorization request that passed every check.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) client: Client,
    pub(crate) redirect_uri: String,
    pub(crate) response_mode: ResponseMode,
    pub(crate) scope: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    /// The way of logging in that the app prefers.
    pub(crate) acr: Option<String>,
}

impl Request {
    /// Makes a request of an app that wants nothing in particular.
    #[cfg(test)]
    pub(crate) fn of_client(client: Client) -> Self {
        Self {
            redirect_uri: client.redirect_uris.first().cloned().unwrap_or_default(),
            client,
            response_mode: ResponseMode::default(),
            scope: Vec::new(),
            state: None,
            nonce: None,
            code_challenge: None,
            acr: None,
        }
    }

    /// Returns what the app gets when `session` allows the request.
    pub(crate) fn grant(&self, sub: String, session: identity::Session) -> Grant {
        Grant {
            sub,
            client_id: self.client.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            scope: self.scope.clone(),
            nonce: self.nonce.clone(),
            code_challenge: self.code_challenge.clone(),
            acr: self.acr.clone(),
            session,
        }
    }
}

/// What the app says about who should log in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// The `prompt`, as the page reads it.
    pub(crate) prompt: &'static str,
    /// Who is expected.
    pub(crate) hint: Option<String>,
    /// An activation token, where the app has made sure of the person itself.
    pub(crate) act_token: Option<String>,
    /// The language of the pages.
    pub(crate) lang: Lang,
    /// What the app wants to have signed, instead of a login.
    pub(crate) document: Option<Document>,
}

/// What is to be signed.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Its SHA-256, in hexadecimal digits.
    pub(crate) hash: String,
    /// What the app says about it.
    pub(crate) description: Option<String>,
}

/// A login under way.
#[derive(Debug, Clone)]
pub(crate) struct Interaction {
    pub(crate) id: String,
    pub(crate) device: DeviceKey,
    pub(crate) request: Arc<Request>,
    /// The session that the login ends with.
    pub(crate) access_id: String,
    /// The session of the QR code that the page shows, if it shows one. Whoever reads the code learns this id, and
    /// not the other.
    pub(crate) qr: Option<String>,
    pub(crate) wanted: Wanted,
    began: u64,
}

impl Interaction {
    /// When its time is over.
    pub(crate) fn ends(&self) -> u64 {
        self.began + LIFETIME
    }

    /// Returns its sessions, each of which may end it.
    pub(crate) fn access_ids(&self) -> impl Iterator<Item = &str> {
        [Some(&self.access_id), self.qr.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// Why an interaction cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It has ended, is too old, or never existed.
    Over,
    /// Another browser began it.
    OtherBrowser,
}

/// Every login under way.
#[derive(Debug, Default)]
pub(crate) struct Interactions(Mutex<HashMap<String, Interaction>>);

impl Interactions {
    /// Begins an interaction and returns its id.
    pub(crate) fn begin(
        &self,
        device: DeviceKey,
        request: Arc<Request>,
        access_id: String,
        wanted: Wanted,
    ) -> String {
        let now = clock::now();
        let mut pending = lock(&self.0);
        pending.retain(|_, interaction| interaction.began + LIFETIME > now);
        if pending.len() >= MAX_PENDING {
            let oldest = pending.values().min_by_key(|interaction| interaction.began);
            if let Some(id) = oldest.map(|interaction| interaction.id.clone()) {
                pending.remove(&id);
            }
        }
        let id = random::token();
        let interaction = Interaction {
            id: id.clone(),
            device,
            request,
            access_id,
            qr: None,
            wanted,
            began: now,
        };
        pending.insert(id.clone(), interaction);
        id
    }

    /// Gives `look` the interaction, if `device` began it, and keeps what it changes.
    pub(crate) fn with<T>(
        &self,
        id: &str,
        device: Option<&DeviceKey>,
        look: impl FnOnce(&mut Interaction) -> T,
    ) -> Result<T, Gone> {
        let mut pending = lock(&self.0);
        let interaction = pending.get_mut(id).ok_or(Gone::Over)?;
        if interaction.began + LIFETIME <= clock::now() {
            pending.remove(id);
            return Err(Gone::Over);
        }
        if device != Some(&interaction.device) {
            return Err(Gone::OtherBrowser);
        }
        Ok(look(interaction))
    }

    /// Returns the interaction of a session, if it goes on.
    pub(crate) fn of_session(&self, access_id: &str) -> Option<Interaction> {
        let pending = lock(&self.0);
        let mut open = pending
            .values()
            .filter(|interaction| interaction.began + LIFETIME > clock::now());
        open.find(|interaction| interaction.access_id == access_id)
            .cloned()
    }

    /// Returns who may frame the pages of an interaction.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        lock(&self.0)
            .get(id)
            .map(|interaction| interaction.request.client.clone())
    }

    /// Ends the interactions of an app.
    pub(crate) fn end_of_client(&self, client_id: &str) {
        lock(&self.0).retain(|_, interaction| interaction.request.client.client_id != client_id);
    }

    /// Returns the sessions of the QR codes that are shown.
    pub(crate) fn qr_ids(&self) -> Vec<String> {
        let pending = lock(&self.0);
        pending
            .values()
            .filter_map(|interaction| interaction.qr.clone())
            .collect()
    }

    /// Lets every interaction run out of time.
    pub(crate) fn expire(&self) {
        for interaction in lock(&self.0).values_mut() {
            interaction.began = 0;
        }
    }

    /// Ends an interaction; only the first caller gets it.
    pub(crate) fn end(&self, id: &str) -> Option<Interaction> {
        lock(&self.0).remove(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_id::DeviceId;

    fn begin(interactions: &Interactions, device: &DeviceKey) -> String {
        let request = Request::of_client(Client::new("app", "s", "http://127.0.0.1/login"));
        interactions.begin(
            device.clone(),
            Arc::new(request),
            "access".to_owned(),
            Wanted::default(),
        )
    }

    #[test]
    fn only_the_browser_that_began_goes_on_and_only_once_does_it_end() {
        let interactions = Interactions::default();
        let device = DeviceId::random().key();
        let id = begin(&interactions, &device);
        assert_eq!(interactions.with(&id, Some(&device), |_| ()), Ok(()));
        let other = DeviceId::random().key();
        assert_eq!(
            interactions.with(&id, Some(&other), |_| ()),
            Err(Gone::OtherBrowser)
        );
        assert_eq!(
            interactions.with(&id, None, |_| ()),
            Err(Gone::OtherBrowser)
        );
        assert!(interactions.end(&id).is_some() && interactions.end(&id).is_none());
        assert_eq!(
            interactions.with(&id, Some(&device), |_| ()),
            Err(Gone::Over)
        );
    }

    #[test]
    fn an_interaction_expires() {
        let interactions = Interactions::default();
        let device = DeviceId::random().key();
        let id = begin(&interactions, &device);
        assert!(interactions.of_session("access").is_some());
        lock(&interactions.0).get_mut(&id).unwrap().began -= LIFETIME;
        assert!(interactions.of_session("access").is_none());
        assert_eq!(
            interactions.with(&id, Some(&device), |_| ()),
            Err(Gone::Over)
        );
    }

    #[test]
    fn a_flood_of_logins_is_bounded() {
        let interactions = Interactions::default();
        let device = DeviceId::random().key();
        for _ in 0..MAX_PENDING + 10 {
            begin(&interactions, &device);
        }
        assert_eq!(lock(&interactions.0).len(), MAX_PENDING);
    }
}
