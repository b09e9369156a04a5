//! Parameters with the optimiser that moves them: what a checkpoint holds of an algorithm.

use cir_core::{Adam, AdamConfig, Error, Gradients, NamedTensors, Params, Result};

use crate::State;

/// Networks that one optimiser trains. An adversarial algorithm has two.
#[derive(Debug, Clone)]
pub struct Learner {
    /// Begins the names of its tensors and its counter in a checkpoint; empty for the only one.
    prefix: String,
    params: Params,
    adam: Adam,
    config: AdamConfig,
}

const COUNTER: &str = "adam";

impl Learner {
    /// An optimiser at its start for the parameters there are; `name` tells it from others.
    ///
    /// # Errors
    /// Whatever candle reports.
    pub fn new(name: &str, params: Params, config: AdamConfig) -> candle_core::Result<Self> {
        let prefix = if name.is_empty() { String::new() } else { format!("{name}.") };
        Ok(Self { prefix, adam: Adam::new(config, &params)?, params, config })
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The optimiser.
    pub fn adam(&self) -> &Adam {
        &self.adam
    }

    /// One update at `factor` times the base learning rate.
    ///
    /// # Errors
    /// When a parameter has no gradient.
    pub fn step(&mut self, gradients: &Gradients, factor: f64) -> candle_core::Result<()> {
        self.adam.step(&self.params, gradients, factor)
    }

    /// The learning rate at `factor` times the base rate.
    pub fn rate(&self, factor: f64) -> f64 {
        self.config.lr * factor
    }

    /// What a checkpoint needs of `learners`.
    pub fn state<'a>(learners: impl IntoIterator<Item = &'a Self>) -> State {
        let mut state = State::default();
        for learner in learners {
            let prefix = &learner.prefix;
            let weights = learner.params.tensors().into_iter();
            let weights = weights.map(|(name, t)| (format!("{prefix}weight.{name}"), t));
            let moments = learner.adam.tensors().into_iter();
            let moments = moments.map(|(name, t)| (format!("{prefix}{name}"), t));
            state.tensors.extend(weights.chain(moments));
            state.counters.insert(format!("{prefix}{COUNTER}"), learner.adam.updates());
        }
        state
    }

    /// Continues from [`Self::state`] of the same learners.
    ///
    /// # Errors
    /// When a tensor or counter is missing, unknown or misshapen.
    pub fn restore<'a>(
        learners: impl IntoIterator<Item = &'a mut Self>,
        mut state: State,
    ) -> Result<()> {
        for learner in learners {
            let (mut weights, mut moments) = (NamedTensors::new(), NamedTensors::new());
            let names: Vec<_> = state.tensors.keys().cloned().collect();
            for full in names {
                let Some(name) = full.strip_prefix(&learner.prefix) else { continue };
                let Some(tensor) = state.tensors.remove(&full) else { continue };
                match name.strip_prefix("weight.") {
                    Some(name) => weights.insert(name.into(), tensor),
                    None => moments.insert(name.into(), tensor),
                };
            }
            let counter = format!("{}{COUNTER}", learner.prefix);
            let Some(updates) = state.counters.remove(&counter) else {
                let found = format!("no {counter:?}");
                return Err(Error::setting("counters", found, "the optimiser's updates"));
            };
            let prefix = &learner.prefix;
            let weights = learner.params.load(&weights);
            weights.map_err(|error| error.within(&format!("{prefix}weight.")))?;
            let moments = learner.adam.load(updates, &moments);
            moments.map_err(|error| error.within(prefix))?;
        }
        if let Some((name, tensor)) = state.tensors.first_key_value() {
            let (name, found) = (name.clone(), format!("shape {:?}", tensor.dims()));
            return Err(Error::Tensor { name, found, expected: "no tensor of this name".into() });
        }
        match state.counters.first_key_value() {
            None => Ok(()),
            Some((name, count)) => {
                let found = format!("{name:?}, {count}");
                Err(Error::setting("counters", found, "no counter of this name"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::Init;

    use super::*;

    fn learner(name: &str) -> Learner {
        let params = Params::new(1);
        let vb = params.builder(DType::F32, &Device::Cpu);
        vb.get_with_hints(2, "w", Init::Uniform { lo: 0., up: 1. }).unwrap();
        Learner::new(name, params, AdamConfig::default()).unwrap()
    }

    #[test]
    fn two_learners_keep_apart_and_what_belongs_to_none_is_named() {
        let state = Learner::state([&learner("generator"), &learner("discriminator")]);
        let (mut g, mut d) = (learner("generator"), learner("discriminator"));
        let names: Vec<_> = state.tensors.keys().map(String::as_str).collect();
        assert_eq!(names[..2], ["discriminator.moment1.w", "discriminator.moment2.w"]);
        assert_eq!((names.len(), state.counters["generator.adam"]), (6, 0));
        Learner::restore([&mut g, &mut d], state.clone()).unwrap();
        let refusal = Learner::restore([&mut g], state.clone()).unwrap_err().to_string();
        assert!(refusal.contains("tensor discriminator.moment1.w"), "{refusal}");
        let mut more = state.clone();
        more.counters.insert("critic.adam".into(), 3);
        let refusal = Learner::restore([&mut g, &mut d], more).unwrap_err().to_string();
        assert!(refusal.contains("critic.adam"), "{refusal}");
        let mut lacking = state.clone();
        lacking.tensors.remove("generator.weight.w");
        let refusal = Learner::restore([&mut g, &mut d], lacking).unwrap_err().to_string();
        assert_eq!(refusal, "tensor generator.weight.w: found nothing; expected shape [2]");
        let mut lacking = state;
        lacking.counters.clear();
        let refusal = Learner::restore([&mut g, &mut d], lacking).unwrap_err().to_string();
        assert!(refusal.contains("generator.adam"), "{refusal}");
    }
}
