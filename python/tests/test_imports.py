"""Modules that programs import before anything else, and what they do there."""

import flambeau as torch
import pytest
from flambeau import nn


def test_switches_of_absent_backends() -> None:
    from flambeau.backends import cudnn, mps

    cudnn.benchmark, before = True, cudnn.benchmark
    assert torch.backends.cudnn.benchmark and not cudnn.is_available() and not mps.is_available()
    cudnn.benchmark = before
    assert torch.backends.cuda.matmul.allow_tf32 is False
    assert torch.version.cuda is None and not torch.compiler.is_compiling() and not torch.distributed.is_available()


def test_older_names_of_mixed_precision() -> None:
    from flambeau.cuda.amp import GradScaler, autocast

    with pytest.warns(FutureWarning, match="torch.cuda.amp.autocast"), autocast(enabled=False):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    with pytest.warns(FutureWarning, match="torch.cuda.amp.GradScaler"):
        scaler = GradScaler(enabled=False)
    assert not scaler.is_enabled() and scaler.scale(torch.ones(1)).item() == 1


def test_data_parallel_without_gpus() -> None:
    layer = nn.Linear(2, 3)
    model = nn.DataParallel(layer)
    x = torch.randn(4, 2)
    assert torch.equal(model(x), layer(x)) and list(model.state_dict()) == ["module.weight", "module.bias"]
    state = model.state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    layer.load_state_dict(state)


def test_variable_is_a_tensor() -> None:
    t = torch.ones(2)
    v = torch.autograd.Variable(t, requires_grad=True)
    assert isinstance(v, torch.Tensor) and isinstance(t, torch.autograd.Variable) and v.data_ptr() == t.data_ptr()
    (v * 2).sum().backward()
    assert v.grad.tolist() == [2, 2] and not t.requires_grad


def test_sizes_given_once() -> None:
    from flambeau.nn.modules.utils import _pair, _reverse_repeat_tuple, _triple

    assert _pair(3) == (3, 3) and _triple((1, 2, 3)) == (1, 2, 3) and _reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)


def test_groups_of_an_optimizer_are_printed_apart() -> None:
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)]},
        {"params": [torch.zeros(1, requires_grad=True)], "lr": 1},
    ]
    text = repr(torch.optim.Rprop(groups, lr=0.1))
    assert text.startswith("Rprop (\nParameter Group 0\n") and "\n\nParameter Group 1\n" in text


def test_functions_of_torch_functional() -> None:
    from flambeau.functional import einsum

    assert einsum is torch.einsum
    with pytest.raises(AttributeError):
        torch.functional.relu  # noqa: B018


def test_devices_that_are_not_there() -> None:
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    assert device == "cpu" and torch.accelerator.current_accelerator() is None and torch.accelerator.device_count() == 0
    assert not torch.mps.is_available() and not torch.xpu.is_available() and torch.cpu.is_available()
    assert torch.cuda.max_memory_allocated() == 0 and torch.cpu.current_device() == "cpu"
    for call in (torch.accelerator.synchronize, torch.cuda.get_device_name, torch.mps.synchronize):
        with pytest.raises(RuntimeError):
            call()
    assert issubclass(torch.cuda.OutOfMemoryError, RuntimeError)
    assert torch.OutOfMemoryError is torch.cuda.OutOfMemoryError


def test_implementations_of_attention() -> None:
    from flambeau.nn.attention import SDPBackend, sdpa_kernel

    q = torch.randn(1, 2, 3, 4)
    plain = nn.functional.scaled_dot_product_attention(q, q, q)
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
        assert torch.equal(nn.functional.scaled_dot_product_attention(q, q, q), plain)
    with pytest.raises(AssertionError, match="SDPBackend"), sdpa_kernel("math"):
        pass


def test_gradients_of_convolutions_by_name() -> None:
    x, w = torch.randn(2, 4, 7, 6, requires_grad=True), torch.randn(6, 2, 3, 2, requires_grad=True)
    options = (2, 1, 1, 2)
    y = nn.functional.conv2d(x, w, None, *options)
    g = torch.randn(y.shape)
    gx, gw = torch.autograd.grad(y, (x, w), g)
    with torch.no_grad():
        assert torch.equal(nn.grad.conv2d_input(x.shape, w, g, *options), gx)
        assert torch.equal(nn.grad.conv2d_weight(x, w.shape, g, *options), gw)
    assert nn.grad.conv1d_weight(torch.ones(1, 1, 4), (1, 1, 3), torch.ones(1, 1, 2)).tolist() == [[[2, 2, 2]]]
    assert nn.grad.conv3d_input((1, 1, 2, 2, 2), torch.ones(1, 1, 1, 1, 1), torch.ones(1, 1, 2, 2, 2)).sum().item() == 8
