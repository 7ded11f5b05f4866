"""Comparison of nested values, with messages that say where and how far they differ."""

from __future__ import annotations

import cmath
import contextlib
import dataclasses
import sys
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import flambeau
from flambeau import Tensor

Item = tuple[Any, ...]

# Relative and absolute tolerance.
_TOLERANCES = {
    flambeau.float16: (0.001, 1e-5),
    flambeau.bfloat16: (0.016, 1e-5),
    flambeau.float32: (1.3e-6, 1e-5),
    flambeau.float64: (1e-7, 1e-7),
    flambeau.complex64: (1.3e-6, 1e-5),
    flambeau.complex128: (1e-7, 1e-7),
}
_OF_NUMBERS = {int: flambeau.int64, float: flambeau.float64, complex: flambeau.complex128}


class _Mismatch(Exception):
    """What differs, and at which item."""

    def __init__(self, kind: type[Exception], text: str, item: Item = ()) -> None:
        self.kind, self.text, self.item = kind, text, item

    def error(self, msg: str | Callable[[str], str] | None = None) -> Exception:
        """The error for the user, with their own message if they gave one."""
        text = self.text
        if self.item:
            text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in self.item)}"
        if msg is not None:
            text = msg(text) if callable(msg) else msg
        return self.kind(text)


