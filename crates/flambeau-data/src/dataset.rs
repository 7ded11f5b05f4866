//! Samples that are found by their index, and how they become batches.

use flambeau_tensor::{Error, Generator, Result, Tensor, ops};

/// Samples that are found by their index (`torch.utils.data.Dataset`).
///
/// ```
/// use flambeau_data::{DataLoader, Dataset};
/// use flambeau_tensor::{Result, Tensor};
///
/// /// Numbers and their squares.
/// struct Squares;
///
/// impl Dataset for Squares {
///     type Sample = (f32, Tensor);
///
///     fn len(&self) -> usize {
///         5
///     }
///
///     fn get(&self, index: usize) -> Result<(f32, Tensor)> {
///         let x = index as f32;
///         Ok((x, Tensor::of(&[x * x], &[1])?))
///     }
/// }
///
/// let loader = DataLoader::new(Squares).batch_size(3)?;
/// let (x, y) = loader.iter()?.next().unwrap()?;
/// assert_eq!((x.size(), y.size()), (&[3][..], &[3, 1][..]));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub trait Dataset {
    /// What an index finds.
    type Sample: Collate;

    /// The number of samples.
    fn len(&self) -> usize;

    /// True if there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sample at an index, which is below [`Dataset::len`].
    fn get(&self, index: usize) -> Result<Self::Sample>;

    /// The samples at some indices, as one batch. Give your own where samples are found faster together.
    fn batch(&self, indices: &[usize]) -> Result<BatchOf<Self>> {
        Collate::collate(indices.iter().map(|&i| self.get(i)).collect::<Result<_>>()?)
    }
}

/// What the samples of a dataset become together.
pub type BatchOf<D> = <<D as Dataset>::Sample as Collate>::Batch;

impl<D: Dataset + ?Sized> Dataset for &D {
    type Sample = D::Sample;
    fn len(&self) -> usize {
        (**self).len()
    }
    fn get(&self, index: usize) -> Result<D::Sample> {
        (**self).get(index)
    }
    fn batch(&self, indices: &[usize]) -> Result<BatchOf<D>> {
        (**self).batch(indices)
    }
}

/// What samples become together (`torch.utils.data.default_collate`): tensors of one shape are stacked, numbers become a
/// tensor of their dtype, strings a list, and tuples go part by part. For samples of different lengths, implement this for a
/// type of your own.
///
/// ```
/// use flambeau_data::Collate;
///
/// let (numbers, names) = Collate::collate(vec![(1i64, "a".to_string()), (2, "b".to_string())])?;
/// assert_eq!(numbers.to_vec::<i64>()?, [1, 2]);
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub trait Collate: Sized {
    /// The samples together.
    type Batch;

    /// Puts at least one sample together.
    fn collate(samples: Vec<Self>) -> Result<Self::Batch>;
}

impl Collate for Tensor {
    type Batch = Tensor;
    fn collate(samples: Vec<Tensor>) -> Result<Tensor> {
        ops::stack(&samples)
    }
}

impl Collate for String {
    type Batch = Vec<String>;
    fn collate(samples: Vec<String>) -> Result<Vec<String>> {
        Ok(samples)
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Collate for $t {
            type Batch = Tensor;
            fn collate(samples: Vec<$t>) -> Result<Tensor> {
                Tensor::of(&samples, &[samples.len() as i64])
            }
        }
    )*};
}
numbers!(f32, f64, i64, i32, u8, bool);

/// Tensors with a first dimension of the same size, that of the samples.
pub trait Columns: Collate<Batch = Self> {
    #[doc(hidden)]
    fn all(&self) -> Vec<&Tensor>;
    #[doc(hidden)]
    fn each(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self>;
}

impl Columns for Tensor {
    fn all(&self) -> Vec<&Tensor> {
        vec![self]
    }
    fn each(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        f(self)
    }
}

macro_rules! tuples {
    ($($name:ident $at:tt $tensor:ident),*) => {
        impl<$($name: Collate),*> Collate for ($($name,)*) {
            type Batch = ($($name::Batch,)*);
            fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
                let mut columns = ($(Vec::<$name>::with_capacity(samples.len()),)*);
                for sample in samples {
                    $(columns.$at.push(sample.$at);)*
                }
                Ok(($($name::collate(columns.$at)?,)*))
            }
        }

        impl Columns for ($($tensor,)*) {
            fn all(&self) -> Vec<&Tensor> {
                vec![$(&self.$at),*]
            }
            fn each(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
                Ok(($(f(&self.$at)?,)*))
            }
        }
    };
}
tuples!(A 0 Tensor, B 1 Tensor);
tuples!(A 0 Tensor, B 1 Tensor, C 2 Tensor);
tuples!(A 0 Tensor, B 1 Tensor, C 2 Tensor, D 3 Tensor);

/// The rows of tensors (`torch.utils.data.TensorDataset`): a tensor, or a tuple of two to four.
///
/// Shape: of tensors `N *s`, `N *t` ..., samples `*s`, `*t` ...
///
/// ```
/// use flambeau_data::{Dataset, TensorDataset};
/// use flambeau_tensor::ops;
///
/// let data = TensorDataset::new((ops::zeros(&[10, 28, 28])?, ops::arange_end(10)?))?;
/// let (image, label) = data.get(3)?;
/// assert_eq!((image.size(), label.item()?.to_i64()), (&[28, 28][..], 3));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct TensorDataset<T>(T);

