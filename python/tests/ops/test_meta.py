"""Operators on tensors without data."""

import flambeau as torch


def test_indices_with_values_address_a_tensor_without():
    x = torch.empty(3, 4, device="meta")
    picked = x[torch.tensor([0, 2]), :]
    assert (picked.device.type, picked.shape) == ("meta", (2, 4))


def test_ends_without_values_leave_no_values():
    end = torch.tensor(2.0, device="meta")
    y = torch.linspace(0, end, 5, device="cpu")
    assert (y.device.type, y.shape) == ("meta", (5,))


def test_shapes_are_known_without_data():
    x = torch.empty(4, 3, device="meta")
    assert [t.shape for t in torch.unsafe_split(x, 3)] == [(3, 3), (1, 3)]
    assert torch.isclose(x, x).dtype == torch.bool
    assert torch.diagonal_scatter(x, torch.empty(3, device="meta")).shape == (4, 3)
    assert x.as_strided((2, 2), (1, 2), 100).shape == (2, 2)
