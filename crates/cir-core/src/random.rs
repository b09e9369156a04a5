//! Seeded randomness without hidden state: every draw of a run is a pure function of
//! (run seed, stream name, index).
//!
//! A stream is what the numbers are for (`"sampler"`, `"cir"`, a parameter's name), the index
//! usually the training step. Nothing has to be replayed or stored to resume a run, and a batch
//! that is prepared ahead of time is the same batch.

use rand::SeedableRng;

/// The generator handed to everything that draws.
pub type Rng = rand_chacha::ChaCha8Rng;

/// The generator of `stream` at `index` in the run seeded with `seed`.
///
/// ```
/// use rand::Rng as _;
/// let a: f64 = cir_core::rng(1, "sampler", 7).random();
/// assert_eq!(a, cir_core::rng(1, "sampler", 7).random::<f64>());
/// assert_ne!(a, cir_core::rng(1, "sampler", 8).random::<f64>());
/// assert_ne!(a, cir_core::rng(1, "cir", 7).random::<f64>());
/// ```
pub fn rng(seed: u64, stream: &str, index: u64) -> Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(stream).to_le_bytes());
    key[16..24].copy_from_slice(&index.to_le_bytes());
    Rng::from_seed(key)
}

/// The 64-bit FNV-1a hash: stable across platforms and versions, unlike the standard hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
