"""Factors of matrices: LAPACK's conventions and PyTorch's errors."""

from __future__ import annotations

from typing import Any

import flambeau as torch
import numpy as np
import pytest

A = torch.tensor([[2.0, -1.0, 3.0], [0.5, 4.0, 1.0], [-3.0, 2.0, 1.5], [1.0, 1.0, -2.0]], dtype=torch.float64)
H = A[:3]


def near(got: Any, want: Any) -> None:
    np.testing.assert_allclose(got.numpy(), np.array(want), atol=1e-10)


def test_signs_of_singular_vectors() -> None:
    u, s, vh = torch.linalg.svd(H)
    near(u[0], [-0.216995275231441, -0.9027777845232055, 0.37135605865342153])
    near(vh[0], [-0.42015149516789924, 0.8819393216919563, 0.21367207108489955])
    # A tall matrix goes through a triangle first.
    u, s, vh = torch.linalg.svd(A, full_matrices=False)
    near(u[0], [0.22119656846041094, -0.8758675594802483, -0.20187333146956427])
    near(s, [4.982904202441658, 4.006058908865785, 3.409128587775235])


def test_signs_of_eigenvectors() -> None:
    w, v = torch.linalg.eigh(H)
    near(w, [-1.8364664458917475, 3.721505134875575, 5.614961311016172])
    near(v[0], [-0.6112400500193409, 0.6624804128859897, -0.4330188261435783])
    w, v = torch.linalg.eigh(H, UPLO="U")
    near(v[0], [-0.6582939222691834, -0.06322467949590016, -0.7501011610483586])
    w, v = torch.linalg.eig(H)
    near(w, [1.4655980177508863 + 2.9933196258740398j, 1.4655980177508863 - 2.9933196258740398j, 4.5688039644982315])
    near(v[0], [0.7186927878600747, 0.7186927878600747, 0.15451903439042397])


def test_ldl_as_lapack_keeps_it() -> None:
    ld, pivots = torch.linalg.ldl_factor(H)
    near(ld, [[2.0, 0.0, 0.0], [0.25, 3.875, 0.0], [-1.5, 0.7096774193548387, -4.951612903225807]])
    assert pivots.tolist() == [1, 2, 3]
    zero = torch.tensor([[0.0, 2.0, 1.0], [2.0, 0.0, 3.0], [1.0, 3.0, 0.0]], dtype=torch.float64)
    ld, pivots = torch.linalg.ldl_factor(zero)
    near(ld, [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.5, 0.5, -3.0]])
    assert pivots.tolist() == [-2, -2, 3]
    near(zero @ torch.linalg.ldl_solve(ld, pivots, A[:3]), A[:3].tolist())


def test_reflections_as_lapack_keeps_them() -> None:
    packed, tau = torch.geqrf(A)
    near(packed[0], [-3.7749172176353754, 1.3245323570650438, 0.0])
    near(tau, [1.5298129428260174, 1.933714699784467, 1.7364348427519873])
    near(torch.linalg.householder_product(packed, tau) @ packed[:3].triu(), A.tolist())


def test_repeated_eigenvalues_have_gradients_where_vectors_do_not_count() -> None:
    x = torch.eye(3, dtype=torch.float64, requires_grad=True)
    torch.linalg.eigh(x).eigenvalues.sum().backward()
    near(x.grad, np.eye(3))
    x = torch.eye(3, dtype=torch.float64, requires_grad=True)
    torch.linalg.svd(x).S.sum().backward()
    near(x.grad, np.eye(3))


def test_lu_in_its_older_form() -> None:
    lu, pivots = torch.lu(H)
    p, lower, upper = torch.lu_unpack(lu, pivots)
    near(p @ lower @ upper, H.tolist())
    assert len(H.lu(get_infos=True)) == 3


def test_approximations_of_low_rank() -> None:
    low = A[:, :2] @ A[:2]
    u, s, v = torch.svd_lowrank(low, q=2)
    near(u * s @ v.mT, low.tolist())
    u, s, v = torch.pca_lowrank(low, q=2)
    near(u * s @ v.mT, (low - low.mean(0)).tolist())
    with pytest.raises(ValueError, match="must be non-negative integer and not greater than min"):
        torch.pca_lowrank(low, q=5)


def test_drivers_of_least_squares() -> None:
    b = A[:, :1] + 1
    for driver in ("gels", "gelsy", "gelsd", "gelss"):
        found = torch.linalg.lstsq(A, b, driver=driver)
        near(found.solution, np.linalg.lstsq(A.numpy(), b.numpy(), rcond=None)[0])
        assert found.residuals.shape == (0 if driver == "gelsy" else 1,)
    with pytest.raises(torch.linalg.LinAlgError, match="does not have full rank"):
        torch.linalg.lstsq(torch.ones(4, 3), torch.ones(4, 1), driver="gels")
    assert torch.linalg.lstsq(torch.ones(4, 3), torch.ones(4, 1)).rank.item() == 1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: torch.linalg.eigh(A[:2]), RuntimeError, "must be batches of square matrices"),
        (lambda: torch.linalg.eigh(H, "X"), RuntimeError, "Expected UPLO argument to be 'L' or 'U', but got X"),
        (lambda: torch.linalg.eig(H / 0), RuntimeError, "should not contain infs or NaNs"),
        (lambda: torch.linalg.svd(H / 0), torch.linalg.LinAlgError, "contained non-finite values"),
        (lambda: torch.linalg.lstsq(A, H), RuntimeError, r"input.size\(-2\) should match other.size\(-2\)"),
        (lambda: torch.linalg.polar(A.T), RuntimeError, "at least as many rows as columns"),
        (lambda: torch.linalg.tensorinv(A, 1), RuntimeError, "prod"),
        (lambda: torch.cdist(A, H[:, :2]), RuntimeError, "X1 and X2 must have the same number of columns"),
        (lambda: torch.renorm(A, -1, 0, 1), RuntimeError, "non-positive-norm not supported"),
        (lambda: torch.cov(torch.ones(2, 2, 2)), RuntimeError, "two or fewer dimensions"),
    ],
)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
