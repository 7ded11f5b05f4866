//! Scaled dot-product attention.

use crate::ops::{op, samples};
use crate::{DType, Error, Options, Result, Tensor};

fn check(q: &Tensor, k: &Tensor, v: &Tensor, mask: Option<&Tensor>, is_causal: bool) -> Result<()> {
    let name = crate::ops::rule::c_name;
    if q.dtype() != k.dtype() || q.dtype() != v.dtype() {
        return Err(Error::runtime(format!(
            "Expected query, key, and value to have the same dtype, but got query.dtype: {} key.dtype: {} and value.dtype: {} instead.",
            name(q.dtype()),
            name(k.dtype()),
            name(v.dtype())
        )));
    }
    if q.dim() < 2 || k.dim() < 2 || v.dim() < 2 {
        return Err(Error::runtime(format!(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {}, key.dim: {} and value.dim: {} instead.",
            q.dim(),
            k.dim(),
            v.dim()
        )));
    }
    let Some(mask) = mask else { return Ok(()) };
    if mask.dtype() != DType::Bool && mask.dtype() != DType::F32 && mask.dtype() != q.dtype() {
        return Err(Error::runtime(format!(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  query.dtype: {} instead.",
            name(mask.dtype()),
            name(q.dtype())
        )));
    }
    if is_causal {
        return Err(Error::runtime(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True",
        ));
    }
    Ok(())
}

/// Each head of keys and values as often as there are heads of queries for it.
fn shared_heads(q: &Tensor, kv: &Tensor) -> Result<Tensor> {
    let heads = |x: &Tensor| if x.dim() < 3 { 1 } else { x.size()[x.dim() - 3] };
    let (wanted, have) = (heads(q), heads(kv));
    if have == wanted {
        return Ok(kv.clone());
    }
    if have == 0 || wanted % have != 0 {
        return Err(Error::runtime("Number of heads in key and value must divide the number of heads in query"));
    }
    kv.repeat_interleave_with(wanted / have, Some(-3), None)
}

/// A mask of booleans as what is added to the scores: minus infinity where it is false.
fn additive(mask: &Tensor, dtype: DType) -> Result<Tensor> {
    if mask.dtype() != DType::Bool {
        return Ok(mask.clone());
    }
    let zeros = crate::ops::zeros_with(
        mask.size(),
        Options { dtype: Some(dtype), device: Some(mask.device()), requires_grad: false },
    )?;
    zeros.masked_fill(&mask.logical_not()?, f64::NEG_INFINITY)
}

/// The rows of a mask that let nothing through.
fn nothing_left(mask: &Tensor) -> Result<Tensor> {
    let mask = if mask.dim() == 0 { mask.detach().unsqueeze(0)? } else { mask.detach() };
    let through = if mask.dtype() == DType::Bool { mask } else { mask.ne(f64::NEG_INFINITY)? };
    through.any_dim_with(-1, true)?.logical_not()
}

/// Positions that attend together where each sees only those up to its own.
const BLOCK: i64 = 128;

/// Attention of scaled `q` and `k.T` where each position sees only those up to its own. A block of positions does without the keys
/// that none of them sees.
fn causal(q: &Tensor, k: &Tensor, v: &Tensor, dropout: f64) -> Result<Tensor> {
    let (rows, keys) = (q.size()[q.dim() - 2], k.size()[k.dim() - 1]);
    // Random numbers are drawn for all positions at once.
    let step = if dropout > 0.0 { rows.max(1) } else { BLOCK };
    let mut parts = Vec::new();
    for start in (0..rows.max(1)).step_by(step as usize) {
        let end = rows.min(start + step);
        let seen = if dropout > 0.0 { keys } else { keys.min(end) };
        let whole = (end - start, seen) == (rows, keys);
        let (q, k, v) = if whole {
            (q.clone(), k.clone(), v.clone())
        } else {
            (q.slice(-2, start, end, 1)?, k.slice(-1, 0, seen, 1)?, v.slice(-2, 0, seen, 1)?)
        };
        let scores = q.matmul(&k)?;
        let options = Options { dtype: Some(DType::Bool), ..Options::like(&scores) };
        let through = crate::ops::ones_with(&[end - start, seen], options)?.tril_with(start)?;
        let weights = scores.add(additive(&through, scores.dtype())?)?.softmax(-1)?;
        let weights = if dropout > 0.0 { weights.dropout_with(dropout, true)? } else { weights };
        parts.push(weights.matmul(&v)?);
    }
    if parts.len() == 1 { Ok(parts.remove(0)) } else { crate::ops::cat_with(&parts, -2) }
}

