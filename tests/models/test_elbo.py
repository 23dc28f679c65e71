"""The ELBO and its parts against enumeration, quadrature, SciPy and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from sklearn.mixture import GaussianMixture

from gentutor.models import elbo

rng = np.random.default_rng


def tensor(values):
    return torch.as_tensor(np.asarray(values))


# ---------------------------------------------------------------------------- finite distributions


@pytest.mark.parametrize("base", [math.e, 2])
def test_kl_and_entropies_are_scipys(base):
    p, q = rng(0).dirichlet([0.8] * 5, size=(2, 6))
    ours, theirs = elbo.kl(tensor(p), tensor(q), base), stats.entropy(p, q, base=base, axis=1)
    assert_allclose(ours, theirs, rtol=1e-10)
    assert_allclose(elbo.entropy(tensor(p), base), stats.entropy(p, base=base, axis=1), rtol=1e-12)
    summed = [
        -sum(p_k * math.log(q_k, base) for p_k, q_k in zip(*pair, strict=True))
        for pair in zip(p, q, strict=True)
    ]
    assert_allclose(elbo.cross_entropy(tensor(p), tensor(q), base), summed, rtol=1e-12)


def test_impossible_outcomes():
    p, q = tensor([0.25, 0.75, 0.0]), tensor([0.5, 0.25, 0.25])
    assert_allclose(elbo.kl(p, q, 2), 0.75 * math.log2(3) - 0.25, rtol=1e-14)
    assert elbo.kl(q, p) == math.inf


@pytest.mark.parametrize("bad", [[0.5, 0.6], [1.5, -0.5], [math.nan, 1.0]])
def test_what_is_no_distribution_is_refused(bad):
    good = tensor([0.5, 0.5])
    for call in (lambda: elbo.entropy(tensor(bad)), lambda: elbo.kl(good, tensor(bad))):
        with pytest.raises(ValueError, match="expected a distribution"):
            call()


# ---------------------------------------------------------------------------- linear Gaussian model


def world(d=3, k=2, seed=0):
    draw = rng([d, k, seed])
    model = elbo.LinearGaussian(tensor(draw.normal(size=(d, k))), tensor(draw.normal(size=d)), 0.6)
    A = draw.normal(size=(k, k))
    x, m, S = draw.normal(size=d) * 1.5, draw.normal(size=k), A @ A.T / k + 0.2 * np.eye(k)
    return model, tensor(x), tensor(m), tensor(S)


def over_the_line(function):
    return integrate.quad(function, -15, 15, epsabs=1e-13, epsrel=1e-12, limit=200)[0]


def test_every_term_is_the_integral_that_defines_it():
    """One latent number, and SciPy's densities: nothing but the definitions."""
    model, x, m, S = world(d=3, k=1)
    w, b = model.W.numpy()[:, 0], model.b.numpy()
    prior, q = stats.norm(0, 1), stats.norm(float(m), float(S) ** 0.5)

    def likelihood(z):
        return stats.norm(w * z + b, model.sigma2**0.5).logpdf(x.numpy()).sum()

    evidence = over_the_line(lambda z: math.exp(likelihood(z)) * prior.pdf(z))
    assert_allclose(model.evidence(x), math.log(evidence), rtol=1e-10)
    reconstruction, divergence = model.elbo_terms(x, m, S)
    assert_allclose(reconstruction, over_the_line(lambda z: q.pdf(z) * likelihood(z)), rtol=1e-10)
    expected = over_the_line(lambda z: q.pdf(z) * (q.logpdf(z) - prior.logpdf(z)))
    assert_allclose(divergence, expected, rtol=1e-10)
    assert_allclose(model.elbo(x, m, S), reconstruction - divergence, rtol=1e-14)
    assert_allclose(model.log_joint(x, tensor([0.4])), likelihood(0.4) + prior.logpdf(0.4), rtol=1e-12)

    posterior = [math.exp(likelihood(z)) * prior.pdf(z) / evidence for z in (-0.7, 0.2, 1.1)]
    mean, cov = model.posterior(x)
    ours = stats.norm(float(mean), float(cov) ** 0.5).pdf([-0.7, 0.2, 1.1])
    assert_allclose(ours, posterior, rtol=1e-9)


