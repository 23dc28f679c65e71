"""Mixtures against scipy's densities, autograd, quadrature, and the moments of many draws."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats

from gentutor.models import ddpm
from gentutor.models.mixture import ExactNoise, GaussianMixture
from gentutor.models.schedules import Schedule

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SCHEDULE = Schedule(torch.tensor([0.3, 0.5, 0.2, 0.7], dtype=torch.float64))
KEPT = [1.0, 0.7, 0.35, 0.28, 0.084]  # α̅ by hand
W = np.array([0.5, 0.3, 0.2])
M = np.array([[1.0, -0.5, 0.3], [-1.2, 0.4, 0.0], [0.3, 1.5, -2.0]])
ROOTS = np.random.default_rng(0).normal(size=(3, 3, 3)) * 0.6
S = ROOTS @ ROOTS.transpose(0, 2, 1) + 0.05 * np.eye(3)
MIXTURE = GaussianMixture(*(torch.from_numpy(a) for a in (W, M, S)))


def points(n, seed=0):
    return 1.5 * torch.randn(n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def log_marginal(x, t):
    """log q(x_t) by torch.distributions, from the covariances themselves."""
    cov = KEPT[t] * torch.from_numpy(S) + (1 - KEPT[t]) * torch.eye(3, dtype=torch.float64)
    parts = torch.distributions.MultivariateNormal(KEPT[t] ** 0.5 * torch.from_numpy(M), cov)
    return (parts.log_prob(x[:, None]) + torch.from_numpy(W).log()).logsumexp(1)


def test_the_density_is_scipys():
    x = points(20)
    parts = [w * stats.multivariate_normal(m, cov).pdf(x.numpy()) for w, m, cov in zip(W, M, S, strict=True)]
    assert_allclose(MIXTURE.log_density(x).numpy(), np.log(sum(parts)), rtol=1e-11)
    assert MIXTURE.log_density(torch.full((1, 3), 1e4, dtype=torch.float64)).isfinite().all()


@pytest.mark.parametrize("t", [1, 2, 3, 4])
def test_the_noise_is_the_marginals_score(t):
    x = points(20).requires_grad_()
    (score,) = torch.autograd.grad(log_marginal(x, t).sum(), x)
    found = MIXTURE.eps(SCHEDULE, x.detach(), torch.full((20,), t))
    assert_allclose(found.numpy(), -((1 - KEPT[t]) ** 0.5) * score.numpy(), rtol=1e-10, atol=1e-12)


def test_each_sample_has_a_time_of_its_own():
    x, t = points(8), torch.tensor([1, 4, 2, 2, 3, 4, 1, 3])
    alone = [MIXTURE.eps(SCHEDULE, x[i : i + 1], t[i : i + 1])[0] for i in range(8)]
    assert_allclose(MIXTURE.eps(SCHEDULE, x, t).numpy(), torch.stack(alone).numpy(), rtol=1e-12)


def test_the_noise_is_its_mean_given_x_t():
    """E[ε | x_t] on a line: the integral over ε of what x_0 must then have been."""
    w, m, s = np.array([0.6, 0.4]), np.array([-0.8, 1.1]), np.array([0.3, 0.7])
    mixture = GaussianMixture(
        torch.from_numpy(w), torch.from_numpy(m)[:, None], torch.from_numpy(s**2).reshape(2, 1, 1)
    )
    for t, x in ((1, 0.4), (2, -1.3), (4, 2.0)):
        root, noise = KEPT[t] ** 0.5, (1 - KEPT[t]) ** 0.5

        def joint(e, x=x, root=root, noise=noise):
            return stats.norm.pdf(e) * (w * stats.norm.pdf((x - noise * e) / root, m, s)).sum()

        top = integrate.quad(lambda e: e * joint(e), -12, 12, limit=200)[0]
        bottom = integrate.quad(joint, -12, 12, limit=200)[0]
        found = mixture.eps(SCHEDULE, torch.tensor([[x]], dtype=torch.float64), torch.tensor([t]))
        assert_allclose(float(found), top / bottom, rtol=1e-7)


def test_no_other_predictor_has_a_smaller_loss():
    generator = torch.Generator().manual_seed(0)
    x_0 = MIXTURE.sample(20_000, generator)
    t = torch.randint(1, 5, (20_000,), generator=generator)
    eps = torch.randn(x_0.shape, generator=generator, dtype=torch.float64)
    exact = partial(MIXTURE.eps, SCHEDULE)
    best = ddpm.simple_loss(SCHEDULE, exact, x_0, t, eps)
    for wrong in (
        lambda x, t: 0.9 * exact(x, t),
        lambda x, t: exact(x, t) + 0.1,
        lambda x, t: exact(x, (t - 1).clamp(min=1)),
        lambda x, t: exact(x, t) * (1 - SCHEDULE.alphas_cumprod[t - 1]).sqrt()[:, None],
    ):
        assert best < ddpm.simple_loss(SCHEDULE, wrong, x_0, t, eps) - 0.005


@pytest.mark.parametrize("device", DEVICES)
def test_draws_have_the_laws_moments_and_shares(device):
    mixture = GaussianMixture(*(torch.from_numpy(a).to(device) for a in (W, M, S)))
    x = mixture.sample(200_000, torch.Generator(device).manual_seed(1)).cpu().numpy()
    mean = W @ M
    cov = np.einsum("k,kij->ij", W, S + np.einsum("ki,kj->kij", M - mean, M - mean))
    assert np.abs(x.mean(0) - mean).max() < 0.015
    assert np.abs(np.cov(x.T) - cov).max() < 0.03
    one = stats.kstest(
        x[:5000, 0],
        lambda v: sum(w * stats.norm.cdf(v, m[0], c[0, 0] ** 0.5) for w, m, c in zip(W, M, S, strict=True)),
    )
    assert one.pvalue > 1e-3


def test_isotropic_is_the_mixture_that_it_names():
    centres = torch.tensor([[1.0, 2.0], [-3.0, 0.5]])
    mixture = GaussianMixture.isotropic(centres, 0.3)
    assert mixture.weights.tolist() == [0.5, 0.5]
    assert_allclose(mixture.covariances.numpy(), 0.09 * np.broadcast_to(np.eye(2), (2, 2, 2)), rtol=1e-6)
    x = torch.tensor([[0.9, 2.2], [-1.0, 1.0]])
    parts = [stats.multivariate_normal(c, 0.09 * np.eye(2)).pdf(x.numpy()) for c in centres.numpy()]
    assert_allclose(mixture.log_density(x).numpy(), np.log(np.mean(parts, axis=0)), rtol=1e-5)
    assert mixture.eps(SCHEDULE, x, torch.tensor([1, 2])).dtype == torch.float32


def test_a_law_that_is_none_is_named():
    one = torch.eye(2)[None]
    with pytest.raises(ValueError, match=r"expected \(K,\), \(K, d\) and \(K, d, d\)"):
        GaussianMixture(torch.ones(1), torch.zeros(1, 3), one)
    with pytest.raises(ValueError, match=r"expected \(K,\), \(K, d\) and \(K, d, d\)"):
        GaussianMixture(torch.ones(1), torch.zeros(2), one)
    for weights in ([0.5, 0.6], [1.5, -0.5]):
        with pytest.raises(ValueError, match="expected numbers above 0 that add up to 1"):
            GaussianMixture(torch.tensor(weights), torch.zeros(2, 2), one.expand(2, 2, 2))
    with pytest.raises(ValueError, match="not positive definite"):
        GaussianMixture(torch.ones(1), torch.zeros(1, 2), torch.tensor([[[1.0, 2.0], [2.0, 1.0]]]))


def test_the_exact_noise_is_a_network():
    S = Schedule(torch.tensor([0.1, 0.3, 0.2], dtype=torch.float64))
    m, s2, x_t = 0.7, 0.5, torch.linspace(-2, 2, 6, dtype=torch.float64)[:, None]
    given = torch.ones(1), torch.tensor([[m]]), torch.tensor([[[s2]]])
    network = ExactNoise(*(part.double() for part in given), S.betas[1:])
    kept = 0.9 * 0.7  # α̅_2; one Gaussian's x_2 is Gaussian, and so is its noise: linear regression
    expected = (1 - kept) ** 0.5 * (x_t - kept**0.5 * m) / (kept * s2 + 1 - kept)
    assert_allclose(network(x_t, torch.full((6,), 2)), expected, rtol=1e-7)
