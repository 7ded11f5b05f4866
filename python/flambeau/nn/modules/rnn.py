"""Recurrent layers: RNN, LSTM and GRU, and single cells of each."""

from __future__ import annotations

import math
import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn import functional as F, init
from flambeau.nn.modules.module import Module
from flambeau.nn.parameter import Parameter

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _next_state(
    mode: str, x: Tensor, state: tuple[Any, ...], w_hh: Any, b_hh: Any, w_hr: Any = None
) -> tuple[Any, ...]:
    """One step: `x` is the input times its weights already. Shape: `B g*H -> B H`."""
    hidden = F.linear(state[0], w_hh, b_hh)
    if mode == "LSTM":
        i, f, g, o = (x + hidden).chunk(4, -1)
        cell = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        out = o.sigmoid() * cell.tanh()
        return (out if w_hr is None else F.linear(out, w_hr)), cell
    if mode == "GRU":
        (xr, xz, xn), (hr, hz, hn) = x.chunk(3, -1), hidden.chunk(3, -1)
        z = (xz + hz).sigmoid()
        n = (xn + (xr + hr).sigmoid() * hn).tanh()
        return ((1 - z) * n + z * state[0],)
    return ((x + hidden).tanh() if mode == "RNN_TANH" else F.relu(x + hidden),)


class RNNBase(Module):
    """What the recurrent layers share: weights, checks and the walk through time."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options(dropout)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        gates, out = _GATES[mode] * hidden_size, proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            for direction in range(directions):
                suffix = f"l{layer}" + ("_reverse" if direction else "")
                shapes: dict[str, Any] = {
                    "weight_ih": (gates, input_size if layer == 0 else out * directions),
                    "weight_hh": (gates, out),
                }
                if bias:
                    shapes.update(bias_ih=gates, bias_hh=gates)
                if proj_size > 0:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, f"{name}_{suffix}", Parameter(flambeau.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append([f"{name}_{suffix}" for name in shapes])
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        if not isinstance(self.hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(self.hidden_size).__name__}")
        if self.hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for names in self._all_weights for name in names]

    def __getstate__(self) -> dict[str, Any]:
        # PyTorch's layers keep a list of their weights, and look for it when they are read from a file.
        state = super().__getstate__()
        state["_flat_weights_names"] = [name for names in self._all_weights for name in names]
        state["_flat_weights"] = [getattr(self, name) for name in state["_flat_weights_names"]]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.pop("_flat_weights_names", None)
        self.__dict__.pop("_flat_weights", None)

    def flatten_parameters(self) -> None:
        """Nothing to do: weights are used where they are."""

    def _weights_of(self, which: int) -> dict[str, Any]:
        return {name.rsplit("_l", 1)[0]: getattr(self, name) for name in self._all_weights[which]}

    def _walk(self, x: Tensor, sizes: list[int], state: tuple[Any, ...], which: int, backwards: bool) -> Any:
        """One layer in one direction over rows packed by time step. Shape: `rows I -> rows H`."""
        w = self._weights_of(which)
        steps = F.linear(x, w["weight_ih"], w.get("bias_ih")).split(sizes, 0)
        outputs: list[Any] = [None] * len(sizes)
        start, ended = state, []
        count = sizes[-1] if backwards else sizes[0]
        state = tuple(s[:count] for s in start)
        for t in reversed(range(len(sizes))) if backwards else range(len(sizes)):
            size = sizes[t]
            if size < count:  # the shortest sequences are over
                ended.append(tuple(s[size:] for s in state))
                state = tuple(s[:size] for s in state)
            elif size > count:  # longer batches join
                state = tuple(flambeau.cat([s, s0[count:size]]) for s, s0 in zip(state, start, strict=True))
            count = size
            state = _next_state(self.mode, steps[t], state, w["weight_hh"], w.get("bias_hh"), w.get("weight_hr"))
            outputs[t] = state[0]
        for rest in reversed(ended):
            state = tuple(flambeau.cat([s, r]) for s, r in zip(state, rest, strict=True))
        return flambeau.cat(outputs), state

    def _run(self, x: Tensor, sizes: list[int], states: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]]:
        directions = 2 if self.bidirectional else 1
        finals = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                which = layer * directions + direction
                state = tuple(s[which] for s in states)
                out, final = self._walk(x, sizes, state, which, direction == 1)
                outputs.append(out)
                finals.append(final)
            x = outputs[0] if directions == 1 else flambeau.cat(outputs, -1)
            if self.dropout and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        return x, tuple(flambeau.stack(list(parts)) for parts in zip(*finals, strict=True))

    def _zero_states(self, x: Tensor, batch: int) -> tuple[Any, ...]:
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or self.hidden_size] + ([self.hidden_size] if self.mode == "LSTM" else [])
        return tuple(flambeau.zeros(count, batch, size, dtype=x.dtype, device=x.device) for size in sizes)

    def _check_input(self, x: Tensor, batch: int, states: tuple[Any, ...]) -> None:
        dtype = getattr(self, self._all_weights[0][0]).dtype
        if x.dtype != dtype and not flambeau.is_autocast_enabled(x.device.type):
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). Convert input: input.to({dtype}), "
                f"or convert model: model.to({x.dtype})"
            )
        if x.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.size(-1)}"
            )
        for i, (got, wanted) in enumerate(zip(states, self._zero_states(x, batch), strict=True)):
            if got.size() != wanted.size():
                name = f"hidden[{i}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {name} size {tuple(wanted.size())}, got {list(got.size())}")

    def _check_dims(self, input: Tensor, states: tuple[Any, ...] | None) -> None:
        """States have as many dimensions as the input."""
        if input.dim() not in (2, 3):
            kind = "D tensor" if self.mode.startswith("RNN") else "D"
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}{kind} instead")
        if states is None or all(state.dim() == input.dim() for state in states):
            return
        wanted = f"{'batched 3' if input.dim() == 3 else 'unbatched 2'}-D input"
        if self.mode == "LSTM":
            names, got = "hx and cx", f"({states[0].dim()}-D, {states[1].dim()}-D) tensors"
        else:
            names, got = "hx", f"{states[0].dim()}-D tensor"
        raise RuntimeError(f"For {wanted}, {names} should also be {input.dim()}-D but got {got}")

    def forward(self, input: Any, hx: Any = None) -> Any:
        states = hx
        if hx is not None:
            states = (hx[0], hx[1]) if self.mode == "LSTM" else (hx,)
        if not isinstance(input, Tensor):
            return self._forward_packed(input, states)
        self._check_dims(input, states)
        batched = input.dim() == 3
        x = input if batched else input.unsqueeze(1)
        x = x.transpose(0, 1) if batched and self.batch_first else x
        length, batch = x.shape[:2]
        if states is None:
            states = self._zero_states(x, batch)
        elif not batched:
            states = tuple(s.unsqueeze(1) for s in states)
        self._check_input(x, batch, states)
        if length == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        out, finals = self._run(x.flatten(0, 1), [batch] * length, states)
        out = out.unflatten(0, (length, batch))
        if not batched:
            out, finals = out.squeeze(1), tuple(s.squeeze(1) for s in finals)
        elif self.batch_first:
            out = out.transpose(0, 1)
        return out, (finals if self.mode == "LSTM" else finals[0])

    def _forward_packed(self, input: Any, states: Any) -> Any:
        """Sequences of different lengths, packed: fields data, batch_sizes, sorted_indices, unsorted_indices."""
        data, batch_sizes, order, back = input
        sizes = batch_sizes.tolist()
        if states is None:
            states = self._zero_states(data, sizes[0])
        elif order is not None:
            states = tuple(s.index_select(1, order) for s in states)
        self._check_input(data, sizes[0], states)
        out, finals = self._run(data, sizes, states)
        if back is not None:
            finals = tuple(s.index_select(1, back) for s in finals)
        return type(input)(out, batch_sizes, order, back), (finals if self.mode == "LSTM" else finals[0])

    def extra_repr(self) -> str:
        parts = [str(self.input_size), str(self.hidden_size)]
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        parts += [f"{name}={getattr(self, name)}" for name, value in defaults.items() if getattr(self, name) != value]
        return ", ".join(parts)


class RNN(RNNBase):
    """`h' = tanh(W x + b + U h + c)`, or relu. Shape: `L N I, S N H -> L N H, S N H`.

    >>> nn.RNN(3, 4)(torch.ones(5, 2, 3))[0].shape
    torch.Size([5, 2, 4])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self_nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            self_nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self_nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self_nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_" + self_nonlinearity.upper(), *args, **kwargs)
        self.nonlinearity = self_nonlinearity


