"""The Fréchet distance against scipy's matrix root, closed forms, and exact transport."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg
from scipy.optimize import linear_sum_assignment

from gentutor.metrics.frechet import Moments, frechet_distance, moments


def random_moments(seed, d=6, rank=None):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(d, rank or d))
    return Moments(torch.from_numpy(rng.normal(size=d)), torch.from_numpy(A @ A.T))


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_formula_with_scipys_root(seed):
    p, q = random_moments(2 * seed), random_moments(2 * seed + 1)
    S, T = p.cov.numpy(), q.cov.numpy()
    exact = ((p.mean - q.mean).numpy() ** 2).sum() + np.trace(S + T - 2 * linalg.sqrtm(S @ T).real)
    assert_allclose(frechet_distance(p, q), exact, rtol=1e-9)
    assert_allclose(frechet_distance(q, p), frechet_distance(p, q), rtol=1e-9)


def test_on_the_line_it_is_the_difference_of_means_and_deviations():
    p, q = (Moments(torch.tensor(m), torch.tensor(s).square()) for m, s in (
        (np.array([1.0]), np.array([[2.0]])), (np.array([-0.5]), np.array([[0.3]])),
    ))  # fmt: skip
    assert_allclose(frechet_distance(p, q), 1.5**2 + 1.7**2, rtol=1e-12)


def test_covariances_that_do_not_have_full_rank_are_no_special_case():
    p = random_moments(0, 6, rank=2)
    assert_allclose(frechet_distance(p, p), 0, atol=1e-6)
    zero = Moments(torch.zeros(6).double(), torch.zeros(6, 6).double())
    assert_allclose(frechet_distance(p, zero), float(p.mean.square().sum() + p.cov.trace()), rtol=1e-9)
    assert_allclose(frechet_distance(zero, p), frechet_distance(p, zero), rtol=1e-9)


def test_it_is_the_square_of_an_earth_movers_distance_between_gaussians():
    """W_2² of two clouds by exact assignment, of a law and its stretched and shifted copy: known map."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2)) @ np.diag([1.0, 0.4])
    y = rng.normal(size=(600, 2)) @ np.diag([0.5, 1.2]) + [3.0, 1.0]
    cost = ((x[:, None] - y) ** 2).sum(-1)
    assigned = cost[linear_sum_assignment(cost)].mean()
    found = frechet_distance(moments(torch.from_numpy(x)), moments(torch.from_numpy(y)))
    assert_allclose(found, 9 + 1 + 0.5**2 + 0.8**2, rtol=0.06)
    assert_allclose(found, assigned, rtol=0.02)


@pytest.mark.parametrize("d", [1, 5])
def test_moments_are_numpys(d):
    x = np.random.default_rng(1).normal(size=(30, d))
    found = moments(torch.from_numpy(x).float())
    assert found.cov.dtype == torch.float64
    assert_allclose(found.mean.numpy(), x.mean(0), atol=1e-6)
    assert_allclose(found.cov.numpy(), np.cov(x.T).reshape(d, d), atol=1e-6)


def test_bad_features_are_named():
    with pytest.raises(ValueError, match=r"shape \(1, 5\); expected \(n, d\), finite, n of at least 2"):
        moments(torch.zeros(1, 5))
    with pytest.raises(ValueError, match="finite"):
        moments(torch.full((4, 2), torch.nan))
