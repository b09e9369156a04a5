//! The two domains.

use candle_core::Result;
use serde::{Deserialize, Serialize};

/// One of the two domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Domain {
    /// The first value of the data's domain attribute.
    A,
    /// The second.
    B,
}

impl Domain {
    /// Both, in order.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The one that pictures of this one are translated to.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Its place in an array of both.
    pub fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }

    /// Its letter in the names of networks, `A` or `B`.
    pub(crate) fn upper(self) -> &'static str {
        ["A", "B"][self.index()]
    }

    /// Its letter in the names of terms, `a` or `b`.
    pub(crate) fn lower(self) -> &'static str {
        ["a", "b"][self.index()]
    }
}

/// `f` of both, computed side by side.
///
/// # Errors
/// What `f` returns.
pub(crate) fn both_at_once<T: Send>(f: impl Fn(Domain) -> Result<T> + Sync) -> Result<[T; 2]> {
    let found = cir_ops::side_by_side(Domain::BOTH.to_vec(), f)?;
    found.try_into().map_err(|_| candle_core::Error::msg("a domain is lacking"))
}

/// `f` of A, then of B.
///
/// # Errors
/// What `f` returns.
pub(crate) fn both<T>(mut f: impl FnMut(Domain) -> Result<T>) -> Result<[T; 2]> {
    Ok([f(Domain::A)?, f(Domain::B)?])
}
