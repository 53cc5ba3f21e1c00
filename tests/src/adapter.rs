//! An adapter, with the programs that use it.

use std::path::Path;

use crate::programs::programs;

/// One of the adapters, by its demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The framework's name, as in `miracl-axum`.
    pub name: &'static str,
    /// The package of its demo.
    pub demo: &'static str,
    /// How the framework answers a method that a path does not have.
    pub wrong_method: u16,
    /// Whether the framework goes on with a request whose client is gone.
    pub goes_on: bool,
}

impl Adapter {
    /// Every adapter: each scenario runs on each of them.
    pub const ALL: &[Self] = &[
        Self {
            name: "axum",
            demo: "demo-axum",
            wrong_method: 405,
            goes_on: false,
        },
        Self {
            name: "actix",
            demo: "demo-actix",
            wrong_method: 405,
            goes_on: false,
        },
        Self {
            name: "rocket",
            demo: "demo-rocket",
            wrong_method: 404,
            goes_on: true,
        },
        Self {
            name: "warp",
            demo: "adapter-template",
            wrong_method: 405,
            goes_on: false,
        },
    ];

    /// This adapter, and the others after it in the list.
    pub fn rotation(self) -> impl Iterator<Item = Self> {
        let at = Self::ALL.iter().position(|each| *each == self);
        let (before, after) = Self::ALL.split_at(at.expect("an adapter of the list"));
        after.iter().chain(before).copied()
    }

    /// This adapter with its probe in place of its demo: an app with hooks that fail and routers in routers.
    ///
    /// The harness calls a probe a demo, too: both are driven in the same way.
    #[must_use]
    pub fn probe(self) -> Self {
        self.with_program(&self.probe_name())
    }

    /// This adapter with the app that the README shows in place of its demo.
    #[must_use]
    pub fn app(self) -> Self {
        self.with_program(&self.app_name())
    }

    /// This adapter with MIRACL's sample in place of its demo.
    #[must_use]
    pub fn sample(self) -> Self {
        self.with_program(&format!("sample-{}", self.name))
    }

    /// Whether it is a crate of its own. The template is not, and has no app in the README.
    #[must_use]
    pub fn is_a_crate(self) -> bool {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        root.join(format!("miracl-{}", self.name)).exists()
    }

    pub(crate) fn has_probe(self) -> bool {
        programs().contains_key(&self.probe_name())
    }

    fn probe_name(self) -> String {
        format!("probe-{}", self.name)
    }

    fn app_name(self) -> String {
        format!("{}-app", self.name)
    }

    fn with_program(self, name: &str) -> Self {
        let (demo, _) = programs()
            .get_key_value(name)
            .unwrap_or_else(|| panic!("there is no program {name}"));
        Self { demo, ..self }
    }
}
