//! The errors of this crate: each names the place, what was found and what is allowed.

/// What can be wrong with a setting, a name or a tensor.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting holds a value that is not allowed.
    #[error("{field}: found {found}; allowed: {allowed}")]
    Setting {
        /// Dotted path of the field in the recipe.
        field: String,
        /// The value found.
        found: String,
        /// What would be accepted.
        allowed: String,
    },
    /// A stored tensor is missing, unknown, or has another shape or type.
    #[error("tensor {name}: found {found}; expected {expected}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What was found under that name.
        found: String,
        /// What this model holds there.
        expected: String,
    },
    /// An error of the tensor library.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl Error {
    /// A [`Error::Setting`] from anything printable.
    pub fn setting(
        field: impl Into<String>,
        found: impl std::fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Setting { field: field.into(), found: found.to_string(), allowed: allowed.into() }
    }

    /// The same about a tensor, to whose name this part is put before.
    pub fn within(self, prefix: &str) -> Self {
        match self {
            Self::Tensor { name, found, expected } => {
                Self::Tensor { name: format!("{prefix}{name}"), found, expected }
            }
            other => other,
        }
    }

    /// The same about a setting, which stands in `field`.
    pub fn at(self, field: &str) -> Self {
        match self {
            Self::Setting { found, allowed, .. } => Self::setting(field, found, allowed),
            other => other,
        }
    }
}

/// The result of this crate's checks.
pub type Result<T> = std::result::Result<T, Error>;
