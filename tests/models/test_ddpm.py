"""DDPM against steps composed one by one, Bayes by quadrature, closed forms on Gaussian data, and loops anew.

The schedule of most tests has four large steps in no order, so that no slip of an index goes unseen.
"""

import copy
import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from torch import nn

from gentutor.data import toy
from gentutor.metrics.mmd import mmd2
from gentutor.models import ddpm, samplers, schedules
from gentutor.models.mixture import GaussianMixture
from gentutor.models.schedules import Schedule

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
BETA = [0.0, 0.3, 0.5, 0.2, 0.7]
KEPT = [1.0, 0.7, 0.35, 0.28, 0.084]  # α̅ by hand
TILDE = [0.0, 0.0, 0.5 * 0.3 / 0.65, 0.2 * 0.65 / 0.72, 0.7 * 0.72 / 0.916]  # β̃ by hand
SCHEDULE = Schedule(torch.tensor(BETA[1:], dtype=torch.float64))
VARIANCES = {"beta": BETA, "posterior": [0.0, TILDE[2], *TILDE[2:]]}
T = 4


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def at(t, n):
    return torch.full((n,), t)


# ------------------------------------------------------------------------------ the forward process


def test_the_marginal_is_that_of_the_composed_steps():
    x_0 = random(3, 2, seed=1)
    mean, noises = x_0, []  # x_t = mean + Σ of noises, each times its own ε
    for t in range(1, T + 1):
        mean = math.sqrt(1 - BETA[t]) * mean
        noises = [math.sqrt(1 - BETA[t]) * c for c in noises] + [math.sqrt(BETA[t])]
        zero, one = torch.zeros_like(x_0), torch.ones_like(x_0)
        assert_allclose(ddpm.q_sample(SCHEDULE, x_0, at(t, 3), zero).numpy(), mean.numpy(), rtol=1e-12)
        spread = ddpm.q_sample(SCHEDULE, zero, at(t, 3), one).numpy()
        assert_allclose(spread, math.hypot(*noises), rtol=1e-12)


def test_each_sample_of_a_batch_has_its_own_time():
    x_0, eps, t = random(5, 2, 3, seed=1), random(5, 2, 3, seed=2), torch.tensor([3, 0, 1, 4, 2])
    x_t = ddpm.q_sample(SCHEDULE, x_0, t, eps)
    for i, step in enumerate(t.tolist()):
        expected = math.sqrt(KEPT[step]) * x_0[i] + math.sqrt(1 - KEPT[step]) * eps[i]
        assert_allclose(x_t[i].numpy(), expected.numpy(), rtol=1e-12)
    assert torch.equal(x_t[1], x_0[1])
    assert x_t.dtype == torch.float64
    assert ddpm.q_sample(SCHEDULE, x_0.float(), t, eps.float()).dtype == torch.float32


@pytest.mark.parametrize("t", [2, 3, 4])
def test_the_posterior_is_bayes_rule_by_quadrature(t):
    x_0, x_t = 0.6, -1.1

    def joint(x):  # q(x_t | x_{t-1}) q(x_{t-1} | x_0)
        step = stats.norm.pdf(x_t, math.sqrt(1 - BETA[t]) * x, math.sqrt(BETA[t]))
        return step * stats.norm.pdf(x, math.sqrt(KEPT[t - 1]) * x_0, math.sqrt(1 - KEPT[t - 1]))

    moments = [integrate.quad(lambda x, k=k: x**k * joint(x), -8, 8, epsabs=1e-13)[0] for k in range(3)]
    mean = moments[1] / moments[0]
    found = ddpm.q_posterior_mean_variance(
        SCHEDULE, *(torch.tensor([[v]], dtype=torch.float64) for v in (x_0, x_t)), torch.tensor([t])
    )
    assert_allclose(float(found[0]), mean, rtol=1e-9)
    assert_allclose(float(found[1]), moments[2] / moments[0] - mean**2, rtol=1e-9)


def test_the_first_posterior_is_the_data_point():
    x_0, x_1 = random(4, 3, seed=1), random(4, 3, seed=2)
    mean, variance = ddpm.q_posterior_mean_variance(SCHEDULE, x_0, x_1, at(1, 4))
    assert_allclose(mean.numpy(), x_0.numpy(), rtol=1e-14)
    assert variance.tolist() == [[0.0]] * 4


def test_data_and_noise_are_told_from_each_other():
    x_0, eps, t = random(8, 2, seed=1), random(8, 2, seed=2), torch.tensor([1, 2, 3, 4] * 2)
    kept = torch.tensor(KEPT)[t, None].double()
    x_t = kept.sqrt() * x_0 + (1 - kept).sqrt() * eps
    assert_allclose(ddpm.predict_x0_from_eps(SCHEDULE, x_t, t, eps).numpy(), x_0.numpy(), atol=1e-6)
    assert_allclose(ddpm.predict_eps_from_x0(SCHEDULE, x_t, t, x_0).numpy(), eps.numpy(), atol=1e-6)


