use flambeau_tensor::{Error, Result, Tensor, ops};

/// Sequences of different lengths without padding, one time step after the other
/// (`torch.nn.utils.rnn.PackedSequence`).
///
/// ```
/// use flambeau_nn::PackedSequence;
/// use flambeau_tensor::Tensor;
///
/// let padded = Tensor::of(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 0.0], &[2, 3, 1])?; // lengths 3 and 2
/// let packed = PackedSequence::pack_padded(&padded, &[3, 2], true)?;
/// assert_eq!(packed.data.to_vec::<f32>()?, [1.0, 4.0, 2.0, 5.0, 3.0]);
/// assert_eq!(packed.batch_sizes, [2, 2, 1]);
/// let (back, lengths) = packed.pad(true)?;
/// assert_eq!((back.to_vec::<f32>()?, lengths), (padded.to_vec::<f32>()?, vec![3, 2]));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct PackedSequence {
    /// The rows of the first time step, then those of the second, ... Shape: `rows *s`.
    pub data: Tensor,
    /// How many sequences are as long as each time step.
    pub batch_sizes: Vec<i64>,
    /// The order of the sequences by falling length, where it is not their own.
    pub sorted_indices: Option<Tensor>,
    /// Their own order again.
    pub unsorted_indices: Option<Tensor>,
}

impl PackedSequence {
    /// Packs padded sequences of any order. Shape: `L N *s` or, with `batch_first`, `N L *s`.
    pub fn pack_padded(input: &Tensor, lengths: &[i64], batch_first: bool) -> Result<PackedSequence> {
        let x = if batch_first { input.transpose(0, 1)? } else { input.clone() };
        let (time, batch) = match x.size() {
            &[time, batch, ..] => (time, batch),
            size => {
                return Err(Error::runtime(format!("pack_padded: expected 2 or more dimensions, but got {size:?}")));
            }
        };
        if lengths.len() as i64 != batch {
            return Err(Error::runtime(format!(
                "Expected `len(lengths)` to be equal to batch_size, but got {} (batch_size={batch})",
                lengths.len()
            )));
        }
        if lengths.iter().any(|n| !(1..=time).contains(n)) {
            return Err(Error::runtime(format!("pack_padded: lengths must be from 1 to {time}, but got {lengths:?}")));
        }
        let mut order: Vec<i64> = (0..batch).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(lengths[i as usize]));
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &i)| back[i as usize] = place as i64);
        let (order, back) = (Tensor::of(&order, &[batch])?, Tensor::of(&back, &[batch])?);
        let x = x.index_select(1, &order)?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let batch_sizes: Vec<i64> = (0..longest).map(|t| lengths.iter().filter(|n| **n > t).count() as i64).collect();
        let rows = batch_sizes.iter().enumerate().map(|(t, &n)| x.select(0, t as i64)?.narrow(0, 0, n));
        let data = ops::cat(&rows.collect::<Result<Vec<_>>>()?)?;
        Ok(PackedSequence { data, batch_sizes, sorted_indices: Some(order), unsorted_indices: Some(back) })
    }

    /// The sequences padded with 0, in their own order, and their lengths. Shape: `L N *s` or, with `batch_first`, `N L *s`.
    pub fn pad(&self, batch_first: bool) -> Result<(Tensor, Vec<i64>)> {
        let batch = self.batch_sizes[0];
        let steps = self.data.split_with_sizes(&self.batch_sizes)?;
        let full = |(rows, &n): (&Tensor, &i64)| -> Result<Tensor> {
            let missing = ops::zeros(&[&[batch - n], &rows.size()[1..]].concat())?.to_dtype(rows.dtype())?;
            ops::cat(&[rows.clone(), missing])
        };
        let padded = ops::stack(&steps.iter().zip(&self.batch_sizes).map(full).collect::<Result<Vec<_>>>()?)?;
        let mut lengths: Vec<i64> =
            (0..batch).map(|i| self.batch_sizes.iter().filter(|n| **n > i).count() as i64).collect();
        let mut padded = padded;
        if let Some(back) = &self.unsorted_indices {
            padded = padded.index_select(1, back)?;
            lengths = back.to_vec::<i64>()?.into_iter().map(|i| lengths[i as usize]).collect();
        }
        Ok((if batch_first { padded.transpose(0, 1)? } else { padded }, lengths))
    }
}
