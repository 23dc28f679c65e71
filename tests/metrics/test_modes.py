"""Counting modes and classes, where the counts are known."""

import math

import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from gentutor.data import toy
from gentutor.metrics.modes import modes, reverse_kl

CENTRES, SIGMA = toy.gaussian_grid_centres(), toy.GAUSSIAN_GRID_SIGMA


def test_points_at_known_places_are_counted_as_they_lie():
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]])
    x = torch.tensor([[0.29, 0.0], [0.31, 0.0], [1.0, -0.29], [1.2, 0.2], [0.5, 0.0], [1.25, 0.25]])
    found = modes(x, centres, 0.1)
    assert found.counts.tolist() == [1, 2, 0]  # 1.2, 0.2 is 0.283 off; 1.25, 0.25 is 0.354
    assert (found.covered, found.share) == (2, 0.5)
    assert modes(x, centres, 0.1, within=2).counts.tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_the_grid_itself_has_all_modes_and_the_share_of_a_rayleigh_law(seed):
    x, _ = toy.gaussian_grid(2500, torch.Generator().manual_seed(seed))
    found = modes(x, CENTRES, SIGMA)
    share = 1 - math.exp(-9 / 2)
    assert found.covered == 25
    assert abs(found.share - share) < 4 * math.sqrt(share * (1 - share) / 2500)
    assert stats.chisquare(found.counts.numpy()).pvalue > 1e-3


def test_dropped_modes_are_missed_and_one_sample_is_enough():
    x, y = toy.gaussian_grid(2500, torch.Generator().manual_seed(0))
    kept = x[(y != 3) & (y != 17)]
    assert modes(kept, CENTRES, SIGMA).covered == 23
    assert modes(torch.cat([kept, CENTRES[3:4] + 0.1]), CENTRES, SIGMA).covered == 24  # 0.141 < 0.15 off
    assert modes(torch.cat([kept, CENTRES[3:4] + 0.11]), CENTRES, SIGMA).covered == 23


def test_samples_without_a_mode_are_not_good():
    x = 8 * torch.rand(200_000, 2, generator=torch.Generator().manual_seed(0)) - 4
    # centres on the border have half a disc inside, those at the corners a quarter
    inside = (9 + 12 / 2 + 4 / 4) * math.pi * 0.15**2 / 64
    assert_allclose(modes(x, CENTRES, SIGMA).share, inside, rtol=0.03)


def test_bad_samples_are_named():
    with pytest.raises(ValueError, match=r"shapes \(2, 3\), \(25, 2\)"):
        modes(torch.zeros(2, 3), CENTRES, SIGMA)
    with pytest.raises(ValueError, match="the generator that made it has diverged"):
        modes(torch.full((2, 2), math.nan), CENTRES, SIGMA)


def test_reverse_kl_is_scipys_entropy():
    counts, reference = torch.tensor([5, 0, 12, 3]), torch.tensor([50, 10, 20, 20])
    assert_allclose(
        reverse_kl(counts, reference), stats.entropy(counts.numpy(), reference.numpy()), rtol=1e-12
    )
    assert reverse_kl(reference, 3 * reference) == pytest.approx(0, abs=1e-15)


def test_reverse_kl_of_dropped_classes_is_known_and_has_a_direction():
    even = torch.ones(10)
    half = torch.tensor([1.0] * 5 + [0.0] * 5)
    assert_allclose(reverse_kl(half, even), math.log(2), rtol=1e-12)
    assert reverse_kl(even, half) == math.inf


def test_bad_counts_are_named():
    with pytest.raises(ValueError, match="expected"):
        reverse_kl(torch.zeros(3), torch.ones(3))
    with pytest.raises(ValueError, match="expected"):
        reverse_kl(torch.ones(3), torch.ones(4))