def test_shapes_that_do_not_fit_are_named():
    x = random(3, 2)
    with pytest.raises(ValueError, match=r"eps has shape \(3, 1\) and x_0 \(3, 2\)"):
        ddpm.q_sample(SCHEDULE, x, at(1, 3), x[:, :1])
    for t in (torch.tensor(1), at(1, 2), at(1, 3)[:, None]):
        with pytest.raises(ValueError, match=r"t has shape .* expected \(3,\), a time for each sample"):
            ddpm.q_sample(SCHEDULE, x, t, x)


# ------------------------------------------------------------------------------ the reverse process


def told(times):
    """A network whose answer is 0, and that keeps the times that it is told."""

    def network(x, t):
        times.append(t.tolist())
        return torch.zeros_like(x)

    return network


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_mean_is_equation_11_with_both_variances(variance):
    x, t = random(8, 2, seed=1), torch.tensor([1, 2, 3, 4] * 2)
    mean, sigma2, x_0 = ddpm.p_mean_variance(SCHEDULE, lambda x, t: torch.sin(x), x, t, variance=variance)
    for i, step in enumerate(t.tolist()):
        e = np.sin(x[i].numpy())
        expected = (x[i].numpy() - BETA[step] / math.sqrt(1 - KEPT[step]) * e) / math.sqrt(1 - BETA[step])
        assert_allclose(mean[i].numpy(), expected, rtol=1e-12)
        assert_allclose(float(sigma2[i]), VARIANCES[variance][step], rtol=1e-12)
        data = (x[i].numpy() - math.sqrt(1 - KEPT[step]) * e) / math.sqrt(KEPT[step])
        assert_allclose(x_0[i].numpy(), data, rtol=1e-12)


def test_a_cut_estimate_of_the_data_moves_the_mean():
    x, t = 3 * random(8, 2, seed=1), torch.tensor([1, 2, 3, 4] * 2)
    mean, _, x_0 = ddpm.p_mean_variance(SCHEDULE, told([]), x, t, clip=0.8)
    whole, _, uncut = ddpm.p_mean_variance(SCHEDULE, told([]), x, t)
    assert torch.equal(x_0, uncut.clamp(-0.8, 0.8))
    moved = whole - mean
    for i, step in enumerate(t.tolist()):
        weight = math.sqrt(KEPT[step - 1]) * BETA[step] / (1 - KEPT[step])
        assert_allclose(moved[i].numpy(), weight * (uncut - x_0)[i].numpy(), atol=1e-12)
    assert (moved.abs() > 0.1).any()


def test_the_network_is_told_the_steps_that_it_was_trained_with():
    times = []
    fewer = schedules.cosine(100).respaced(4)
    x = random(4, 2, dtype=torch.float32)
    ddpm.p_mean_variance(fewer, told(times), x, torch.tensor([1, 2, 3, 4]))
    ddpm.simple_loss(fewer, told(times), x, torch.tensor([4, 3, 2, 1]), x)
    assert times == [[25, 50, 75, 100], [100, 75, 50, 25]]


def test_a_variance_that_is_not_there_is_named():
    with pytest.raises(ValueError, match='variance is \'learned\'; expected "beta" or "posterior"'):
        ddpm.p_mean_variance(SCHEDULE, told([]), random(2, 2), at(1, 2), variance="learned")


def test_one_step_alone_has_its_own_variance():
    one = Schedule(torch.tensor([0.4]))
    for variance in VARIANCES:
        _, sigma2, _ = ddpm.p_mean_variance(one, told([]), random(2, 2), at(1, 2), variance=variance)
        assert_allclose(sigma2.numpy(), 0.4, rtol=1e-7)


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_last_step_is_without_noise(variance):
    x, z = random(6, 2, seed=1), [random(6, 2, seed=s) for s in (2, 3)]
    network = lambda x, t: torch.tanh(x)  # noqa: E731
    last = [ddpm.p_sample(SCHEDULE, network, x, at(1, 6), one, variance=variance)[0] for one in z]
    assert torch.equal(*last)
    assert torch.equal(last[0], ddpm.p_mean_variance(SCHEDULE, network, x, at(1, 6))[0])
    for t in (2, 3, 4):
        a, b = (ddpm.p_sample(SCHEDULE, network, x, at(t, 6), one, variance=variance)[0] for one in z)
        sigma = math.sqrt(VARIANCES[variance][t])
        assert_allclose((a - b).numpy(), sigma * (z[0] - z[1]).numpy(), atol=1e-12)


def test_in_a_mixed_batch_the_last_steps_alone_are_without_noise():
    x, t = random(4, 2, seed=1), torch.tensor([1, 2, 1, 3])
    a, b = (
        ddpm.p_sample(SCHEDULE, told([]), x, t, z)[0] for z in (random(4, 2, seed=2), random(4, 2, seed=3))
    )
    assert (a == b).all(1).tolist() == [True, False, True, False]


