"""Sequences of different lengths, padded or packed."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from typing import Any

import flambeau
from flambeau import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

_Packed = namedtuple("PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])  # type: ignore[name-match]
_Packed.__annotations__ = {
    "data": Tensor,
    "batch_sizes": Tensor,
    "sorted_indices": Tensor | None,
    "unsorted_indices": Tensor | None,
}


class PackedSequence(_Packed):
    """Sequences, longest first, as one tensor: the first elements of all, then the second ones, and so on.

    `batch_sizes` says how many sequences have an element at each step.

    >>> nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).data
    tensor([1, 3, 2])
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Any:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn."
                " https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With data of another dtype or device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order, back = (t if t is None else t.to(data.device) for t in (self.sorted_indices, self.unsorted_indices))
        return type(self)(data, self.batch_sizes, order, back)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """On the CPU."""
        return self.to(*args, device="cpu", **kwargs)

    def double(self) -> PackedSequence:
        """As float64."""
        return self.to(dtype=flambeau.double)

    def float(self) -> PackedSequence:
        """As float32."""
        return self.to(dtype=flambeau.float)

    def half(self) -> PackedSequence:
        """As float16."""
        return self.to(dtype=flambeau.half)

    def long(self) -> PackedSequence:
        """As int64."""
        return self.to(dtype=flambeau.long)

    def int(self) -> PackedSequence:
        """As int32."""
        return self.to(dtype=flambeau.int)

    def short(self) -> PackedSequence:
        """As int16."""
        return self.to(dtype=flambeau.short)

    def char(self) -> PackedSequence:
        """As int8."""
        return self.to(dtype=flambeau.int8)

    def byte(self) -> PackedSequence:
        """As uint8."""
        return self.to(dtype=flambeau.uint8)

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in memory that a GPU reads."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another. Shape: `n -> n`."""
    if permutation is None:
        return None
    back = flambeau.empty_like(permutation)
    return back.scatter_(0, permutation, flambeau.arange(permutation.numel(), device=permutation.device))


def _steps(batch_sizes: list[int], width: int) -> Tensor:
    """Where the packed rows lie among the rows of all steps, `width` of them a step."""
    return flambeau.cat([flambeau.arange(t * width, t * width + size) for t, size in enumerate(batch_sizes)])


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs padded sequences. Shape: `T N *s`, or `N T *s` with `batch_first`."""
    if isinstance(lengths, Tensor):
        lengths = lengths.to(dtype=flambeau.int64)
    else:
        lengths = flambeau.as_tensor(lengths, dtype=flambeau.int64)
    order = None
    if not enforce_sorted:
        lengths, order = flambeau.sort(lengths, descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    if lengths.dim() != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.dim()}D {lengths.device} Long tensor"
        )
    sizes: list[int] = lengths.tolist()
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(sizes) != input.size(1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={input.size(1)})"
        )
    if any(a < b for a, b in zip(sizes, sizes[1:], strict=False)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if sizes[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if sizes[0] > input.size(0):
        raise RuntimeError(
            f"Expected lengths to be at most the number of steps, {input.size(0)}, but got a length of {sizes[0]}"
        )
    batch_sizes = [sum(size > t for size in sizes) for t in range(sizes[0])]
    rows = input.reshape(-1, *input.shape[2:]).index_select(0, _steps(batch_sizes, input.size(1)))
    return PackedSequence(rows, flambeau.tensor(batch_sizes), order, None)


def pad_packed_sequence(
    sequence: Any, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Packed sequences padded to one length, and their lengths. Shape: `-> T N *s, N`."""
    batch_sizes: list[int] = sequence.batch_sizes.tolist()
    steps, width = len(batch_sizes), batch_sizes[0]
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    data = sequence.data
    rows = data.new_full((steps * width, *data.shape[1:]), padding_value)
    padded = rows.index_copy(0, _steps(batch_sizes, width), data).unflatten(0, (steps, width))
    padded = padded.transpose(0, 1) if batch_first else padded
    lengths = flambeau.tensor([sum(size > i for size in batch_sizes) for i in range(width)])
    back = sequence.unsorted_indices
    if back is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, back), lengths[back.cpu()]


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences of different lengths in one tensor. Shape: `-> T N *s`, or `N T *s` with `batch_first`.

    >>> nn.utils.rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    rows: list[Any] = list(sequences)
    if not rows:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(row.size(0) for row in rows)
    out = rows[0].new_full((len(rows), longest, *rows[0].shape[1:]), padding_value)
    for i, row in enumerate(rows):
        start = longest - row.size(0) if padding_side == "left" else 0
        out[i, start : start + row.size(0)] = row
    return out if batch_first else out.transpose(0, 1).contiguous()


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences that were padded. Shape: `T N *s, N`."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    steps = flambeau.arange(rows.shape[1], device=lengths.device)
    return [row[steps < length] for row, length in zip(rows, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences of different lengths."""
    lengths = flambeau.as_tensor([row.size(0) for row in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
