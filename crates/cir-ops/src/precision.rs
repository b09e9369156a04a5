//! How exactly convolutions multiply.

use serde::{Deserialize, Serialize};

/// What the products of a convolution are computed in. Tensors and sums stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// The tensors' own type.
    #[default]
    Full,
    /// f32 operands, or their transforms in minimal filtering, are rounded to bfloat16 (8 bits of
    /// mantissa) before they are multiplied, in forward and backward passes, with sums in f32:
    /// about half the time where the machine has AVX-512 BF16; elsewhere, and for f64, as
    /// [`Precision::Full`].
    Bf16,
}
