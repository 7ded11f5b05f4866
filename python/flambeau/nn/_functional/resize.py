"""Images (and signals and volumes) at other sizes and places, and their patches."""

from __future__ import annotations

import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import repeated
from flambeau.nn._functional.pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_private: Any = flambeau._C.private

# The operator of a mode for inputs of so many dimensions.
_COPIES = {
    ("nearest", 3): _private.upsample_nearest1d,
    ("nearest", 4): _private.upsample_nearest2d,
    ("nearest", 5): _private.upsample_nearest3d,
    ("nearest-exact", 3): _private.upsample_nearest_exact1d,
    ("nearest-exact", 4): _private.upsample_nearest_exact2d,
    ("nearest-exact", 5): _private.upsample_nearest_exact3d,
}
_MEANS = {3: adaptive_avg_pool1d, 4: adaptive_avg_pool2d, 5: adaptive_avg_pool3d}
_CURVES = {
    ("linear", 3): _private.upsample_linear1d,
    ("bilinear", 4): _private.upsample_bilinear2d,
    ("trilinear", 5): _private.upsample_trilinear3d,
    ("bicubic", 4): _private.upsample_bicubic2d,
}
_SMOOTH = {
    "bilinear": _private.upsample_bilinear2d_aa,
    "bicubic": _private.upsample_bicubic2d_aa,
    "lanczos": _private.upsample_lanczos2d_aa,
}


def _whole(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, Tensor) and not value.is_floating_point())


def _sizes(input: Tensor, size: Any) -> list[int]:
    own = list(input.shape[2:])
    if not isinstance(size, list | tuple):
        return [size] * len(own)
    if len(size) != len(own):
        raise ValueError(
            "Input and output must have the same number of spatial dimensions, but got "
            f"input with spatial dimensions of {own} and output size of {size}. "
            "Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "output size in (o1, o2, ...,oK) format."
        )
    if not all(map(_whole, size)):
        raise TypeError(
            "expected size to be one of int or Tuple[int] or Tuple[int, int] or "
            f"Tuple[int, int, int], but got size with types {[type(x) for x in size]}"
        )
    return list(size)


def _scales(input: Tensor, scale: Any) -> list[float]:
    own = list(input.shape[2:])
    if not isinstance(scale, list | tuple):
        return [scale] * len(own)
    if len(scale) != len(own):
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but "
            f"got input with spatial dimensions of {own} and "
            f"scale_factor of shape {scale}. "
            "Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "scale_factor in (s1, s2, ...,sK) format."
        )
    return list(scale)


def _refuse(input: Tensor, mode: str) -> NotImplementedError:
    wants = {"linear": 3, "bilinear": 4, "trilinear": 5}
    if mode in wants and input.dim() in (3, 4, 5):
        return NotImplementedError(f"Got {input.dim()}D input, but {mode} mode needs {wants[mode]}D input")
    return NotImplementedError(
        "Input Error: Only 3D, 4D and 5D input Tensors supported"
        f" (got {input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area"
        " | nearest-exact"
        f" (got {mode})"
    )


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Signals, images or volumes at another size. Shape: `N C *s -> N C *s'`.

    >>> F.interpolate(torch.tensor([[[1., 3.]]]), size=3, mode="linear", align_corners=True)
    tensor([[[1., 2., 3.]]])
    """
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        sizes, scales = _sizes(input, size), None
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    else:
        scales = _scales(input, scale_factor)
        sizes = [int(n * s) for n, s in zip(input.shape[2:], scales, strict=True)]
        if recompute_scale_factor or mode == "area":
            scales = None
    if antialias and not (mode in _SMOOTH and input.dim() == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "area" and input.dim() in _MEANS:
        return _MEANS[input.dim()](input, sizes)
    if (copies := _COPIES.get((mode, input.dim()))) is not None:
        return copies(input, sizes, scales)
    if mode == "lanczos" and align_corners:
        raise ValueError("Lanczos mode does not support align_corners=True")
    operator = _SMOOTH[mode] if antialias else _CURVES.get((mode, input.dim()))
    if operator is None:
        if mode == "lanczos" and input.dim() == 4:
            raise ValueError("Lanczos mode requires antialias=True")
        raise _refuse(input, mode)
    return operator(input, sizes, bool(align_corners), scales)


def _deprecated(name: str) -> None:
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate`, under its former name."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` by copies, under its former name."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` of images by lines, the middles of the corners staying where they are."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


_ALIGNED = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)
_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
_PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Images or volumes at the places of `grid`, from -1 to 1. Shape: `N C H W, N H' W' 2 -> N C H' W'`."""
    if mode not in _MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in _PADDINGS:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
            f"but got: '{padding_mode}'"
        )
    if align_corners is None:
        warnings.warn(_ALIGNED, stacklevel=2)
        align_corners = False
    return flambeau.grid_sampler(input, grid, _MODES[mode], _PADDINGS[padding_mode], align_corners)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The grid that an affine map makes of images of `size`. Shape: `N 2 3 -> N H W 2`, or `N 3 4 -> N D H W 3`."""
    if align_corners is None:
        warnings.warn(_ALIGNED, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. "
            f"Got size {size}."
        )
    n = len(size) - 2
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {size}. Got {theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. "
            "This is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return flambeau.affine_grid_generator(theta, list(size), align_corners)


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The patches that a window moves over, each a column. Shape: `N C H W -> N C*kh*kw L`.

    >>> F.unfold(torch.tensor([[[[1., 2.], [3., 4.]]]]), (1, 2))
    tensor([[[1., 3.],
             [2., 4.]]])
    """
    return _private.im2col(input, *(repeated(v, 2) for v in (kernel_size, dilation, padding, stride)))


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Images as the sums of their patches, each a column. Shape: `N C*kh*kw L -> N C H W`."""
    return _private.col2im(input, *(repeated(v, 2) for v in (output_size, kernel_size, dilation, padding, stride)))
