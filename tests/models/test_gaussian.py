"""Gaussian closed forms against SciPy, quadrature and Monte Carlo, in float64 and general position."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from torch.distributions import MultivariateNormal, kl_divergence

from gentutor.models import gaussian


def normal(seed, d, batch=()):
    """Means and covariances that are nothing special: correlated, no unit variances."""
    rng = np.random.default_rng([seed, d])
    A = rng.normal(size=(*batch, d, d))
    return rng.normal(size=(*batch, d)), A @ A.swapaxes(-1, -2) + 0.3 * np.eye(d)


def tensors(*arrays):
    return tuple(torch.from_numpy(np.asarray(a)) for a in arrays)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_log_density_and_entropy_are_scipys(d):
    mean, cov = normal(0, d)
    x = np.random.default_rng(1).normal(size=(7, d))
    theirs = stats.multivariate_normal(mean, cov)
    assert_allclose(gaussian.log_density(*tensors(x, mean, cov)), theirs.logpdf(x).reshape(7), rtol=1e-12)
    assert_allclose(gaussian.entropy(torch.from_numpy(cov)), theirs.entropy(), rtol=1e-12)


def test_log_density_broadcasts_over_samples_and_components():
    mean, cov = normal(2, 3, batch=(4,))
    x = np.random.default_rng(3).normal(size=(5, 3))
    ours = gaussian.log_density(*tensors(x[:, None], mean, cov))
    assert ours.shape == (5, 4)
    for k in range(4):
        assert_allclose(ours[:, k], stats.multivariate_normal(mean[k], cov[k]).logpdf(x), rtol=1e-12)


def test_diagonal_log_density_sums_over_coordinates():
    rng = np.random.default_rng(4)
    x, mu, log_var = rng.normal(size=(3, 6, 4))
    ours = gaussian.log_density_diagonal(*tensors(x, mu, log_var))
    assert_allclose(ours, stats.norm(mu, np.exp(log_var / 2)).logpdf(x).sum(-1), rtol=1e-12)


def test_kl_is_the_integral_that_defines_it():
    m, s, m_p, s_p = 0.7, 0.6, -0.4, 1.7
    q, p = stats.norm(m, s), stats.norm(m_p, s_p)
    defined, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -12, 12, epsabs=1e-13)
    full = gaussian.kl(*tensors([m], [[s**2]], [m_p], [[s_p**2]]))
    diagonal = gaussian.kl_diagonal(*tensors([m], [2 * np.log(s)], [m_p], [2 * np.log(s_p)]))
    assert_allclose(full, defined, rtol=1e-10)
    assert_allclose(diagonal, defined, rtol=1e-10)


def test_full_kl_is_the_integral_in_two_dimensions():
    (m, S), (m_p, S_p) = normal(5, 2), normal(6, 2)
    q, p = stats.multivariate_normal(m, S), stats.multivariate_normal(m_p, S_p)
    reach = 10 * np.sqrt(np.linalg.eigvalsh(S)[-1])
    axis = np.linspace(-reach, reach, 1201)
    z = m + np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    summed = (q.pdf(z) * (q.logpdf(z) - p.logpdf(z))).sum() * (axis[1] - axis[0]) ** 2
    assert_allclose(gaussian.kl(*tensors(m, S, m_p, S_p)), summed, rtol=1e-9)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_full_kl_is_torchs(d):
    (m, S), (m_p, S_p) = normal(7, d, batch=(5,)), normal(8, d)
    theirs = kl_divergence(*(MultivariateNormal(*tensors(*pair)) for pair in [(m, S), (m_p, S_p)]))
    assert_allclose(gaussian.kl(*tensors(m, S, m_p, S_p)), theirs, rtol=1e-11)


def test_diagonal_kl_is_the_full_one_and_its_default_is_the_standard_normal():
    mu, log_var, mu_p, log_var_p = tensors(*np.random.default_rng(9).normal(size=(4, 5, 3)))
    ours = gaussian.kl_diagonal(mu, log_var, mu_p, log_var_p)
    q, p = (torch.distributions.Normal(m, (v / 2).exp()) for m, v in [(mu, log_var), (mu_p, log_var_p)])
    assert_allclose(ours, kl_divergence(q, p).sum(-1), rtol=1e-12)
    standard = torch.distributions.Normal(torch.zeros(3).double(), 1.0)
    assert_allclose(gaussian.kl_diagonal(mu, log_var), kl_divergence(q, standard).sum(-1), rtol=1e-12)


def test_gradients_flow_through_every_argument():
    (m, S), (m_p, S_p) = (tensors(*normal(seed, 3)) for seed in (10, 11))
    symmetric = [m, S, m_p, S_p]
    for i in range(4):
        # The covariance moves within the symmetric matrices, of which only the lower triangle is read.
        def value(v, i=i):
            arguments = [*symmetric[:i], v @ v.T + S if i % 2 else v, *symmetric[i + 1 :]]
            return gaussian.kl(*arguments)

        start = (S / 2 if i % 2 else symmetric[i]).clone().requires_grad_()
        assert torch.autograd.gradcheck(value, start)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, S: gaussian.log_density(m, m, -S), "not positive definite"),
        (lambda m, S: gaussian.entropy(torch.ones(3, 3).double()), "not positive definite"),
        (lambda m, S: gaussian.kl(m, S, m, torch.full_like(S, torch.nan)), "not positive definite"),
        (lambda m, S: gaussian.kl(m, S, m[:2], S[:2, :2]), "must match|coordinates"),
        (lambda m, S: gaussian.log_density(m, m[:1], S[:2, :2]), "3 coordinates, .* 2 by 2"),
        (lambda m, S: gaussian.entropy(S[0]), r"shape \(3,\); expected \(..., d, d\)"),
    ],
)
def test_what_is_no_covariance_is_refused(call, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        call(*tensors(*normal(12, 3)))
