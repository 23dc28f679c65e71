"""Both gradient estimators against the exact gradient, and their variances against quadrature."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats

from gentutor.models import estimators

MU, SIGMA = 0.7, 1.3
FUNCTIONS = {  # f, and its derivative, written apart
    "square": (lambda z: (z - 2.0) ** 2, lambda z: 2 * (z - 2.0)),
    "sine": (lambda z: torch.sin(1.7 * z), lambda z: 1.7 * np.cos(1.7 * z)),
    "bump": (lambda z: torch.exp(-(z**2) / 3), lambda z: -2 * z / 3 * np.exp(-(z**2) / 3)),
}


def mean_of(g):
    """E[g(eps)] for eps ~ N(0, 1), by quadrature."""
    return integrate.quad(lambda e: g(e) * stats.norm.pdf(e), -12, 12, limit=400, epsabs=1e-12)[0]


def exact_gradient(f):
    """(∂/∂μ, ∂/∂σ) of E[f(μ + σ eps)], by central differences of the quadrature."""

    def value(mu, sigma):
        return mean_of(lambda e: float(f(torch.tensor(mu + sigma * e, dtype=torch.float64))))

    h = 1e-4
    return (
        (value(MU + h, SIGMA) - value(MU - h, SIGMA)) / (2 * h),
        (value(MU, SIGMA + h) - value(MU, SIGMA - h)) / (2 * h),
    )


@pytest.fixture(scope="module")
def eps():
    return torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def scalar(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("estimator", [estimators.reparameterized, estimators.score_function])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_mean_is_the_exact_gradient(estimator, f, eps):
    draws = estimator(FUNCTIONS[f][0], scalar(MU), scalar(SIGMA), eps)
    assert draws.shape == (len(eps), 2)
    error = draws.std(0) / len(eps) ** 0.5
    assert ((draws.mean(0) - torch.tensor(exact_gradient(FUNCTIONS[f][0]))).abs() < 5 * error).all()


@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_variances_are_those_of_quadrature(f, eps):
    function, derivative = FUNCTIONS[f]

    def value(e):
        return float(function(scalar(MU + SIGMA * e)))

    def variance(g):
        return mean_of(lambda e: g(e) ** 2) - mean_of(g) ** 2

    pathwise = [lambda e: derivative(MU + SIGMA * e), lambda e: derivative(MU + SIGMA * e) * e]
    score = [lambda e: value(e) * e / SIGMA, lambda e: value(e) * (e**2 - 1) / SIGMA]
    for estimator, exact in ((estimators.reparameterized, pathwise), (estimators.score_function, score)):
        ours = estimator(function, scalar(MU), scalar(SIGMA), eps).var(0)
        assert_allclose(ours, [variance(g) for g in exact], rtol=0.03)


def test_on_a_square_the_reparameterised_gradient_varies_less(eps):
    f = FUNCTIONS["square"][0]
    few, many = (
        estimator(f, scalar(MU), scalar(SIGMA), eps).var(0)
        for estimator in (estimators.reparameterized, estimators.score_function)
    )
    assert (few * 4 < many).all()
