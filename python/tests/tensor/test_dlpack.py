"""Memory exchanged with other libraries through DLPack."""

import flambeau as torch
import numpy as np
import pytest
from flambeau.utils.dlpack import from_dlpack, to_dlpack


def test_both_ways_share_memory() -> None:
    array = np.arange(6.0).reshape(2, 3)
    tensor = torch.from_dlpack(array)
    array[0, 0] = 7
    assert tensor[0, 0] == 7
    assert tensor.dtype == torch.float64
    back = np.from_dlpack(tensor.t())
    assert back.shape == (3, 2)
    assert back.ctypes.data == array.ctypes.data


def test_capsules() -> None:
    tensor = torch.zeros(3)
    other = from_dlpack(to_dlpack(tensor))
    other.fill_(2)
    assert tensor.tolist() == [2, 2, 2]
    plain = np.zeros(2)
    from_dlpack(plain.__dlpack__()).fill_(1)
    assert plain.tolist() == [1, 1]


def test_tensors_themselves() -> None:
    tensor = torch.ones(2, dtype=torch.bfloat16)
    assert torch.from_dlpack(tensor).data_ptr() == tensor.data_ptr()
    assert torch.from_dlpack(tensor, copy=True).data_ptr() != tensor.data_ptr()
    assert tensor.__dlpack_device__() == (1, 0)


def test_what_cannot_be_lent() -> None:
    with pytest.raises(BufferError, match="require gradient"):
        to_dlpack(torch.ones(2, requires_grad=True))
    with pytest.raises(BufferError, match="conjugate bit"):
        to_dlpack(torch.tensor([1j]).conj())
