//! Graphs in sections: a backward pass that goes from section to section, and through those that do not
//! depend on one another side by side.
//!
//! What one section makes for others is cut: they start at a leaf with the same numbers. A leaf's gradient
//! is collected over all that used it, and then runs on through the section that made it; the sums are
//! those of one graph.

use std::collections::HashMap;

use candle_core::{Result, Tensor, TensorId, Var, backprop::GradStore, bail};
use cir_ops::side_by_side;

use crate::add_to;

/// A place where a graph is cut.
#[derive(Debug, Clone)]
pub struct Cut {
    made: Tensor,
    leaf: Var,
}

impl Cut {
    /// Cuts the graph behind `made`.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn new(made: &Tensor) -> Result<Self> {
        Ok(Self { made: made.clone(), leaf: Var::from_tensor(&made.detach())? })
    }

    /// What other sections use.
    pub fn leaf(&self) -> &Tensor {
        self.leaf.as_tensor()
    }
}

/// The gradients that were found at cuts.
#[derive(Debug, Default)]
pub struct CutGradients(HashMap<TensorId, Tensor>);

impl CutGradients {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a backward pass left at `cuts`, and adds it.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn collect<'a>(
        &mut self,
        cuts: impl IntoIterator<Item = &'a Cut>,
        store: &mut GradStore,
    ) -> Result<()> {
        for cut in cuts {
            if let Some(gradient) = store.remove(&cut.leaf) {
                let mut sum = self.0.remove(&cut.leaf.id());
                add_to(&mut sum, gradient)?;
                self.0.extend(sum.map(|sum| (cut.leaf.id(), sum)));
            }
        }
        Ok(())
    }

    /// What was made at those of `cuts` where a gradient was found, with it: where [`cir_ops::backward_from`]
    /// goes on.
    pub fn outputs<'a>(&self, cuts: impl IntoIterator<Item = &'a Cut>) -> Vec<(Tensor, Tensor)> {
        let found = |cut: &Cut| Some((cut.made.clone(), self.0.get(&cut.leaf.id())?.clone()));
        cuts.into_iter().filter_map(found).collect()
    }
}

/// A part of a graph that starts at parameters and leaves.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// The weighted sum of the terms that are computed in it, a scalar.
    pub total: Option<Tensor>,
    /// What it makes for sections of later levels.
    pub cuts: Vec<Cut>,
}

/// Runs backwards through `levels`, the last one first, and through the sections of a level side by side;
/// what `take` makes of the gradients that each left at parameters, in the order of the passes. What a level
/// cuts is for later levels alone.
///
/// # Errors
/// When a leaf was used in the level that cut it or in an earlier one, and whatever the backward passes
/// and `take` report.
pub fn backward_in_sections<T: Send>(
    levels: &[&[Section]],
    take: impl Fn(&mut GradStore) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let mut found = CutGradients::new();
    let mut taken = Vec::new();
    for (i, level) in levels.iter().enumerate().rev() {
        let starts = level.iter().map(|section| {
            let mut outputs = found.outputs(&section.cuts);
            if let Some(total) = &section.total {
                outputs.push((total.clone(), total.ones_like()?));
            }
            Ok(outputs)
        });
        let starts = starts.filter(|start| !matches!(start, Ok(outputs) if outputs.is_empty()));
        let stores = side_by_side(starts.collect::<Result<_>>()?, |outputs| {
            let mut store = cir_ops::backward_from(&outputs)?;
            Ok::<_, candle_core::Error>((take(&mut store)?, store))
        })?;
        for (own, mut store) in stores {
            let earlier = levels[..i].iter().flat_map(|level| level.iter());
            found.collect(earlier.flat_map(|section| &section.cuts), &mut store)?;
            let later = levels[i..].iter().flat_map(|level| level.iter());
            let mut cuts = later.flat_map(|section| &section.cuts);
            if cuts.any(|cut| store.get(&cut.leaf).is_some()) {
                bail!("level {i} uses a cut that was made in it or later");
            }
            taken.push(own);
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::Gradients;

    /// x → a = w·x, b = a² → two sections that use both.
    #[test]
    fn sections_have_the_gradient_of_the_whole() {
        let params = crate::Params::new(1);
        let vb = params.builder(DType::F64, &Device::Cpu);
        let w = vb.get(3, "w").unwrap();
        let x = Tensor::new(&[1f64, -2., 3.], &Device::Cpu).unwrap();
        let a = (&w * &x).unwrap();
        let b = a.sqr().unwrap();
        let ends = |a: &Tensor, b: &Tensor| {
            let first = (a * b).unwrap().sum_all().unwrap();
            let second = (b * &w).unwrap().sum_all().unwrap();
            [first, second]
        };
        let own = a.sum_all().unwrap();

        let [first, second] = ends(&a, &b);
        let whole = ((own.clone() * 0.3).unwrap() + (first * 2.).unwrap() + second).unwrap();
        let mut expected = Gradients::new();
        expected.accumulate(&params, &mut whole.backward().unwrap()).unwrap();

        let cuts = vec![Cut::new(&a).unwrap(), Cut::new(&b).unwrap()];
        let [first, second] = ends(cuts[0].leaf(), cuts[1].leaf());
        let section = |total: Tensor, weight: f64| Section {
            total: Some((total * weight).unwrap()),
            cuts: Vec::new(),
        };
        let begin = [Section { cuts, ..section(own, 0.3) }];
        let middle = [section(first, 2.), Section::default()];
        // A level further on, which uses a cut of the first.
        let end = [section(second, 1.)];
        let take = |store: &mut GradStore| {
            let mut own = Gradients::new();
            own.accumulate(&params, store)?;
            Ok(own)
        };
        let mut sum = Gradients::new();
        for own in backward_in_sections(&[&begin, &middle, &end], take).unwrap() {
            sum.add(own).unwrap();
        }
        let numbers = |g: &Gradients| g.get("w").unwrap().to_vec1::<f64>().unwrap();
        let (found, expected) = (numbers(&sum), numbers(&expected));
        assert!(
            found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12),
            "{found:?} {expected:?}"
        );
    }

    #[test]
    fn a_cut_that_its_own_level_uses_is_refused() {
        let x = Var::new(&[1f64, 2.], &Device::Cpu).unwrap();
        let cut = Cut::new(&x.sqr().unwrap()).unwrap();
        let total = Some(cut.leaf().sum_all().unwrap());
        let section = Section { total, cuts: vec![cut] };
        let error = backward_in_sections(&[&[section]], |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("level 0"), "{error}");
    }
}
