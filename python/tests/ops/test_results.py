"""What operators give that give more than one tensor."""

from __future__ import annotations

import flambeau as torch
import numpy as np
import pytest


def test_outputs_on_request() -> None:
    x = torch.tensor([2, 1, 1])
    assert torch.unique(x).tolist() == [1, 2]
    values, counts = x.unique(return_counts=True)
    assert counts.tolist() == [2, 1]
    values, inverse, counts = torch.unique_consecutive(x, True, True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([2, 1], [0, 1, 1], [1, 2])


def test_a_list_behind_a_tensor() -> None:
    points = np.random.default_rng(1).normal(size=(50, 2))
    weights = np.linspace(0.5, 2, 50)
    hist, edges = torch.histogramdd(
        torch.from_numpy(points), [3, 4], range=[-1, 1, -2.0, 2], weight=torch.from_numpy(weights), density=True
    )
    wanted, wanted_edges = np.histogramdd(points, [3, 4], range=[(-1, 1), (-2, 2)], weights=weights, density=True)
    assert np.allclose(hist.numpy(), wanted)
    assert all(np.allclose(a.numpy(), b) for a, b in zip(edges, wanted_edges, strict=True))
    again = torch.histogramdd(torch.from_numpy(points), list(edges))
    assert again.hist.shape == (3, 4) and len(again.bin_edges) == 2


def test_tensors_one_by_one_or_in_a_list() -> None:
    a, b = torch.tensor([1]), torch.tensor([2, 3])
    for given in ((a, b), ([a, b],)):
        assert [t.shape for t in torch.meshgrid(*given, indexing="ij")] == [(1, 2), (1, 2)]
        assert torch.block_diag(*given).tolist() == [[1, 0, 0], [0, 2, 3]]
        assert [t.tolist() for t in torch.broadcast_tensors(*given)] == [[1, 1], [2, 3]]
    with pytest.raises(TypeError, match="expected Tensor as element 1 in argument 0, but got int"):
        torch.broadcast_tensors(a, 3)
