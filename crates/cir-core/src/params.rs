//! Seeded parameters by name, behind candle's `VarBuilder`.
//!
//! Every tensor's start value depends on the run's seed and its own name only, so neither the order
//! of construction nor a new layer elsewhere changes it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use candle_core::{DType, Device, Shape, Tensor, Var, bail};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use cir_ops::Initialisation;
use rand::distr::{Distribution, StandardUniform};

use crate::{Error, Result, Rng, rng};

/// Tensors by name, in name order.
pub type NamedTensors = BTreeMap<String, Tensor>;

/// The parameters of one network.
#[derive(Clone)]
pub struct Params(Arc<Inner>);

struct Inner {
    /// None: all tensors start at 0.
    seed: Option<u64>,
    vars: Mutex<BTreeMap<String, Var>>,
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.lock().iter().map(|(name, var)| (name, var.shape()))).finish()
    }
}

impl Params {
    /// An empty store whose tensors will be drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Inner { seed: Some(seed), vars: Mutex::default() }))
    }

    /// An empty store whose tensors will be 0, to be loaded.
    pub fn zeros() -> Self {
        Self(Arc::new(Inner { seed: None, vars: Mutex::default() }))
    }

    /// A builder that creates each parameter when a layer first asks for it.
    pub fn builder(&self, dtype: DType, device: &Device) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), dtype, device.clone())
    }

    /// The parameters in name order.
    pub fn vars(&self) -> Vec<(String, Var)> {
        self.lock().iter().map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    /// The current values by name, detached.
    pub fn tensors(&self) -> NamedTensors {
        self.lock().iter().map(|(n, v)| (n.clone(), v.as_detached_tensor())).collect()
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.lock().values().map(|v| v.elem_count()).sum()
    }

    /// Replaces every value; all are checked before the first is replaced.
    ///
    /// # Errors
    /// When a name is missing or unknown, or a shape differs.
    pub fn load(&self, tensors: &NamedTensors) -> Result<()> {
        let vars = self.lock();
        check_names(vars.iter().map(|(n, v)| (n, v.dims())), tensors)?;
        for (name, var) in vars.iter() {
            let value = tensors[name].to_dtype(var.dtype())?.to_device(var.device())?;
            var.set(&value)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Var>> {
        // A panic elsewhere leaves the map whole: entries are inserted in one piece.
        self.0.vars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks `model.initialisation`.
///
/// # Errors
/// When its standard deviation is not a number above 0.
pub fn check_initialisation(initialisation: Initialisation) -> Result<()> {
    match initialisation {
        Initialisation::Normal(stdev) if !(stdev > 0. && stdev.is_finite()) => {
            Err(Error::setting("model.initialisation.normal", stdev, "a number above 0"))
        }
        _ => Ok(()),
    }
}

/// Fails unless `found` holds exactly the `expected` names and shapes.
pub(crate) fn check_names<'a>(
    expected: impl Iterator<Item = (&'a String, &'a [usize])>,
    found: &NamedTensors,
) -> Result<()> {
    let mut names = std::collections::BTreeSet::new();
    for (name, dims) in expected {
        names.insert(name);
        let shape = match found.get(name) {
            Some(tensor) if tensor.dims() == dims => continue,
            Some(tensor) => format!("shape {:?}", tensor.dims()),
            None => "nothing".into(),
        };
        let expected = format!("shape {dims:?}");
        return Err(Error::Tensor { name: name.clone(), found: shape, expected });
    }
    match found.iter().find(|(name, _)| !names.contains(name)) {
        Some((name, tensor)) => Err(Error::Tensor {
            name: name.clone(),
            found: format!("shape {:?}", tensor.dims()),
            expected: "no tensor of this name".into(),
        }),
        None => Ok(()),
    }
}

impl SimpleBackend for Params {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        hint: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let mut vars = self.lock();
        if let Some(var) = vars.get(name) {
            if var.shape() != &shape {
                bail!("parameter {name} has shape {:?}, asked for {shape:?}", var.shape());
            }
            return Ok(var.as_tensor().clone());
        }
        let var = match self.0.seed {
            None => Var::zeros(shape, dtype, device)?,
            Some(seed) => {
                let numbers = draw(&mut rng(seed, name, 0), hint, shape.elem_count(), name)?;
                let value = Tensor::from_vec(numbers, shape, &Device::Cpu)?;
                Var::from_tensor(&value.to_dtype(dtype)?.to_device(device)?)?
            }
        };
        let tensor = var.as_tensor().clone();
        vars.insert(name.into(), var);
        Ok(tensor)
    }

    fn get_unchecked(
        &self,
        name: &str,
        _dtype: DType,
        _device: &Device,
    ) -> candle_core::Result<Tensor> {
        match self.lock().get(name) {
            Some(var) => Ok(var.as_tensor().clone()),
            None => bail!("no parameter is called {name}"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }
}

fn draw(rng: &mut Rng, init: Init, n: usize, name: &str) -> candle_core::Result<Vec<f64>> {
    let unit = StandardUniform;
    Ok(match init {
        Init::Const(c) => vec![c; n],
        Init::Uniform { lo, up } => {
            (0..n).map(|_| lo + (up - lo) * Distribution::<f64>::sample(&unit, rng)).collect()
        }
        Init::Randn { mean, stdev } => {
            let normal = rand_distr::StandardNormal;
            (0..n).map(|_| mean + stdev * Distribution::<f64>::sample(&normal, rng)).collect()
        }
        Init::Kaiming { .. } => bail!("parameter {name}: name its distribution instead"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(names: &[&str]) -> Params {
        let params = Params::new(3);
        let vb = params.builder(DType::F32, &Device::Cpu);
        for name in names {
            vb.get_with_hints((2, 3), name, Init::Uniform { lo: -1., up: 1. }).unwrap();
        }
        params
    }

    #[test]
    fn start_values_depend_on_seed_and_name_only() {
        let (ab, ba) = (store(&["a", "b"]).tensors(), store(&["c", "b", "a"]).tensors());
        let numbers = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(numbers(&ab["a"]), numbers(&ba["a"]));
        assert_ne!(numbers(&ab["a"]), numbers(&ab["b"]));
    }

    #[test]
    fn a_start_needs_a_standard_deviation_above_0() {
        for stdev in [0., -1., f64::NAN, f64::INFINITY] {
            let error = check_initialisation(Initialisation::Normal(stdev)).unwrap_err();
            let field = "model.initialisation.normal";
            assert_eq!(
                error.to_string(),
                format!("{field}: found {stdev}; allowed: a number above 0")
            );
        }
        check_initialisation(Initialisation::Normal(0.02)).unwrap();
        check_initialisation(Initialisation::He).unwrap();
    }

    #[test]
    fn load_names_what_is_missing_unknown_or_misshapen() {
        let params = store(&["a", "b"]);
        let mut tensors = params.tensors();
        let b = tensors.remove("b").unwrap();
        let refusal = |tensors: &NamedTensors| params.load(tensors).unwrap_err().to_string();
        assert_eq!(refusal(&tensors), "tensor b: found nothing; expected shape [2, 3]");
        tensors.insert("b".into(), b.t().unwrap());
        assert_eq!(refusal(&tensors), "tensor b: found shape [3, 2]; expected shape [2, 3]");
        tensors.insert("b".into(), b.clone());
        tensors.insert("c".into(), b);
        assert!(refusal(&tensors).contains("tensor c"));
    }
}
