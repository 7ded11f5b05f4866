//! Batches of a dataset's samples, in order or shuffled.

use flambeau_tensor::{Error, Generator, Result, Tensor};

use crate::dataset::{BatchOf, Dataset, TensorDataset};
use crate::sampler::{RandomSampler, Sampler, SequentialSampler, drawn_seed};

/// Gives the samples of a dataset in batches (`torch.utils.data.DataLoader`). Shuffled, the order is the one that PyTorch
/// draws from the same seed.
///
/// ```
/// use flambeau_data::{DataLoader, TensorDataset};
/// use flambeau_tensor::{manual_seed, ops};
///
/// manual_seed(5);
/// let digits = TensorDataset::new((ops::zeros(&[10, 28, 28])?, ops::arange_end(10)?))?;
/// let loader = DataLoader::new(digits).batch_size(4)?.shuffle(true);
/// let mut order = Vec::new();
/// for batch in loader.iter()? {
///     let (images, labels) = batch?;
///     assert_eq!(images.size()[1..], [28, 28]);
///     order.extend(labels.to_vec::<i64>()?);
/// }
/// assert_eq!(order, [8, 3, 0, 5, 9, 1, 6, 2, 4, 7]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct DataLoader<D = TensorDataset<(Tensor, Tensor)>> {
    dataset: D,
    batch_size: usize,
    sampler: Box<dyn Sampler>,
    drop_last: bool,
    generator: Option<Generator>,
}

impl<D: Dataset> DataLoader<D> {
    /// A loader that gives one sample at a time, in order.
    pub fn new(dataset: D) -> DataLoader<D> {
        DataLoader { dataset, batch_size: 1, sampler: Box::new(SequentialSampler), drop_last: false, generator: None }
    }

    /// Sets the number of samples of a batch; the last may be smaller.
    pub fn batch_size(self, batch_size: usize) -> Result<DataLoader<D>> {
        if batch_size == 0 {
            return Err(Error::value("batch_size should be a positive integer value, but got batch_size=0"));
        }
        Ok(DataLoader { batch_size, ..self })
    }

    /// Sets whether each pass has a random order of its own; this takes the place of a sampler.
    pub fn shuffle(self, shuffle: bool) -> DataLoader<D> {
        if shuffle { self.sampler(RandomSampler::default()) } else { self.sampler(SequentialSampler) }
    }

    /// Sets what gives the order of a pass.
    pub fn sampler(self, sampler: impl Sampler + 'static) -> DataLoader<D> {
        DataLoader { sampler: Box::new(sampler), ..self }
    }

    /// Sets whether a last batch that is not full is left out.
    pub fn drop_last(self, drop_last: bool) -> DataLoader<D> {
        DataLoader { drop_last, ..self }
    }

    /// Sets what orders are drawn from, instead of the default generator.
    pub fn generator(self, generator: Generator) -> DataLoader<D> {
        DataLoader { generator: Some(generator), ..self }
    }

    /// Where the samples are from.
    pub fn dataset(&self) -> &D {
        &self.dataset
    }

    /// The number of samples of a pass.
    pub fn samples(&self) -> usize {
        self.sampler.len(self.dataset.len())
    }

    /// The number of batches.
    pub fn len(&self) -> usize {
        let (n, size) = (self.samples(), self.batch_size);
        if self.drop_last { n / size } else { n.div_ceil(size) }
    }

    /// True if there is no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A pass over the samples. It draws from the generator: one number always (PyTorch's for its workers), then what the
    /// sampler needs.
    pub fn iter(&self) -> Result<Batches<'_, D>> {
        let generator = self.generator.as_ref();
        drawn_seed(generator)?;
        let order = self.sampler.order(self.dataset.len(), generator)?;
        let whole = order.len() - if self.drop_last { order.len() % self.batch_size } else { 0 };
        Ok(Batches { loader: self, order, next: 0, whole })
    }
}

/// The batches of one pass, see [`DataLoader::iter`].
pub struct Batches<'a, D> {
    loader: &'a DataLoader<D>,
    order: Vec<usize>,
    next: usize,
    whole: usize,
}

impl<D: Dataset> Iterator for Batches<'_, D> {
    type Item = Result<BatchOf<D>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.whole {
            return None;
        }
        let end = self.whole.min(self.next + self.loader.batch_size);
        let chosen = &self.order[std::mem::replace(&mut self.next, end)..end];
        // A sampler may be anybody's.
        let samples = self.loader.dataset.len();
        if let Some(index) = chosen.iter().find(|&&i| i >= samples) {
            return Some(Err(Error::index(format!("sampler: index {index} is out of range for {samples} samples"))));
        }
        Some(self.loader.dataset.batch(chosen))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.whole - self.next).div_ceil(self.loader.batch_size);
        (left, Some(left))
    }
}

impl<D: Dataset> ExactSizeIterator for Batches<'_, D> {}
