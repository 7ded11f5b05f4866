"""Attention of several heads."""

from __future__ import annotations

import math
import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine

_linear: Any = engine("linear")
_pad: Any = engine("pad")
_attention: Any = engine("scaled_dot_product_attention")


def _refuse(wrong: bool, message: str) -> None:
    if wrong:
        raise AssertionError(message)


def _mha_shape_check(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    num_heads: int,
) -> bool:
    """True if the inputs hold a batch; raises where their dimensions do not fit."""
    n = query.dim()
    _refuse(n not in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor")
    batch = "batched" if n == 3 else "unbatched"
    head = f"For {batch} ({n}-D) `query`, expected"
    _refuse(
        key.dim() != n or value.dim() != n,
        f"{head} `key` and `value` to be {n}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively",
    )
    if key_padding_mask is not None:
        _refuse(
            key_padding_mask.dim() != n - 1,
            f"{head} `key_padding_mask` to be `None` or {n - 1}-D but found {key_padding_mask.dim()}-D tensor instead",
        )
    if attn_mask is not None:
        _refuse(
            attn_mask.dim() not in (2, 3),
            f"{head} `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead",
        )
        if n == 2 and attn_mask.dim() == 3:
            want = (num_heads, query.shape[0], key.shape[0])
            _refuse(
                tuple(attn_mask.shape) != want, f"Expected `attn_mask` shape to be {want} but got {attn_mask.shape}"
            )
    return n == 3


def _none_or_dtype(input: Tensor | None) -> Any:
    return None if input is None else input.dtype


def _canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """A mask as numbers to add: of booleans, negative infinity where they are true."""
    if mask is None:
        return None
    floating = mask.is_floating_point()
    _refuse(mask.dtype != flambeau.bool and not floating, f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=2,
        )
    if floating:
        return mask
    return flambeau.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))


def _packed(q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None) -> tuple[Any, Any, Any]:
    """Projections of three inputs by one weight; inputs that are the same take one product."""
    size = q.size(-1)

    def together(x: Tensor, w: Tensor, b: Tensor | None, n: int) -> Any:
        all = _linear(x, w, b).unflatten(-1, (n, size))
        return all.unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()

    if k is v and q is k:
        each = together(q, w, b, 3)
        return each[0], each[1], each[2]
    if k is v:
        w_q, w_kv = w.split([size, size * 2])
        b_q, b_kv = (None, None) if b is None else b.split([size, size * 2])
        own = _linear(q, w_q, b_q)
        each = together(k, w_kv, b_kv, 2)
        return own, each[0], each[1]
    return _separate(q, k, v, w.chunk(3), b)


def _separate(q: Tensor, k: Tensor, v: Tensor, weights: Any, b: Tensor | None) -> tuple[Any, Any, Any]:
    biases = (None, None, None) if b is None else b.chunk(3)
    q, k, v = (_linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))
    return q, k, v


