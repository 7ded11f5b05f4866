use flambeau_tensor::{DType, Error, Result, Tensor, ops};
use serde::{Deserialize, Serialize};

use super::{Linear, parameter};
use crate::module::Training;
use crate::{Forward, Module, init};

/// The settings of a [`MultiheadAttention`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionOptions {
    /// Dropout of the attention weights while training.
    pub dropout: f64,
    /// Whether there are biases.
    pub bias: bool,
    /// Whether input and output are `N L E` in place of `L N E`.
    pub batch_first: bool,
    /// The size of the keys, if not `embed_dim`.
    pub kdim: Option<i64>,
    /// The size of the values, if not `embed_dim`.
    pub vdim: Option<i64>,
}

impl Default for AttentionOptions {
    fn default() -> AttentionOptions {
        AttentionOptions { dropout: 0.0, bias: true, batch_first: false, kdim: None, vdim: None }
    }
}

/// What a query may not look at.
#[derive(Clone, Copy, Default)]
pub struct Masks<'a> {
    /// Of shape `L S` or `N*heads L S`: true, or negative infinity, where a place is hidden; numbers are added.
    pub attn_mask: Option<&'a Tensor>,
    /// Of shape `N S`: true, or negative infinity, at keys that are padding.
    pub key_padding_mask: Option<&'a Tensor>,
    /// A hint that `attn_mask` hides what comes later, and nothing else.
    pub is_causal: bool,
}

/// Attention of several heads, between projections. Shape: `L N E, S N E, S N E -> L N E, N L S`.
///
/// ```
/// use flambeau_nn::{Masks, MultiheadAttention};
/// use flambeau_tensor::ops;
///
/// let layer = MultiheadAttention::new(4, 2)?;
/// let x = ops::ones(&[3, 1, 4])?;
/// let (out, weights) = layer.forward(&x, &x, &x, Masks::default())?;
/// assert_eq!((out.size(), weights.size()), (&[3, 1, 4][..], &[1, 3, 3][..]));
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
#[derive(Module)]
pub struct MultiheadAttention {
    /// All three projections, of shape `3E E`, where keys and values are of the queries' size.
    pub in_proj_weight: Option<Tensor>,
    q_proj_weight: Option<Tensor>,
    k_proj_weight: Option<Tensor>,
    v_proj_weight: Option<Tensor>,
    /// Of shape `3E`.
    pub in_proj_bias: Option<Tensor>,
    /// The projection of the output.
    #[module(name = "out_proj")]
    pub out_proj: OutProjection,
    num_heads: i64,
    embed_dim: i64,
    batch_first: bool,
    dropout: f64,
    training: Training,
}

/// The last projection of a [`MultiheadAttention`]: a [`Linear`] under the name that PyTorch prints.
#[derive(Module)]
#[module(name = "NonDynamicallyQuantizableLinear", extra_repr = Self::settings)]
pub struct OutProjection {
    /// Of shape `E E`.
    pub weight: Tensor,
    /// Of shape `E`.
    pub bias: Option<Tensor>,
}

impl OutProjection {
    fn settings(&self) -> String {
        let bias = crate::module::python(self.bias.is_some());
        format!("in_features={}, out_features={}, bias={bias}", self.weight.size()[1], self.weight.size()[0])
    }
}

impl MultiheadAttention {
    /// `num_heads` heads over vectors of `embed_dim` numbers.
    pub fn new(embed_dim: i64, num_heads: i64) -> Result<MultiheadAttention> {
        MultiheadAttention::with(embed_dim, num_heads, AttentionOptions::default())
    }

