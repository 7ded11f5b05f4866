//! Batches of samples that lie in memory, in order or shuffled.

use flambeau_tensor::{DType, Device, Error, Generator, Result, Storage, Tensor, contiguous_strides, ops};

use crate::Idx;

/// Gives batches of images and their labels (`torch.utils.data.DataLoader` over a `TensorDataset`). Shuffled, the order is
/// the one that PyTorch draws from the default generator's seed.
///
/// Shape: of `N *s` images and `N *t` labels, batches of `B *s` and `B *t`; the last may be smaller.
///
/// ```
/// use flambeau_data::DataLoader;
/// use flambeau_tensor::{manual_seed, ops};
///
/// manual_seed(5);
/// let loader = DataLoader::new(ops::zeros(&[10, 28, 28])?, ops::arange_end(10)?)?.batch_size(4)?.shuffle(true);
/// let mut order = Vec::new();
/// for batch in loader.iter()? {
///     let (images, labels) = batch?;
///     assert_eq!(images.size()[1..], [28, 28]);
///     order.extend(labels.to_vec::<i64>()?);
/// }
/// assert_eq!(order, [8, 3, 0, 5, 9, 1, 6, 2, 4, 7]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct DataLoader {
    images: Tensor,
    labels: Tensor,
    batch_size: i64,
    shuffle: bool,
    drop_last: bool,
}

impl DataLoader {
    /// A loader that gives one sample at a time, in order.
    pub fn new(images: Tensor, labels: Tensor) -> Result<DataLoader> {
        match (images.size().first(), labels.size().first()) {
            (Some(n), Some(m)) if n == m => {}
            (Some(n), Some(m)) => return Err(Error::value(format!("Size mismatch between tensors: {n} and {m}"))),
            _ => return Err(Error::value("a loader needs tensors with at least one dimension, that of the samples")),
        }
        Ok(DataLoader { images, labels, batch_size: 1, shuffle: false, drop_last: false })
    }

    /// Sets the number of samples of a batch.
    pub fn batch_size(self, batch_size: i64) -> Result<DataLoader> {
        if batch_size <= 0 {
            return Err(Error::value(format!(
                "batch_size should be a positive integer value, but got batch_size={batch_size}"
            )));
        }
        Ok(DataLoader { batch_size, ..self })
    }

    /// Sets whether each pass has an order of its own.
    pub fn shuffle(self, shuffle: bool) -> DataLoader {
        DataLoader { shuffle, ..self }
    }

    /// Sets whether a last batch that is not full is left out.
    pub fn drop_last(self, drop_last: bool) -> DataLoader {
        DataLoader { drop_last, ..self }
    }

    /// The number of samples.
    pub fn samples(&self) -> i64 {
        self.images.size()[0]
    }

    /// The number of batches.
    pub fn len(&self) -> usize {
        let (n, size) = (self.samples(), self.batch_size);
        (if self.drop_last { n / size } else { (n + size - 1) / size }) as usize
    }

    /// True if there is no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A pass over all samples. It draws from the default generator: one number always (PyTorch's for its workers), and if
    /// shuffled one that seeds the order.
    pub fn iter(&self) -> Result<Batches<'_>> {
        drawn_seed()?;
        let order = if self.shuffle {
            let generator = Generator::new();
            generator.manual_seed(drawn_seed()?);
            ops::randperm_with(self.samples(), Some(&generator), Default::default())?
        } else {
            ops::arange_end(self.samples())?
        };
        Ok(Batches { loader: self, order, next: 0 })
    }
}

/// A number from the default generator, as `torch.empty((), dtype=torch.int64).random_()` draws it.
fn drawn_seed() -> Result<u64> {
    Ok(Tensor::empty(&[], DType::I64, Device::Cpu)?.random_()?.item()?.to_i64() as u64)
}

/// The batches of one pass, see [`DataLoader::iter`].
pub struct Batches<'a> {
    loader: &'a DataLoader,
    order: Tensor,
    next: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<(Tensor, Tensor)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.loader.len() {
            return None;
        }
        let start = self.next as i64 * self.loader.batch_size;
        self.next += 1;
        let length = self.loader.batch_size.min(self.loader.samples() - start);
        let batch = || {
            let chosen = self.order.narrow(0, start, length)?;
            Ok((self.loader.images.index_select(0, &chosen)?, self.loader.labels.index_select(0, &chosen)?))
        };
        Some(batch())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.loader.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}

impl Idx {
    /// The array as a tensor of its dtype and shape.
    ///
    /// ```
    /// use flambeau_data::Idx;
    /// use flambeau_tensor::DType;
    /// let idx = Idx { dtype: DType::U8, sizes: vec![2, 2], bytes: vec![1, 2, 3, 4] };
    /// assert_eq!(idx.to_tensor()?.to_vec::<u8>()?, [1, 2, 3, 4]);
    /// # Ok::<(), flambeau_tensor::Error>(())
    /// ```
    pub fn to_tensor(&self) -> Result<Tensor> {
        let layout = flambeau_tensor::Layout {
            sizes: self.sizes.as_slice().into(),
            strides: contiguous_strides(&self.sizes),
            offset: 0,
        };
        Tensor::over(Storage::from_bytes(&self.bytes)?, layout, self.dtype)
    }
}
