//! Edits that are to change one attribute of a picture and nothing else.
//!
//! *Edit precision* is the share of results in which the attribute changed as asked and all others
//! stayed, as a [`crate::Reader`] reads them. Where the true picture of the changed attribute is known,
//! a result is also compared with it, inside and outside the region that should change.

use candle_core::{Result, bail};
use cir_core::Image;
use serde::Serialize;

/// Accumulates edits of one attribute.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    results: usize,
    changed: usize,
    kept: usize,
    precise: usize,
    sums: [f64; 3],
    compared: usize,
    recognised: usize,
    identified: usize,
}

/// Scores of one attribute's edits, or their mean over attributes.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EditScores {
    /// The attribute, or `mean`.
    pub name: String,
    /// Results scored.
    pub results: usize,
    /// Share of unseen true pictures that the reader reads right.
    pub reader: f64,
    /// Share of results in which the attribute changed as asked.
    pub changed: f64,
    /// Share of results in which all other attributes stayed.
    pub kept: f64,
    /// Share of results in which both are so.
    pub precision: f64,
    /// Comparison with the true pictures, where they are known.
    pub truth: Option<TruthScores>,
    /// As a [`crate::Score`]'s.
    pub protocol: String,
}

/// Mean absolute differences as shares of the full range, and identity.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TruthScores {
    /// To the true picture, where it differs from the original.
    pub inside: f64,
    /// To the true picture, elsewhere.
    pub outside: f64,
    /// Of the reconstruction to the original, elsewhere too: what is lost without any edit.
    pub reconstruction: f64,
    /// Share of results that lie nearer to their truth than to those of other subjects; of those
    /// that were compared with any.
    pub identity: Option<f64>,
}

/// A result with what it is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Edited<'a> {
    /// The picture that was edited.
    pub original: &'a Image,
    /// What the model makes of it without an edit.
    pub reconstruction: &'a Image,
    /// The result.
    pub result: &'a Image,
    /// The true picture of the changed attribute.
    pub truth: &'a Image,
    /// The same attributes on other subjects.
    pub others: &'a [Image],
}

impl Edits {
    /// Adds what a reader found in a result whose attribute number `attribute` was to become `value`,
    /// made from a picture of the given labels.
    pub fn read(&mut self, found: &[u16], labels: &[u16], attribute: usize, value: u16) {
        let changed = found[attribute] == value;
        let mut others = found.iter().zip(labels).enumerate().filter(|(j, _)| *j != attribute);
        let kept = others.all(|(_, (found, label))| found == label);
        self.results += 1;
        self.changed += usize::from(changed);
        self.kept += usize::from(kept);
        self.precise += usize::from(changed && kept);
    }

    /// Adds a comparison with the truth.
    ///
    /// # Errors
    /// When sizes differ.
    pub fn compare(&mut self, edit: Edited<'_>) -> Result<()> {
        let region = differing(edit.original, edit.truth);
        let [inside, outside] = differences(edit.result, edit.truth, &region)?;
        let [_, reconstruction] = differences(edit.reconstruction, edit.original, &region)?;
        let own = edit.result.l1(edit.truth)?;
        let nearer = |other: &Image| edit.result.l1(other).map(|l1| own < l1);
        let nearest = edit.others.iter().map(nearer).collect::<Result<Vec<_>>>()?;
        for (sum, difference) in self.sums.iter_mut().zip([inside, outside, reconstruction]) {
            *sum += difference;
        }
        self.compared += 1;
        if !nearest.is_empty() {
            self.identified += 1;
            self.recognised += usize::from(nearest.into_iter().all(|nearer| nearer));
        }
        Ok(())
    }

    /// The shares so far; `reader` is the reader's own accuracy, and `of` says in the protocol what was
    /// edited and by whom it was read.
    pub fn scores(&self, name: impl Into<String>, reader: f64, of: &str) -> EditScores {
        let share = |n: usize| n as f64 / self.results.max(1) as f64;
        let [inside, outside, reconstruction] = self.sums.map(|sum| sum / self.compared as f64);
        let identity = self.recognised as f64 / self.identified as f64;
        let identity = (self.identified > 0).then_some(identity);
        let truth = TruthScores { inside, outside, reconstruction, identity };
        EditScores {
            name: name.into(),
            results: self.results,
            reader,
            changed: share(self.changed),
            kept: share(self.kept),
            precision: share(self.precise),
            truth: (self.compared > 0).then_some(truth),
            protocol: protocol(of, self.results),
        }
    }
}