op! {
    /// Attention: the values of all positions, weighted by the softmax of `query @ key.T * scale` (by default `1 / sqrt(E)`).
    /// `attn_mask` is added to the scores, or, of booleans, says which take part; `is_causal` lets each position see only
    /// those up to its own. With `enable_gqa`, several heads of queries share one of keys and values.
    ///
    /// Shape: `*b L E, *b S E, *b S V -> *b L V`. Dtype: all the same, floating-point.
    ///
    /// >>> torch.nn.functional.scaled_dot_product_attention(torch.zeros(1, 2), torch.ones(2, 2), torch.tensor([[1.], [3.]]))
    /// tensor([[2.]])
    fn scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Option<Tensor> = None, dropout_p: f64 = 0.0, is_causal: bool = false; scale: Option<f64> = None, enable_gqa: bool = false) -> y;
    variants [functional];
    composite {
        check(query, key, value, attn_mask, is_causal)?;
        let dtype = query.dtype();
        // Half precision computes in float32.
        let wide = |x: &Tensor| if matches!(dtype, DType::F16 | DType::BF16) { x.to_dtype(DType::F32) } else { Ok(x.clone()) };
        let (q, k, v) = (wide(query)?, wide(key)?, wide(value)?);
        let (k, v) = if enable_gqa { (shared_heads(&q, &k)?, shared_heads(&q, &v)?) } else { (k, v) };
        let scale = scale.unwrap_or_else(|| 1.0 / (query.size()[query.dim() - 1] as f64).sqrt());
        // Its root on both sides keeps large products from overflowing.
        let root = scale.abs().sqrt();
        let (q, k) = (q.mul(root * scale.signum())?, k.transpose(-2, -1)?.mul(root)?);
        if is_causal {
            return causal(&q, &k, &v, dropout_p)?.to_dtype(dtype);
        }
        let scores = q.matmul(&k)?;
        // Where a mask leaves a position nothing to see, it gets nothing: no infinities there, which would make nan of the
        // gradients, and zeros in the result.
        let blind = attn_mask.map(nothing_left).transpose()?;
        let scores = match (attn_mask, &blind) {
            (Some(mask), Some(blind)) => scores.add(additive(mask, scores.dtype())?.masked_fill(blind, 0.0)?)?,
            _ => scores,
        };
        let weights = scores.softmax(-1)?;
        let weights = if dropout_p > 0.0 { weights.dropout_with(dropout_p, true)? } else { weights };
        let y = weights.matmul(&v)?;
        match &blind {
            Some(blind) => y.masked_fill(blind, 0.0)?.to_dtype(dtype),
            None => y.to_dtype(dtype),
        }
    };
    samples {
        let x = |sizes: &[i64]| samples::tensor(sizes, -1.0, 1.0).into();
        let mask = samples::tensor(&[2, 3], -1.0, 1.0).gt(0.2).unwrap_or_else(|e| panic!("{e}"));
        let none = crate::ops::Arg::None;
        vec![
            crate::ops::Sample::new([x(&[2, 3]), x(&[4, 3]), x(&[4, 2])]),
            crate::ops::Sample::new([x(&[1, 2, 2, 3]), x(&[1, 2, 3, 3]), x(&[1, 2, 3, 3]), mask.into()]),
            crate::ops::Sample::new([x(&[4, 3, 2]), x(&[2, 3, 2]), x(&[2, 3, 2]), none, 0.0.into(), true.into(), 0.7.into(), true.into()]),
        ]
    };
}

op! {
    /// Softmax, and 0 where all elements along `dim` are minus infinity: what no position may see gets nothing.
    ///
    /// Shape: `*s -> *s`. Dtype: `dtype`, or unchanged; floating-point.
    ///
    /// >>> torch._safe_softmax(torch.tensor([[0., 0.], [float("-inf"), float("-inf")]]), 1)
    /// tensor([[0.5000, 0.5000],
    ///         [0.0000, 0.0000]])
    fn safe_softmax(input: Tensor, dim: i64, dtype: Option<DType> = None) -> y;
    variants [private];
    alias [function _safe_softmax];
    composite {
        let y = input.softmax_with(dim, dtype)?;
        if input.numel() == 0 {
            return Ok(y);
        }
        let blocked = input.detach().eq(f64::NEG_INFINITY)?.all_dim_with(dim, true)?;
        y.masked_fill(&blocked, 0.0)
    };
    samples samples::with(&[2, 3], -1.0, 1.0, &[&[1.into()]]);
}
