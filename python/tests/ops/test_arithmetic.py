"""Arithmetic: numbers in the place of tensors, writes over shared memory."""

import flambeau as torch
import pytest


def test_a_number_may_come_first():
    x = torch.tensor([1, 2])
    assert torch.add(2, x).tolist() == [3, 4]
    assert torch.sub(2.5, x).tolist() == [1.5, 0.5]
    assert torch.mul(2, torch.ones(2, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert torch.div(1, x).tolist() == [1.0, 0.5]
    with pytest.raises(TypeError):
        torch.exp(2)


def test_each_write_sees_those_before_it():
    base = torch.ones(4)
    windows = base.as_strided((3, 2), (1, 1))
    windows.mul_(2)
    assert base.tolist() == [2.0, 4.0, 4.0, 2.0]


def test_no_namespace_pretends():
    for missing in (lambda: torch.fft.no_such_transform, lambda: torch.linalg.no_such, lambda: torch.no_such):
        with pytest.raises(AttributeError):
            missing()
