"""Products with Jacobians and Hessians, and these whole: ``torch.autograd.functional``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flambeau as torch

Tensor = torch.Tensor
Tensors = tuple[Tensor, ...]


def _tuple(x: Any, what: str, where: str) -> tuple[bool, Tensors]:
    """Tensors as a tuple, and whether they came as one."""
    is_tuple = isinstance(x, tuple)
    listed = x if is_tuple else (x,)
    for i, t in enumerate(listed):
        if not isinstance(t, Tensor):
            if is_tuple:
                raise TypeError(
                    f"The {what} given to {where} must be either a Tensor or a tuple of Tensors but the value at "
                    f"index {i} has "
                    f"type {type(t)}."
                )
            raise TypeError(
                f"The {what} given to {where} must be either a Tensor or a tuple of Tensors but the given {what} has "
                "type "
                f"{type(t)}."
            )
    return is_tuple, listed


def _inputs(inputs: Any, where: str, create_graph: bool) -> tuple[bool, Tensors]:
    """Tensors to compute on in place of the inputs: part of their graph where that is asked for."""
    is_tuple, listed = _tuple(inputs, "inputs", where)
    if create_graph:
        return is_tuple, tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in listed)
    return is_tuple, tuple(x.detach().requires_grad_() for x in listed)


def _outputs(func: Callable[..., Any], inputs: Tensors, where: str) -> tuple[bool, Tensors]:
    return _tuple(func(*inputs), "outputs of the user-provided function", where)


def _check_vector(v: Tensors, like: Tensors, v_is_tuple: bool, like_is_tuple: bool) -> None:
    if len(v) != len(like):
        if v_is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (x, y) in enumerate(zip(v, like, strict=True)):
        if x.size() != y.size():
            entry = f"Entry {i} in " if like_is_tuple else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {y.size()} but got {x.size()}.")


def _vector(v: Any, like: Tensors, like_is_tuple: bool, where: str, of: str) -> Tensors:
    """The vector given, or 1 where that is all it can be."""
    if v is not None:
        v_is_tuple, listed = _tuple(v, "v", where)
        listed = tuple(x.detach() if not x.requires_grad else x for x in listed)
        _check_vector(listed, like, v_is_tuple, like_is_tuple)
        return listed
    if len(like) != 1 or like[0].nelement() != 1:
        raise RuntimeError(f"The vector v can only be None if {of} a single Tensor with a single element.")
    return (torch.ones_like(like[0]),)


def _check_outputs(outputs: Tensors, strict: bool) -> None:
    for i, y in enumerate(outputs if strict else ()):
        if not y.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed "
                "in a "
                "differentiable manner from the input when running in strict mode."
            )


def _grad(
    outputs: Sequence[Tensor | None], inputs: Tensors, given: Sequence[Tensor | None], create: bool
) -> list[Tensor | None]:
    pairs = [(y, g) for y, g in zip(outputs, given, strict=True) if y is not None and y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    return list(
        torch.autograd.grad(
            [y for y, _ in pairs],
            inputs,
            [g for _, g in pairs],
            retain_graph=True,
            create_graph=create,
            allow_unused=True,
        )
    )


def _filled(found: Sequence[Tensor | None], like: Tensors, strict: bool, create_graph: bool, stage: str) -> Tensors:
    """The gradients found, zeros for those that are none: an error where that is no accident."""
    subject = {
        "grad": "The output of the user-provided function is independent of input {i}.",
        "back": "The gradient of the backward pass is independent of input {i}.",
        "hessian": "The hessian of the user-provided function is independent of entry {i} in the grad_jacobian.",
    }[stage]
    out = []
    for i, (g, x) in enumerate(zip(found, like, strict=True)):
        if strict and g is None:
            raise RuntimeError(subject.format(i=i) + " This is not allowed in strict mode.")
        if strict and create_graph and g is not None and not g.requires_grad:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in "
                "strict mode "
                "when create_graph=True."
            )
        out.append(torch.zeros_like(x) if g is None else g)
    return tuple(out)


def _result(values: Tensors, is_tuple: bool, create_graph: bool) -> Any:
    values = values if create_graph else tuple(v.detach() for v in values)
    return values if is_tuple else values[0]


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of `func` and the product of `v`, shaped as the value, with its Jacobian.

    >>> torch.autograd.functional.vjp(lambda x: x.pow(2).sum(), torch.tensor([1., 3.]))
    (tensor(10.), tensor([2., 6.]))
    """
    with torch.enable_grad():
        is_tuple, x = _inputs(inputs, "vjp", create_graph)
        out_is_tuple, y = _outputs(func, x, "vjp")
        _check_outputs(y, strict)
        v = _vector(v, y, out_is_tuple, "vjp", "the user-provided function returns")
    create = create_graph or torch.is_grad_enabled()
    with torch.set_grad_enabled(create):
        found = _filled(_grad(y, x, v, create_graph), x, strict, create_graph, "grad")
    return _result(y, out_is_tuple, create_graph), _result(found, is_tuple, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of `func` and the product of its Jacobian with `v`, shaped as the inputs.

    >>> torch.autograd.functional.jvp(lambda x: x * x, torch.tensor([1., 3.]), torch.tensor([1., 1.]))
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    with torch.enable_grad():
        is_tuple, x = _inputs(inputs, "jvp", create_graph)
        v = _vector(v, x, is_tuple, "jvp", "the input to the user-provided function is")
        out_is_tuple, y = _outputs(func, x, "jvp")
        _check_outputs(y, strict)
        # The product with a cotangent is linear in it; its gradient is the product wanted.
        u = tuple(torch.zeros_like(t, requires_grad=True) for t in y)
        pulled = _grad(y, x, u, True)
        _filled(pulled, x, strict, create_graph, "grad")
        if create_graph:
            found = _grad(pulled, u, v, True)
            product = _filled(found, y, strict, create_graph, "back")
    if not create_graph:
        product = _filled(_grad(pulled, u, v, False), y, strict, False, "back")
    return _result(y, out_is_tuple, create_graph), _result(product, out_is_tuple, create_graph)


def _jacobian_forward(func: Callable[..., Any], inputs: Any, strict: bool) -> Any:
    is_tuple, x = _tuple(inputs, "inputs", "jacobian")
    shaped: list[bool] = []

    def listed(*args: Tensor) -> Tensors:
        out_is_tuple, y = _outputs(func, args, "jacobian")
        shaped.append(out_is_tuple)
        return y

    rows = torch.func.jacfwd(listed, argnums=tuple(range(len(x))))(*(t.detach() for t in x))
    rows = rows if is_tuple else tuple(r[0] for r in rows)
    return rows if shaped[0] else rows[0]


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func`: for each output and input a tensor of the shape of the one followed by that of the other.

    `vectorize` is accepted; rows are computed one by one.

    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1., 3.]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    assert strategy in ("forward-mode", "reverse-mode"), (
        'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
        'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
    )
    name = "torch.autograd.functional.jacobian"
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                f'{name}: `create_graph=True` and `strategy="forward-mode"` are not supported together (yet). Please '
                "either "
                'set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
                "`vectorize=True`."
            )
        return _jacobian_forward(func, inputs, strict)
    if vectorize and strict:
        raise RuntimeError(
            f"{name}: `strict=True` and `vectorized=True` are not supported together. Please either set "
            "`strict=False` or "
            "`vectorize=False`."
        )
    with torch.enable_grad():
        is_tuple, x = _inputs(inputs, "jacobian", create_graph)
        out_is_tuple, y = _outputs(func, x, "jacobian")
        _check_outputs(y, strict)
        rows = []
        for i, out in enumerate(y):
            columns: list[list[Tensor]] = [[] for _ in x]
            for j in range(out.nelement()):
                found = _grad([out.reshape(-1)[j]], x, [None], create_graph)
                for k, (g, t) in enumerate(zip(found, x, strict=True)):
                    if strict and g is None:
                        raise RuntimeError(
                            f"Output {i} of the user-provided function is independent of input {k}. This is not "
                            "allowed in "
                            "strict mode."
                        )
                    if strict and create_graph and g is not None and not g.requires_grad:
                        raise RuntimeError(
                            f"The jacobian of the user-provided function is independent of input {k}. This is not "
                            "allowed in "
                            "strict mode when create_graph=True."
                        )
                    columns[k].append(torch.zeros_like(t) if g is None else g)
            blocks = tuple(
                torch.stack(c).view(out.size() + t.size()) if c else t.new_zeros(out.size() + t.size())
                for c, t in zip(columns, x, strict=True)
            )
            rows.append(_result(blocks, is_tuple, create_graph))
    return tuple(rows) if out_is_tuple else rows[0]


def _single(func: Callable[..., Any], where: str, strict: bool) -> Callable[..., Tensor]:
    def single(*args: Tensor) -> Tensor:
        out_is_tuple, y = _outputs(func, args, where)
        _check_outputs(y, strict)
        if out_is_tuple:
            raise RuntimeError(f"The function given to {where} should return a single Tensor")
        if y[0].nelement() != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {where} should contain a single element")
        return y[0].reshape(())

    return single


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of `func`, which gives one number: for each pair of inputs a tensor of the shapes of both.

    >>> torch.autograd.functional.hessian(lambda x: x.pow(3).sum(), torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    assert outer_jacobian_strategy in ("forward-mode", "reverse-mode"), (
        'Expected strategy to be either "forward-mode" or "reverse-mode".'
    )
    is_tuple, listed = _tuple(inputs, "inputs", "hessian")
    value = _single(func, "hessian", strict)

    def slopes(*x: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            x = tuple(t if t.requires_grad else t.detach().requires_grad_() for t in x)
        rows = jacobian(value, x, create_graph=True)
        for i, row in enumerate(rows if strict else ()):
            if not row.requires_grad:
                raise RuntimeError(
                    "While computing the hessian, found that the jacobian of the user-provided function with respect "
                    "to "
                    f"input {i} is independent of the input. This is not allowed in strict mode. You should ensure "
                    "that "
                    "your function is twice differentiable and that the jacobian depends on the inputs (this would be "
                    "violated by a linear function for example)."
                )
        return rows

    found = jacobian(slopes, listed, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if is_tuple else found[0][0]


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of `func`, which gives one number, and the product of `v` with its second derivatives.

    >>> torch.autograd.functional.vhp(lambda x: x.pow(3).sum(), torch.tensor([1., 2.]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _second(func, inputs, v, create_graph, strict, "vhp")


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of `func`, which gives one number, and the product of its second derivatives with `v`.

    They are symmetric, so this is what :func:`vhp` gives, by the same way, which is the shorter.

    >>> torch.autograd.functional.hvp(lambda x: x.pow(3).sum(), torch.tensor([1., 2.]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _second(func, inputs, v, create_graph, strict, "hvp")


def _second(func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool, where: str) -> Any:
    with torch.enable_grad():
        is_tuple, x = _inputs(inputs, where, create_graph)
        v = _vector(v, x, is_tuple, where, "the input to the user-provided function is")
        value = _single(func, where, strict)(*x)
        slopes = _filled(_grad([value], x, [None], True), x, strict, False, "grad")
        if strict:
            for i, s in enumerate(slopes):
                if not s.requires_grad:
                    raise RuntimeError(
                        f"The jacobian of the user-provided function is independent of input {i}. This is not "
                        "allowed in "
                        "strict mode when create_graph=True."
                    )
        found = _filled(_grad(slopes, x, v, create_graph), x, strict, create_graph, "hessian")
    return _result((value,), False, create_graph), _result(found, is_tuple, create_graph)
