"""Reductions and normalizations that leave out the elements where a mask is False: ``torch.masked``.

A mask is broadcast to the input. Elements left out are replaced by what does not change the result; where nothing is
left, that is the result.
"""

from __future__ import annotations

from typing import Any

from flambeau import _C

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]

_SMALL = (_C.uint8, _C.bool, _C.int8, _C.int16, _C.int32)


def _lowest(input: Any, name: str) -> float | int:
    """What is below all elements."""
    dtype = input.dtype
    if dtype.is_floating_point:
        return float("-inf")
    if dtype.is_complex or dtype == _C.bool:
        raise NotImplementedError(f"identity of {name} on {dtype} input")
    return 0 if dtype == _C.uint8 else -(2 ** (8 * dtype.itemsize - 1))


def _highest(input: Any, name: str) -> float | int:
    """What is above all elements."""
    dtype = input.dtype
    if dtype.is_floating_point:
        return float("inf")
    if dtype.is_complex or dtype == _C.bool:
        raise NotImplementedError(f"identity of {name} on {dtype} input")
    return 255 if dtype == _C.uint8 else 2 ** (8 * dtype.itemsize - 1) - 1


def _whole_mask(input: Any, mask: Any) -> Any:
    """The mask in the shape of the input."""
    if mask.shape != input.shape:
        if mask.dim() > input.dim():
            raise IndexError(
                "_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)"
            )
        mask = mask.broadcast_to(input.shape)
    return mask.to(_C.bool)


def _filled(input: Any, mask: Any, value: Any) -> Any:
    """The input with a value where the mask is False."""
    if mask is None:
        return input
    fill = _C.tensor(value, dtype=input.dtype, device=input.device)
    return _C.where(_whole_mask(input, mask), input, fill)


def _dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions to go over, counted from the front and in order."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    n = max(ndim, 1)
    found: list[int] = []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -n <= d < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {d})")
        found.append(d % n)
    return tuple(sorted(found))


def _sum_dtype(input: Any, dtype: Any) -> Any:
    return dtype or (_C.int64 if input.dtype in _SMALL else input.dtype)