    /// As [`MultiheadAttention::new`], with settings.
    pub fn with(embed_dim: i64, num_heads: i64, o: AttentionOptions) -> Result<MultiheadAttention> {
        if embed_dim <= 0 || num_heads <= 0 {
            return Err(Error::value(format!(
                "embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )));
        }
        if embed_dim % num_heads != 0 {
            return Err(Error::value("embed_dim must be divisible by num_heads"));
        }
        let (kdim, vdim) = (o.kdim.unwrap_or(embed_dim), o.vdim.unwrap_or(embed_dim));
        let together = kdim == embed_dim && vdim == embed_dim;
        let make = |wanted: bool, sizes: &[i64]| wanted.then(|| parameter(sizes)).transpose();
        let in_proj_weight = make(together, &[3 * embed_dim, embed_dim])?;
        let q_proj_weight = make(!together, &[embed_dim, embed_dim])?;
        let k_proj_weight = make(!together, &[embed_dim, kdim])?;
        let v_proj_weight = make(!together, &[embed_dim, vdim])?;
        let in_proj_bias = make(o.bias, &[3 * embed_dim])?;
        let Linear { weight, bias } = Linear::with(embed_dim, embed_dim, o.bias)?;
        for weight in [&in_proj_weight, &q_proj_weight, &k_proj_weight, &v_proj_weight].into_iter().flatten() {
            init::xavier_uniform_(weight, 1.0)?;
        }
        for bias in [&in_proj_bias, &bias].into_iter().flatten() {
            init::zeros_(bias)?;
        }
        Ok(MultiheadAttention {
            in_proj_weight,
            q_proj_weight,
            k_proj_weight,
            v_proj_weight,
            in_proj_bias,
            out_proj: OutProjection { weight, bias },
            num_heads,
            embed_dim,
            batch_first: o.batch_first,
            dropout: o.dropout,
            training: Training::default(),
        })
    }

    /// What the queries find, and how much each looked at each key, the mean over the heads.
    pub fn forward(&self, query: &Tensor, key: &Tensor, value: &Tensor, masks: Masks<'_>) -> Result<(Tensor, Tensor)> {
        let (out, weights) = self.run(query, key, value, masks, true)?;
        let weights = weights.ok_or_else(|| Error::runtime("MultiheadAttention: no weights were computed"))?;
        Ok((out, weights))
    }

    /// As [`MultiheadAttention::forward`], without the weights: faster.
    pub fn attend(&self, query: &Tensor, key: &Tensor, value: &Tensor, masks: Masks<'_>) -> Result<Tensor> {
        Ok(self.run(query, key, value, masks, false)?.0)
    }

    fn run(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        masks: Masks<'_>,
        need_weights: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        if query.dim() == 2 {
            let batch = |x: &Tensor| x.unsqueeze(1);
            let padding = masks.key_padding_mask.map(|m| m.unsqueeze(0)).transpose()?;
            let masks = Masks { key_padding_mask: padding.as_ref(), ..masks };
            let inner = |x: &Tensor| if self.batch_first { x.transpose(0, 1) } else { Ok(x.clone()) };
            let [q, k, v] = [batch(query)?, batch(key)?, batch(value)?];
            let (out, weights) = self.run(&inner(&q)?, &inner(&k)?, &inner(&v)?, masks, need_weights)?;
            return Ok((inner(&out)?.squeeze_dim(1)?, weights.map(|w| w.squeeze_dim(0)).transpose()?));
        }
        if query.dim() != 3 || key.dim() != 3 || value.dim() != 3 {
            return Err(Error::value(format!(
                "MultiheadAttention: query, key and value must all have 2 or all 3 dimensions, but have {}, {} and {}",
                query.dim(),
                key.dim(),
                value.dim()
            )));
        }
        let turn = |x: &Tensor| if self.batch_first { x.transpose(0, 1) } else { Ok(x.clone()) };
        let same = (key.is(query), value.is(key));
        let query = turn(query)?;
        let key = if same.0 { query.clone() } else { turn(key)? };
        let value = if same.1 { key.clone() } else { turn(value)? };
        let [q, k, v] = self.project(&query, &key, &value)?;
        let (length, batch, source) = (q.size()[0], q.size()[1], k.size()[0]);
        let (heads, head) = (self.num_heads, self.embed_dim / self.num_heads);

        // Heads join the batch, which comes first. Shape: `L N E -> N*heads L head`.
        let by_head = |x: &Tensor| x.contiguous()?.view(&[x.size()[0], batch * heads, head])?.transpose(0, 1);
        let (q, k, v) = (by_head(&q)?, by_head(&k)?, by_head(&v)?);
        let causal_alone = masks.is_causal && masks.key_padding_mask.is_none() && !need_weights;
        let mask = if causal_alone { None } else { self.merged_mask(&q, masks, batch, length, source)? };
        let dropout = if self.training.is_on() { self.dropout } else { 0.0 };
        let project = |seen: &Tensor| -> Result<Tensor> {
            let flat = seen.reshape(&[length * batch, self.embed_dim])?;
            let out = flat.linear_with(&self.out_proj.weight, self.out_proj.bias.as_ref())?;
            turn(&out.view(&[length, batch, self.embed_dim])?)
        };

        if !need_weights {
            let part = |x: &Tensor| x.view(&[batch, heads, x.size()[1], head]);
            let mask = match &mask {
                Some(m) if m.size()[0] == 1 => Some(m.unsqueeze(0)?),
                Some(m) => Some(m.view(&[batch, heads, -1, source])?),
                None => None,
            };
            let seen = part(&q)?.scaled_dot_product_attention_with(
                &part(&k)?,
                &part(&v)?,
                mask.as_ref(),
                dropout,
                causal_alone,
                None,
                false,
            )?;
            return Ok((project(&seen.permute(&[2, 0, 1, 3])?)?, None));
        }
        let scaled = q.mul((1.0 / head as f64).sqrt())?;
        let scores = match &mask {
            Some(mask) => mask.baddbmm(&scaled, &k.transpose(-2, -1)?)?,
            None => scaled.bmm(&k.transpose(-2, -1)?)?,
        };
        let scores = scores.softmax(-1)?.dropout_with(dropout, true)?;
        let out = project(&scores.bmm(&v)?.transpose(0, 1)?)?;
        Ok((out, Some(scores.view(&[batch, heads, length, source])?.mean_dim(Some(&[1]))?)))
    }

    /// The three projections. Shape: `L N E, S N E, S N E -> L N E, S N E, S N E`.
    fn project(&self, query: &Tensor, key: &Tensor, value: &Tensor) -> Result<[Tensor; 3]> {
        let biases = self.in_proj_bias.as_ref().map(|b| b.chunk(3)).transpose()?;
        let bias = |i: usize| biases.as_ref().map(|b| &b[i]);
        let Some(weight) = &self.in_proj_weight else {
            let given = [&self.q_proj_weight, &self.k_proj_weight, &self.v_proj_weight];
            let one = |i: usize, x: &Tensor| match given[i] {
                Some(weight) => x.linear_with(weight, bias(i)),
                None => Err(Error::runtime("MultiheadAttention: a projection is missing")),
            };
            return Ok([one(0, query)?, one(1, key)?, one(2, value)?]);
        };
        let e = self.embed_dim;
        // Inputs that are the same take one product.
        let together = |x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, n: i64| -> Result<Tensor> {
            let all = x.linear_with(weight, bias)?.unflatten(-1, &[n, e])?;
            all.unsqueeze(0)?.transpose(0, -2)?.squeeze_dim(-2)?.contiguous()
        };
        if key.is(query) && value.is(key) {
            let all = together(query, weight, self.in_proj_bias.as_ref(), 3)?;
            return Ok([all.select(0, 0)?, all.select(0, 1)?, all.select(0, 2)?]);
        }
        if value.is(key) {
            let w = weight.split_with_sizes(&[e, 2 * e])?;
            let b = self.in_proj_bias.as_ref().map(|b| b.split_with_sizes(&[e, 2 * e])).transpose()?;
            let both = together(key, &w[1], b.as_ref().map(|b| &b[1]), 2)?;
            let own = query.linear_with(&w[0], b.as_ref().map(|b| &b[0]))?;
            return Ok([own, both.select(0, 0)?, both.select(0, 1)?]);
        }
        let w = weight.chunk(3)?;
        let one = |i: usize, x: &Tensor| x.linear_with(&w[i], bias(i));
        Ok([one(0, query)?, one(1, key)?, one(2, value)?])
    }

    /// Both masks as numbers to add. Shape: `1 L S` or `N*heads L S`.
    fn merged_mask(
        &self,
        q: &Tensor,
        masks: Masks<'_>,
        batch: i64,
        length: i64,
        source: i64,
    ) -> Result<Option<Tensor>> {
        let heads = self.num_heads;
        let mask = match masks.attn_mask {
            None => None,
            Some(mask) => {
                let mask = added(mask, q.dtype())?;
                let wanted = if mask.dim() == 2 { vec![length, source] } else { vec![batch * heads, length, source] };
                if mask.size() != wanted {
                    return Err(Error::runtime(format!(
                        "The shape of the {}D attn_mask is {:?}, but should be {wanted:?}.",
                        mask.dim(),
                        mask.size()
                    )));
                }
                Some(if mask.dim() == 2 { mask.unsqueeze(0)? } else { mask })
            }
        };
        let Some(padding) = masks.key_padding_mask else { return Ok(mask) };
        if padding.size() != [batch, source] {
            return Err(Error::runtime(format!(
                "The shape of the key_padding_mask is {:?}, but should be {:?}.",
                padding.size(),
                [batch, source]
            )));
        }
        let wide = added(padding, q.dtype())?.view(&[batch, 1, 1, source])?.expand(&[-1, heads, -1, -1])?;
        let wide = wide.reshape(&[batch * heads, 1, source])?;
        Ok(Some(match mask {
            Some(mask) => mask.add(&wide)?,
            None => wide,
        }))
    }
}

/// A mask as numbers to add: of booleans, negative infinity where they are true.
fn added(mask: &Tensor, dtype: DType) -> Result<Tensor> {
    match mask.dtype() {
        DType::Bool => ops::zeros(mask.size())?.to_dtype(dtype)?.masked_fill(mask, f64::NEG_INFINITY),
        d if d.is_floating() => Ok(mask.clone()),
        d => Err(Error::type_(format!("only bool and floating types of masks are supported, but got {}", d.title()))),
    }
}

/// Attention of one sequence to itself, as a model of layers uses it.
impl Forward for MultiheadAttention {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.attend(input, input, input, Masks::default())
    }
}
