//! The order in which a loader asks for samples.

use flambeau_tensor::{DType, Device, Error, Generator, Options, Result, Tensor, ops};

/// Gives the indices of a pass (`torch.utils.data.Sampler`).
///
/// ```
/// use flambeau_data::{DataLoader, Sampler, TensorDataset};
/// use flambeau_tensor::{Generator, Result, ops};
///
/// struct Backwards;
///
/// impl Sampler for Backwards {
///     fn len(&self, samples: usize) -> usize {
///         samples
///     }
///     fn order(&self, samples: usize, _generator: Option<&Generator>) -> Result<Vec<usize>> {
///         Ok((0..samples).rev().collect())
///     }
/// }
///
/// let loader = DataLoader::new(TensorDataset::new(ops::arange_end(4)?)?).batch_size(4)?.sampler(Backwards);
/// assert_eq!(loader.iter()?.next().unwrap()?.to_vec::<i64>()?, [3, 2, 1, 0]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[allow(clippy::len_without_is_empty)]
pub trait Sampler {
    /// How many indices a pass over so many samples has.
    fn len(&self, samples: usize) -> usize;

    /// The indices of a pass over so many samples. The generator is the loader's, for samplers that have none.
    fn order(&self, samples: usize, generator: Option<&Generator>) -> Result<Vec<usize>>;
}

impl<S: Sampler + ?Sized> Sampler for Box<S> {
    fn len(&self, samples: usize) -> usize {
        (**self).len(samples)
    }

    fn order(&self, samples: usize, generator: Option<&Generator>) -> Result<Vec<usize>> {
        (**self).order(samples, generator)
    }
}

/// 0, 1, 2 and so on (`torch.utils.data.SequentialSampler`).
pub struct SequentialSampler;

impl Sampler for SequentialSampler {
    fn len(&self, samples: usize) -> usize {
        samples
    }

    fn order(&self, samples: usize, _generator: Option<&Generator>) -> Result<Vec<usize>> {
        Ok((0..samples).collect())
    }
}

/// Indices in random order, each once unless `replacement` (`torch.utils.data.RandomSampler`). Without a generator each pass
/// draws one number from the default one, to seed its own.
#[derive(Default)]
pub struct RandomSampler {
    /// Whether an index may come again.
    pub replacement: bool,
    /// How many indices a pass has; else as many as there are samples.
    pub num_samples: Option<usize>,
}

/// How many indices PyTorch draws at a time with replacement.
const DRAWN: usize = 32;

impl Sampler for RandomSampler {
    fn len(&self, samples: usize) -> usize {
        self.num_samples.unwrap_or(samples)
    }

    fn order(&self, samples: usize, generator: Option<&Generator>) -> Result<Vec<usize>> {
        let count = positive(self.len(samples))?;
        if samples == 0 {
            return Err(Error::value("there are no samples to draw from"));
        }
        let generator = match generator {
            Some(generator) => generator.clone(),
            None => {
                let own = Generator::new();
                own.manual_seed(drawn_seed(None)?);
                own
            }
        };
        let mut order = Vec::with_capacity(count + DRAWN);
        while order.len() < count {
            if self.replacement {
                let drawn = DRAWN.min(count - order.len()) as i64;
                let ints = Options::dtype(DType::I64);
                order.extend(indices(&ops::randint_with(samples as i64, &[drawn], Some(&generator), ints)?)?);
            } else {
                order.extend(permutation(samples, Some(&generator))?);
            }
        }
        if !self.replacement && count % samples == 0 {
            // PyTorch draws an order of which it takes nothing.
            permutation(samples, Some(&generator))?;
        }
        order.truncate(count);
        Ok(order)
    }
}

/// Given indices in random order (`torch.utils.data.SubsetRandomSampler`).
pub struct SubsetRandomSampler(pub Vec<usize>);

impl Sampler for SubsetRandomSampler {
    fn len(&self, _samples: usize) -> usize {
        self.0.len()
    }

    fn order(&self, _samples: usize, generator: Option<&Generator>) -> Result<Vec<usize>> {
        Ok(permutation(self.0.len(), generator)?.into_iter().map(|i| self.0[i]).collect())
    }
}

/// Indices drawn in proportion to weights (`torch.utils.data.WeightedRandomSampler`).
///
/// ```
/// use flambeau_data::{DataLoader, TensorDataset, WeightedRandomSampler};
/// use flambeau_tensor::ops;
///
/// let sampler = WeightedRandomSampler { weights: vec![0.0, 1.0, 3.0], num_samples: 100, replacement: true };
/// let loader = DataLoader::new(TensorDataset::new(ops::arange_end(3)?)?).batch_size(100)?.sampler(sampler);
/// let drawn = loader.iter()?.next().unwrap()?.to_vec::<i64>()?;
/// assert!(drawn.len() == 100 && !drawn.contains(&0));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct WeightedRandomSampler {
    /// The weight of each sample: not negative.
    pub weights: Vec<f64>,
    /// How many indices a pass has.
    pub num_samples: usize,
    /// Whether an index may come again.
    pub replacement: bool,
}

impl Sampler for WeightedRandomSampler {
    fn len(&self, _samples: usize) -> usize {
        self.num_samples
    }

    fn order(&self, _samples: usize, generator: Option<&Generator>) -> Result<Vec<usize>> {
        let weights = Tensor::of(&self.weights, &[self.weights.len() as i64])?;
        indices(&weights.multinomial_with(positive(self.num_samples)? as i64, self.replacement, generator)?)
    }
}

fn positive(num_samples: usize) -> Result<usize> {
    match num_samples {
        0 => Err(Error::value("num_samples should be a positive integer value, but got num_samples=0")),
        n => Ok(n),
    }
}

fn indices(drawn: &Tensor) -> Result<Vec<usize>> {
    Ok(drawn.to_vec::<i64>()?.into_iter().map(|i| i as usize).collect())
}

/// The numbers below n in random order.
pub(crate) fn permutation(n: usize, generator: Option<&Generator>) -> Result<Vec<usize>> {
    indices(&ops::randperm_with(n as i64, generator, Default::default())?)
}

/// A number from a generator, as `torch.empty((), dtype=torch.int64).random_()` draws it.
pub(crate) fn drawn_seed(generator: Option<&Generator>) -> Result<u64> {
    Ok(Tensor::empty(&[], DType::I64, Device::Cpu)?.random__with(generator)?.item()?.to_i64() as u64)
}