def sum(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The sum of the elements that the mask leaves."""
    return _C.sum(_filled(input, mask, 0), _dims(dim, input.dim()), bool(keepdim), dtype=_sum_dtype(input, dtype))


def prod(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The product of the elements that the mask leaves."""
    result = _filled(input, mask, 1).to(_sum_dtype(input, dtype))
    for d in reversed(_dims(dim, input.dim())):
        result = result.prod(dim=d, keepdim=bool(keepdim))
    return result


def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """The running sum, to which what the mask takes out adds nothing."""
    dtype = dtype or input.dtype
    return _C.cumsum(_filled(input, mask, 0), _dims(dim, input.dim())[0], dtype=dtype).to(dtype)


def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """The running product, to which what the mask takes out gives the factor 1."""
    dtype = dtype or input.dtype
    return _C.cumprod(_filled(input, mask, 1), _dims(dim, input.dim())[0], dtype=dtype).to(dtype)


def amax(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The greatest of the elements that the mask leaves."""
    filled = input if mask is None else _filled(input, mask, _lowest(input, "amax"))
    return _C.amax(filled, _dims(dim, input.dim()), bool(keepdim)).to(dtype or input.dtype)


def amin(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The smallest of the elements that the mask leaves."""
    filled = input if mask is None else _filled(input, mask, _highest(input, "amin"))
    return _C.amin(filled, _dims(dim, input.dim()), bool(keepdim)).to(dtype or input.dtype)


def argmax(input: Any, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """Where the greatest of the elements that the mask leaves is."""
    filled = input if mask is None else _filled(input, mask, _lowest(input, "argmax"))
    return _C.argmax(filled, dim, bool(keepdim)).to(dtype or input.dtype)


def argmin(input: Any, dim: int | None = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """Where the smallest of the elements that the mask leaves is."""
    filled = input if mask is None else _filled(input, mask, _highest(input, "argmin"))
    return _C.argmin(filled, dim, bool(keepdim)).to(dtype or input.dtype)


def _count(input: Any, dim: Any, keepdim: bool, mask: Any) -> Any:
    """How many elements the mask leaves."""
    taken = _C.ones(input.shape, dtype=_C.int64, device=input.device) if mask is None else mask
    return _C.sum(taken, _dims(dim, input.dim()), keepdim)


def mean(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The mean of the elements that the mask leaves; nan where it leaves none."""
    source, dtype = ("Input", input.dtype) if dtype is None else ("Optional", dtype)
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either "
            f"a floating point or complex dtype. Got: {dtype}"
        )
    whole = None if mask is None else _whole_mask(input, mask)
    return sum(input, dim, keepdim=keepdim, dtype=dtype, mask=whole) / _count(input, dim, bool(keepdim), whole)


def median(input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The median of the elements that the mask leaves, the lower one of two."""
    floating = input.is_floating_point()
    values = input if floating else input.to(_C.float32)
    result = _C.nanmedian(_filled(values, mask, float("nan")), _dims(dim, input.dim())[0], keepdim).values
    if floating:
        return result
    if result.isnan().any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return result.to(dtype or input.dtype)


def logsumexp(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None) -> Any:
    """The logarithm of the sum of the exponentials of the elements that the mask leaves."""
    lowest = float("-inf") if input.is_complex() else None if mask is None else _lowest(input, "logsumexp")
    return _C.logsumexp(_filled(input, mask, lowest), _dims(dim, input.dim()), keepdim=keepdim).to(dtype or input.dtype)


def logaddexp(input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None) -> Any:
    """``log(exp(input) + exp(other))`` of the elements that the masks leave."""
    x = input if input_mask is None else _filled(input, input_mask, _lowest(input, "logaddexp"))
    y = other if other_mask is None else _filled(other, other_mask, _lowest(other, "logaddexp"))
    return _C.logaddexp(x, y).to(dtype or input.dtype)


def norm(
    input: Any,
    ord: float = 2.0,
    dim: Any = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    """The vector norm of the elements that the mask leaves."""
    fill = float("inf") if ord == float("-inf") else 0
    return _C.linalg.vector_norm(
        _filled(input, mask, fill), ord, _dims(dim, input.dim()), bool(keepdim), dtype=dtype or input.dtype
    )


def _variance(
    input: Any, dim: Any, unbiased: bool | None, correction: float | None, keepdim: bool, dtype: Any, mask: Any
) -> Any:
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    less = float(correction) if correction is not None else 1.0 if unbiased or unbiased is None else 0.0
    exact = lambda d: d.is_floating_point or d.is_complex  # noqa: E731
    if dtype is None:
        dtype = input.dtype if exact(input.dtype) else _C.float32
    wide = dtype if exact(dtype) else _C.float32
    whole = None if mask is None else _whole_mask(input, mask)
    count = _count(input, dim, True, whole)
    x = input - sum(input, dim, keepdim=True, dtype=dtype, mask=whole) / count
    total = sum(x * x.conj(), dim, keepdim=keepdim, dtype=wide, mask=whole)
    if not keepdim:
        count = count.reshape(total.shape)
    if less != 0:
        count = (count.to(wide.to_real()) - less).clamp(min=0)
    return (total / count).to(dtype)


def var(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    """The variance of the elements that the mask leaves."""
    return _variance(input, dim, unbiased, correction, bool(keepdim), dtype, mask)


def std(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Any:
    """The standard deviation of the elements that the mask leaves."""
    return _variance(input, dim, unbiased, correction, bool(keepdim), dtype, mask).sqrt()


def softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """Softmax over the elements that the mask leaves; the others get 0."""
    filled = input if mask is None else _filled(input, mask, _lowest(input, "amax"))
    return _C.softmax(filled, _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def log_softmax(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """The logarithm of `softmax`."""
    filled = input if mask is None else _filled(input, mask, _lowest(input, "amax"))
    return _C.log_softmax(filled, _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def softmin(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Any:
    """`softmax` of the negatives."""
    filled = input if mask is None else _filled(input, mask, _highest(input, "amin"))
    return _C.softmax(-filled, _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def normalize(input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None) -> Any:
    """The elements that the mask leaves divided by their norm, which counts as `eps` at least."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype or input.dtype, mask=mask)
    return _filled(input, mask, 0) / _C.maximum(length, length.new_full([], eps))