@pytest.mark.parametrize(("d", "k"), [(3, 2), (2, 4), (6, 3)])
def test_the_joint_gaussian_gives_evidence_and_posterior(d, k):
    """Conditioning the joint law of (z, x), by NumPy, where the model has its own formulas."""
    model, x, _, _ = world(d, k)
    W, b = model.W.numpy(), model.b.numpy()
    cov = np.block([[np.eye(k), W.T], [W, W @ W.T + model.sigma2 * np.eye(d)]])
    assert_allclose(model.evidence(x), stats.multivariate_normal(b, cov[k:, k:]).logpdf(x), rtol=1e-11)
    gain = cov[:k, k:] @ np.linalg.inv(cov[k:, k:])
    mean, S = model.posterior(x)
    assert_allclose(mean, gain @ (x.numpy() - b), rtol=1e-10)
    assert_allclose(S, cov[:k, :k] - gain @ cov[k:, :k], rtol=1e-10, atol=1e-14)


def test_the_gap_is_the_divergence_from_the_posterior():
    model, x, m, S = world()
    mean, cov = (value.numpy() for value in model.posterior(x))
    inverse, difference = np.linalg.inv(cov), mean - m.numpy()
    gap = np.trace(inverse @ S.numpy()) + difference @ inverse @ difference - 2
    gap = (gap + np.log(np.linalg.det(cov) / np.linalg.det(S.numpy()))) / 2
    assert_allclose(model.evidence(x) - model.elbo(x, m, S), gap, rtol=1e-9)
    assert_allclose(model.elbo(x, *model.posterior(x)), model.evidence(x), rtol=1e-12)


def test_observations_come_in_batches():
    model, _, m, S = world()
    X = tensor(rng(3).normal(size=(4, 3)))
    means, cov = model.posterior(X)
    for i, x in enumerate(X):
        assert_allclose(model.evidence(X)[i], model.evidence(x), rtol=1e-13)
        assert_allclose(means[i], model.posterior(x)[0], rtol=1e-13)
        assert_allclose(model.elbo(X, means, cov)[i], model.evidence(x), rtol=1e-12)
        assert_allclose(model.elbo(X, m, S)[i], model.elbo(x, m, S), rtol=1e-13)


def test_the_monte_carlo_estimate_scatters_around_the_exact_value():
    model, x, m, S = world()
    eps = tensor(rng(4).normal(size=(100_000, 2)))
    weights = model.log_weights(x, m, torch.linalg.cholesky(S), eps)
    assert weights.shape == (100_000,)
    error = float(weights.mean() - model.elbo(x, m, S))
    assert abs(error) < 4 * float(weights.std()) / 100_000**0.5
    mean, cov = model.posterior(x)  # there every draw gives the same
    assert_allclose(
        model.log_weights(x, mean, torch.linalg.cholesky(cov), eps), np.full(100_000, model.evidence(x))
    )


def test_fit_finds_the_posterior():
    model, x, _, _ = world()
    m, S, elbos = elbo.fit(model, x)
    mean, cov = model.posterior(x)
    assert_allclose(m, mean, atol=1e-5)
    assert_allclose(S, cov, atol=1e-5)
    assert_allclose(elbos[-1], model.evidence(x), atol=1e-8)
    assert elbos[0] < elbos[-1] - 1
    zero, one = torch.zeros(2).double(), torch.eye(2).double()
    assert_allclose(elbos[0], model.elbo(x, zero, one), rtol=1e-13)  # it starts at the prior


def test_independent_coordinates_leave_the_gap_that_the_theory_says():
    """Mean field keeps the means and the diagonal of the precision (Bishop 2006, section 10.1.2)."""
    model, x, _, _ = world(seed=8)
    m, S, elbos = elbo.fit(model, x, diagonal=True)
    mean, cov = model.posterior(x)
    precision = np.linalg.inv(cov)
    assert_allclose(m, mean, atol=1e-5)
    assert_allclose(S, np.diag(1 / np.diag(precision)), atol=1e-5)
    gap = (np.log(np.diag(precision)).sum() - np.log(np.linalg.det(precision))) / 2
    assert gap > 0.5
    assert_allclose(model.evidence(x) - elbos[-1], gap, atol=1e-7)


def test_fit_by_samples_comes_near_and_is_repeatable():
    model, x, _, _ = world()
    m, S, elbos = elbo.fit(model, x, samples=8, steps=600, lr=0.02)
    again = elbo.fit(model, x, samples=8, steps=600, lr=0.02)
    other = elbo.fit(model, x, samples=8, steps=600, lr=0.02, seed=1)
    assert model.evidence(x) - elbos[-1] < 0.03
    assert torch.equal(m, again[0])
    assert not torch.equal(S, other[1])