impl<T: Columns> TensorDataset<T> {
    /// The rows of these; an error where they are not as many.
    pub fn new(tensors: T) -> Result<TensorDataset<T>> {
        let lengths: Vec<Option<&i64>> = tensors.all().iter().map(|t| t.size().first()).collect();
        match lengths[..] {
            [Some(n), ref rest @ ..] => match rest.iter().find(|m| **m != Some(n)) {
                Some(Some(m)) => Err(Error::value(format!("Size mismatch between tensors: {n} and {m}"))),
                Some(None) => Err(no_rows()),
                None => Ok(TensorDataset(tensors)),
            },
            _ => Err(no_rows()),
        }
    }

    /// The tensors.
    pub fn tensors(&self) -> &T {
        &self.0
    }
}

fn no_rows() -> Error {
    Error::value("a dataset needs tensors with at least one dimension, that of the samples")
}

impl<T: Columns> Dataset for TensorDataset<T> {
    type Sample = T;

    fn len(&self) -> usize {
        self.0.all()[0].size()[0] as usize
    }

    fn get(&self, index: usize) -> Result<T> {
        self.0.each(|t| t.select(0, index as i64))
    }

    fn batch(&self, indices: &[usize]) -> Result<T> {
        let chosen: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let chosen = Tensor::of(&chosen, &[chosen.len() as i64])?;
        self.0.each(|t| t.index_select(0, &chosen))
    }
}

/// Some of a dataset's samples, in an order of their own (`torch.utils.data.Subset`).
#[derive(Clone)]
pub struct Subset<D> {
    /// Where the samples are from; a reference serves too.
    pub dataset: D,
    /// The index there of each sample.
    pub indices: Vec<usize>,
}

impl<D: Dataset> Dataset for Subset<D> {
    type Sample = D::Sample;

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn get(&self, index: usize) -> Result<D::Sample> {
        self.dataset.get(self.indices[index])
    }

    fn batch(&self, indices: &[usize]) -> Result<BatchOf<D>> {
        self.dataset.batch(&indices.iter().map(|&i| self.indices[i]).collect::<Vec<_>>())
    }
}

/// Datasets one after another (`torch.utils.data.ConcatDataset`).
#[derive(Clone)]
pub struct ConcatDataset<D>(pub Vec<D>);

impl<D: Dataset> Dataset for ConcatDataset<D> {
    type Sample = D::Sample;

    fn len(&self) -> usize {
        self.0.iter().map(Dataset::len).sum()
    }

    fn get(&self, index: usize) -> Result<D::Sample> {
        let mut left = index;
        for dataset in &self.0 {
            if left < dataset.len() {
                return dataset.get(left);
            }
            left -= dataset.len();
        }
        Err(Error::index(format!("sample {index} of {}", self.len())))
    }
}

/// Splits a dataset at random into parts of these lengths, which are to be as many samples as there are
/// (`torch.utils.data.random_split`). Without a generator the order is drawn from the default one.
///
/// ```
/// use flambeau_data::{Dataset, TensorDataset, random_split};
/// use flambeau_tensor::{manual_seed, ops};
///
/// manual_seed(0);
/// let data = TensorDataset::new(ops::arange_end(10)?)?;
/// let parts = random_split(&data, &[7, 3], None)?;
/// assert_eq!(parts[1].indices, [8, 6, 2]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn random_split<D: Dataset + Clone>(
    dataset: D,
    lengths: &[usize],
    generator: Option<&Generator>,
) -> Result<Vec<Subset<D>>> {
    if lengths.iter().sum::<usize>() != dataset.len() {
        return Err(Error::value(format!(
            "Sum of input lengths does not equal the length of the input dataset! {lengths:?} of {} samples",
            dataset.len()
        )));
    }
    let order = crate::sampler::permutation(dataset.len(), generator)?;
    let mut rest = &order[..];
    let part = |&length: &usize| {
        let (indices, after) = rest.split_at(length);
        rest = after;
        Subset { dataset: dataset.clone(), indices: indices.to_vec() }
    };
    Ok(lengths.iter().map(part).collect())
}

/// The lengths of parts that are these shares of `samples`, for [`random_split`]: rounded down, what is left over going round.
///
/// ```
/// assert_eq!(flambeau_data::lengths_of(11, &[0.5, 0.3, 0.2])?, [6, 3, 2]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub fn lengths_of(samples: usize, fractions: &[f64]) -> Result<Vec<usize>> {
    if let Some(i) = fractions.iter().position(|f| !(0.0..=1.0).contains(f)) {
        return Err(Error::value(format!("Fraction at index {i} is not between 0 and 1")));
    }
    if (fractions.iter().sum::<f64>() - 1.0).abs() > 1e-9 {
        return Err(Error::value(format!("fractions {fractions:?} do not sum to 1")));
    }
    let mut lengths: Vec<usize> = fractions.iter().map(|f| (samples as f64 * f).floor() as usize).collect();
    let (left, parts) = (samples.saturating_sub(lengths.iter().sum()), lengths.len());
    (0..left).for_each(|i| lengths[i % parts] += 1);
    Ok(lengths)
}
