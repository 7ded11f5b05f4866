//! The Transformer, its encoder and decoder, and their layers.

use flambeau_tensor::{Error, Options, Result, Tensor, ops};
use serde::{Deserialize, Serialize};

use super::{AttentionOptions, Dropout, LayerNorm, LayerNormOptions, Linear, Masks, MultiheadAttention};
use crate::{Forward, Module, init};

/// What stands between the two linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` times the normal distribution's share below `x`.
    Gelu,
}

/// The settings of a [`TransformerEncoderLayer`], a [`TransformerDecoderLayer`] or a [`Transformer`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerOptions {
    /// The size between the two linear layers.
    pub dim_feedforward: i64,
    /// Dropout of all parts while training.
    pub dropout: f64,
    /// What stands between the two linear layers.
    pub activation: Activation,
    /// Added to variances, so that they are never 0.
    pub layer_norm_eps: f64,
    /// Whether input and output are `N S E` in place of `S N E`.
    pub batch_first: bool,
    /// Whether normalization comes before each part in place of behind it.
    pub norm_first: bool,
    /// Whether there are biases.
    pub bias: bool,
}

impl Default for TransformerOptions {
    fn default() -> TransformerOptions {
        TransformerOptions {
            dim_feedforward: 2048,
            dropout: 0.1,
            activation: Activation::Relu,
            layer_norm_eps: 1e-5,
            batch_first: false,
            norm_first: false,
            bias: true,
        }
    }
}

impl TransformerOptions {
    fn attention(&self, d_model: i64, nhead: i64) -> Result<MultiheadAttention> {
        let (dropout, bias, batch_first) = (self.dropout, self.bias, self.batch_first);
        MultiheadAttention::with(d_model, nhead, AttentionOptions { dropout, bias, batch_first, ..Default::default() })
    }

    fn norm(&self, d_model: i64) -> Result<LayerNorm> {
        let (eps, bias) = (self.layer_norm_eps, self.bias);
        LayerNorm::with(&[d_model], LayerNormOptions { eps, bias, elementwise_affine: true })
    }

    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        match self.activation {
            Activation::Relu => x.relu(),
            Activation::Gelu => x.gelu(),
        }
    }
}

/// Attention within a sequence, then two linear layers. Shape: `S N E -> S N E`.
///
/// ```
/// use flambeau_nn::{Forward, TransformerEncoderLayer, TransformerOptions};
/// use flambeau_tensor::ops;
///
/// let layer = TransformerEncoderLayer::new(4, 2, TransformerOptions { dim_feedforward: 8, ..Default::default() })?;
/// assert_eq!(layer.forward(&ops::ones(&[3, 1, 4])?)?.size(), [3, 1, 4]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
pub struct TransformerEncoderLayer {
    self_attn: MultiheadAttention,
    linear1: Linear,
    dropout: Dropout,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    dropout1: Dropout,
    dropout2: Dropout,
    #[module(skip)]
    options: TransformerOptions,
}

impl TransformerEncoderLayer {
    /// A layer for vectors of `d_model` numbers, with `nhead` heads.
    pub fn new(d_model: i64, nhead: i64, options: TransformerOptions) -> Result<TransformerEncoderLayer> {
        Ok(TransformerEncoderLayer {
            self_attn: options.attention(d_model, nhead)?,
            linear1: Linear::with(d_model, options.dim_feedforward, options.bias)?,
            dropout: Dropout::new(options.dropout)?,
            linear2: Linear::with(options.dim_feedforward, d_model, options.bias)?,
            norm1: options.norm(d_model)?,
            norm2: options.norm(d_model)?,
            dropout1: Dropout::new(options.dropout)?,
            dropout2: Dropout::new(options.dropout)?,
            options,
        })
    }

    /// As `forward`, with places hidden.
    pub fn forward_masked(&self, src: &Tensor, masks: Masks<'_>) -> Result<Tensor> {
        let attend = |x: &Tensor| self.dropout1.forward(&self.self_attn.attend(x, x, x, masks)?);
        let feed = |x: &Tensor| {
            let hidden = self.dropout.forward(&self.options.activate(&self.linear1.forward(x)?)?)?;
            self.dropout2.forward(&self.linear2.forward(&hidden)?)
        };
        if self.options.norm_first {
            let x = src.add(&attend(&self.norm1.forward(src)?)?)?;
            return x.add(&feed(&self.norm2.forward(&x)?)?);
        }
        let x = self.norm1.forward(&src.add(&attend(src)?)?)?;
        self.norm2.forward(&x.add(&feed(&x)?)?)
    }
}