# -------------------------------------------------- data that are Gaussian: the sampler's law, exactly

MEAN = np.array([0.8, -1.5])
COV = np.array([[1.3, 0.5], [0.5, 0.4]])
GAUSSIAN = GaussianMixture(
    torch.ones(1, dtype=torch.float64), torch.from_numpy(MEAN)[None], torch.from_numpy(COV)[None]
)


def exact(x, t):
    """E[ε | x_t] of N(MEAN, COV), by linear regression of ε on x_t."""
    kept = torch.tensor(KEPT, dtype=torch.float64)[t]
    answers = []
    for k, row in zip(kept.tolist(), x, strict=True):
        C = torch.from_numpy(k * COV + (1 - k) * np.eye(2))
        answers.append(math.sqrt(1 - k) * torch.linalg.solve(C, row - math.sqrt(k) * torch.from_numpy(MEAN)))
    return torch.stack(answers)


def laws_by_recursion(sigma2):
    """Means and covariances of x_{T-1} ... x_0, without ε, x̂_0 or μ̃: x_{t-1} is regressed on x_t under q.

    (x_{t-1}, x_t) is Gaussian under q with Cov(x_{t-1}, x_t) = √α_t C_{t-1}; the sampler adds noise of σ_t².
    """
    C = [k * COV + (1 - k) * np.eye(2) for k in KEPT]
    mean, cov, laws = np.zeros(2), np.eye(2), []
    for t in range(T, 0, -1):
        G = math.sqrt(1 - BETA[t]) * C[t - 1] @ np.linalg.inv(C[t])
        mean = math.sqrt(KEPT[t - 1]) * MEAN + G @ (mean - math.sqrt(KEPT[t]) * MEAN)
        cov = G @ cov @ G.T + (sigma2[t] * np.eye(2) if t > 1 else 0)
        laws.append((mean, cov))
    return laws


def laws_of(step):
    """The same of a sampler: `step(x_t, t, z)`, an affine function of x_T and of every z, by its Jacobian."""

    def chain(u):  # (2 (T + 1),) -> x_{T-1}, ..., x_0
        x, *z = u.view(T + 1, 1, 2)
        way = []
        for t, one in zip(range(T, 0, -1), z, strict=True):
            x = step(x, at(t, 1), one)
            way.append(x[0])
        return torch.stack(way)

    zero = torch.zeros(2 * (T + 1), dtype=torch.float64)
    J = torch.autograd.functional.jacobian(chain, zero).numpy()  # (T, 2, 2 (T + 1))
    return [(m, j @ j.T) for m, j in zip(chain(zero).numpy(), J, strict=True)]