def _check_weights(inputs: Any, weights: Any) -> None:
    size = inputs[0].size(-1)
    for name, x, w in zip(("query", "key", "value"), inputs, weights, strict=True):
        _refuse(w is None, f"use_separate_proj_weight is True but {name[0]}_proj_weight is None")
        want = (size, x.size(-1))
        _refuse(tuple(w.shape) != want, f"expecting {name} weights shape of {want}, but got {w.shape}")


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of several heads, between projections. Shape: `L N E, S N E, S N E -> L N E, N L S`."""
    is_batched = _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        same_key, same_value = key is query, value is key
        query = query.unsqueeze(1)
        key = query if same_key else key.unsqueeze(1)
        value = key if same_value else value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, batch, size = query.shape
    source = key.shape[0]
    dtype = query.dtype
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", dtype, check_other=False)
        is_causal = is_causal and key_padding_mask is None
    _refuse(size != embed_dim_to_check, f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    head = size // num_heads
    _refuse(head * num_heads != size, f"embed_dim {size} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        _refuse(
            key.shape[:2] != value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        _check_weights((query, key, value), weights)
        q, k, v = _separate(query, key, value, weights, in_proj_bias)
    else:
        _refuse(key.shape != value.shape, f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _packed(query, key, value, in_proj_weight, in_proj_bias)

    if attn_mask is not None:
        wanted = {2: (length, source), 3: (batch * num_heads, length, source)}.get(attn_mask.dim())
        if wanted is None:
            raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")
        if tuple(attn_mask.shape) != wanted:
            raise RuntimeError(
                f"The shape of the {attn_mask.dim()}D attn_mask is {attn_mask.shape}, but should be {wanted}."
            )
        if attn_mask.dim() == 2:
            attn_mask = attn_mask.unsqueeze(0)

    def one_more() -> None:
        nonlocal attn_mask, key_padding_mask
        attn_mask = None if attn_mask is None else _pad(attn_mask, (0, 1))
        key_padding_mask = None if key_padding_mask is None else _pad(key_padding_mask, (0, 1))

    if bias_k is not None and bias_v is not None:
        _refuse(static_k is not None, "bias cannot be added to static key.")
        _refuse(static_v is not None, "bias cannot be added to static value.")
        k = flambeau.cat([k, bias_k.repeat(1, batch, 1)])
        v = flambeau.cat([v, bias_v.repeat(1, batch, 1)])
        one_more()
    else:
        _refuse(bias_k is not None, "bias_k is set but bias_v is None")
        _refuse(bias_v is not None, "bias_v is set but bias_k is None")

    # Heads join the batch, which comes first.
    heads = batch * num_heads

    def by_head(x: Any) -> Any:
        return x.view(x.shape[0], heads, head).transpose(0, 1)

    def given(x: Any, name: str) -> Any:
        _refuse(x.size(0) != heads, f"expecting static_{name}.size(0) of {heads}, but got {x.size(0)}")
        _refuse(x.size(2) != head, f"expecting static_{name}.size(2) of {head}, but got {x.size(2)}")
        return x

    q = by_head(q)
    k = by_head(k) if static_k is None else given(static_k, "k")
    v = by_head(v) if static_v is None else given(static_v, "v")
    if add_zero_attn:
        k = flambeau.cat([k, flambeau.zeros((heads, 1, head), dtype=k.dtype, device=k.device)], dim=1)
        v = flambeau.cat([v, flambeau.zeros((heads, 1, head), dtype=v.dtype, device=v.device)], dim=1)
        one_more()
    source = k.size(1)
    if key_padding_mask is not None:
        for i, n in enumerate((batch, source)):
            have = key_padding_mask.shape[i]
            _refuse(have != n, f"Expected key_padded_mask.shape[{i}] to be {n}, but got {have}")
        wide = key_padding_mask.view(batch, 1, 1, source).expand(-1, num_heads, -1, -1).reshape(heads, 1, source)
        attn_mask = wide if attn_mask is None else attn_mask + wide
    dropout_p = dropout_p if training else 0.0

    if not need_weights:
        if attn_mask is not None:
            single = attn_mask.size(0) == 1
            attn_mask = attn_mask.unsqueeze(0) if single else attn_mask.view(batch, num_heads, -1, source)
        parts = (x.view(batch, num_heads, x.size(1), head) for x in (q, k, v))
        seen = _attention(*parts, attn_mask, dropout_p, is_causal)
        out = _linear(seen.permute(2, 0, 1, 3).reshape(batch * length, size), out_proj_weight, out_proj_bias)
        out = out.view(length, batch, out.size(1))
        return (out if is_batched else out.squeeze(1)), None

    scaled = q * math.sqrt(1.0 / float(head))
    _refuse(is_causal and attn_mask is None, "is_causal not implemented for need_weights")
    if attn_mask is None:
        scores = flambeau.bmm(scaled, k.transpose(-2, -1))
    else:
        scores = flambeau.baddbmm(attn_mask, scaled, k.transpose(-2, -1))
    scores = scores.softmax(-1)
    if dropout_p > 0.0:
        scores = flambeau.dropout(scores, dropout_p, True)
    seen = flambeau.bmm(scores, v).transpose(0, 1).reshape(length * batch, size)
    out = _linear(seen, out_proj_weight, out_proj_bias)
    out = out.view(length, batch, out.size(1))
    scores = scores.view(batch, num_heads, length, source)
    if average_attn_weights:
        scores = scores.mean(dim=1)
    return (out, scores) if is_batched else (out.squeeze(1), scores.squeeze(0))
