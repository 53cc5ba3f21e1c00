//! The project: its id, and how it is configured.

use std::time::Duration;

use serde_json::Value;

use crate::{
    base::text::is_project_id,
    error::{provider::ProviderError, trust::TrustError},
    provider::{Provider, http::HttpClient},
    trust::{
        Trust,
        api::{self, text},
        configuration::ProjectConfiguration,
    },
};

const ENDPOINT: &str = "/.well-known/project-configuration";

/// How long the answer is used before it is asked for again.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// Returns the project's configuration. It is asked for again when it is an hour old; while the platform is away, the
/// old one is used.
pub(crate) async fn configuration(
    trust: &Trust,
    provider: &Provider,
) -> Result<ProjectConfiguration, TrustError> {
    let (cached, http) = (&trust.project, &provider.client.http);
    let completed = cached.completed();
    if let Some(known) = cached.younger_than(FRESH) {
        return Ok((*known).clone());
    }
    let url = api::url(provider, ENDPOINT);
    let fetch = fetch(http.clone(), url);
    let fetched = cached.fetch_to_completion(&http.runtime, completed, fetch);
    match (fetched.await, cached.value()) {
        (Ok(fetched), _) => Ok((*fetched).clone()),
        (Err(error), Some(stale)) => {
            tracing::warn!(%error, "the project's configuration cannot be renewed; the old serves on");
            Ok((*stale).clone())
        }
        (Err(error), None) => Err(error.into()),
    }
}

/// Returns the id of the project: the one of the settings, else the one that the platform names.
pub(super) async fn id(trust: &Trust, provider: &Provider) -> Result<String, TrustError> {
    match &provider.client.config.project_id {
        Some(id) => Ok(id.clone()),
        None => Ok(configuration(trust, provider).await?.id),
    }
}

async fn fetch(http: HttpClient, url: String) -> Result<ProjectConfiguration, ProviderError> {
    let response = http.get(ENDPOINT, &url).await?;
    let read = || {
        let answer = api::read(ENDPOINT, &response)?;
        let id = text(ENDPOINT, &answer, "id")?;
        if !is_project_id(id) {
            return Err(TrustError::malformed(
                ENDPOINT,
                "`id` is no id of a project",
            ));
        }
        let pin_length = answer.get("pinLength").and_then(Value::as_u64);
        Ok(ProjectConfiguration {
            id: id.to_owned(),
            pin_length: pin_length.and_then(|length| length.try_into().ok()),
        })
    };
    read().map_err(|error| match error {
        TrustError::Provider(error) => error,
        // A refusal of a public document says nothing that an app could heed.
        _ => ProviderError::Status {
            endpoint: ENDPOINT,
            status: response.status,
        },
    })
}