impl Forward for TransformerEncoderLayer {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.forward_masked(input, Masks::default())
    }
}

/// Attention within a sequence, then to the encoder's, then two linear layers. Shape: `T N E, S N E -> T N E`.
#[derive(Module)]
pub struct TransformerDecoderLayer {
    self_attn: MultiheadAttention,
    multihead_attn: MultiheadAttention,
    linear1: Linear,
    dropout: Dropout,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    norm3: LayerNorm,
    dropout1: Dropout,
    dropout2: Dropout,
    dropout3: Dropout,
    #[module(skip)]
    options: TransformerOptions,
}

impl TransformerDecoderLayer {
    /// A layer for vectors of `d_model` numbers, with `nhead` heads.
    pub fn new(d_model: i64, nhead: i64, options: TransformerOptions) -> Result<TransformerDecoderLayer> {
        Ok(TransformerDecoderLayer {
            self_attn: options.attention(d_model, nhead)?,
            multihead_attn: options.attention(d_model, nhead)?,
            linear1: Linear::with(d_model, options.dim_feedforward, options.bias)?,
            dropout: Dropout::new(options.dropout)?,
            linear2: Linear::with(options.dim_feedforward, d_model, options.bias)?,
            norm1: options.norm(d_model)?,
            norm2: options.norm(d_model)?,
            norm3: options.norm(d_model)?,
            dropout1: Dropout::new(options.dropout)?,
            dropout2: Dropout::new(options.dropout)?,
            dropout3: Dropout::new(options.dropout)?,
            options,
        })
    }

    /// One layer's output; `own` masks the sequence itself, `other` the encoder's.
    pub fn forward(&self, tgt: &Tensor, memory: &Tensor, own: Masks<'_>, other: Masks<'_>) -> Result<Tensor> {
        let attend = |x: &Tensor| self.dropout1.forward(&self.self_attn.attend(x, x, x, own)?);
        let look = |x: &Tensor| self.dropout2.forward(&self.multihead_attn.attend(x, memory, memory, other)?);
        let feed = |x: &Tensor| {
            let hidden = self.dropout.forward(&self.options.activate(&self.linear1.forward(x)?)?)?;
            self.dropout3.forward(&self.linear2.forward(&hidden)?)
        };
        if self.options.norm_first {
            let x = tgt.add(&attend(&self.norm1.forward(tgt)?)?)?;
            let x = x.add(&look(&self.norm2.forward(&x)?)?)?;
            return x.add(&feed(&self.norm3.forward(&x)?)?);
        }
        let x = self.norm1.forward(&tgt.add(&attend(tgt)?)?)?;
        let x = self.norm2.forward(&x.add(&look(&x)?)?)?;
        self.norm3.forward(&x.add(&feed(&x)?)?)
    }
}

/// Encoder layers one after another, which begin with the same weights. Shape: `S N E -> S N E`.
#[derive(Module)]
pub struct TransformerEncoder {
    layers: Vec<TransformerEncoderLayer>,
    norm: Option<LayerNorm>,
}

impl TransformerEncoder {
    /// So many layers, as `layer` makes them, and perhaps a normalization behind them. All begin with the weights of the first,
    /// as PyTorch's copies do.
    pub fn new(
        layer: impl Fn() -> Result<TransformerEncoderLayer>,
        num_layers: usize,
        norm: Option<LayerNorm>,
    ) -> Result<TransformerEncoder> {
        Ok(TransformerEncoder { layers: copies(layer, num_layers)?, norm })
    }

    /// As `forward`, with places hidden.
    pub fn forward_masked(&self, src: &Tensor, masks: Masks<'_>) -> Result<Tensor> {
        let x = self.layers.iter().try_fold(src.clone(), |x, layer| layer.forward_masked(&x, masks))?;
        self.norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(&x))
    }
}

impl Forward for TransformerEncoder {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.forward_masked(input, Masks::default())
    }
}

