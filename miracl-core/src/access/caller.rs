//! Whom a decision of the app is about.

use std::fmt;

use crate::{session::identity::User, trust::project_jwt::ProjectUser};

/// Who sends a request: somebody who is logged in, or somebody with a project JWT.
///
/// Both are people of the same provider: one person has the same [`issuer`](Self::issuer) and [`id`](Self::id) either
/// way. `Debug` shows neither.
#[derive(Clone)]
#[non_exhaustive]
pub enum Caller {
    /// Somebody who is logged in, by their session.
    User(User),
    /// Somebody whose project JWT came with the request. There is no session.
    ProjectUser(ProjectUser),
}

impl Caller {
    /// Returns who says who it is (`iss`). Key your own users by both, as with [`User`].
    pub fn issuer(&self) -> &str {
        match self {
            Self::User(user) => user.issuer(),
            Self::ProjectUser(user) => user.issuer(),
        }
    }

    /// Returns the person (`sub`).
    pub fn id(&self) -> &str {
        match self {
            Self::User(user) => user.id(),
            Self::ProjectUser(user) => user.id(),
        }
    }

    /// Returns who is logged in. `None` for a request with a project JWT.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::ProjectUser(_) => None,
        }
    }

    /// Returns whose project JWT it is. `None` for somebody who is logged in.
    pub fn project_user(&self) -> Option<&ProjectUser> {
        match self {
            Self::User(_) => None,
            Self::ProjectUser(user) => Some(user),
        }
    }
}

impl From<User> for Caller {
    fn from(user: User) -> Self {
        Self::User(user)
    }
}

impl From<ProjectUser> for Caller {
    fn from(user: ProjectUser) -> Self {
        Self::ProjectUser(user)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(_) => "User",
            Self::ProjectUser(_) => "ProjectUser",
        })
    }
}
