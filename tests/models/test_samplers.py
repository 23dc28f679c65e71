"""The ancestral sampler, driven by exact noise predictors: it must give the data's law back."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from gentutor.metrics.mmd import mmd_test
from gentutor.models import samplers, schedules
from gentutor.models.mixture import GaussianMixture
from gentutor.models.schedules import Schedule

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
LARGE = Schedule(torch.tensor([0.3, 0.5, 0.2, 0.7, 0.1], dtype=torch.float64))
MEAN, COV = np.array([0.8, -1.5]), np.array([[1.3, 0.5], [0.5, 0.4]])
GAUSSIAN = GaussianMixture(
    torch.ones(1, dtype=torch.float64), torch.from_numpy(MEAN)[None], torch.from_numpy(COV)[None]
)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# --------------------------------------------------------------- a Gaussian: every step, by value


@pytest.mark.parametrize("variance", ["beta", "posterior"])
@pytest.mark.parametrize("steps", [5, 3])
def test_on_gaussian_data_every_step_is_the_regression_on_the_one_before(variance, steps):
    """x_{t-1} = E_q[x_{t-1} | x_t] + σ_t z with Cov(x_{t-1}, x_t) = √α_t C_{t-1}: no ε, x̂_0 or μ̃."""
    schedule = LARGE.respaced(steps)
    kept = schedule.alphas_cumprod.tolist()
    C = [k * COV + (1 - k) * np.eye(2) for k in kept]
    x_T, way = random(7, 2), []
    x_0 = samplers.ancestral(
        schedule,
        partial(GAUSSIAN.eps, LARGE),  # it is told the steps of the whole schedule
        x_T,
        variance=variance,
        seed=4,
        on_step=lambda *now: way.append(now),
    )
    assert [t for t, _, _ in way] == list(range(steps, 0, -1))
    generator, x = torch.Generator().manual_seed(4), x_T.numpy()
    for t, x_t, x_0_hat in way:
        assert_allclose(x_t.numpy(), x, rtol=1e-10)
        regressed = (
            MEAN + (x - math.sqrt(kept[t]) * MEAN) @ (math.sqrt(kept[t]) * COV @ np.linalg.inv(C[t])).T
        )
        assert_allclose(x_0_hat.numpy(), regressed, rtol=1e-10)
        alpha = kept[t] / kept[t - 1]
        G = math.sqrt(alpha) * C[t - 1] @ np.linalg.inv(C[t])
        sigma2 = (1 - alpha) * (1 if variance == "beta" else (1 - kept[t - 1]) / (1 - kept[t]))
        z = torch.randn(7, 2, generator=generator, dtype=torch.float64).numpy()
        x = math.sqrt(kept[t - 1]) * MEAN + (x - math.sqrt(kept[t]) * MEAN) @ G.T
        x = x + (math.sqrt(sigma2) * z if t > 1 else 0)
    assert_allclose(x_0.numpy(), x, rtol=1e-10)


# ------------------------------------------- a mixture: the law of what comes out, at a thousand steps

N, BANDWIDTH, LEVEL, PERMUTATIONS = 150, 0.4, 1e-3, 1999  # of each permutation test
SCHEDULE = schedules.linear(1000)
CENTRES = torch.tensor([[1.2, 0.0], [-0.4, 1.0], [-0.9, -0.8]])
COVS = torch.tensor(
    [[[0.09, 0.03], [0.03, 0.04]], [[0.02, 0.0], [0.0, 0.06]], [[0.05, -0.02], [-0.02, 0.03]]]
)
LAW = GaussianMixture(torch.full((3,), 1 / 3), CENTRES, COVS)


def p_values(x, seed):
    """Of every N rows of x against N draws of the law."""
    y = LAW.sample(len(x), torch.Generator().manual_seed(seed))
    return [
        mmd_test(a, b, BANDWIDTH, permutations=PERMUTATIONS)
        for a, b in zip(x.split(N), y.split(N), strict=True)
    ]


def test_a_hundred_samples_of_the_right_sampler_have_the_mixtures_law():
    """The seeds' samples are drawn in one run, each from rows of their own."""
    x_T = random(100 * N, 2, seed=1, dtype=torch.float32)
    found = p_values(samplers.ancestral(SCHEDULE, partial(LAW.eps, SCHEDULE), x_T, seed=2), 3)
    assert min(found) > LEVEL
    assert stats.kstest(found, "uniform").pvalue > LEVEL  # and they are spread as those of one law must be


def lost_root(x_T, generator):
    """σ_t² z for σ_t z."""
    x = x_T
    for step in range(SCHEDULE.T, 0, -1):
        t = torch.full((len(x),), step)
        beta, kept = float(SCHEDULE.betas[step]), float(SCHEDULE.alphas_cumprod[step])
        mean = (x - beta / math.sqrt(1 - kept) * LAW.eps(SCHEDULE, x, t)) / math.sqrt(1 - beta)
        x = mean + (beta * torch.randn(x.shape, generator=generator) if step > 1 else 0)
    return x


def dropped_mode(x_T, generator):
    """One of the three never comes."""
    two = GaussianMixture(torch.full((2,), 0.5), CENTRES[:2], COVS[:2])
    return samplers.ancestral(SCHEDULE, partial(two.eps, SCHEDULE), x_T, seed=generator.initial_seed())


@pytest.mark.parametrize("wrong", [lost_root, dropped_mode])
def test_every_sample_of_a_wrong_sampler_is_told_from_the_mixture(wrong):
    x_T = random(10 * N, 2, seed=4, dtype=torch.float32)
    found = p_values(wrong(x_T, torch.Generator().manual_seed(5)), 6)
    assert max(found) < LEVEL


# ------------------------------------------------------------------------------------- how it is driven


def test_the_callback_sees_all_and_changes_nothing():
    x_T, seen = random(4, 2), []
    predictor = partial(GAUSSIAN.eps, LARGE)
    quiet = samplers.ancestral(LARGE, predictor, x_T, seed=3)
    told = samplers.ancestral(LARGE, predictor, x_T, seed=3, on_step=lambda *now: seen.append(now))
    assert torch.equal(quiet, told)
    assert torch.equal(seen[0][1], x_T)
    assert_allclose(seen[-1][2].numpy(), told.numpy(), rtol=1e-12)  # the last step goes to x̂_0 itself
    assert not quiet.requires_grad


def test_the_seed_decides_the_noise_and_nothing_else_does():
    x_T, predictor = random(4, 2), partial(GAUSSIAN.eps, LARGE)
    before = torch.random.get_rng_state()
    first, again, other = (samplers.ancestral(LARGE, predictor, x_T, seed=s) for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_is_cut_stays_in_the_range_of_pictures():
    seen = []
    network = lambda x, t: -x  # noqa: E731, far from any noise
    x = samplers.ancestral(
        LARGE, network, random(4, 1, 3, 3), clip=1.0, on_step=lambda *now: seen.append(now)
    )
    assert x.abs().max() <= 1 + 1e-12
    assert max(float(x_0.abs().max()) for _, _, x_0 in seen) == 1
    assert samplers.ancestral(LARGE, network, random(4, 1, 3, 3)).abs().max() > 5


@pytest.mark.parametrize("device", DEVICES)
def test_it_runs_where_its_noise_is(device):
    x_T = random(6, 2, dtype=torch.float32).to(device)
    x = samplers.ancestral(schedules.cosine(5), lambda x, t: 0.1 * t[:, None] * x, x_T)
    assert (x.device.type, x.dtype, x.shape) == (device, torch.float32, (6, 2))
