"""Mixed precision."""

import pickle

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.nn import functional as F


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_operators_run_in_the_types_of_pytorchs_lists(dtype):
    x, half = torch.randn(4, 4), torch.randn(4, 4).to(dtype)
    with torch.autocast("cpu", dtype=dtype):
        assert (x @ x).dtype == dtype
        assert nn.Linear(4, 4)(x).dtype == dtype
        assert F.conv2d(x[None, None], torch.ones(1, 1, 2, 2)).dtype == dtype
        assert torch.einsum("ij,jk->ik", x, x).dtype == dtype
        assert F.mse_loss(half, half).dtype == torch.float32
        assert F.cross_entropy(half, torch.tensor([0, 1, 2, 3])).dtype == torch.float32
        assert half.prod().dtype == torch.float32
        assert torch.cat([x, half]).dtype == torch.float32
        assert half.softmax(0).dtype == dtype
        assert (x.double() @ x.double()).dtype == torch.float64
        assert torch.mm(x, x, out=torch.empty(4, 4)).dtype == torch.float32
        with torch.autocast("cpu", enabled=False):
            assert (x @ x).dtype == torch.float32
            assert not torch.is_autocast_enabled("cpu")
        assert torch.get_autocast_dtype("cpu") == dtype
    assert (x @ x).dtype == torch.float32
    assert torch.get_autocast_dtype("cpu") == torch.bfloat16


def test_training_in_mixed_precision():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    x = torch.randn(64, 8)
    y = x.sum(1, keepdim=True)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        with torch.autocast("cpu"):
            loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad.dtype == torch.float32 for p in model.parameters())
    assert losses[-1] < 0.05 * losses[0]


def test_a_decorated_function_and_custom_functions():
    class Double(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, x):
            assert not torch.is_autocast_enabled("cpu")
            return x * 2

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            return g * 2

    @torch.autocast("cpu")
    def run(x):
        return Double.apply(x @ x)

    x = torch.eye(2, requires_grad=True)
    y = run(x)
    assert y.dtype == torch.float32
    y.sum().backward()
    assert x.grad.dtype == torch.float32


def test_scaling():
    p = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([p], lr=1.0)
    scaler = torch.amp.GradScaler("cpu", growth_interval=1)
    scaler.scale(p.sum()).backward()
    assert p.grad.tolist() == [65536.0] * 2
    scaler.unscale_(optimizer)
    assert p.grad.tolist() == [1.0] * 2
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [0.0] * 2 and scaler.get_scale() == 2 * 65536
    p.grad = torch.tensor([float("inf"), 1.0])
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [0.0] * 2 and scaler.get_scale() == 65536
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.update()
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict()


def test_what_is_not_supported_is_said():
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert not torch.autocast("cuda")._enabled
    with pytest.warns(UserWarning, match="target dtype is not supported"):
        torch.autocast("cpu", dtype=torch.float64)
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.autocast("foo")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y, signs: F.cosine_embedding_loss(x, y, signs[:, 0]),
        lambda x, y, signs: F.hinge_embedding_loss(x, signs),
        lambda x, y, signs: F.margin_ranking_loss(x, input2=y, target=signs),
        lambda x, y, signs: F.soft_margin_loss(x, signs),
        lambda x, y, signs: F.triplet_margin_loss(x, y, signs),
        lambda x, y, signs: F.multi_margin_loss(x, torch.tensor([0, 1, 2, 3]), weight=y[0].abs()),
        lambda x, y, signs: F.multilabel_margin_loss(x, torch.tensor([[0, 1, -1, 0, 0]] * 4)),
        lambda x, y, signs: F.poisson_nll_loss(x, y.abs()),
        lambda x, y, signs: nn.MarginRankingLoss()(x, y, signs),
    ],
)
def test_losses_run_in_float32(loss, dtype):
    x, y = torch.randn(4, 5).to(dtype), torch.randn(4, 5).to(dtype)
    signs = torch.where(torch.randn(4, 5) > 0, 1.0, -1.0).to(dtype)
    expected = loss(x.float(), y.float(), signs.float())
    x.requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        found = loss(x, y, signs)
        assert torch.get_autocast_dtype("cpu") == dtype and torch.is_autocast_enabled("cpu")
    assert found.dtype == torch.float32 and torch.equal(found, expected)
    found.backward()
    assert x.grad.dtype == dtype
    assert loss(x, y, signs).dtype == dtype


def scaled():
    p = nn.Parameter(torch.ones(2))
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(p.sum()).backward()
    return scaler, torch.optim.SGD([p])


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("unscale_", lambda scaler, optimizer: scaler.unscale_(optimizer)),
        ("step", lambda scaler, optimizer: scaler.step(optimizer)),
        ("update", lambda scaler, optimizer: scaler.update()),
        ("update", lambda scaler, optimizer: scaler.update(2.0)),
    ],
)
def test_scalers_need_a_loss_first(name, act):
    with pytest.raises(AssertionError) as error:
        act(torch.amp.GradScaler("cpu"), scaled()[1])
    assert str(error.value) == (
        f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or "
        "outputs) earlier in the iteration."
    )


@pytest.mark.parametrize("new", [torch.ones(2), torch.ones(1, requires_grad=True)])
def test_new_scales_are_checked(new):
    scaler, _ = scaled()
    with pytest.raises(AssertionError, match=r"new_scale should be a float or a 1-element .* requires_grad=False\."):
        scaler.update(new)
    scaler.update(torch.tensor(8.0))
    assert scaler.get_scale() == 8.0
    scaler.update(4.0)
    assert scaler.get_scale() == 4.0


def test_scales_are_tensors_from_the_first_loss_on():
    state = {"scale": 4.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 7, "_growth_tracker": 3}
    scaler = torch.amp.GradScaler("cpu")
    scaler.load_state_dict(state)
    assert scaler._scale is None and scaler.get_scale() == 4.0 and scaler.state_dict() == state
    scaler.scale(torch.ones(2))
    assert scaler._scale.item() == 4.0 and scaler._growth_tracker.dtype == torch.int32
    again = pickle.loads(pickle.dumps(scaler))
    assert again._scale is None and again.state_dict() == state
    scaler, optimizer = scaled()
    scaler.step(optimizer)
    with pytest.raises(AssertionError, match="may only be pickled at the beginning of an iteration"):
        pickle.dumps(scaler)


def test_scales_do_not_grow_without_end():
    p = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([p])
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=1)
    scaler.scale(p[:1].sum() * 0).backward()
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**127
