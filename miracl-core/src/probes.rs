//! Entry points of tests: a provider for unit tests, fuzz targets, benches, mutations. No part of the API.

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
pub(crate) mod mutations;
#[cfg(test)]
pub(crate) mod provider;
#[cfg(test)]
pub(crate) mod signer;