/// Decoder layers one after another, which begin with the same weights. Shape: `T N E, S N E -> T N E`.
#[derive(Module)]
pub struct TransformerDecoder {
    layers: Vec<TransformerDecoderLayer>,
    norm: Option<LayerNorm>,
}

impl TransformerDecoder {
    /// So many layers, as `layer` makes them, and perhaps a normalization behind them.
    pub fn new(
        layer: impl Fn() -> Result<TransformerDecoderLayer>,
        num_layers: usize,
        norm: Option<LayerNorm>,
    ) -> Result<TransformerDecoder> {
        Ok(TransformerDecoder { layers: copies(layer, num_layers)?, norm })
    }

    /// The decoder's output; `own` masks the sequence itself, `other` the encoder's.
    pub fn forward(&self, tgt: &Tensor, memory: &Tensor, own: Masks<'_>, other: Masks<'_>) -> Result<Tensor> {
        let x = self.layers.iter().try_fold(tgt.clone(), |x, layer| layer.forward(&x, memory, own, other))?;
        self.norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(&x))
    }
}

/// The first layer draws its weights; the others copy them, and leave the random stream as it is.
fn copies<M: Module>(make: impl Fn() -> Result<M>, n: usize) -> Result<Vec<M>> {
    let first = make()?;
    let state = first.state_dict();
    let generator = flambeau_tensor::default_generator();
    let drawn = generator.state();
    let mut layers = vec![first];
    for _ in 1..n {
        let layer = make()?;
        layer.load_state_dict(&state)?;
        layers.push(layer);
    }
    generator.set_state(&drawn)?;
    layers.truncate(n);
    Ok(layers)
}

/// An encoder and a decoder. Shape: `S N E, T N E -> T N E`.
///
/// ```
/// use flambeau_nn::{Masks, Transformer, TransformerOptions};
/// use flambeau_tensor::ops;
///
/// let options = TransformerOptions { dim_feedforward: 16, ..Default::default() };
/// let model = Transformer::new(8, 2, 1, 1, options)?;
/// let y = model.forward(&ops::ones(&[5, 1, 8])?, &ops::ones(&[3, 1, 8])?, Masks::default(), Masks::default())?;
/// assert_eq!(y.size(), [3, 1, 8]);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
pub struct Transformer {
    encoder: TransformerEncoder,
    decoder: TransformerDecoder,
    d_model: i64,
}

impl Transformer {
    /// A model for vectors of `d_model` numbers, with `nhead` heads in each of its layers.
    pub fn new(
        d_model: i64,
        nhead: i64,
        num_encoder_layers: usize,
        num_decoder_layers: usize,
        options: TransformerOptions,
    ) -> Result<Transformer> {
        let layer = || TransformerEncoderLayer::new(d_model, nhead, options);
        let encoder = TransformerEncoder::new(layer, num_encoder_layers, Some(options.norm(d_model)?))?;
        let layer = || TransformerDecoderLayer::new(d_model, nhead, options);
        let decoder = TransformerDecoder::new(layer, num_decoder_layers, Some(options.norm(d_model)?))?;
        let model = Transformer { encoder, decoder, d_model };
        for parameter in model.parameters() {
            if parameter.dim() > 1 {
                init::xavier_uniform_(&parameter, 1.0)?;
            }
        }
        Ok(model)
    }

    /// What the decoder makes of `tgt` and the encoded `src`.
    pub fn forward(&self, src: &Tensor, tgt: &Tensor, src_masks: Masks<'_>, tgt_masks: Masks<'_>) -> Result<Tensor> {
        let last = |x: &Tensor| x.size().last().copied();
        if last(src) != Some(self.d_model) || last(tgt) != Some(self.d_model) {
            return Err(Error::runtime(format!(
                "the feature number of src and tgt must be equal to d_model ({}), but the shapes are {:?} and {:?}",
                self.d_model,
                src.size(),
                tgt.size()
            )));
        }
        let memory = self.encoder.forward_masked(src, src_masks)?;
        self.decoder.forward(tgt, &memory, tgt_masks, Masks::default())
    }

    /// Negative infinity above the diagonal, zero elsewhere: each place sees those up to itself. Shape: `-> n n`.
    pub fn causal_mask(n: i64) -> Result<Tensor> {
        ops::full_with(&[n, n], f64::NEG_INFINITY, Options::default())?.triu_with(1)
    }
}
