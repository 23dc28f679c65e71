"""MMD against sums written out, closed forms of Gaussians, and the levels of its test.

The test that is tried has a Gaussian kernel with h = 0.5, 999 relabellings and the level 0.005. For eight
Gaussians 400 points on each side do. Of 25 each holds 4% of the mass, and one that is missing is seen from
some 2,000 points on: 2,500 are taken, as for the counting of modes. (With them each of the 25 was left out
once, and the right law tried on 100 seeds: the largest p was 0.004, the smallest 0.009. That takes minutes.)
"""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from gentutor.data import toy
from gentutor.metrics.mmd import mmd2, mmd_test

BANDWIDTH, LEVEL = 0.5, 0.005


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_sums(x, y, h):
    def k(a, b):
        return math.exp(-((a - b) ** 2).sum() / (2 * h**2))

    xx = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    yy = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    return xx + yy - 2 * np.mean([k(a, b) for a in x for b in y])


def test_it_is_the_sum_that_is_printed():
    x, y = random(7, 3, seed=1), 0.5 + random(9, 3, seed=2)
    assert_allclose(mmd2(x, y, 1.3), by_sums(x.numpy(), y.numpy(), 1.3), rtol=1e-10)
    both = torch.cat([x, y]).numpy()
    distances = [np.linalg.norm(a - b) for i, a in enumerate(both) for b in both[:i]]
    median = sorted(distances)[(len(distances) - 1) // 2]  # torch's: the lower of the two in the middle
    assert_allclose(mmd2(x, y), by_sums(x.numpy(), y.numpy(), median), rtol=1e-10)


def test_between_gaussians_it_is_the_closed_form():
    """E k(x, y) = (h²/(h² + 2))^(d/2) exp(-|m|²/(2 (h² + 2))) for unit Gaussians whose means lie m apart."""
    h, m, d = 1.0, 0.8, 2
    x, y = random(2000, d, seed=3), random(2000, d, seed=4) + torch.tensor([m, 0.0])
    same = (h**2 / (h**2 + 2)) ** (d / 2)
    exact = 2 * same * (1 - math.exp(-(m**2) / (2 * (h**2 + 2))))
    assert_allclose(mmd2(x, y, h), exact, rtol=0.15)


def test_it_is_unbiased():
    values = [mmd2(random(20, 2, seed=2 * s), random(20, 2, seed=2 * s + 1), 1.0) for s in range(300)]
    assert min(values) < 0  # as it must be now and then
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(300)


def drawn(law, n, seed, without=-1):
    x, y = law(2 * n, torch.Generator().manual_seed(seed))
    return x[y != without][:n]


def test_the_right_law_passes_on_100_seeds_and_its_p_values_are_uniform():
    """At level 0.005 a hundred tries are rejected once in two on average; under these seeds never."""
    p = []
    for seed in range(100):
        x, y = (drawn(toy.eight_gaussians, 400, 2 * seed + side) for side in (0, 1))
        p.append(mmd_test(x, y, BANDWIDTH, seed=seed))
    assert min(p) > LEVEL
    assert stats.kstest(p, stats.uniform.cdf).pvalue > 1e-3


@pytest.mark.parametrize("dropped", range(8))
def test_a_dropped_mode_of_eight_is_seen(dropped):
    x, y = drawn(toy.eight_gaussians, 400, 3, without=dropped), drawn(toy.eight_gaussians, 400, 4)
    assert mmd_test(x, y, BANDWIDTH) <= LEVEL


def test_a_dropped_mode_of_25_is_seen():
    x, y = drawn(toy.gaussian_grid, 2500, 3, without=12), drawn(toy.gaussian_grid, 2500, 4)
    assert mmd_test(x, y, BANDWIDTH) <= LEVEL
    assert mmd_test(drawn(toy.gaussian_grid, 2500, 5), y, BANDWIDTH) > LEVEL


def test_the_p_value_is_the_share_of_relabellings():
    """With 2 and 2 points there are six labellings of equal weight; the true one has the largest value."""
    x, y = torch.tensor([[0.0], [0.1]]), torch.tensor([[5.0], [5.1]])
    values = {}
    both = torch.cat([x, y])
    for i in range(4):
        for j in range(i):
            rest = [k for k in range(4) if k not in (i, j)]
            values[j, i] = mmd2(both[[j, i]], both[rest], 1.0)
    assert values[0, 1] == pytest.approx(max(values.values()))
    assert_allclose(mmd_test(x, y, 1.0, permutations=5999), 2 / 6, atol=0.03)  # it, and its mirror


def test_equal_samples_are_never_told_apart():
    x = random(30, 2)
    assert mmd_test(x, x.clone(), permutations=99) == 1


def test_bad_samples_are_named():
    with pytest.raises(ValueError, match=r"shapes \(3, 2\), \(3, 1\)"):
        mmd2(torch.zeros(3, 2), torch.zeros(3, 1))
    with pytest.raises(ValueError, match="NaN or infinity"):
        mmd2(torch.full((3, 2), math.nan), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="are all samples equal"):
        mmd2(torch.zeros(3, 2), torch.zeros(3, 2))
