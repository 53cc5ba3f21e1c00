//! A requirement with a name.

use std::any::type_name;

use crate::access::requirement::Requirement;

/// A requirement that is a type, so that an extractor can name it: `Authorized<Admin>`.
///
/// ```
/// use miracl_core::app::access::{Policy, Requirement};
///
/// struct Admin;
///
/// impl Policy for Admin {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("admin")
///     }
/// }
///
/// // A policy is a requirement, too: it can be part of others.
/// let careful = Requirement::from(Admin).and(Requirement::email_verified());
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Returns what a request must have. It is called for each request, so it is cheap: it connects to nothing and
    /// reads no file.
    fn requirement() -> Requirement;
}

impl Requirement {
    /// Returns the requirement of a policy. The log tells of it by the policy's name.
    pub fn of<P: Policy>() -> Self {
        let requirement = P::requirement();
        Self {
            policy: requirement.policy.or(Some(type_name::<P>())),
            ..requirement
        }
    }
}

impl<P: Policy> From<P> for Requirement {
    fn from(_: P) -> Self {
        Self::of::<P>()
    }
}
