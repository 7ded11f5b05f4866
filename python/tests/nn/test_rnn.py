"""Recurrent layers against their cells."""

import flambeau
import pytest
from flambeau import nn


@pytest.mark.parametrize(("layer", "cell"), [(nn.RNN, nn.RNNCell), (nn.LSTM, nn.LSTMCell), (nn.GRU, nn.GRUCell)])
def test_layer_is_its_cell_in_a_loop(layer, cell) -> None:
    whole, single = layer(3, 4), cell(3, 4)
    single.load_state_dict({key.removesuffix("_l0"): value for key, value in whole.state_dict().items()})
    x, state = flambeau.randn(5, 2, 3), None
    out, last = whole(x)
    for t in range(5):
        state = single(x[t], state)
        step = state[0] if isinstance(state, tuple) else state
        assert flambeau.allclose(out[t], step, atol=1e-6)
    assert flambeau.allclose((last[0] if isinstance(last, tuple) else last)[0], step, atol=1e-6)


def test_shapes_and_repr() -> None:
    layer = nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    out, (h, c) = layer(flambeau.ones(2, 5, 3))
    assert out.shape == (2, 5, 8) and h.shape == c.shape == (4, 2, 4)
    assert repr(layer) == "LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)"
    with pytest.raises(RuntimeError, match="input.size.-1. must be equal to input_size. Expected 3, got 2"):
        layer(flambeau.ones(2, 5, 2))


ones, zeros = flambeau.ones, flambeau.zeros


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.LSTM(2, 3)(ones(1, 1, 2).double()),
            ValueError,
            "RNN input dtype (torch.float64) does not match weight dtype (torch.float32). Convert input: "
            "input.to(torch.float32), or convert model: model.to(torch.float64)",
        ),
        (lambda: nn.LSTM(2, 3)(ones(0, 1, 2)), RuntimeError, "Expected sequence length to be larger than 0 in RNN"),
        (lambda: nn.RNN(2, 3)(ones(2)), ValueError, "RNN: Expected input to be 2D or 3D, got 1D tensor instead"),
        (lambda: nn.GRU(2, 3)(ones(2)), ValueError, "GRU: Expected input to be 2D or 3D, got 1D instead"),
        (
            lambda: nn.GRU(2, 3)(ones(4, 2), zeros(1, 1, 3)),
            RuntimeError,
            "For unbatched 2-D input, hx should also be 2-D but got 3-D tensor",
        ),
        (
            lambda: nn.LSTM(2, 3)(ones(4, 1, 2), (zeros(1, 3), zeros(1, 3))),
            RuntimeError,
            "For batched 3-D input, hx and cx should also be 3-D but got (2-D, 2-D) tensors",
        ),
        (
            lambda: nn.LSTM(2, 3)(ones(4, 1, 2), (zeros(1, 1, 3), zeros(1, 2, 3))),
            RuntimeError,
            "Expected hidden[1] size (1, 1, 3), got [1, 2, 3]",
        ),
        (
            lambda: nn.GRU(2, 3)(ones(4, 1, 2), zeros(1, 2, 3)),
            RuntimeError,
            "Expected hidden size (1, 1, 3), got [1, 2, 3]",
        ),
        (lambda: nn.RNNBase("X", 2, 3), ValueError, "Unrecognized RNN mode: X"),
        (
            lambda: nn.GRUCell(2, 3)(ones(2), zeros(1, 3)),
            RuntimeError,
            "Expected 2D hidden0 (batch x hidden_size), but got 3D tensor",
        ),
        (
            lambda: nn.RNNCell(2, 3)(ones(1, 2), zeros(3)),
            RuntimeError,
            "Expected 2D hidden0 (batch x hidden_size), but got 1D tensor",
        ),
        (
            lambda: nn.GRUCell(2, 3)(ones(5, 7)),
            RuntimeError,
            "input has inconsistent input_size: got 7 expected 2",
        ),
        (
            lambda: nn.GRUCell(2, 3)(ones(5, 2), zeros(1, 3)),
            RuntimeError,
            "Input batch size 5 doesn't match hidden0 batch size 1",
        ),
        (
            lambda: nn.LSTMCell(2, 3)(ones(1, 2), (zeros(1, 3), zeros(1, 4))),
            RuntimeError,
            "hidden1 has inconsistent hidden_size: got 4, expected 3",
        ),
        (
            lambda: nn.LSTMCell(2, 3)(ones(1, 2), zeros(1, 3)),
            TypeError,
            "lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor",
        ),
        (
            lambda: nn.LSTMCell(2, 3)(ones(1, 2), (zeros(1, 3),)),
            RuntimeError,
            "lstm_cell expects two hidden states",
        ),
        (
            lambda: nn.LSTMCell(2, 3)(ones(1, 2), (zeros(1, 3), zeros(1, 1, 1, 3))),
            ValueError,
            "LSTMCell: Expected hx[1] to be 1D or 2D, got 4D instead",
        ),
    ],
)
def test_inputs_and_states_that_do_not_fit(call, error, message) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message


def test_cells_share_a_base() -> None:
    assert issubclass(nn.LSTMCell, nn.RNNCellBase)
    assert nn.RNNCellBase(2, 3, True, 4).weight_ih.shape == (12, 2)
