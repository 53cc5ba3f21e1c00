//! What only tests use: a provider and a signer for unit tests, entry points of fuzz targets and benches, mutations.
//!
//! None of it is part of the API.

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
pub(crate) mod mutations;
#[cfg(test)]
pub(crate) mod provider;
#[cfg(test)]
pub(crate) mod rsa_signer;
#[cfg(test)]
pub(crate) mod signer;
