//! The compositional hold-out: whole combinations are never seen in training, every single value is.

use std::collections::HashMap;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{Error, Index, Result};

/// How much is held out, and which draw of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOut {
    /// The share of all combinations that training never sees, from 0 to below 1.
    pub fraction: f64,
    /// Which of them: the same seed holds the same ones out.
    pub seed: u64,
}

/// The images for training, and those whose combinations are held out; both ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Images to train on.
    pub train: Vec<usize>,
    /// Images of combinations that training never sees.
    pub held_out: Vec<usize>,
}

impl Split {
    /// Draws the combinations to hold out. All images of one combination lie on the same side, and
    /// each value keeps at least one training combination.
    ///
    /// # Errors
    /// When the fraction is not in [0, 1), or so large that some value would never be seen.
    pub fn new(index: &Index, hold_out: HoldOut) -> Result<Self> {
        if !(0. ..1.).contains(&hold_out.fraction) {
            let allowed = "0 or more and below 1";
            return Err(Error::setting("data.hold_out.fraction", hold_out.fraction, allowed));
        }
        let mut of_image = Vec::with_capacity(index.len());
        let mut combinations: Vec<&[u16]> = Vec::with_capacity(index.combinations());
        let mut numbers: HashMap<&[u16], usize> = HashMap::new();
        for i in 0..index.len() {
            let labels = index.labels(i);
            of_image.push(*numbers.entry(labels).or_insert_with(|| {
                combinations.push(labels);
                combinations.len() - 1
            }));
        }
        let held = choose(index, &combinations, hold_out)?;
        let (held_out, train) = (0..index.len()).partition(|&i| held[of_image[i]]);
        Ok(Self { train, held_out })
    }
}

/// Which combinations are held out: in random order, each whose values all occur elsewhere too,
/// until there are enough.
fn choose(index: &Index, combinations: &[&[u16]], hold_out: HoldOut) -> Result<Vec<bool>> {
    let mut left: Vec<Vec<usize>> =
        index.schema().attributes().iter().map(|a| vec![0; a.values.len()]).collect();
    for labels in combinations {
        for (j, &l) in labels.iter().enumerate() {
            left[j][usize::from(l)] += 1;
        }
    }
    let wanted = (hold_out.fraction * combinations.len() as f64).round() as usize;
    let mut order: Vec<usize> = (0..combinations.len()).collect();
    order.shuffle(&mut cir_core::rng(hold_out.seed, "hold_out", 0));
    let mut held = vec![false; combinations.len()];
    let mut count = 0;
    for c in order {
        if count == wanted {
            break;
        }
        let values = || combinations[c].iter().enumerate();
        if values().all(|(j, &l)| left[j][usize::from(l)] > 1) {
            values().for_each(|(j, &l)| left[j][usize::from(l)] -= 1);
            held[c] = true;
            count += 1;
        }
    }
    if count < wanted {
        let found =
            format!("{} ({wanted} of {} combinations)", hold_out.fraction, combinations.len());
        let allowed =
            format!("at most {count} combinations, so that each value is seen in training");
        return Err(Error::setting("data.hold_out.fraction", found, allowed));
    }
    Ok(held)
}
