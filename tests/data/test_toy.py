"""The 2-D sets against their laws: moments, goodness of fit, and scikit-learn's own samplers.

Seeds are fixed, so that these tests give one answer. By chance each bound is exceeded under one seed in a
thousand or fewer.
"""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import cKDTree
from sklearn.datasets import make_moons, make_swiss_roll

from gentutor.data import load, toy

N = 40_000
P_MIN = 1e-3
STANDARD_ERRORS = 4.5


def draw(name):
    data = load(name, n=N, seed=5)
    return data.x.double().numpy(), data.y.numpy()


@pytest.mark.parametrize(
    ("name", "classes"),
    [("eight-gaussians", 8), ("gaussian-grid", 25), ("swiss-roll", 3), ("two-moons", 2), ("checkerboard", 8)],
)
def test_labels_are_equally_likely_and_independent(name, classes):
    y = draw(name)[1]
    assert stats.chisquare(np.bincount(y, minlength=classes)).pvalue > P_MIN
    pairs = y[::2] * classes + y[1::2]
    assert stats.chisquare(np.bincount(pairs, minlength=classes**2)).pvalue > P_MIN


@pytest.mark.parametrize(
    ("name", "centres", "sigma", "public"),
    [
        (
            "eight-gaussians",
            [(2 * z.real, 2 * z.imag) for z in np.exp(2j * np.pi * np.arange(8) / 8)],
            0.02,
            toy.eight_gaussians_centres,
        ),
        ("gaussian-grid", list(product((-4, -2, 0, 2, 4), repeat=2)), 0.05, toy.gaussian_grid_centres),
    ],
)
def test_gaussian_mixtures(name, centres, sigma, public):
    x, y = draw(name)
    np.testing.assert_allclose(public().numpy(), centres, atol=1e-6)
    residual = (x - np.array(centres)[y]) / sigma
    for k in range(len(centres)):
        e = residual[y == k]
        n = len(e)
        np.testing.assert_allclose(e.mean(0), 0, atol=STANDARD_ERRORS / math.sqrt(n))
        spread = STANDARD_ERRORS * np.sqrt([[2 / n, 1 / n], [1 / n, 2 / n]])
        assert (np.abs(np.cov(e.T) - np.eye(2)) < spread).all()
    assert stats.kstest(residual.ravel(), "norm").pvalue > P_MIN
    assert stats.kstest(np.hypot(*residual.T), "rayleigh").pvalue > P_MIN


def assert_same_law(ours, theirs):
    """Two-sample Kolmogorov-Smirnov tests of both coordinates, both diagonals and the radius."""
    for a, b in ((1, 0), (0, 1), (1, 1), (1, -1)):
        assert stats.ks_2samp(ours @ (a, b), theirs @ (a, b)).pvalue > P_MIN
    assert stats.ks_2samp(np.hypot(*ours.T), np.hypot(*theirs.T)).pvalue > P_MIN


def test_swiss_roll():
    x, y = draw("swiss-roll")
    theirs, t = make_swiss_roll(N, noise=0.25, random_state=11)
    half_turn = np.floor((t - 1.5 * np.pi) / np.pi)
    for k in range(3):
        assert_same_law(x[y == k], theirs[half_turn == k][:, [0, 2]] / 7.5)
    angle = np.linspace(1.5 * np.pi, 4.5 * np.pi, 20_000)
    curve = cKDTree(np.stack((angle * np.cos(angle), angle * np.sin(angle)), axis=1) / 7.5)
    noise = [np.mean(curve.query(points)[0] ** 2) for points in (x, theirs[:, [0, 2]] / 7.5)]
    assert noise[0] == pytest.approx(noise[1], rel=STANDARD_ERRORS * math.sqrt(4 / N))  # each 2 / N relative


def test_two_moons():
    x, y = draw("two-moons")
    theirs, moon = make_moons(N, noise=0.1, random_state=11)
    for k in range(2):
        assert_same_law(x[y == k], theirs[moon == k])
    radius = np.hypot(*(x - np.array([(0, 0), (1, 0.5)])[y]).T)  # |m + sigma e| with |m| = 1
    law = stats.rice(1 / 0.1, scale=0.1)
    assert stats.kstest(radius, law.cdf).pvalue > P_MIN
    assert radius.std() == pytest.approx(law.std(), rel=STANDARD_ERRORS / math.sqrt(2 * N))


def test_checkerboard():
    x, y = draw("checkerboard")
    cell = np.floor(x / 2)
    assert (np.abs(x) <= 4).all()
    assert (cell.sum(1) % 2 == 0).all()  # black cells only
    np.testing.assert_array_equal(2 * cell, toy.checkerboard_corners().numpy()[y])
    assert len(np.unique(cell, axis=0)) == 8
    for inside in (x / 2 - cell).T:
        assert stats.kstest(inside, "uniform").pvalue > P_MIN
    assert abs(np.corrcoef((x / 2 - cell).T)[0, 1]) < STANDARD_ERRORS / math.sqrt(N)
