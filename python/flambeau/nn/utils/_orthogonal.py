"""Weights kept orthogonal: the parametrization behind `parametrizations.orthogonal`."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn.modules.module import Module
from flambeau.nn.utils import parametrize

_MAPS = ("matrix_exp", "cayley", "householder")


def _is_orthogonal(q: Tensor) -> bool:
    n, k = q.size(-2), q.size(-1)
    identity = flambeau.eye(k, dtype=q.dtype, device=q.device)
    return flambeau.allclose(q.mH @ q, identity, atol=10.0 * n * flambeau.finfo(q.dtype).eps)


def _made_orthogonal(a: Tensor) -> Tensor:
    """The Q of `a = QR` where the diagonal of R is positive."""
    reflectors, tau = flambeau.geqrf(a)
    signs = reflectors.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)
    return flambeau.orgqr(reflectors, tau) * signs


class _Orthogonal(Module):
    """Matrices that are free to orthogonal ones; with `use_trivialization` around `base`, the last one assigned."""

    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        # Of complex reflectors tau cannot be told from the matrix.
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.size(-2) < X.size(-1)
        x = X.mT if wide else X
        q = self._reflected(x) if self.orthogonal_map == "householder" else self._mapped(x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _mapped(self, x: Tensor) -> Tensor:
        """By a map from skew-symmetric matrices, of which `x` is the lower half. Shape: `*s n k -> *s n k`, k <= n."""
        n, k = x.size(-2), x.size(-1)
        x = x.tril()
        if n != k:
            x = flambeau.cat([x, x.new_zeros(n, n - k).expand(*x.shape[:-2], -1, -1)], dim=-1)
        skew = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = flambeau.matrix_exp(skew)
        else:
            identity = flambeau.eye(n, dtype=x.dtype, device=x.device)
            q = flambeau.linalg.solve(identity - skew / 2, identity + skew / 2)
        return q[..., :k]

    def _reflected(self, x: Tensor) -> Tensor:
        """By the reflections below the diagonal, and the signs on it. Shape: `*s n k -> *s n k`, k <= n."""
        below = x.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (below * below).sum(dim=-2))
        # The signs are no parameters: as integers they have no derivative.
        signs = x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        return flambeau.orgqr(below, tau) * signs

    @flambeau.no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        wide = Q.size(-2) < Q.size(-1)
        q = Q.mT if wide else Q
        n, k = q.size(-2), q.size(-1)
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            reflectors, tau = flambeau.geqrf(q)
            diagonal = reflectors.diagonal(dim1=-2, dim2=-1)
            diagonal.sign_()
            diagonal.mul_(flambeau.where(tau == 0.0, -1.0, 1.0).to(q.dtype))  # no reflection, no change of sign
            return reflectors.mT if wide else reflectors
        if n != k:
            others = flambeau.randn(*q.shape[:-2], n, n - k, dtype=q.dtype, device=q.device)
            self.base = _made_orthogonal(flambeau.cat([q, others], dim=-1))
        else:
            self.base = q.clone() if _is_orthogonal(q) else _made_orthogonal(q)
        # With these signs, no reflections at all give the identity.
        free = flambeau.zeros_like(Q)
        free.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return free


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keeps a parameter orthogonal, or unitary; of a matrix that is not square, the shorter side. Returns the module.

    `orthogonal_map` is "matrix_exp", "cayley" or "householder".

    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
    >>> torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    parametrization = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, parametrization, unsafe=True)