@pytest.mark.parametrize("x", [[0.3, math.inf, 1.0], [0.3, 1.0], [[0.3, 1.0, 2.0]]])
def test_fit_refuses_what_is_no_observation(x):
    with pytest.raises(ValueError, match="expected one observation, 3 finite numbers"):
        elbo.fit(world()[0], tensor(x))


# --------------------------------------------------------------------------------- Gaussian mixture


def clusters(n=200, d=2):
    draw = rng([n, d])
    centres = np.array([[-2.0, 0.5], [1.5, 1.0], [0.5, -2.5]])[:, :d]
    shapes = draw.normal(size=(3, d, d)) * 0.5
    z = draw.choice(3, size=n, p=[0.5, 0.3, 0.2])
    X = centres[z] + np.einsum("nij,nj->ni", shapes[z], draw.normal(size=(n, d)))
    start = elbo.Mixture(tensor([0.2, 0.5, 0.3]), tensor(X[:3] + 0.1), tensor(np.stack([np.eye(d)] * 3)))
    return tensor(X + 0.05 * draw.normal(size=(n, d))), start


@pytest.mark.parametrize("d", [1, 2])
def test_responsibilities_evidence_and_elbo_by_enumeration(d):
    X, mixture = clusters(40, d)
    joint = np.array(
        [
            [pi * stats.multivariate_normal(mu, Sigma).pdf(x) for pi, mu, Sigma in
             zip(mixture.pi, mixture.mu, mixture.Sigma, strict=True)]
            for x in X
        ]
    )  # fmt: skip
    R, after = elbo.e_step(mixture, X)
    assert_allclose(R, joint / joint.sum(1, keepdims=True), rtol=1e-9)
    assert_allclose(mixture.evidence(X), np.log(joint.sum(1)).sum(), rtol=1e-12)
    assert_allclose(after, mixture.evidence(X), rtol=1e-12)  # tight at the posterior
    other = rng(5).dirichlet([1, 1, 1], size=len(X))
    by_hand = sum(r * (math.log(p) - math.log(r)) for r, p in zip(other.ravel(), joint.ravel(), strict=True))
    assert_allclose(mixture.elbo(X, tensor(other)), by_hand, rtol=1e-11)
    gap = stats.entropy(other, joint, axis=1).sum()  # SciPy normalises both
    assert_allclose(mixture.evidence(X) - by_hand, gap, rtol=1e-9)


def test_a_responsibility_of_zero_costs_nothing():
    X, mixture = clusters()
    R = torch.zeros(len(X), 3, dtype=torch.float64)
    R[:, 1] = 1
    assert_allclose(mixture.elbo(X, R), mixture.log_joint(X)[:, 1].sum(), rtol=1e-12)


def test_em_walks_as_scikit_learn_does():
    X, start = clusters()
    mixture, elbos = elbo.em(X, start, 25)
    theirs = GaussianMixture(
        3, weights_init=start.pi, means_init=start.mu, precisions_init=torch.linalg.inv(start.Sigma),
        reg_covar=0, max_iter=25, tol=0,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="converge"):
        theirs.fit(X.numpy())
    assert_allclose(mixture.pi, theirs.weights_, rtol=1e-8)
    assert_allclose(mixture.mu, theirs.means_, rtol=1e-8)
    assert_allclose(mixture.Sigma, theirs.covariances_, rtol=1e-7, atol=1e-10)
    assert elbos.shape == (50,)
    assert (elbos.diff() > -1e-9).all()
    assert elbos[1] > elbos[0]
    assert elbos[2] > elbos[1]


def test_no_other_parameters_do_better_in_an_m_step():
    X, start = clusters()
    R, after_e = elbo.e_step(start, X)
    best, after_m = elbo.m_step(X, R)
    assert after_m > after_e
    assert_allclose(after_m, best.elbo(X, R), rtol=1e-13)
    draw = rng(6)
    for size in [1e-3, 1e-2, 0.1]:
        for _ in range(20):
            pi = best.pi * torch.exp(size * tensor(draw.normal(size=3)))
            A = torch.eye(2).double() + size * tensor(draw.normal(size=(2, 2)))
            moved = elbo.Mixture(
                pi / pi.sum(), best.mu + size * tensor(draw.normal(size=(3, 2))), A @ best.Sigma @ A.T
            )
            assert moved.elbo(X, R) < after_m


def test_a_cluster_that_shrinks_to_a_point_is_named():
    X = torch.cat([torch.zeros(5, 2), torch.randn(9, 2)]).double()
    R = torch.zeros(14, 2).double()
    R[:5, 0] = R[5:, 1] = 1
    with pytest.raises(ValueError, match="shrink to a point"):
        elbo.m_step(X, R)
