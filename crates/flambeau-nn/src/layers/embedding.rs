use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Error, Result, Tensor};

use super::parameter;
use crate::module::show;
use crate::{Module, init};

/// A row of a table for every index. Shape: `*s -> *s D`, of int64 or int32.
///
/// ```
/// use flambeau_nn::{Embedding, Module};
/// use flambeau_tensor::Tensor;
///
/// let table = Embedding::new(10, 3)?;
/// assert_eq!(table.forward(&Tensor::of(&[1i64, 2], &[1, 2])?)?.size(), [1, 2, 3]);
/// assert_eq!(format!("{table}"), "Embedding(10, 3)");
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
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
}

impl Module for Embedding {
    fn name(&self) -> &'static str {
        "Embedding"
    }
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.weight.embedding_with(input, self.padding_idx.unwrap_or(-1), false, false)
    }
    fn own_parameters(&self) -> Vec<(&'static str, Tensor)> {
        vec![("weight", self.weight.clone())]
    }
    fn extra_repr(&self) -> String {
        let size = self.weight.size();
        let padding = self.padding_idx.map_or(String::new(), |row| format!(", padding_idx={row}"));
        format!("{}, {}{padding}", size[0], size[1])
    }
}
show!(Embedding);
