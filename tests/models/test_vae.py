"""The VAE against exact evidence, quadrature, probabilistic PCA and PyTorch's own distributions."""

import math
import signal

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from torch import distributions as D

from gentutor.models import vae

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def model(likelihood="bernoulli", d=7, k=3, hidden=(5, 4), scale=0.6):
    """A small VAE whose weights are in general position, in float64."""
    built = vae.VAE(d, k, hidden, likelihood=likelihood).double()
    for i, weight in enumerate(built.parameters()):
        weight.data = scale * random(*weight.shape, seed=i + 1)
    return built


def as_numpy(tensor):
    return tensor.detach().numpy()


# ------------------------------------------------------------------------------------- the networks


def test_the_gaussian_mlp_is_the_one_that_is_printed():
    mlp = vae.GaussianMLP(4, 2, (3,)).double()
    x = random(6, 4)
    W3, b3, W4, b4, W5, b5 = (as_numpy(p) for p in mlp.parameters())
    h = np.tanh(as_numpy(x) @ W3.T + b3)
    mu, log_var = mlp(x)
    assert_allclose(as_numpy(mu), h @ W4.T + b4, rtol=1e-12)
    assert_allclose(as_numpy(log_var), h @ W5.T + b5, rtol=1e-12)


def test_the_bernoulli_mlp_is_the_one_that_is_printed():
    built = vae.VAE(4, 2, (3,)).double()
    W1, b1, W2, b2 = (as_numpy(p) for p in built.decoder.parameters())
    z = random(6, 2)
    y = np.tanh(as_numpy(z) @ W1.T + b1) @ W2.T + b2
    assert_allclose(as_numpy(built.decode(z)), 1 / (1 + np.exp(-y)), rtol=1e-12)


def test_the_seed_decides_the_weights_and_nothing_else_does():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (vae.VAE(6, 2, seed=s) for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.encoder.mu.weight, again.encoder.mu.weight)
    assert not torch.equal(first.encoder.mu.weight, other.encoder.mu.weight)


def test_reparameterize_has_the_law_that_it_names():
    mu, log_var = torch.tensor([0.3, -1.2]), torch.tensor([-1.4, 0.9])
    z = vae.reparameterize(mu, log_var, random(20_000, 2, dtype=torch.float32))
    for i in range(2):
        law = stats.norm(float(mu[i]), math.exp(float(log_var[i]) / 2))
        assert stats.kstest(z[:, i].numpy(), law.cdf).pvalue > 1e-3


