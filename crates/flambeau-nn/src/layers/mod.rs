//! The layers, under PyTorch's names.

mod activation;
mod adaptive;
mod attention;
mod batch_norm;
mod container;
mod conv;
mod distance;
mod dropout;
mod embedding;
mod flatten;
mod fold;
mod layer_norm;
mod linear;
mod loss;
mod margin_loss;
mod padding;
mod pool;
mod recurrent;
mod resize;
mod sizes;
mod transformer;
mod unpool;

use flambeau_tensor::{Result, Tensor, ops};

use crate::module::python_tuple;

pub use activation::*;
pub use adaptive::AdaptiveLogSoftmaxWithLoss;
pub use attention::{AttentionOptions, Masks, MultiheadAttention, OutProjection};
pub use batch_norm::*;
pub use container::{ModuleDict, ParameterList, Sequential};
pub use conv::*;
pub use distance::{CosineSimilarity, PairwiseDistance};
pub use dropout::{AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout};
pub use embedding::{BagMode, Embedding, EmbeddingBag};
pub use flatten::{Flatten, Unflatten};
pub use fold::{Fold, FoldOptions, Unfold};
pub use layer_norm::{GroupNorm, LayerNorm, LayerNormOptions, LocalResponseNorm, RMSNorm};
pub use linear::{Bilinear, Linear};
pub use loss::*;
pub use margin_loss::*;
pub use padding::Pad;
pub use pool::*;
pub use recurrent::{GRU, GRUCell, LSTM, LSTMCell, PackedSequence, RNN, RNNCell, RNNOptions};
pub use resize::{ChannelShuffle, Interpolation, PixelShuffle, PixelUnshuffle, Upsample};
pub use sizes::{Pair, Sizes};
pub use transformer::*;
pub use unpool::*;

/// A parameter whose values are still to be written, of the default dtype.
fn parameter(sizes: &[i64]) -> Result<Tensor> {
    ops::empty(sizes)?.requires_grad_(true)
}
