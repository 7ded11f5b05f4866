use flambeau_tensor::{DType, Error, Result, Tensor, ops};

use super::{Linear, Sequential};
use crate::{Forward, Module};

/// A softmax over very many classes, whose rare ones lie in clusters that are computed where they are needed only
/// (Grave and others, 2017). Classes are numbered from the most common one down. Shape: `N I, N -> N, ()`.
///
/// ```
/// use flambeau_nn::AdaptiveLogSoftmaxWithLoss;
/// use flambeau_tensor::{Tensor, ops};
///
/// let layer = AdaptiveLogSoftmaxWithLoss::new(8, 10, &[4])?; // 4 common classes, 6 rare ones
/// let x = ops::ones(&[2, 8])?;
/// let (log_probabilities, loss) = layer.forward(&x, &Tensor::of(&[1i64, 7], &[2])?)?;
/// assert_eq!((log_probabilities.size(), loss.dim()), (&[2][..], 0));
/// assert_eq!(layer.log_prob(&x)?.size(), [2, 10]);
/// assert_eq!(layer.predict(&x)?.size(), [2]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
pub struct AdaptiveLogSoftmaxWithLoss {
    /// From the input to the common classes and one number for each cluster.
    pub head: Linear,
    /// From the input to the classes of each cluster.
    pub tail: Vec<Sequential>,
    /// Where each cluster begins, and the number of classes.
    cutoffs: Vec<i64>,
}

impl AdaptiveLogSoftmaxWithLoss {
    /// `cutoffs` says at which classes the clusters begin; each has a quarter of the numbers between its two layers that the
    /// one before has.
    pub fn new(in_features: i64, n_classes: i64, cutoffs: &[i64]) -> Result<AdaptiveLogSoftmaxWithLoss> {
        AdaptiveLogSoftmaxWithLoss::with(in_features, n_classes, cutoffs, 4.0, false)
    }

    /// As [`AdaptiveLogSoftmaxWithLoss::new`]; `div_value` says by how much a cluster is smaller than the one before,
    /// `head_bias` whether the head has a bias.
    pub fn with(
        in_features: i64,
        n_classes: i64,
        cutoffs: &[i64],
        div_value: f64,
        head_bias: bool,
    ) -> Result<AdaptiveLogSoftmaxWithLoss> {
        let (Some(&first), Some(&last)) = (cutoffs.first(), cutoffs.last()) else {
            return Err(Error::value("cutoffs should be a sequence of length larger than 0"));
        };
        if first <= 0 || last > n_classes - 1 || cutoffs.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::value(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value \
                 is between 1 and n_classes-1",
            ));
        }
        let cutoffs = [cutoffs, &[n_classes]].concat();
        let head = Linear::with(in_features, first + cutoffs.len() as i64 - 1, head_bias)?;
        let cluster = |(i, range): (usize, &[i64])| {
            let hidden = (in_features as f64 / div_value.powi(i as i32 + 1)).floor() as i64;
            let narrow = Linear::without_bias(in_features, hidden)?;
            Ok(Sequential::new().then(narrow).then(Linear::without_bias(hidden, range[1] - range[0])?))
        };
        let tail = cutoffs.windows(2).enumerate().map(cluster).collect::<Result<_>>()?;
        Ok(AdaptiveLogSoftmaxWithLoss { head, tail, cutoffs })
    }

    /// The log-probabilities of the targets, and the loss: the mean of what they lack. Without a batch: `I, () -> (), ()`.
    pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<(Tensor, Tensor)> {
        let (dims, of_input) = (target.dim(), input.size());
        if dims > 1 {
            return Err(Error::runtime("0D or 1D target tensor expected, multi-target not supported"));
        }
        if input.dim() != dims + 1 {
            return Err(Error::runtime(format!(
                "{dims}D target tensor expects {}D input tensors, but found inputs with size torch.Size({of_input:?})",
                dims + 1
            )));
        }
        if dims == 0 {
            let (output, loss) = self.forward(&input.unsqueeze(0)?, &target.unsqueeze(0)?)?;
            return Ok((output.squeeze_dim(0)?, loss));
        }
        if of_input[0] != target.size()[0] {
            return Err(Error::runtime("Input and target should have the same size in the batch dimension."));
        }
        let classes = target.to_dtype(DType::I64)?.contiguous()?.to_vec::<i64>()?;
        let all = *self.cutoffs.last().unwrap_or(&0);
        if let (Some(least), Some(most)) = (classes.iter().min(), classes.iter().max())
            && (*least < 0 || *most >= all)
        {
            return Err(Error::runtime(format!(
                "Target values should be in [0, {}], but values in range [{least}, {most}] were found. ",
                all - 1
            )));
        }
        let indices = |values: &[i64]| Tensor::of(values, &[values.len() as i64]);

        // Where in the head each target is: itself, or its cluster.
        let mut places = classes.clone();
        let mut output = ops::zeros(&[classes.len() as i64])?.to_dtype(input.dtype())?;
        for (i, (range, cluster)) in self.cutoffs.windows(2).zip(&self.tail).enumerate() {
            let rows: Vec<i64> = (0..classes.len())
                .filter(|&row| (range[0]..range[1]).contains(&classes[row]))
                .map(|r| r as i64)
                .collect();
            if rows.is_empty() {
                continue;
            }
            let within: Vec<i64> = rows.iter().map(|&row| classes[row as usize] - range[0]).collect();
            rows.iter().for_each(|&row| places[row as usize] = self.cutoffs[0] + i as i64);
            let rows = indices(&rows)?;
            let local = cluster.forward(&input.index_select(0, &rows)?)?.log_softmax(1)?;
            let picked = local.gather(1, &indices(&within)?.unsqueeze(1)?)?.squeeze_dim(1)?;
            output = output.index_copy(0, &rows, &picked)?;
        }
        let head = self.head.forward(input)?.log_softmax(1)?;
        let output = output.add(&head.gather(1, &indices(&places)?.unsqueeze(1)?)?.squeeze_dim(1)?)?;
        let loss = output.neg()?.mean()?;
        Ok((output, loss))
    }

    /// The log-probabilities of all classes. Shape: `N I -> N C`.
    pub fn log_prob(&self, input: &Tensor) -> Result<Tensor> {
        let head = self.head.forward(input)?.log_softmax(1)?;
        let common = self.cutoffs[0];
        let mut parts = vec![head.narrow(1, 0, common)?];
        for (i, cluster) in self.tail.iter().enumerate() {
            let chosen = head.narrow(1, common + i as i64, 1)?;
            parts.push(cluster.forward(input)?.log_softmax(1)?.add(&chosen)?);
        }
        ops::cat_with(&parts, 1)
    }

    /// The most probable class of each row. Shape: `N I -> N`.
    pub fn predict(&self, input: &Tensor) -> Result<Tensor> {
        self.log_prob(input)?.argmax_with(Some(1), false)
    }
}
