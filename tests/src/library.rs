//! Libraries of npm that tests put into a page: those that send its requests by script, and one that judges it.

use std::{fs, path::PathBuf};

/// A library that a test puts into a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library {
    /// Its name and version, for messages.
    pub name: &'static str,
    path: &'static str,
}

impl Library {
    /// htmx 2, which asks by `XMLHttpRequest`.
    pub const HTMX_2: Self = Self {
        name: "htmx 2",
        path: "htmx.org/dist/htmx.js",
    };
    /// htmx 4, which asks by `fetch`.
    pub const HTMX_4: Self = Self {
        name: "htmx 4",
        path: "htmx-4/dist/htmx.js",
    };
    /// Turbo 8.
    pub const TURBO: Self = Self {
        name: "Turbo",
        path: "@hotwired/turbo/dist/turbo.es2017-umd.js",
    };

    /// axe, which judges whether everybody can use a page.
    pub const AXE: Self = Self {
        name: "axe",
        path: "axe-core/axe.min.js",
    };

    /// Whether `npm ci` has run in `tests/providers`.
    pub fn are_installed() -> bool {
        [Self::HTMX_2, Self::HTMX_4, Self::TURBO, Self::AXE]
            .into_iter()
            .all(|library| library.file().is_file())
    }

    /// Its script.
    pub fn source(self) -> String {
        let file = self.file();
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    fn file(self) -> PathBuf {
        let packages = concat!(env!("CARGO_MANIFEST_DIR"), "/providers/node_modules");
        PathBuf::from(packages).join(self.path)
    }
}
