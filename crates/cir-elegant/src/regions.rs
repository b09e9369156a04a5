//! Results against the true pictures: what should change, what should stay, and whose face it is.

use cir_core::Image;
use cir_data::{Result, Source};

use crate::evaluation::{OTHERS, TruthScores};

/// Differences, summed over results.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    sums: TruthScores,
    count: usize,
}

impl Regions {
    /// Adds `edits` of the images numbered `sources`, in which the attribute at a place of the schema
    /// was to take a value, and their reconstructions; nothing where the source knows no truth.
    pub(crate) fn add(
        &mut self,
        source: &dyn Source,
        sources: &[usize],
        (place, value): (usize, u16),
        reconstructions: &[Image],
        edits: &[Image],
    ) -> Result<()> {
        for (k, &index) in sources.iter().enumerate() {
            let Some(true_index) = source.changed(index, place, value) else { continue };
            let (original, truth) = (source.image(index)?, source.image(true_index)?);
            let region = differing(&original, &truth);
            let (inside, outside) = differences(&edits[k], &truth, &region);
            let (_, reconstruction) = differences(&reconstructions[k], &original, &region);
            let own = edits[k].l1(&truth)?;
            let mut nearest = true;
            for other in 1..=OTHERS.min(sources.len() - 1) {
                let other = sources[(k + other) % sources.len()];
                if let Some(other) = like(source, other, true_index) {
                    nearest &= other == true_index || own < edits[k].l1(&source.image(other)?)?;
                }
            }
            self.sums.inside += inside;
            self.sums.outside += outside;
            self.sums.reconstruction += reconstruction;
            self.sums.identity += f64::from(u8::from(nearest));
            self.count += 1;
        }
        Ok(())
    }

    /// Means over all results, if there was a truth.
    pub(crate) fn scores(&self) -> Option<TruthScores> {
        let of = |sum: f64| sum / self.count as f64;
        (self.count > 0).then(|| TruthScores {
            inside: of(self.sums.inside),
            outside: of(self.sums.outside),
            reconstruction: of(self.sums.reconstruction),
            identity: of(self.sums.identity),
        })
    }
}

/// The image of `other`'s subject with all attributes of image `wanted`.
fn like(source: &dyn Source, other: usize, wanted: usize) -> Option<usize> {
    let labels = source.labels(wanted);
    labels.iter().enumerate().try_fold(other, |i, (j, &value)| source.changed(i, j, value))
}

/// Whether each pixel differs.
fn differing(a: &Image, b: &Image) -> Vec<bool> {
    let pixels = |image: &Image| image.channels();
    a.data().chunks(pixels(a)).zip(b.data().chunks(pixels(b))).map(|(a, b)| a != b).collect()
}

/// The mean absolute differences within `region` and without, as shares of the full range; 0 where
/// there is no pixel.
fn differences(found: &Image, truth: &Image, region: &[bool]) -> (f64, f64) {
    let channels = truth.channels();
    let (mut sums, mut counts) = ([0u64; 2], [0usize; 2]);
    let pixels = found.data().chunks(channels).zip(truth.data().chunks(channels));
    for ((a, b), &inside) in pixels.zip(region) {
        let side = usize::from(!inside);
        sums[side] += a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        counts[side] += channels;
    }
    let mean = |side: usize| sums[side] as f64 / 255. / counts[side].max(1) as f64;
    (mean(0), mean(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_apart_by_the_region() {
        let image = |bytes: [u8; 4]| Image::new(1, 2, 2, bytes.into()).unwrap();
        let region = differing(&image([0, 0, 0, 0]), &image([255, 0, 0, 0]));
        assert_eq!(region, [true, false, false, false]);
        let (inside, outside) = differences(&image([0, 51, 0, 0]), &image([255, 0, 0, 0]), &region);
        assert_eq!(inside, 1.);
        assert!((outside - 0.2 / 3.).abs() < 1e-12);
    }
}
