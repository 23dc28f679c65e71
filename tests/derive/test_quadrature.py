"""Integrals against closed forms and scipy's adaptive quadrature."""

from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad

from gentutor.derive.worlds.array import Array, NotExact
from gentutor.derive.worlds.quadrature import _fifth, _product_rule, _third, integrate
from gentutor.derive.worlds.world import Contents, World


def world(d, reach=16.0):
    return World("trial", {"d": d}, {}, lambda parameters: Contents({}), d=d, reach=reach)


def moment(powers):
    """E u^powers under the standard normal law."""
    odd = {0: 1, 1: 0, 2: 1, 3: 0, 4: 3, 5: 0}
    return np.prod([odd[p] for p in powers])


@pytest.mark.parametrize(("rule", "degree"), [(_third, 3), (_fifth, 5), (lambda n: _product_rule(3, n), 5)])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_rules_have_their_degree(rule, degree, n):
    nodes, weights = rule(n)
    for powers in product(range(degree + 1), repeat=n):
        if sum(powers) <= degree:
            found = (weights * np.prod(nodes ** np.array(powers), axis=1)).sum()
            assert np.isclose(found, moment(powers), atol=1e-12), powers


def quadratic(rng, n):
    """A log weight -1/2 u^T P u + b^T u + c, and its integral and mean."""
    a = rng.standard_normal((n, n))
    P, b, c = a @ a.T + 0.5 * np.eye(n), rng.standard_normal(n), 0.37
    S = np.linalg.inv(P)
    mass = np.exp(c + 0.5 * b @ S @ b) * np.sqrt((2 * np.pi) ** n * np.linalg.det(S))
    return P, b, c, S, S @ b, mass


@pytest.mark.parametrize("d", [1, 2])
def test_a_polynomial_under_an_exponential_of_a_quadratic(d):
    rng = np.random.default_rng(d)
    P, b, c, S, mean, mass = quadratic(rng, 2 * d)
    A = rng.standard_normal((2 * d, 2 * d))

    def stacked(points):
        return np.concatenate([points["u"].data, points["v"].data], axis=-1)

    def log_weight(points):
        u = stacked(points)
        return Array(-0.5 * np.einsum("ni,ij,nj->n", u, P, u) + u @ b + c, points["u"].axes)

    def rest(points):
        u = stacked(points)
        return Array(np.einsum("ni,ij,nj->n", u, A, u), points["u"].axes)

    found = integrate(world(d), ("u", "v"), "~00", log_weight, rest)
    assert np.isclose(found.data, mass * (np.trace(A @ S) + mean @ A @ mean), rtol=1e-12)


def log_normal(points, mean=0.4, deviation=0.8):
    x = points["x"]
    log = -0.5 * ((x.data[..., 0] - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))
    return Array(log, x.axes)


def test_a_smooth_integrand_on_the_line():
    def rest(points):
        return Array(np.log1p(np.exp(np.sin(points["x"].data[..., 0]))), points["x"].axes)

    found = integrate(world(1), ("x",), "~00", log_normal, rest)
    wanted, _ = quad(
        lambda x: (
            np.exp(-0.5 * ((x - 0.4) / 0.8) ** 2) / (0.8 * np.sqrt(2 * np.pi)) * np.log1p(np.exp(np.sin(x)))
        ),
        -8,
        9,
        epsabs=1e-13,
    )
    assert np.isclose(found.data, wanted, rtol=1e-11)


def test_what_cannot_be_exact_is_refused():
    def kink(points):
        return Array(np.abs(points["x"].data[..., 0]), points["x"].axes)

    def growing(points):
        return Array(0.5 * points["x"].data[..., 0] ** 2, points["x"].axes)

    with pytest.raises(NotExact):
        integrate(world(1), ("x",), "~00", log_normal, kink)
    with pytest.raises(NotExact), np.errstate(over="ignore", invalid="ignore"):
        integrate(
            world(1), ("x",), "~00", growing, lambda points: Array(np.ones(len(points["x"].data)), ("~00",))
        )
