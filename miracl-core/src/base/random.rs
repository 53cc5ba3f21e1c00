//! Random bytes.

use ring::rand::{SecureRandom, SystemRandom};

/// Returns bytes from the operating system's random number generator.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system has random numbers");
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_bytes_never_come_twice() {
        let ids: HashSet<[u8; 32]> = (0..1000).map(|_| random()).collect();
        assert_eq!(ids.len(), 1000);
        // Every bit is one sometimes, and sometimes none.
        let or = |ids: &mut dyn Iterator<Item = [u8; 32]>| {
            ids.fold([0; 32], |all, id| {
                std::array::from_fn(|at| all[at] | id[at])
            })
        };
        assert_eq!(or(&mut ids.iter().copied()), [0xff; 32]);
        assert_eq!(
            or(&mut ids.iter().map(|id| id.map(|byte| !byte))),
            [0xff; 32]
        );
    }
}
