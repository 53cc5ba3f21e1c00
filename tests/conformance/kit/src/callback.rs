//! An authorization response on its way to the app.

use miracl_platform::JourneyError;
use url::Url;

use crate::stop::Checked;

/// The address at which a browser comes back from the provider.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) url: Url,
    /// The form that the browser posts, or none with `response_mode=query`.
    pub(crate) form: Option<Vec<(String, String)>>,
}

impl Callback {
    pub(crate) fn of(callback: Result<miracl_platform::Callback, JourneyError>) -> Checked<Self> {
        let callback = callback
            .map_err(|error| format!("the provider does not send the person back: {error}"))?;
        let url = Url::parse(&callback.url).map_err(|error| format!("{callback:?}: {error}"))?;
        Ok(Self {
            url,
            form: callback.form,
        })
    }

    /// A parameter of the response.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.parameters()
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    fn parameters(&self) -> Vec<(String, String)> {
        self.form
            .clone()
            .unwrap_or_else(|| self.url.query_pairs().into_owned().collect())
    }

    /// A copy of the response with other parameters.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<(String, String)>)) -> Self {
        let mut parameters = self.parameters();
        change(&mut parameters);
        let mut changed = self.clone();
        if changed.form.is_some() {
            changed.form = Some(parameters);
        } else {
            changed
                .url
                .query_pairs_mut()
                .clear()
                .extend_pairs(parameters);
        }
        changed
    }

    /// A copy of the response with one parameter set.
    pub(crate) fn set(&self, name: &str, value: &str) -> Self {
        self.change(|parameters| {
            parameters.retain(|(other, _)| other != name);
            parameters.push((name.to_owned(), value.to_owned()));
        })
    }
}
