"""Distributions give PyTorch's numbers from the same seed.

`recorded.json` holds what PyTorch 2.15 gives for the distributions below: draws, their log-probabilities, mean,
variance and entropy. `python test_distributions.py record`, run with PyTorch, writes it anew.
"""

import json
import sys
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded.json"


def cases(torch: Any) -> dict[str, Any]:
    """One distribution of each family, and some of other shapes."""
    D, t = torch.distributions, torch.tensor
    a, b = t([0.5, 1.5, 3.0]), t([2.0, 0.7, 1.1])
    rows = t([[0.2, 0.3, 0.5], [3.0, 1.0, 1.0]])
    return {
        "normal": D.Normal(a, b),
        "normal of numbers": D.Normal(1.0, 2.0),
        "laplace": D.Laplace(a, b),
        "cauchy": D.Cauchy(a, b),
        "uniform": D.Uniform(-a, b),
        "exponential": D.Exponential(a),
        "gamma": D.Gamma(a, b),
        "gamma of float64": D.Gamma(a.double(), b.double()),
        "large gamma": D.Gamma(a * 20, b),
        "chi2": D.Chi2(a),
        "inverse gamma": D.InverseGamma(a + 2, b),
        "beta": D.Beta(a, b),
        "beta of numbers": D.Beta(2.0, 3.0),
        "dirichlet": D.Dirichlet(rows),
        "student": D.StudentT(a + 2, a, b),
        "fisher": D.FisherSnedecor(a + 5, b + 5),
        "poisson": D.Poisson(t([0.3, 4.0, 40.0])),
        "bernoulli": D.Bernoulli(t([0.1, 0.5, 0.9])),
        "bernoulli of logits": D.Bernoulli(logits=a),
        "continuous bernoulli": D.ContinuousBernoulli(t([0.1, 0.5, 0.9])),
        "geometric": D.Geometric(t([0.1, 0.5, 0.9])),
        "binomial": D.Binomial(10, t([0.1, 0.5, 0.9])),
        "large binomial": D.Binomial(t([40.0, 200.0, 5000.0]), t([0.4, 0.7, 0.1])),
        "negative binomial": D.NegativeBinomial(a * 3, t([0.1, 0.5, 0.9])),
        "categorical": D.Categorical(rows),
        "one-hot categorical": D.OneHotCategorical(logits=rows),
        "multinomial": D.Multinomial(7, rows),
        "relaxed bernoulli": D.RelaxedBernoulli(t(0.7), t([0.1, 0.5, 0.9])),
        "relaxed categorical": D.RelaxedOneHotCategorical(t(0.7), rows),
        "log-normal": D.LogNormal(a / 3, b / 3),
        "half normal": D.HalfNormal(b),
        "half Cauchy": D.HalfCauchy(b),
        "gumbel": D.Gumbel(a, b),
        "weibull": D.Weibull(a, b),
        "pareto": D.Pareto(a, b),
        "kumaraswamy": D.Kumaraswamy(a, b),
        "logistic normal": D.LogisticNormal(a, b),
        "von Mises": D.VonMises(a, b),
        "multivariate normal": D.MultivariateNormal(a, torch.eye(3) + 0.5),
        "multivariate normals": D.MultivariateNormal(rows, scale_tril=(torch.eye(3) + 0.5).tril()),
        "of a precision": D.MultivariateNormal(a, precision_matrix=torch.eye(3) + 0.5),
        "independent": D.Independent(D.Normal(rows, 1.0), 1),
        "mixture": D.MixtureSameFamily(D.Categorical(b), D.Normal(a, b)),
        "mixture of vectors": D.MixtureSameFamily(D.Categorical(b[:2]), D.Independent(D.Normal(rows, 1.0), 1)),
        "transformed": D.TransformedDistribution(D.Normal(a, b), [D.SigmoidTransform(), D.AffineTransform(1.0, 2.0)]),
    }


def numbers(torch: Any, d: Any) -> dict[str, Any]:
    """Draws of a distribution and what it says of them."""
    torch.manual_seed(7)
    x = d.sample((2,))
    found = {"sample": x, "log_prob": d.log_prob(x), "expanded": d.expand((2, *d.batch_shape)).sample()}
    if d.has_rsample:
        found["rsample"] = d.rsample()
    for name in ("mean", "variance", "entropy"):
        try:
            value = getattr(d, name)
            found[name] = value() if callable(value) else value
        except NotImplementedError:
            continue
    found["after"] = torch.rand(1)  # as many numbers were drawn
    return {k: v.detach().double().flatten().tolist() for k, v in found.items()}