@dataclasses.dataclass
class _Options:
    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *dtypes: Any, item: Item) -> tuple[float, float]:
        """As given, or the greatest of what the dtypes deserve."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        if self.rtol is not None or self.atol is not None:
            missing = "rtol" if self.rtol is None else "atol"
            raise _Mismatch(
                ValueError, f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.", item
            )
        rtols, atols = zip(*(_TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in dtypes), strict=True)
        return max(rtols), max(atols)


def _numpy(*names: str) -> tuple[type, ...]:
    """Classes of NumPy; none if nobody has imported it, for then nothing is of them."""
    numpy = sys.modules.get("numpy")
    return () if numpy is None else tuple(getattr(numpy, name) for name in names)


def _to_number(x: Any) -> Any:
    of_numpy = isinstance(x, _numpy("number"))
    return x.item() if of_numpy else x


def _is_fields(actual: Any, expected: Any) -> bool:
    """Whether both are instances of one dataclass."""
    apart = (type, Tensor, types.UnionType, types.GenericAlias, *_numpy("ndarray", "generic"))
    return (
        not isinstance(actual, apart)
        and not isinstance(expected, apart)
        and dataclasses.is_dataclass(actual)
        and type(actual) is type(expected)
    )


def _pairs(actual: Any, expected: Any, options: _Options, item: Item = ()) -> list[Callable[[], None]]:
    """The comparisons to make, one for each leaf; the shapes of containers are compared here."""
    children: list[tuple[Any, Any, Any]]
    if all(isinstance(x, Sequence) and not isinstance(x, str) for x in (actual, expected)):
        if len(actual) != len(expected):
            raise _Mismatch(
                AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", item
            )
        children = [(i, actual[i], expected[i]) for i in range(len(actual))]
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, additional = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        if missing or additional:
            raise _Mismatch(
                AssertionError,
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(missing)}\n"
                f"Additional keys in the actual mapping: {sorted(additional)}",
                item,
            )
        keys = list(actual)
        with contextlib.suppress(Exception):
            keys = sorted(keys)
        children = [(key, actual[key], expected[key]) for key in keys]
    elif _is_fields(actual, expected):
        equal = None
        try:
            equal = actual == expected
        except RuntimeError as error:
            if "Boolean value of Tensor" not in str(error):
                raise
        if type(equal) is bool:
            return [lambda: _compare_objects(actual, expected, equal, item)]
        names = [field.name for field in dataclasses.fields(actual) if field.compare]
        children = [(name, getattr(actual, name), getattr(expected, name)) for name in names]
    else:
        return [_pair(actual, expected, options, item)]
    return [pair for key, a, e in children for pair in _pairs(a, e, options, (*item, key))]


def _pair(actual: Any, expected: Any, options: _Options, item: Item) -> Callable[[], None]:
    a: Any
    e: Any

    def are(*classes: type) -> bool:
        return isinstance(actual, classes) and isinstance(expected, classes)

    if actual is None or expected is None:
        return lambda: _compare_none(actual, expected, item)
    if are(bool, *_numpy("bool_")):
        return lambda: _compare_booleans(bool(actual), bool(expected), item)
    if are(int, float, complex, *_numpy("number")):
        a, e = _to_number(actual), _to_number(expected)
        rtol, atol = options.tolerances(*(_OF_NUMBERS.get(type(x), flambeau.bool) for x in (a, e)), item=item)
        return lambda: _compare_numbers(a, e, rtol, atol, options, item)
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related and (options.allow_subclasses or type(actual) is type(expected)):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            a, e = (x if isinstance(x, Tensor) else flambeau.as_tensor(x) for x in (actual, expected))
            rtol, atol = options.tolerances(a.dtype, e.dtype, item=item)
            return lambda: _compare_tensors(a, e, rtol, atol, options, item)
    raise _Mismatch(
        TypeError,
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
        item,
    )


def _compare_objects(actual: Any, expected: Any, equal: bool | None, item: Item) -> None:
    if not equal:
        raise _Mismatch(AssertionError, f"{actual} != {expected}", item)


def _compare_none(actual: Any, expected: Any, item: Item) -> None:
    if actual is not expected:
        raise _Mismatch(AssertionError, f"None mismatch: {actual} is not {expected}", item)


def _compare_booleans(actual: bool, expected: bool, item: Item) -> None:
    if actual is not expected:
        raise _Mismatch(AssertionError, f"Booleans mismatch: {actual} is not {expected}", item)


def _compare_numbers(actual: Any, expected: Any, rtol: float, atol: float, options: _Options, item: Item) -> None:
    if options.check_dtype and type(actual) is not type(expected):
        raise _Mismatch(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", item)
    if actual == expected or (options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return
    difference = abs(actual - expected)
    if not (cmath.isfinite(difference) and difference <= atol + rtol * abs(expected)):
        raise _Mismatch(AssertionError, _text_of_numbers(actual, expected, rtol, atol), item)


def _text(what: str, detail: str, absolute: float, relative: float, places: list[Any], rtol: float, atol: float) -> str:
    equality = rtol == 0 and atol == 0
    lines = [f"{what} are not {'equal' if equality else 'close'}!", "", detail]
    sides = (("absolute", absolute, atol), ("relative", relative, rtol))
    for (kind, difference, tolerance), place in zip(sides, places or [None, None], strict=True):
        where = f" at index {place}"
        line = (
            f"{kind.title()} difference: {difference}" if place is None else f"Greatest {kind} difference: {difference}"
        )
        allowed = "" if equality else f" (up to {tolerance} allowed)"
        lines.append(line + ("" if place is None else where) + allowed)
    return "\n".join(lines)


def _text_of_numbers(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    return _text("Scalars", f"Expected {expected} but got {actual}.", absolute, relative, [], rtol, atol)


def _text_of_tensors(actual: Tensor, expected: Tensor, matches: Tensor, rtol: float, atol: float) -> str:
    count = matches.numel()
    wrong = count - int(matches.sum())
    if not (actual.is_floating_point() or actual.is_complex()):
        actual, expected = actual.to(flambeau.int64), expected.to(flambeau.int64)
    absolute = (actual - expected).abs()
    absolute[matches] = 0
    relative = absolute / expected.abs()
    relative[matches] = 0
    greatest, places = [], []
    for difference in (absolute, relative):
        value, at = difference.flatten().max(0)
        greatest.append(value.item())
        place = []
        flat = int(at)
        for size in reversed(matches.shape):
            flat, index = divmod(flat, size)
            place.append(index)
        places.append(tuple(reversed(place)))
    detail = f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})"
    return _text("Tensor-likes", detail, greatest[0], greatest[1], places, rtol, atol)


def _compare_tensors(actual: Tensor, expected: Tensor, rtol: float, atol: float, options: _Options, item: Item) -> None:
    def fail(name: str, a: Any, e: Any) -> NoReturn:
        raise _Mismatch(AssertionError, f"The values for attribute '{name}' do not match: {a} != {e}.", item)

    if actual.shape != expected.shape:
        fail("shape", actual.shape, expected.shape)
    if options.check_layout and actual.layout != expected.layout:
        fail("layout", actual.layout, expected.layout)
    if options.check_stride and actual.stride() != expected.stride():
        fail("stride()", actual.stride(), expected.stride())
    if options.check_device and actual.device != expected.device:
        fail("device", actual.device, expected.device)
    if options.check_dtype and actual.dtype != expected.dtype:
        fail("dtype", actual.dtype, expected.dtype)
    if "meta" in (actual.device.type, expected.device.type):
        return
    actual, expected = actual.detach(), expected.detach()
    if actual.dtype != expected.dtype:
        dtype = flambeau.promote_types(actual.dtype, expected.dtype)
        actual, expected = actual.to(dtype), expected.to(dtype)
    matches = flambeau.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if bool(matches.all()):
        return
    if matches.dim() == 0:
        text = _text_of_numbers(actual.item(), expected.item(), rtol, atol)
    else:
        text = _text_of_tensors(actual, expected, matches, rtol, atol)
    raise _Mismatch(AssertionError, text, item)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raises AssertionError unless `|actual - expected| <= atol + rtol * |expected|` for all elements.

    Compares tensors, arrays, numbers, and sequences, mappings and dataclasses of them. Without tolerances, those that
    suit the dtype. `msg` replaces the message, or makes one of it.

    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    Traceback (most recent call last):
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 0.20000000298023224 at index (1,) (up to 1.3e-06 allowed)
    """
    __tracebackhide__ = True
    options = _Options(allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride)
    try:
        pairs = _pairs(actual, expected, options)
    except _Mismatch as mismatch:
        raise mismatch.error() from None
    for compare in pairs:
        try:
            compare()
        except _Mismatch as mismatch:
            raise mismatch.error(msg) from None


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The older `assert_close`, which minds neither dtypes nor NaNs."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
        "Please use `torch.testing.assert_close()` instead. "
        "You can find detailed upgrade instructions in https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    a = actual if isinstance(actual, Tensor) else flambeau.tensor(actual)
    e = expected if isinstance(expected, Tensor) else flambeau.tensor(expected, dtype=a.dtype)
    if rtol is None and atol is None:
        older = {
            flambeau.float16: (1e-3, 1e-3),
            flambeau.float32: (1e-4, 1e-5),
            flambeau.float64: (1e-5, 1e-8),
        }
        rtols, atols = zip(*(older.get(x.dtype, (0.0, 0.0)) for x in (a, e)), strict=True)
        rtol, atol = max(rtols), max(atols)
    assert_close(a, e, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)