impl EditScores {
    /// The means over attributes; `of` as in [`Edits::scores`].
    pub fn mean(all: &[Self], of: &str) -> Self {
        let over =
            |of: &dyn Fn(&Self) -> f64| all.iter().map(of).sum::<f64>() / all.len().max(1) as f64;
        let known = !all.is_empty() && all.iter().all(|scores| scores.truth.is_some());
        let truth = |of: fn(TruthScores) -> f64| over(&|s| s.truth.map_or(0., of));
        let told = all.iter().all(|s| s.truth.is_some_and(|t| t.identity.is_some()));
        let results = all.iter().map(|s| s.results).sum();
        Self {
            name: "mean".into(),
            results,
            protocol: protocol(&format!("{of} attributes={}", all.len()), results),
            reader: over(&|s| s.reader),
            changed: over(&|s| s.changed),
            kept: over(&|s| s.kept),
            precision: over(&|s| s.precision),
            truth: known.then(|| TruthScores {
                inside: truth(|t| t.inside),
                outside: truth(|t| t.outside),
                reconstruction: truth(|t| t.reconstruction),
                identity: told.then(|| truth(|t| t.identity.unwrap_or(0.))),
            }),
        }
    }
}

fn protocol(of: &str, results: usize) -> String {
    format!("edits 1 {of} results={results}")
}

/// Whether each pixel differs.
fn differing(a: &Image, b: &Image) -> Vec<bool> {
    let pixels = a.data().chunks(a.channels()).zip(b.data().chunks(b.channels()));
    pixels.map(|(a, b)| a != b).collect()
}

/// The mean absolute differences within `region` and outside, as shares of the full range; 0 where
/// there is no pixel.
fn differences(found: &Image, truth: &Image, region: &[bool]) -> Result<[f64; 2]> {
    let channels = truth.channels();
    if found.data().len() != truth.data().len() || region.len() * channels != truth.data().len() {
        bail!("pictures of {} and {} bytes", found.data().len(), truth.data().len());
    }
    let (mut sums, mut counts) = ([0u64; 2], [0usize; 2]);
    let pixels = found.data().chunks(channels).zip(truth.data().chunks(channels));
    for ((a, b), inside) in pixels.zip(region) {
        let side = usize::from(!inside);
        sums[side] += a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        counts[side] += channels;
    }
    Ok([0, 1].map(|side| sums[side] as f64 / 255. / counts[side].max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(bytes: [u8; 4]) -> Image {
        Image::new(1, 2, 2, bytes.into()).unwrap()
    }

    #[test]
    fn precision_needs_the_change_and_everything_else_unchanged() {
        let mut edits = Edits::default();
        for found in [[1, 0, 1], [1, 1, 1], [0, 0, 1], [0, 1, 1]] {
            edits.read(&found, &[0, 0, 1], 0, 1);
        }
        let scores = edits.scores("hat", 0.99, "of=hats seed=1");
        assert_eq!((scores.changed, scores.kept, scores.precision), (0.5, 0.5, 0.25));
        assert!(scores.truth.is_none());
        assert_eq!(scores.protocol, "edits 1 of=hats seed=1 results=4");
    }

    #[test]
    fn differences_are_told_apart_by_the_region_and_identity_by_the_nearest() {
        let (original, truth) = (image([0, 0, 0, 0]), image([255, 0, 0, 0]));
        let mut edits = Edits::default();
        let edit = Edited {
            original: &original,
            reconstruction: &image([9, 0, 0, 153]),
            result: &image([0, 51, 0, 0]),
            truth: &truth,
            others: &[image([255, 255, 255, 255])],
        };
        edits.compare(edit).unwrap();
        edits.compare(Edited { others: &[image([0, 51, 0, 0])], ..edit }).unwrap();
        let found = edits.scores("hat", 1., "").truth.unwrap();
        assert_eq!((found.inside, found.identity), (1., Some(0.5)));
        assert!((found.outside - 0.2 / 3.).abs() < 1e-12);
        assert!((found.reconstruction - 0.6 / 3.).abs() < 1e-12);
        // Compared with nobody, it is no result of identity.
        edits.compare(Edited { others: &[], ..edit }).unwrap();
        assert_eq!(edits.scores("hat", 1., "").truth.unwrap().identity, Some(0.5));
        let small = Image::filled(1, 1, [0]);
        assert!(edits.compare(Edited { result: &small, ..edit }).is_err());
    }

    #[test]
    fn a_mean_has_a_truth_only_if_all_have() {
        let of = |precision, truth| EditScores { precision, truth, ..EditScores::default() };
        let truth = |inside| Some(TruthScores { inside, ..TruthScores::default() });
        let mean = EditScores::mean(&[of(0.5, truth(0.1)), of(1., truth(0.3))], "seed=1");
        assert_eq!((mean.precision, mean.truth.unwrap().inside), (0.75, 0.2));
        assert_eq!(mean.protocol, "edits 1 seed=1 attributes=2 results=0");
        let partly = EditScores::mean(&[of(0.5, truth(0.1)), of(1., None)], "seed=1");
        assert!(partly.truth.is_none());
    }
}
