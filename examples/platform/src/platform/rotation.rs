//! How a platform gets other keys while it runs.

use std::sync::Arc;

use super::{Platform, make_keys};
use crate::config::StartError;
use crate::keys::Keys;

impl Platform {
    /// Makes new keys that sign from now on, until the platform stops. The old ones stay
    /// published.
    ///
    /// The first two rotations of a platform without a file for its keys are as fast as the start. Later ones, and
    /// those of other platforms, make an RSA key, as the start may.
    ///
    /// # Errors
    /// [`StartError::Data`] if no key can be made.
    pub async fn rotate_keys(&self) -> Result<(), StartError> {
        let keys = self.next_keys().await?;
        self.shared.keys.rotate(keys);
        Ok(())
    }

    /// Makes new keys as [`rotate_keys`](Self::rotate_keys) does, and publishes no others: signatures by the old
    /// ones cannot be verified any more.
    ///
    /// # Errors
    /// [`StartError::Data`] if no key can be made.
    pub async fn rotate_keys_and_forget(&self) -> Result<(), StartError> {
        let keys = self.next_keys().await?;
        self.shared.keys.replace(keys);
        Ok(())
    }

    async fn next_keys(&self) -> Result<Arc<Keys>, StartError> {
        let next = self.shared.keys.next_of_tests();
        make_keys(move || next.map_or_else(Keys::generate, Keys::of_test)).await
    }
}
