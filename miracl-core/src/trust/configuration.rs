//! What everybody may know of the project.

/// What everybody may know of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectConfiguration {
    /// The project's id, a UUID: the audience of its JWTs.
    pub id: String,
    /// How many digits a PIN has, if the platform says so.
    pub pin_length: Option<u8>,
}
