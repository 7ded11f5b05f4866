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