def apart(some, others):
    """The largest difference of two rows of means and covariances."""
    return max(
        np.abs(a - b).max() for x, y in zip(some, others, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("predictor", [exact, partial(GAUSSIAN.eps, SCHEDULE)])
def test_on_gaussian_data_the_law_of_every_step_is_the_recursions(variance, predictor):
    def step(x, t, z):
        return ddpm.p_sample(SCHEDULE, predictor, x, t, z, variance=variance)[0]

    assert apart(laws_of(step), laws_by_recursion(VARIANCES[variance])) < 1e-12


def written_out(*, told=0, share=lambda b, k, p: b / (1 - k) ** 0.5, root=lambda b, k: (1 - b) ** 0.5,
                sigma=lambda b, p: b**0.5, last=0.0, slip=0):  # fmt: skip
    """(x - share ε) / root + sigma z, of β_t, α̅_t and α̅_{t-1}: right as it stands, wrong by one argument."""

    def step(x, t, z):
        now = int(t[0])
        wrong = min(max(now + slip, 1), T)  # the index that the coefficients are read at
        b, k, p = BETA[wrong], KEPT[wrong], KEPT[wrong - 1]
        eps = exact(x, (t + told).clamp(1, T))
        return (x - share(b, k, p) * eps) / root(b, k) + (sigma(b, p) if now > 1 else last) * z

    return step


PRINTED_SLIPS = {
    "noise at the last step": written_out(last=0.3**0.5),
    "sigma is beta": written_out(sigma=lambda b, p: b),
    "the factor sqrt(1 - alpha_bar_{t-1}) on the noise": written_out(sigma=lambda b, p: (b * (1 - p)) ** 0.5),
    "no noise at all": written_out(sigma=lambda b, p: 0.0),
    "alpha-bar for alpha": written_out(root=lambda b, k: k**0.5),
    "alpha for its root": written_out(root=lambda b, k: 1 - b),
    "beta for alpha": written_out(root=lambda b, k: b**0.5),
    "1 - alpha-bar for its root": written_out(share=lambda b, k, p: b / (1 - k)),
    "the root of beta": written_out(share=lambda b, k, p: (b / (1 - k)) ** 0.5),
    "alpha-bar of the step before": written_out(share=lambda b, k, p: b / (1 - p + 1e-9) ** 0.5),
    "the factor sqrt(1 - alpha_bar_{t-1}) on eps": written_out(
        share=lambda b, k, p: b * ((1 - p) / (1 - k)) ** 0.5
    ),
    "coefficients of the step before": written_out(slip=-1),
    "coefficients of the step after": written_out(slip=1),
    "the network is told the step before": written_out(told=-1),
    "the network is told the step after": written_out(told=1),
}  # fmt: skip


def test_the_formula_that_the_slips_start_from_is_right():
    assert apart(laws_of(written_out()), laws_by_recursion(BETA)) < 1e-12


@pytest.mark.parametrize("slip", PRINTED_SLIPS)
def test_every_slip_in_the_sampler_shows_by_value(slip):
    assert apart(laws_of(PRINTED_SLIPS[slip]), laws_by_recursion(BETA)) > 0.05


# --------------------------------------------------------------------------------------- the losses


def test_the_simple_loss_is_the_mean_square_of_what_is_missed():
    x_0, eps, t = random(6, 2, 3, seed=1), random(6, 2, 3, seed=2), torch.tensor([4, 1, 2, 2, 3, 1])
    kept = np.array(KEPT)[t.numpy()].reshape(6, 1, 1)
    x_t = np.sqrt(kept) * x_0.numpy() + np.sqrt(1 - kept) * eps.numpy()
    expected = ((eps.numpy() - np.cos(x_t) * t.numpy().reshape(6, 1, 1)) ** 2).mean()
    found = ddpm.simple_loss(SCHEDULE, lambda x, t: x.cos() * t[:, None, None], x_0, t, eps)
    assert_allclose(float(found), expected, rtol=1e-12)
    assert found.dtype == torch.float64


def test_the_loss_of_a_network_in_half_precision_is_in_single():
    x = random(500, 3, dtype=torch.float32)
    loss = ddpm.simple_loss(SCHEDULE, lambda x, t: torch.zeros_like(x).bfloat16(), x, at(2, 500), x)
    assert loss.dtype == torch.float32
    assert_allclose(float(loss), float(x.square().mean()), rtol=1e-6)


@pytest.mark.parametrize("variance", VARIANCES)
def test_every_term_of_the_bound_is_a_divergence(variance):
    """Draw by draw: torch's own divergences of the Gaussians that the steps written out give."""
    x_0 = 0.7 * random(5, 3, seed=1)
    network = lambda x, t: 0.5 * x + 0.1 * t[:, None]  # noqa: E731
    found = ddpm.bound(SCHEDULE, network, x_0, variance=variance, seed=7).numpy() * 3 * math.log(2)
    assert found.shape == (5, T + 1)
    generator = torch.Generator().manual_seed(7)
    normal, kl = torch.distributions.Normal, torch.distributions.kl_divergence
    for t in range(1, T + 1):
        eps = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        x = math.sqrt(KEPT[t]) * x_0 + math.sqrt(1 - KEPT[t]) * eps
        mean = (x - BETA[t] / math.sqrt(1 - KEPT[t]) * network(x, at(t, 5))) / math.sqrt(1 - BETA[t])
        p = normal(mean, math.sqrt(VARIANCES[variance][t]))
        if t == 1:
            term = -p.log_prob(x_0)
        else:  # q(x_{t-1} | x_t, x_0), by precisions
            precision = (1 - BETA[t]) / BETA[t] + 1 / (1 - KEPT[t - 1])
            pull = math.sqrt(1 - BETA[t]) / BETA[t] * x + math.sqrt(KEPT[t - 1]) / (1 - KEPT[t - 1]) * x_0
            term = kl(normal(pull / precision, precision**-0.5), p)
        assert_allclose(found[:, t - 1], term.sum(1).numpy(), rtol=1e-10, atol=1e-12)
    last = kl(normal(math.sqrt(KEPT[T]) * x_0, math.sqrt(1 - KEPT[T])), normal(0.0, 1.0))
    assert_allclose(found[:, T], last.sum(1).numpy(), rtol=1e-10)


def gaussian_terms(schedule, m, s2, variance):
    """E L_0, ..., E L_T in nats for x_0 ~ N(m, s²) on a line and its exact predictor, in closed form.

    The means of q and p differ by √α̅_{t-1} β_t / (1 - α̅_t) (x_0 - E[x_0 | x_t]), whose variance is known.
    """
    beta, kept = schedule.betas.numpy(), schedule.alphas_cumprod.numpy()
    tilde = np.append([0, 0], beta[2:] * (1 - kept[1:-1]) / (1 - kept[2:])[: len(beta) - 2])
    sigma2 = beta if variance == "beta" else np.append([0, tilde[2]], tilde[2:])
    missed = s2 * (1 - kept) / (kept * s2 + 1 - kept)  # Var(x_0 | x_t)
    terms = [(missed[1] / sigma2[1] + np.log(2 * np.pi * sigma2[1])) / 2]
    for t in range(2, schedule.T + 1):
        apart2 = kept[t - 1] * beta[t] ** 2 / (1 - kept[t]) ** 2 * missed[t]
        ratio = tilde[t] / sigma2[t]
        terms.append((apart2 / sigma2[t] + ratio - 1 - np.log(ratio)) / 2)
    terms.append((kept[-1] * (m**2 + s2) - kept[-1] - np.log1p(-kept[-1])) / 2)
    return np.array(terms)


def line(m, s2):
    one = torch.ones(1, dtype=torch.float64)
    return GaussianMixture(one, m * one[None], s2 * one[None, None])


@pytest.mark.parametrize("variance", VARIANCES)
def test_on_gaussian_data_the_terms_are_the_closed_forms(variance):
    law = line(0.8, 0.5)
    n = 100_000
    x_0 = law.sample(n, torch.Generator().manual_seed(3))
    terms = ddpm.bound(SCHEDULE, partial(law.eps, SCHEDULE), x_0, variance=variance) * math.log(2)
    away = terms.mean(0).numpy() - gaussian_terms(SCHEDULE, 0.8, 0.5, variance)
    assert (np.abs(away) < 5 * terms.std(0).numpy() / n**0.5 + 1e-12).all()
    assert (terms.std(0).numpy() / n**0.5 < 0.01).all()  # else anything would pass


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_bound_lies_above_the_models_evidence_and_that_above_the_entropy(variance):
    """On Gaussian data all three are closed forms: the model is linear, and its p(x_0) a Gaussian."""
    m, s2, sigma2 = 0.8, 0.5, VARIANCES[variance]
    C = [k * s2 + 1 - k for k in KEPT]
    mean, cov = 0.0, 1.0
    for t in range(T, 0, -1):
        gain = math.sqrt(1 - BETA[t]) * C[t - 1] / C[t]
        mean = math.sqrt(KEPT[t - 1]) * m + gain * (mean - math.sqrt(KEPT[t]) * m)
        cov = gain**2 * cov + sigma2[t]  # p(x_0 | x_1) has its variance, though the sampler leaves it out
    evidence = (((m - mean) ** 2 + s2) / cov + math.log(2 * math.pi * cov)) / 2
    entropy = math.log(2 * math.pi * math.e * s2) / 2
    assert gaussian_terms(SCHEDULE, m, s2, variance).sum() > evidence + 0.01
    assert evidence > entropy + 0.001


def test_with_more_steps_the_exact_predictors_bound_comes_down_to_the_entropy():
    m, s2 = 0.8, 0.5
    entropy = math.log(2 * math.pi * math.e * s2) / 2
    gaps = [
        gaussian_terms(schedules.cosine(steps), m, s2, "beta").sum() - entropy
        for steps in (10, 30, 100, 300, 1000)
    ]
    assert all(0 < later < 0.5 * sooner for sooner, later in pairwise(gaps))
    assert gaps[-1] < 0.01


def test_on_a_mixture_the_bound_of_the_exact_predictor_comes_down_to_the_evidence():
    centres = torch.tensor([[1.0, 0.0], [-1.0, 0.8], [0.2, -1.2]], dtype=torch.float64)
    law = GaussianMixture.isotropic(centres, 0.25)
    n = 600
    x_0 = law.sample(n, torch.Generator().manual_seed(3))
    gaps = []
    for steps in (20, 100, 1000):
        schedule = schedules.cosine(steps)
        terms = ddpm.bound(schedule, partial(law.eps, schedule), x_0)
        gap = terms.sum(1) * 2 * math.log(2) + law.log_density(x_0)  # in nats, draw by draw
        error = float(gap.std()) / n**0.5
        assert float(gap.mean()) > -4 * error
        gaps.append(float(gap.mean()))
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]
    assert gaps[2] < 0.1


def test_single_precision_bounds_as_double_does():
    """At a small t what is compared is nearly equal, and the variance is 1e-5: nothing may cancel."""
    law = GaussianMixture.isotropic(torch.tensor([[1.0, 0.0], [-1.0, 0.8]], dtype=torch.float64), 0.25)
    schedule = schedules.cosine(200)
    x_0 = law.sample(50, torch.Generator().manual_seed(3)).float()
    answers = {}

    def network(x, t):  # the noise is drawn in either precision: the answer is for its own x
        return law.eps(schedule, x.double(), t).to(x)

    for variance in VARIANCES:
        for dtype in (torch.float32, torch.float64):
            x = x_0.to(dtype)
            with pytest.MonkeyPatch.context() as patch:
                draw = torch.randn
                patch.setattr(torch, "randn", lambda *a, dtype, draw=draw, **k: draw(*a, **k).to(dtype))
                answers[dtype] = ddpm.bound(schedule, network, x, variance=variance).double().numpy()
        assert_allclose(answers[torch.float32], answers[torch.float64], rtol=2e-3, atol=2e-6)


# --------------------------------------------------------------------------- L_0 over the cells of grey


def centred(mu):
    """A network of which μ_θ(x_1, 1) is mu, whatever x_1."""
    return lambda x, t: (x - math.sqrt(KEPT[1]) * mu) / math.sqrt(1 - KEPT[1])


@pytest.mark.parametrize("levels", [2, 3, 8, 256])
@pytest.mark.parametrize("mu", [-1.7, -0.31, 0.0, 0.94])
@pytest.mark.parametrize("beta", [1e-4, 0.3])
def test_the_cells_share_out_the_whole_probability(levels, mu, beta):
    one = Schedule(torch.tensor([beta]))
    x = torch.linspace(-1, 1, levels, dtype=torch.float64)[:, None]
    network = lambda x, t: (x - math.sqrt(1 - one.betas[1]) * mu) / one.betas[1].sqrt()  # noqa: E731
    log2 = -ddpm.bound(one, network, x, levels=levels)[:, 0].numpy()
    assert_allclose((2.0**log2).sum(), 1, rtol=1e-12)
    edges = np.concatenate([[-np.inf], (np.arange(levels - 1) + 0.5) * 2 / (levels - 1) - 1, [np.inf]])
    expected = np.diff(stats.norm.cdf(edges, mu, one.betas[1].sqrt().item()))
    assert_allclose(2.0**log2, expected, rtol=1e-6, atol=1e-14)


def test_a_cell_far_off_has_the_probability_that_it_has():
    """Both sides alike, where the distribution function itself rounds to 0 or to 1."""
    x = torch.tensor([[0.0], [0.5]], dtype=torch.float64)  # 5 levels: cells of width 1/2
    sigma, found = math.sqrt(0.3), []
    for side in (1, -1):
        L_0 = ddpm.bound(SCHEDULE, centred(-30.0 * side), side * x, levels=5)[:, 0]
        found.append(-L_0.numpy() * math.log(2))
    for here, log_p in zip(x[:, 0].tolist(), found[0], strict=True):
        grid = np.linspace(here - 0.25, here + 0.25, 50_001)
        log_density = stats.norm.logpdf(grid, -30.0, sigma)  # some -1500: the sum is scaled by its largest
        scaled = np.exp(log_density - log_density.max())
        assert_allclose(log_p, log_density.max() + math.log(integrate.trapezoid(scaled, grid)), rtol=1e-6)
    assert_allclose(found[0], found[1], rtol=1e-10)


def test_the_bound_lies_above_the_true_evidence_of_whole_numbers():
    """Two steps, five levels, a network that is no Gaussian's: P(x_0) by quadrature over x_1 and x_2."""
    schedule = Schedule(torch.tensor([0.3, 0.6], dtype=torch.float64))
    network = lambda x, t: torch.tanh(1.5 * x) * (0.4 + 0.3 * t[:, None])  # noqa: E731
    grid = torch.linspace(-7, 7, 1401, dtype=torch.float64)
    step = float(grid[1] - grid[0])
    edges = torch.tensor([-math.inf, -0.75, -0.25, 0.25, 0.75, math.inf], dtype=torch.float64)
    to_1, s_1, _ = ddpm.p_mean_variance(schedule, network, grid[:, None], at(2, 1401))
    to_0, s_0, _ = ddpm.p_mean_variance(schedule, network, grid[:, None], at(1, 1401))
    normal = torch.distributions.Normal
    p_1 = (normal(to_1, s_1.sqrt()).log_prob(grid).exp() * normal(0, 1).log_prob(grid[:, None]).exp()).sum(
        0
    ) * step
    cells = normal(to_0, s_0.sqrt()).cdf(edges).diff()  # (1401, 5)
    evidence = (p_1[:, None] * cells).sum(0) * step
    assert_allclose(float(evidence.sum()), 1, atol=1e-5)
    n = 4000
    for level, p in enumerate(evidence.tolist()):
        x_0 = torch.full((n, 1), level / 2 - 1, dtype=torch.float64)
        bits = ddpm.bound(schedule, network, x_0, levels=5).sum(1)
        error = float(bits.std()) / n**0.5
        assert float(bits.mean()) > -math.log2(p) - 4 * error
        assert float(bits.mean()) < -math.log2(p) + 1.5  # and not by far


def test_one_level_is_no_data():
    with pytest.raises(ValueError, match="levels is 1; expected at least 2, or None"):
        ddpm.bound(SCHEDULE, told([]), random(2, 2), levels=1)


@pytest.mark.parametrize("device", DEVICES)
def test_the_bound_is_computed_where_the_data_are(device):
    x_0 = random(3, 1, 4, 4, dtype=torch.float32).to(device)
    terms = ddpm.bound(SCHEDULE, told([]), x_0, clip=1.0, levels=256)
    assert (terms.shape, terms.dtype, terms.device.type) == ((3, T + 1), torch.float32, device)
    assert torch.equal(terms, ddpm.bound(SCHEDULE, told([]), x_0, clip=1.0, levels=256))
    assert not torch.equal(terms, ddpm.bound(SCHEDULE, told([]), x_0, clip=1.0, levels=256, seed=1))


# ------------------------------------------------------------------------------ a network for points


def test_the_network_for_points_is_the_one_that_is_printed():
    net = ddpm.MLP(3, 8, 2).double()
    with torch.no_grad():
        net.last.weight.normal_(generator=torch.Generator().manual_seed(1))
    x, t = random(5, 3), torch.tensor([1, 7, 7, 30, 2])
    P = {name: p.detach().numpy() for name, p in net.named_parameters()}

    def linear(name, h):
        return h @ P[f"{name}.weight"].T + P[f"{name}.bias"]

    def silu(h):
        return h / (1 + np.exp(-h))

    waves = [
        [f(k * 10_000 ** (-2 * i / 8)) for f in (math.sin, math.cos) for i in range(4)] for k in t.tolist()
    ]
    e, h = linear("time", np.array(waves)), linear("first", x.numpy())
    for layer in ("hidden.0", "hidden.1"):
        h = h + linear(layer, silu(h + e))
    assert_allclose(net(x, t).detach().numpy(), linear("last", silu(h)), rtol=1e-5, atol=1e-6)
    assert net.settings == {"d": 3, "width": 8, "depth": 2}


def test_the_seed_decides_the_weights_and_nothing_else_does():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (ddpm.MLP(seed=s).first.weight for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_width_that_is_odd_is_named():
    with pytest.raises(ValueError, match="d is 7; expected an even number"):
        ddpm.MLP(2, 7)(random(3, 2, dtype=torch.float32), at(1, 3))


# ----------------------------------------------------------------------------------------- training


def by_hand(net, X, schedule, *, steps, batch_size, lr, decay, ema, seed):
    """Algorithm 1, gradients asked for by name, Adam by its formulas, the average by its recursion."""
    generator = torch.Generator().manual_seed(seed)
    parameters = list(net.parameters())
    average = [p.detach().clone() for p in parameters]
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    kept, losses = schedule.alphas_cumprod, []
    for step in range(steps):
        x_0 = X[torch.randint(len(X), (batch_size,), generator=generator)]
        t = torch.randint(1, schedule.T + 1, (batch_size,), generator=generator)
        eps = torch.randn(x_0.shape, generator=generator, dtype=X.dtype)
        x_t = kept[t, None].sqrt() * x_0 + (1 - kept[t, None]).sqrt() * eps
        loss = ((eps - net(x_t, t)) ** 2).mean()
        rate = lr * (1 - step / steps) if decay else lr
        weight = min(ema, (1 + step) / (10 + step))  # of the past
        with torch.no_grad():
            for k, slope in enumerate(torch.autograd.grad(loss, parameters)):
                first[k] = 0.9 * first[k] + 0.1 * slope
                second[k] = 0.999 * second[k] + 0.001 * slope**2
                m, v = first[k] / (1 - 0.9 ** (step + 1)), second[k] / (1 - 0.999 ** (step + 1))
                parameters[k] -= rate * m / (v.sqrt() + 1e-8)
                average[k] = weight * average[k] + (1 - weight) * parameters[k]
        losses.append(loss.item())
    return losses, average


@pytest.mark.parametrize(("decay", "ema"), [(True, 0.999), (False, 0.3)])
def test_training_is_algorithm_1_and_ends_with_the_average(decay, ema):
    X, net = random(30, 2), ddpm.MLP(2, 8, 2).double()
    asked = {"steps": 7, "batch_size": 5, "lr": 1e-2, "decay": decay, "ema": ema, "seed": 3}
    losses, average = by_hand(copy.deepcopy(net), X, SCHEDULE, **asked)
    assert_allclose(ddpm.train(net, X, SCHEDULE, **asked, device="cpu").numpy(), losses, rtol=1e-6)
    for ours, theirs in zip(net.parameters(), average, strict=True):
        assert_allclose(ours.detach().numpy(), theirs.numpy(), rtol=1e-7, atol=1e-9)
        assert ours.requires_grad


def test_the_average_keeps_no_graph(monkeypatch):
    """It would grow with every step: the average's parameters stay plain numbers."""
    copies, deepcopy = [], copy.deepcopy
    monkeypatch.setattr(copy, "deepcopy", lambda *a: copies.append(deepcopy(*a)) or copies[-1])
    ddpm.train(ddpm.MLP(2, 8, 1), random(9, 2, dtype=torch.float32), SCHEDULE, steps=2, device="cpu")
    (average,) = [c for c in copies if isinstance(c, ddpm.MLP)]
    assert not any(p.requires_grad for p in average.parameters())


def test_statistics_that_a_network_keeps_are_the_last_ones():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.layer = nn.BatchNorm1d(2), nn.Linear(2, 2)

        def forward(self, x, t):
            return self.layer(self.norm(x))

    net = Normed()
    seen = []
    ddpm.train(net, random(50, 2, dtype=torch.float32) + 3, SCHEDULE, steps=5, device="cpu",
               on_step=lambda step, now: seen.append(now.norm.running_mean.clone()))  # fmt: skip
    assert torch.equal(net.norm.running_mean, seen[-1])
    assert int(net.norm.num_batches_tracked) == 5


@pytest.mark.parametrize("stop", [3, 10])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(stop, tmp_path, interrupt_at):
    X, asked = (
        random(64, 2, dtype=torch.float32),
        {"steps": 12, "batch_size": 16, "ema": 0.9, "device": "cpu"},
    )
    whole, stopped, resumed = [ddpm.MLP(2, 8, 1, seed=s) for s in (0, 0, 9)]  # the last starts anew
    losses = ddpm.train(whole, X, SCHEDULE, **asked)
    path = tmp_path / "run.checkpoint"
    with interrupt_at(stop), pytest.warns(UserWarning, match=f"DDPM: interrupted after step {stop} of 12"):
        part = ddpm.train(stopped, X, SCHEDULE, **asked, checkpoint=path)
    assert part.isfinite().tolist() == [step < stop for step in range(12)]
    assert torch.equal(ddpm.train(resumed, X, SCHEDULE, **asked, checkpoint=path), losses)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(stopped.first.weight, whole.first.weight)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lr": 0.5}, r"lr = 0.001 there, 0.5 here"),
        ({"schedule": schedules.cosine(5)}, r"T = 4 there, 5 here"),
        ({"schedule": schedules.cosine(4)}, r"alphas_cumprod_T = 0.08\d* there"),
        ({"network": ddpm.MLP(2, 16, 1)}, r"network.width = 8 there, 16 here"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(change, said, tmp_path):
    asked = {"network": ddpm.MLP(2, 8, 1), "X": random(9, 2, dtype=torch.float32), "schedule": SCHEDULE}
    asked |= {"steps": 2, "device": "cpu", "checkpoint": tmp_path / "run.checkpoint"}
    ddpm.train(**asked)
    with pytest.raises(ValueError, match=f"another run: {said}"):
        ddpm.train(**asked | change)


def test_each_step_is_told():
    steps, net = [], ddpm.MLP(2, 8, 1)
    ddpm.train(net, random(9, 2, dtype=torch.float32), SCHEDULE, steps=3, device="cpu",
               on_step=lambda *now: steps.append(now))  # fmt: skip
    assert steps == [(1, net), (2, net), (3, net)]


def test_data_that_are_none_and_a_loss_that_is_none_are_named():
    X = random(50, 2, dtype=torch.float32)
    with pytest.raises(ValueError, match=r"X has shape \(0, 2\); expected data"):
        ddpm.train(ddpm.MLP(), X[:0], SCHEDULE, steps=1)
    X[:] = math.nan
    with pytest.raises(FloatingPointError, match="DDPM: the loss is not finite from step 0"):
        ddpm.train(ddpm.MLP(), X, SCHEDULE, steps=2, device="cpu")


@pytest.mark.parametrize("device", DEVICES)
def test_a_network_in_bfloat16_keeps_its_weights_in_single(device):
    net = ddpm.MLP(2, 16, 1)
    losses = ddpm.train(net, random(64, 2, dtype=torch.float32), SCHEDULE, steps=20, bf16=True, device=device)
    assert losses.isfinite().all()
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert {p.device.type for p in net.parameters()} == {device}


@pytest.mark.parametrize("device", DEVICES)
def test_two_moons_in_seconds(device):
    """MMD² to fresh data: a fifth of a Gaussian fit's."""

    def moons(n, seed):
        x, _ = toy.two_moons(n, torch.Generator().manual_seed(seed))
        return (x - torch.tensor([0.5, 0.25])) / 0.7

    X, fresh = moons(10_000, 0), moons(1500, 1)
    schedule, net = schedules.quadratic(100, 1e-3, 0.25), ddpm.MLP(2, 64, 3)
    ddpm.train(net, X, schedule, steps=1500, batch_size=256, lr=8e-3, ema=0.99, device=device)
    x_T = random(1500, 2, dtype=torch.float32).to(device)
    x = samplers.ancestral(schedule, net, x_T, variance="posterior").cpu()
    root = torch.linalg.cholesky(X.T.cov())
    fit = X.mean(0) + random(1500, 2, seed=1, dtype=torch.float32) @ root.T
    assert mmd2(x, fresh, 0.3) < mmd2(fit, fresh, 0.3) / 5


def test_weights_that_are_not_there_are_named():
    with pytest.raises(ValueError, match="there are no weights 'ddpm_cats'"):
        ddpm.pretrained("ddpm_cats")
