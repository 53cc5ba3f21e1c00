//! Hashes of keys that are random already, as ids and hashes are: a few instructions where the standard hasher takes three hundred.

use std::hash::{BuildHasher, Hasher};

use crate::base::random::random;

/// Hashes differ from one table to the next, so that how long a lookup takes tells nothing of the keys that are there.
pub(crate) struct KeyHash {
    seed: [u64; 2],
}

pub(crate) struct KeyHasher {
    seed: [u64; 2],
    hash: u64,
}

impl Default for KeyHash {
    fn default() -> Self {
        Self {
            seed: [random(), random()].map(u64::from_le_bytes),
        }
    }
}

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        KeyHasher {
            seed: self.seed,
            hash: 0,
        }
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        // A key has 16 bytes or 32.
        let (pairs, _) = bytes.as_chunks::<16>();
        for pair in pairs {
            let pair = u128::from_le_bytes(*pair);
            let (low, high) = (
                pair as u64 ^ self.seed[0],
                (pair >> 64) as u64 ^ self.seed[1],
            );
            let product = u128::from(low) * u128::from(high);
            self.hash = self.hash.rotate_left(23) ^ product as u64 ^ (product >> 64) as u64;
        }
    }

    /// The length, which all keys have in common.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn any_bit_of_a_key_changes_both_ends_of_its_hash() {
        let hash = KeyHash::default();
        let keys = (0..256).map(|bit| {
            let mut key = [0_u8; 32];
            key[bit / 8] ^= 1 << (bit % 8);
            hash.hash_one(key)
        });
        let hashes: Vec<u64> = keys.collect();
        // Of 256 in 65,536 places, one shares its place with another at times; thirty would be no accident.
        for shift in [0, 48] {
            let places = hashes.iter().map(|hash| hash >> shift & 0xffff);
            let places: HashSet<_> = places.collect();
            assert!(places.len() > 240, "{}", places.len());
        }
    }

    #[test]
    fn two_tables_have_two_kinds_of_hashes() {
        let key = [7_u8; 32];
        let of = |hash: KeyHash| hash.hash_one(key);
        assert_ne!(of(KeyHash::default()), of(KeyHash::default()));
    }
}