# ------------------------------------------------------------------------------------ the two terms


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_terms_are_those_of_pytorchs_distributions(likelihood):
    built, eps = model(likelihood), random(5, 3, seed=31)
    x = (random(5, 7, seed=30) > 0).double() if likelihood == "bernoulli" else random(5, 7, seed=30)
    mu, log_var = built.encode(x)
    q = D.Normal(mu, (log_var / 2).exp())
    z = q.mean + q.stddev * eps
    if likelihood == "bernoulli":
        p = D.Bernoulli(probs=built.decode(z))
    else:
        p = D.Normal(built.decode(z), math.exp(float(built.decoder.log_var.detach()) / 2))
    reconstruction, kl = built.elbo_terms(x, eps)
    assert_allclose(as_numpy(reconstruction), as_numpy(p.log_prob(x).sum(-1)), rtol=1e-10)
    assert_allclose(as_numpy(kl), as_numpy(D.kl_divergence(q, D.Normal(0.0, 1.0)).sum(-1)), rtol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_bernoulli_log_likelihood_is_pytorchs_whatever_the_logits(dtype):
    y = torch.tensor([[-300.0, -40.0, -3.3, -1e-3], [0.0, 0.7, 25.0, 500.0]], dtype=dtype)
    x = torch.tensor([[0.2, 1.0, 0.4, 0.0], [1.0, 0.3, 0.9, 0.6]], dtype=dtype)
    ours = vae.bernoulli_log_likelihood(x, y)
    theirs = D.Bernoulli(logits=y.double(), validate_args=False).log_prob(x.double()).sum(-1)
    assert ours.dtype == dtype
    assert_allclose(ours.numpy(), theirs.numpy(), rtol=3e-7 if dtype == torch.float32 else 1e-15)


def test_its_gradients_are_those_of_finite_differences():
    y, x = random(3, 4, seed=5).requires_grad_(), random(3, 4, seed=6).sigmoid()
    assert torch.autograd.gradcheck(lambda y: vae.bernoulli_log_likelihood(x, y), y)
    assert torch.autograd.gradgradcheck(lambda y: vae.bernoulli_log_likelihood(x, y), y)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_one_dimensional_codes_by_quadrature(likelihood):
    """evidence = integral of p(x|z) p(z); ELBO below it; the importance-weighted bound comes close."""
    built = model(likelihood, k=1, scale=0.5)
    x = (random(1, 7, seed=40) > 0).double() if likelihood == "bernoulli" else 0.3 * random(1, 7, seed=40)

    def joint(z):
        with torch.no_grad():
            return float(built.log_likelihood(x, torch.tensor([[z]], dtype=torch.float64)).exp()) * (
                stats.norm.pdf(z)
            )

    evidence = math.log(integrate.quad(joint, -12, 12, limit=400, epsabs=1e-14)[0])
    estimate = float(built.log_evidence(x, 200_000))
    assert_allclose(estimate, evidence, atol=0.02)

    mu, log_var = (float(v.detach()) for v in built.encode(x))
    q = stats.norm(mu, math.exp(log_var / 2))
    elbo = integrate.quad(lambda z: q.pdf(z) * (math.log(joint(z)) - q.logpdf(z)), -9, 9, limit=400)[0]
    draws = random(200_000, 1, seed=41)
    reconstruction, kl = built.elbo_terms(x.expand(len(draws), -1), draws)
    mean, error = (reconstruction - kl).mean(), (reconstruction - kl).std() / len(draws) ** 0.5
    assert abs(float(mean.detach()) - elbo) < 5 * float(error.detach())
    by_weights = built.log_weights(x, draws[:, None])[:, 0].detach()
    assert abs(float(by_weights.mean()) - elbo) < 5 * float(by_weights.std()) / len(draws) ** 0.5
    assert elbo < evidence - 0.01


def test_the_importance_weighted_bound_rises_with_the_samples():
    built, x = model(), (random(200, 7, seed=50) > 0).double()
    few, more, many = (float(built.log_evidence(x, samples).mean()) for samples in (1, 10, 1000))
    assert few < more < many


def test_log_evidence_does_not_depend_on_how_it_is_cut():
    built, x = model(scale=0.3), (random(11, 7, seed=51) > 0).double()
    whole, cut = (built.log_evidence(x, 4000, at_once=size) for size in (10**6, 9000))
    assert_allclose(as_numpy(whole), as_numpy(cut), atol=0.15)
    assert len(cut) == 11


def test_an_interrupted_log_evidence_says_which_samples_it_did_not_reach(monkeypatch):
    built, x = model(), (random(6, 7, seed=52) > 0).double()
    calls, log_weights = [], built.log_weights

    def interrupted(some, eps):
        calls.append(len(some))
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return log_weights(some, eps)

    monkeypatch.setattr(built, "log_weights", interrupted)
    with pytest.warns(UserWarning, match="log evidence: interrupted after step 2 of 6"):
        values = built.log_evidence(x, 50, at_once=50)
    assert values.isfinite().tolist() == [True, True, False, False, False, False]


# --------------------------------------------------------------------------- a linear Gaussian VAE


def linear_gaussian(W, b, sigma2):
    """The VAE without hidden layers whose encoder is the exact posterior where W^T W is diagonal."""
    d, k = W.shape
    built = vae.VAE(d, k, (), likelihood="gaussian").double()
    S = np.diag(np.linalg.inv(np.eye(k) + W.T @ W / sigma2))
    encode = S[:, None] * W.T / sigma2
    values = {
        "encoder.mu.weight": encode, "encoder.mu.bias": -encode @ b,
        "encoder.log_var.weight": np.zeros((k, d)), "encoder.log_var.bias": np.log(S),
        "decoder.mu.weight": W, "decoder.mu.bias": b, "decoder.log_var": np.log(sigma2),
    }  # fmt: skip
    built.load_state_dict({name: torch.as_tensor(value) for name, value in values.items()})
    return built


def exact_elbo(built, x):
    """The mean over eps of the ELBO, by a product rule that is exact for squares."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    grid = np.stack(np.meshgrid(*[nodes] * built.k, indexing="ij"), -1).reshape(-1, built.k)
    mass = np.prod(np.stack(np.meshgrid(*[weights] * built.k, indexing="ij"), -1), -1).reshape(-1)
    mass /= mass.sum()
    terms = [built.elbo_terms(x, torch.as_tensor(node).expand(len(x), -1)) for node in grid]
    return sum(w * (reconstruction - kl) for w, (reconstruction, kl) in zip(mass, terms, strict=True))


def test_the_elbo_is_the_evidence_where_the_encoder_is_the_posterior():
    d, k, sigma2 = 5, 2, 0.37
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(d, k)))[0]
    W, b = Q * [1.7, 0.6], np.random.default_rng(1).normal(size=d)
    built, x = linear_gaussian(W, b, sigma2), random(6, d, seed=60)
    evidence = stats.multivariate_normal(b, W @ W.T + sigma2 * np.eye(d)).logpdf(x.numpy())
    assert_allclose(as_numpy(exact_elbo(built, x)), evidence, rtol=1e-10)
    assert_allclose(as_numpy(built.log_evidence(x, 10)), evidence, rtol=1e-10)  # every weight is p(x)
    with torch.no_grad():
        built.encoder.mu.bias += 0.2  # no longer the posterior
    assert (as_numpy(exact_elbo(built, x)) < evidence - 0.01).all()


def test_training_reaches_the_evidence_of_probabilistic_pca():
    """The optimum of the linear Gaussian VAE is Tipping and Bishop's (1999), equations 7 and 8."""
    rng = np.random.default_rng(2)
    n, d, k = 400, 4, 2
    X = rng.normal(size=(n, k)) @ (rng.normal(size=(k, d)) * 1.5) + 0.5 * rng.normal(size=(n, d)) + 1.0
    values, vectors = np.linalg.eigh(np.cov(X.T, bias=True))
    values, vectors = values[::-1], vectors[:, ::-1]
    sigma2 = values[k:].mean()
    C = vectors[:, :k] * (values[:k] - sigma2) @ vectors[:, :k].T + sigma2 * np.eye(d)
    best = stats.multivariate_normal(X.mean(0), C).logpdf(X).mean()

    built = vae.VAE(d, k, (), likelihood="gaussian").double()
    x = torch.from_numpy(X)
    vae.train(built, x, epochs=1500, batch_size=n, lr=0.02, decay=True, device="cpu")
    reached = float(exact_elbo(built, x).mean().detach())
    assert best - 0.02 < reached <= best + 1e-9


# ----------------------------------------------------------------------------------------- training


def two_blobs(n=200):
    x = (random(n, 6, seed=70, dtype=torch.float32) + 2).sigmoid()
    x[::2] = 1 - x[::2]
    return x


@pytest.mark.parametrize("device", DEVICES)
def test_training_raises_the_elbo_and_says_what_its_terms_are(device):
    X, built = two_blobs(), vae.VAE(6, 2, (16,))
    with torch.no_grad():
        untrained = built.elbo_terms(X, random(len(X), 2, dtype=torch.float32))
    terms = vae.train(built, X, epochs=40, batch_size=32, lr=1e-2, device=device).cpu()
    assert terms.shape == (40, 2)
    assert float(terms[-1, 0] - terms[-1, 1]) > float((untrained[0] - untrained[1]).mean()) + 0.3
    built.cpu()
    with torch.no_grad():
        now = built.elbo_terms(X, random(len(X), 2, dtype=torch.float32))
    assert_allclose(terms[-1].numpy(), [float(v.mean()) for v in now], atol=0.2)


def test_every_sample_counts_once_also_in_a_last_short_batch():
    X, built = two_blobs(101), vae.VAE(6, 2, (8,))
    terms = vae.train(built, X, epochs=1, batch_size=50, lr=0.0, device="cpu")
    with torch.no_grad():
        kl = built.elbo_terms(X, torch.zeros(101, 2))[1]
    assert_allclose(float(terms[0, 1]), float(kl.mean()), rtol=1e-5)


@pytest.mark.parametrize("stop", [3, 11, 20])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(stop, tmp_path, interrupt_at):
    X, asked = two_blobs(), {"epochs": 6, "batch_size": 64, "lr": 1e-2, "binarize": True, "decay": True}
    whole = vae.VAE(6, 2, (8,))
    curve = vae.train(whole, X, **asked, device="cpu")

    stopped = vae.VAE(6, 2, (8,))
    path = tmp_path / "run.checkpoint"
    with interrupt_at(stop), pytest.warns(UserWarning, match=rf"interrupted after step {stop} of 24"):
        part = vae.train(stopped, X, **asked, device="cpu", checkpoint=path)
    assert part.isfinite().all(1).tolist() == [epoch < stop // 4 for epoch in range(6)]

    resumed = vae.VAE(6, 2, (8,), seed=9)  # its own weights do not matter
    again = vae.train(resumed, X, **asked, device="cpu", checkpoint=path)
    assert torch.equal(again, curve)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    X, path = two_blobs(), tmp_path / "run.checkpoint"
    vae.train(vae.VAE(6, 2, (8,)), X, epochs=1, device="cpu", checkpoint=path)
    with pytest.raises(ValueError, match=r"another run: lr = 0.001 there, 0.01 here"):
        vae.train(vae.VAE(6, 2, (8,)), X, epochs=1, lr=0.01, device="cpu", checkpoint=path)


def test_a_loss_that_is_not_finite_stops_the_run():
    X = two_blobs()
    X[17, 3] = math.nan
    with pytest.raises(FloatingPointError, match="VAE: the loss is not finite from step"):
        vae.train(vae.VAE(6, 2, (8,)), X, epochs=1, batch_size=50, device="cpu")


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="expected 'tanh' or 'relu'"):
        vae.VAE(6, 2, activation="sigmoid")
    with pytest.raises(ValueError, match="expected 'bernoulli' or 'gaussian'"):
        vae.VAE(6, 2, likelihood="poisson")
    with pytest.raises(ValueError, match=r"X has shape \(5, 1, 2, 3\); expected \(n, 6\)"):
        vae.train(vae.VAE(6, 2), torch.zeros(5, 1, 2, 3), epochs=1)


# ------------------------------------------------------------------------------ looking at the codes


def test_the_manifold_cuts_the_prior_into_cells_of_equal_mass():
    z = vae.manifold(7, torch.float64).numpy()
    assert z.shape == (7, 7, 2)
    masses = stats.norm.cdf(z)
    assert_allclose(masses[3, :, 0], (np.arange(7) + 0.5) / 7, rtol=1e-12)
    assert_allclose(masses[:, 2, 1], (np.arange(7)[::-1] + 0.5) / 7, rtol=1e-12)
    assert (np.diff(z[:, :, 1], axis=0) < 0).all()  # the top row is the largest z_2


def test_kl_by_dimension_sums_to_the_mean_kl():
    mu, log_var = random(30, 4, seed=80), random(30, 4, seed=81)
    by_dimension = vae.kl_by_dimension(mu, log_var)
    exact = D.kl_divergence(D.Normal(mu, (log_var / 2).exp()), D.Normal(0.0, 1.0)).mean(0)
    assert_allclose(as_numpy(by_dimension), as_numpy(exact), rtol=1e-10)