class LSTM(RNNBase):
    """Long short-term memory. Shape: `L N I, (S N H, S N H) -> L N H, (S N H, S N H)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent unit. Shape: `L N I, S N H -> L N H, S N H`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share: weights of `num_chunks` gates, and checks."""

    weight_ih: Any
    weight_hh: Any
    bias_ih: Any
    bias_hh: Any

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(flambeau.empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(flambeau.empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(flambeau.empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _check_sizes(self, x: Tensor, states: tuple[Any, ...]) -> None:
        wanted, hidden = self.weight_ih.size(1), self.weight_hh.size(1)
        if x.size(1) != wanted:
            raise RuntimeError(f"input has inconsistent input_size: got {x.size(1)} expected {wanted}")
        for i, state in enumerate(states):
            if state.dim() != 2:
                raise RuntimeError(f"Expected 2D hidden{i} (batch x hidden_size), but got {state.dim()}D tensor")
            if state.size(0) != x.size(0):
                raise RuntimeError(f"Input batch size {x.size(0)} doesn't match hidden{i} batch size {state.size(0)}")
            if state.size(1) != hidden:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {state.size(1)}, expected {hidden}")

    def _step(self, mode: str, input: Tensor, states: Any) -> tuple[Any, ...]:
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for i, state in enumerate(() if states is None else states):
            if state.dim() not in (1, 2):
                which = f"hx[{i}]" if mode == "LSTM" else "hidden"
                raise ValueError(f"{name}: Expected {which} to be 1D or 2D, got {state.dim()}D instead")
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if states is None:
            zero = flambeau.zeros(x.size(0), self.hidden_size, dtype=x.dtype, device=x.device)
            states = (zero, zero) if mode == "LSTM" else (zero,)
        elif not batched:
            states = tuple(state.unsqueeze(0) for state in states)
        elif isinstance(states, Tensor):
            raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
        if mode == "LSTM" and len(states) != 2:
            raise RuntimeError("lstm_cell expects two hidden states")
        self._check_sizes(x, states)
        new = _next_state(mode, F.linear(x, self.weight_ih, self.bias_ih), states, self.weight_hh, self.bias_hh)
        return new if batched else tuple(state.squeeze(0) for state in new)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        kind = getattr(self, "nonlinearity", "tanh")
        return text if kind == "tanh" else f"{text}, nonlinearity={kind}"


class RNNCell(RNNCellBase):
    """One step of an RNN. Shape: `N I, N H -> N H`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step("RNN_" + self.nonlinearity.upper(), input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of an LSTM. Shape: `N I, (N H, N H) -> N H, N H`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, ...]:
        return self._step("LSTM", input, hx)


class GRUCell(RNNCellBase):
    """One step of a GRU. Shape: `N I, N H -> N H`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, None if hx is None else (hx,))[0]
