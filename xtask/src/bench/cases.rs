//! What is timed, against whom, and how well it should do.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Whom our time is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Opponent {
    /// The same program on candle's own operations.
    #[serde(rename = "candle")]
    Candle,
    /// PyTorch as the original programs compute.
    #[serde(rename = "PyTorch, as published")]
    Published,
    /// PyTorch as fast as we could make it.
    #[serde(rename = "PyTorch, tuned")]
    Tuned,
}

impl Opponent {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Published => "PyTorch, as published",
            Self::Tuned => "PyTorch, tuned",
        }
    }
}

/// A piece of work, and for each opponent the ratio that is to be reached, if one is set.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) against: Vec<(Opponent, Option<f64>)>,
}

/// KERNELS.md's layers: kind (c, or t for transposed), kernel, stride, channels in and out, side of the
/// input, batch.
pub(super) const LAYERS: [&str; 12] = [
    "c 7 1 3 64 128 8",
    "c 4 2 64 128 128 8",
    "c 4 2 128 256 64 8",
    "c 4 2 256 256 32 8",
    "c 3 1 256 256 8 8",
    "c 3 1 256 256 54 4",
    "c 7 1 64 3 128 8",
    "t 4 2 256 256 8 8",
    "t 4 2 256 128 32 8",
    "t 4 2 128 64 64 8",
    "t 3 2 512 256 8 8",
    "t 3 2 128 64 32 8",
];

/// All cases in one precision.
pub(super) fn all(bf16: bool) -> Vec<Case> {
    use Opponent::{Candle, Published, Tuned};
    let case = |name: &str, against: &[(Opponent, Option<f64>)]| Case {
        name: name.to_owned(),
        against: against.to_vec(),
    };
    let layer = if bf16 { 1. } else { 0.95 };
    let layers = LAYERS.iter().map(|sizes| {
        let own = (!bf16).then_some((Candle, None));
        let against: Vec<_> = own.into_iter().chain([(Tuned, Some(layer))]).collect();
        case(&format!("layer {sizes}"), &against)
    });
    let published = (!bf16).then_some(0.6);
    let step = [(Published, published), (Tuned, Some(0.9))];
    let mut cases: Vec<_> = layers.collect();
    cases.push(case("step gzs-fonts-128 4", &step));
    if !bf16 {
        let own = [(Candle, None), (Published, None), (Tuned, Some(0.8))];
        cases.extend([
            case("step gzs-dsprites 8", &step),
            // Side and batch; the two attributes of the recipe.
            case("elegant 128 4", &step),
            // Crop and batch; a full iteration.
            case("i2i 216 2", &step),
            case("step gzs-fonts 4", &own),
            case("use gzs-fonts-128 1", &[(Tuned, Some(0.8))]),
            case("use gzs-fonts-128 16", &[(Tuned, Some(0.8))]),
            case("adam 100000000", &[(Tuned, Some(1.))]),
        ]);
    }
    cases
}

/// Checks that a case with this in its name has an opponent: candle, or PyTorch if that takes part.
///
/// # Errors
/// Names the cases that have one.
pub(super) fn check_only(only: &str, pytorch: bool) -> Result<()> {
    let takes_part = |(against, _): &(Opponent, _)| pytorch || *against == Opponent::Candle;
    // Those in bf16 are among them.
    let cases = all(false).into_iter().filter(|case| case.against.iter().any(takes_part));
    let names: Vec<String> = cases.map(|case| case.name).collect();
    let found = names.iter().any(|name| name.contains(only));
    ensure!(found, "--only {only:?}: allowed is a part of one of {}", names.join(", "));
    Ok(())
}

/// What the sum over all layers should reach against PyTorch.
pub(super) fn layers_bar(bf16: bool) -> f64 {
    if bf16 { 0.7 } else { 0.65 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_case_has_or_none_with_an_opponent_is_refused() {
        check_only("", false).unwrap();
        check_only("layer c 7", false).unwrap();
        check_only("use gzs", true).unwrap();
        let unknown = check_only("stepp", true).unwrap_err().to_string();
        assert!(unknown.contains("\"stepp\"") && unknown.contains("elegant 128 4"), "{unknown}");
        let alone = check_only("use gzs", false).unwrap_err().to_string();
        assert!(alone.contains("layer c 7") && !alone.contains("adam"), "{alone}");
    }
}
