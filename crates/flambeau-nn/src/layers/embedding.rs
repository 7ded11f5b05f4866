use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::parameter;
use crate::{Forward, Module, init};

/// A row of a table for every index. Shape: `*s -> *s D`, of int64 or int32.
///
/// ```
/// use flambeau_nn::{Embedding, Forward};
/// use flambeau_tensor::Tensor;
///
/// let table = Embedding::new(10, 3)?;
/// assert_eq!(table.forward(&Tensor::of(&[1i64, 2], &[1, 2])?)?.size(), [1, 2, 3]);
/// assert_eq!(format!("{table}"), "Embedding(10, 3)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct Embedding {
    /// The table, of shape `N D`.
    pub weight: Tensor,
    padding_idx: Option<i64>,
}

impl Embedding {
    /// A table of `num_embeddings` rows.
    pub fn new(num_embeddings: i64, embedding_dim: i64) -> Result<Embedding> {
        let weight = init::normal_(&parameter(&[num_embeddings, embedding_dim])?, 0.0, 1.0)?;
        Ok(Embedding { weight, padding_idx: None })
    }

    /// As [`Embedding::new`], with one row that is 0 and gets no gradient; from the end if negative.
    pub fn with_padding(num_embeddings: i64, embedding_dim: i64, padding_idx: i64) -> Result<Embedding> {
        if !(-num_embeddings..num_embeddings).contains(&padding_idx) {
            return Err(Error::value("Padding_idx must be within num_embeddings"));
        }
        let row = if padding_idx < 0 { padding_idx + num_embeddings } else { padding_idx };
        let table = Embedding::new(num_embeddings, embedding_dim)?;
        no_grad(|| table.weight.select(0, row)?.zero_())?;
        Ok(Embedding { padding_idx: Some(row), ..table })
    }

    /// A table with these rows, which stay as they are if `freeze`.
    pub fn from_pretrained(rows: &Tensor, freeze: bool) -> Result<Embedding> {
        if rows.dim() != 2 {
            return Err(Error::value("Embeddings parameter is expected to be 2-dimensional"));
        }
        Ok(Embedding { weight: rows.detach().requires_grad_(!freeze)?, padding_idx: None })
    }

    fn settings(&self) -> String {
        let size = self.weight.size();
        let padding = self.padding_idx.map_or(String::new(), |row| format!(", padding_idx={row}"));
        format!("{}, {}{padding}", size[0], size[1])
    }
}

impl Forward for Embedding {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.weight.embedding_with(input, self.padding_idx.unwrap_or(-1), false, false)
    }
}

/// How [`EmbeddingBag`] makes one row of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The greatest of each column.
    Max,
}

/// One row for each bag of indices. Shape: `B N -> B D`.
///
/// ```
/// use flambeau_nn::{BagMode, EmbeddingBag, Forward};
/// use flambeau_tensor::Tensor;
///
/// let table = EmbeddingBag::new(10, 3, BagMode::Sum)?;
/// assert_eq!(table.forward(&Tensor::of(&[1i64, 2, 4, 5], &[2, 2])?)?.size(), [2, 3]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
#[module(extra_repr = Self::settings)]
pub struct EmbeddingBag {
    /// The table, of shape `N D`.
    pub weight: Tensor,
    #[module(skip)]
    mode: BagMode,
}

impl EmbeddingBag {
    /// A table of `num_embeddings` rows.
    pub fn new(num_embeddings: i64, embedding_dim: i64, mode: BagMode) -> Result<EmbeddingBag> {
        Ok(EmbeddingBag { weight: Embedding::new(num_embeddings, embedding_dim)?.weight, mode })
    }

    /// Bags of different lengths: bag `i` begins at `offsets[i]`. Shape: `n, B -> B D`.
    pub fn forward_at(&self, input: &Tensor, offsets: &Tensor) -> Result<Tensor> {
        let mode = match self.mode {
            BagMode::Sum => 0,
            BagMode::Mean => 1,
            BagMode::Max => 2,
        };
        Ok(self.weight.embedding_bag_with(input, offsets, false, mode, false, None, false, None)?.0)
    }

    fn settings(&self) -> String {
        let (size, mode) = (self.weight.size(), format!("{:?}", self.mode).to_lowercase());
        format!("{}, {}, mode='{mode}'", size[0], size[1])
    }
}

impl Forward for EmbeddingBag {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let &[bags, n] = input.size() else {
            return Err(Error::value("EmbeddingBag: input has to be a 2D tensor; forward_at takes bags by offsets"));
        };
        let offsets: Vec<i64> = (0..bags).map(|bag| bag * n).collect();
        self.forward_at(&input.reshape(&[bags * n])?, &Tensor::of(&offsets, &[bags])?)
    }
}
