//! The fuzz targets on their seeds, and on a fixed number of changed copies of them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::probes::fuzz::TARGETS;

/// How many changed copies each target is given.
const COPIES: usize = 2000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz")
}

/// Returns the seeds of a target, in the same order on every machine.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fuzz().join("seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{target}: {error}"));
    let files: BTreeSet<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Pseudo-random numbers that are equal in each run (xorshift64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Returns a number below `end`, and 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Changes a copy of a seed in one to four places: bytes, pieces of it, and pieces of another seed.
    fn change(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let place = self.below(bytes.len() + 1);
            let end = (place + self.below(8)).min(bytes.len());
            match self.below(6) {
                0 => bytes.insert(place, u8::try_from(self.below(256)).unwrap()),
                1 => drop(bytes.drain(place..end)),
                2 => bytes.truncate(place),
                3 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
                4 => {
                    let piece = bytes[place..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, piece);
                }
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(40)).min(other.len());
                    bytes.splice(place..end, other[from..to].iter().copied());
                }
            }
        }
        bytes
    }
}

#[test]
fn every_target_takes_some_of_its_seeds_and_refuses_some() {
    for (name, target) in TARGETS {
        let taken: BTreeSet<bool> = seeds(name).iter().map(|seed| target(seed)).collect();
        assert_eq!(taken.len(), 2, "{name}: all seeds are {taken:?}");
    }
}

#[test]
fn no_changed_seed_finds_anything() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..COPIES {
            let input = dice.change(&seeds);
            let found = std::panic::catch_unwind(|| target(&input));
            assert!(
                found.is_ok(),
                "{name} found something in {:?}",
                String::from_utf8_lossy(&input)
            );
        }
    }
}

#[test]
fn every_target_is_one_of_the_fuzzer_too() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let names: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for name in &names {
        let program = fuzz().join(format!("fuzz_targets/{name}.rs"));
        let program = fs::read_to_string(program).unwrap();
        assert!(program.contains(&format!("fuzz::{name}(data)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let folder = fs::read_dir(fuzz().join("fuzz_targets")).unwrap();
    assert_eq!(folder.count(), names.len());
}
