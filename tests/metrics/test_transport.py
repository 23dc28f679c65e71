"""W_1 against scipy, a linear programme, and laws whose distance is known."""

import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import optimize, stats

from gentutor.metrics.transport import w1_assignment, w1_sorted


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("seed", range(3))
def test_on_the_line_it_is_scipys(seed):
    x, y = random(200, seed=seed), 0.3 + 1.5 * random(200, seed=seed + 10)
    assert_allclose(float(w1_sorted(x, y)), stats.wasserstein_distance(x.numpy(), y.numpy()), rtol=1e-12)


def test_its_gradient_moves_each_grain_towards_its_place():
    x = torch.tensor([3.0, -1.0, 0.5], dtype=torch.float64, requires_grad=True)
    w1_sorted(x, torch.tensor([0.0, 0.0, 9.0], dtype=torch.float64)).backward()
    assert_allclose(x.grad.numpy(), np.array([-1, -1, 1]) / 3)


def test_in_the_plane_it_is_the_best_of_all_assignments():
    x, y = random(6, 2, seed=1), random(6, 2, seed=2)
    best = min(
        (sum(float((x[i] - y[j]).norm()) for i, j in enumerate(s)) / 6, s)
        for s in itertools.permutations(range(6))
    )
    value, s = w1_assignment(x, y)
    assert_allclose(value, best[0], rtol=1e-12)
    assert tuple(s.tolist()) == best[1]


def test_in_the_plane_it_is_the_linear_programme():
    """min over P >= 0 with rows and columns 1/n of sum P_ij |x_i - y_j|: none beats a permutation."""
    n = 15
    x, y = random(n, 2, seed=3), 2 * random(n, 2, seed=4)
    cost = torch.cdist(x, y).numpy()
    sums = np.vstack([np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))])
    plan = optimize.linprog(cost.ravel(), A_eq=sums, b_eq=np.full(2 * n, 1 / n))
    assert_allclose(w1_assignment(x, y)[0], plan.fun, rtol=1e-8)


def test_a_shift_costs_its_length_and_the_line_agrees_with_the_plane():
    x = random(50, 2, seed=5)
    assert_allclose(w1_assignment(x, x + torch.tensor([3.0, -4.0]))[0], 5.0, rtol=1e-12)
    a, b = random(80, seed=6), random(80, seed=7) * 2 + 1
    on_a_line = [torch.stack([v, torch.zeros(80)], 1) for v in (a, b)]
    assert_allclose(w1_assignment(*on_a_line)[0], float(w1_sorted(a, b)), rtol=1e-12)


def test_bad_shapes_are_named():
    with pytest.raises(ValueError, match=r"shapes \(3,\), \(4,\)"):
        w1_sorted(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"shapes \(3, 2\), \(4, 2\)"):
        w1_assignment(torch.zeros(3, 2), torch.zeros(4, 2))
