//! The rooms of the engine, and which rooms each may use. The order is from the top, and imports run downwards only.

/// One room. What lives there is named as in `src`: a file `name.rs`, a folder `name/`, or both.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: &'static str,
    modules: &'static str,
    may_use: &'static str,
}

#[rustfmt::skip]
pub(crate) const ROOMS: &[Room] = &[
    Room {
        name: "surface",
        modules: "lib app adapter testing lazy refusal visit miracl routes",
        may_use: "flow access exchange engine trust session site provider config store receipt web jose error base",
    },
    Room {
        name: "flow",
        modules: "flow",
        may_use: "access exchange engine trust session site provider config store receipt web jose error base",
    },
    Room {
        name: "access",
        modules: "access",
        may_use: "trust session provider base",
    },
    Room {
        name: "exchange",
        modules: "exchange",
        may_use: "engine trust session site provider config store receipt web jose error base",
    },
    Room {
        name: "engine",
        modules: "engine",
        may_use: "trust session site provider config store receipt web jose error base",
    },
    Room {
        name: "trust",
        modules: "trust",
        may_use: "session site provider config store receipt web jose error base",
    },
    Room {
        name: "session",
        modules: "session",
        may_use: "site provider config store receipt web jose error base",
    },
    Room {
        name: "site",
        modules: "site",
        may_use: "provider config store receipt web jose error base",
    },
    Room {
        name: "provider",
        modules: "provider",
        may_use: "config store receipt web jose error base",
    },
    Room {
        name: "config",
        modules: "config",
        may_use: "store receipt web jose error base",
    },
    // These four stand side by side.
    Room { name: "store", modules: "store", may_use: "error base" },
    Room { name: "receipt", modules: "receipt", may_use: "error base" },
    Room { name: "web", modules: "web", may_use: "error base" },
    Room { name: "jose", modules: "jose", may_use: "error base" },
    Room { name: "error", modules: "error", may_use: "base" },
    Room { name: "base", modules: "base", may_use: "" },
    // For tests, fuzzing and benches, whose own code is free to use every room. No other code may use this one.
    Room {
        name: "probes",
        modules: "probes",
        may_use: "surface flow exchange engine trust session site provider config store receipt web jose error base",
    },
];

impl Room {
    pub(crate) const fn new(
        name: &'static str,
        modules: &'static str,
        may_use: &'static str,
    ) -> Self {
        Self {
            name,
            modules,
            may_use,
        }
    }

    pub(crate) fn may_use(&self, other: &Self) -> bool {
        self.may_use
            .split_whitespace()
            .any(|name| name == other.name)
    }

    /// Whether a file lives here: its first folder or its own name tells. The path is from `src`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let module = path
            .split('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs");
        self.modules.split_whitespace().any(|name| name == module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_a_file_and_the_folder_of_its_name() {
        let room = Room::new("surface", "lib visit", "");
        assert!(room.has("lib.rs") && room.has("visit.rs") && room.has("visit/tests.rs"));
        assert!(!room.has("flow/visit.rs") && !room.has("visits.rs"));
    }

    #[test]
    fn every_room_uses_rooms_that_stand_below_and_never_the_probes() {
        let names: Vec<&str> = ROOMS.iter().map(|room| room.name).collect();
        for (number, room) in ROOMS
            .iter()
            .enumerate()
            .filter(|(_, room)| room.name != "probes")
        {
            let below = &names[number + 1..];
            for used in room.may_use.split_whitespace() {
                assert!(
                    below.contains(&used) && used != "probes",
                    "{} and {used}",
                    room.name
                );
            }
        }
    }

    #[test]
    fn no_module_lives_in_two_rooms() {
        let modules = ROOMS
            .iter()
            .flat_map(|room| room.modules.split_whitespace());
        let mut modules: Vec<&str> = modules.collect();
        let count = modules.len();
        modules.sort_unstable();
        modules.dedup();
        assert_eq!(modules.len(), count);
    }
}