if __name__ == "__main__":
    import torch

    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(numbers(torch, d))}" for k, d in cases(torch).items())
    RECORDED.write_text(f"{{\n{rows}\n}}\n")
    sys.exit()

import flambeau as torch  # noqa: E402
import pytest  # noqa: E402
from flambeau import distributions as D  # noqa: E402

CASES = cases(torch)


@pytest.mark.parametrize("name", CASES)
def test_recorded(name: str) -> None:
    expected = json.loads(RECORDED.read_text())[name]
    found = numbers(torch, CASES[name])
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=5e-5, abs=2e-6, nan_ok=True), key


@pytest.mark.parametrize("name, slopes", [("gamma", 2), ("large gamma", 2), ("dirichlet", 1), ("student", 3)])
def test_gradients_of_draws(name: str, slopes: int) -> None:
    """Draws move with their parameters: the mean of many as the mean does."""
    d = CASES[name]
    parameters = [getattr(d, k).double().requires_grad_() for k in d.arg_constraints]
    assert len(parameters) == slopes
    moving = type(d)(*parameters)
    weights = torch.arange(3.0, dtype=torch.float64)
    drawn = torch.autograd.grad((moving.rsample((40000,)).mean(0) * weights).sum(), parameters, allow_unused=True)
    known = torch.autograd.grad((moving.mean * weights).sum(), parameters, allow_unused=True)
    for ours, exact in zip(drawn, known, strict=True):
        if exact is not None:
            assert torch.allclose(ours, exact, atol=0.1), (ours, exact)


def test_cdf_and_its_inverse() -> None:
    p = torch.tensor([0.1, 0.5, 0.9])
    for name in ("normal", "laplace", "cauchy", "uniform", "exponential", "weibull", "gumbel", "pareto", "transformed"):
        d = CASES[name]
        assert torch.allclose(d.cdf(d.icdf(p)), p, atol=1e-5), name


def test_divergences() -> None:
    p, q = D.Normal(0.0, 1.0), D.Normal(1.0, 2.0)
    assert D.kl_divergence(p, q).item() == pytest.approx(0.443147, abs=1e-6)
    # Against the mean of log p - log q over draws.
    pairs = (CASES["gamma"], D.Gamma(1.0, 2.0)), (CASES["beta"], D.Beta(1.5, 1.5)), (D.Gumbel(0.0, 1.0), p)
    for p, q in pairs:
        x = p.sample((200000,))
        assert torch.allclose(D.kl_divergence(p, q), (p.log_prob(x) - q.log_prob(x)).mean(0), rtol=0.05, atol=0.05)
    assert D.kl_divergence(D.Normal(0.0, 1.0), D.Uniform(0.0, 1.0)).item() == float("inf")
    with pytest.raises(NotImplementedError, match="No KL"):
        D.kl_divergence(D.Cauchy(0.0, 1.0), D.Normal(0.0, 1.0))


def test_divergence_of_own_classes() -> None:
    class Mine(D.Normal):
        pass

    @D.register_kl(Mine, Mine)
    def _(p: Any, q: Any) -> Any:
        return torch.tensor(42.0)

    assert D.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0)).item() == 42
    assert D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 0


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="Expected parameter scale .* to satisfy the constraint GreaterThan"):
        D.Normal(0.0, -1.0)
    with pytest.raises(ValueError, match="to be within the support"):
        D.Bernoulli(0.5).log_prob(torch.tensor(0.3))
    with pytest.raises(ValueError, match="Either `probs` or `logits`"):
        D.Categorical()
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1


def test_transforms_of_constraints() -> None:
    c = D.constraints
    x = torch.randn(3, 3)
    for constraint in (c.positive, c.unit_interval, c.simplex, c.interval(-1.0, 4.0), c.less_than(2.0), c.real):
        for registry in (D.biject_to, D.transform_to):
            transform = registry(constraint)
            y = transform(x)
            assert constraint.check(y).all()
            assert torch.allclose(transform(transform.inv(y)), y, atol=1e-5)
    assert c.lower_cholesky.check(D.transform_to(c.lower_cholesky)(x))
    assert c.corr_cholesky.check(D.biject_to(c.corr_cholesky)(torch.randn(3)))
    assert c.positive_definite.check(D.transform_to(c.positive_definite)(x.double()))


def test_policy_gradient() -> None:
    logits = torch.zeros(2, 4, requires_grad=True)
    policy = D.Categorical(logits=logits)
    policy.log_prob(torch.tensor([1, 3])).sum().backward()
    expected = [[-0.25, 0.75, -0.25, -0.25], [-0.25, -0.25, -0.25, 0.75]]
    assert torch.allclose(logits.grad, torch.tensor(expected))
