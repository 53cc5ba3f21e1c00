//! Why a module ends early, and how it says so.

/// Why a module ends early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    Failed(String),
    /// The app was not declared to have this.
    Lacks(&'static str),
}

impl Stop {
    /// Adds what was tried to the message.
    pub(crate) fn while_(self, what: &str, value: &str) -> Self {
        match self {
            Self::Failed(why) => Self::Failed(format!("{what} {value}: {why}")),
            lacks @ Self::Lacks(_) => lacks,
        }
    }
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// What a step of a module returns.
pub(crate) type Checked<T = ()> = Result<T, Stop>;

/// Fails the module unless something holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err($crate::stop::Stop::Failed(format!($($why)+)));
        }
    };
}
pub(crate) use ensure;

/// What an app has, or the reason to leave the module out.
pub(crate) fn lacks<'a>(part: &'a Option<String>, what: &'static str) -> Checked<&'a str> {
    part.as_deref().ok_or(Stop::Lacks(what))
}
