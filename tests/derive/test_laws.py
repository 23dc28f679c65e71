"""Joint laws against scipy and against brute enumeration."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gentutor.derive.worlds.array import Array, NotExact
from gentutor.derive.worlds.laws import Chain, Gaussian, Mixture, Table, cholesky


def covariance(rng, n):
    a = rng.standard_normal((n, n))
    return a @ a.T + 0.3 * np.eye(n)


def points(**values):
    return {name: Array(np.asarray(value), ("i",), "c") for name, value in values.items()}


def test_a_table_conditions_and_marginalises_as_counting_does():
    rng = np.random.default_rng(1)
    mass = rng.random((2, 3, 4))
    mass /= mass.sum()
    law = Table(("x", "y", "z"), mass)
    at = {"x": Array(np.array([1, 0]), ("i",), "state"), "z": Array(np.array([2, 3, 0]), ("j",), "state")}
    found = law.log_density(("x",), ("z",), at)
    assert found.axes == ("i", "j")
    for i, x in enumerate((1, 0)):
        for j, z in enumerate((2, 3, 0)):
            assert np.isclose(np.exp(found.data[i, j]), mass[x, :, z].sum() / mass[:, :, z].sum(), rtol=1e-13)


def test_a_gaussian_conditional_is_the_ratio_of_joint_and_marginal():
    rng = np.random.default_rng(2)
    mean, S = rng.standard_normal(5), covariance(rng, 5)
    law = Gaussian({"a": 2, "b": 1, "c": 2}, mean, S)
    a, c = rng.standard_normal((4, 2)), rng.standard_normal((4, 2))
    found = law.log_density(("c",), ("a",), points(a=a, c=c))
    rows = [0, 1, 3, 4]
    joint = multivariate_normal(mean[rows], S[np.ix_(rows, rows)]).logpdf(np.hstack([a, c]))
    assert np.allclose(found.data, joint - multivariate_normal(mean[:2], S[:2, :2]).logpdf(a), rtol=1e-11)


def test_a_mixture_conditional_weighs_its_parts_by_what_is_given():
    rng = np.random.default_rng(3)
    means, spreads, weights = (
        rng.standard_normal((2, 2)),
        [covariance(rng, 2) for _ in "ab"],
        np.array([0.3, 0.7]),
    )
    law = Mixture(weights, [Gaussian({"x": 1, "y": 1}, m, S) for m, S in zip(means, spreads, strict=True)])
    x, y = rng.standard_normal((3, 1)), rng.standard_normal((3, 1))
    found = law.log_density(("x",), ("y",), points(x=x, y=y))
    normals = [multivariate_normal(m, S) for m, S in zip(means, spreads, strict=True)]
    alone = [multivariate_normal(m[1], S[1, 1]) for m, S in zip(means, spreads, strict=True)]
    joint = sum(w * n.pdf(np.hstack([x, y])) for w, n in zip(weights, normals, strict=True))
    below = sum(w * n.pdf(y[:, 0]) for w, n in zip(weights, alone, strict=True))
    assert np.allclose(np.exp(found.data), joint / below, rtol=1e-12)


def test_a_chain_of_affine_steps_has_the_moments_of_the_composed_map():
    rng = np.random.default_rng(4)
    A, B, b, c = (
        rng.standard_normal((2, 2)),
        rng.standard_normal((2, 2)),
        rng.standard_normal(2),
        rng.standard_normal(2),
    )
    S0, S1, S2 = (covariance(rng, 2) for _ in range(3))
    law = Chain().append("u", b, S0).append("v", c, S1, u=A).append("w", b, S2, u=B, v=A).law
    # w = B u + A (A u + c + e1) + b + e2 = (B + A A) u + A c + b + A e1 + e2
    M = B + A @ A
    _, mean, S = law.conditional(("w",), ())
    assert np.allclose(mean, M @ b + A @ c + b)
    assert np.allclose(S, M @ S0 @ M.T + A @ S1 @ A.T + S2)


def test_the_cholesky_factor_is_continued_analytically():
    rng = np.random.default_rng(5)
    S, D = covariance(rng, 3), covariance(rng, 3)
    h = 1e-20
    slope = cholesky(S + 1j * h * D).imag / h
    step = 1e-6
    numeric = (np.linalg.cholesky(S + step * D) - np.linalg.cholesky(S - step * D)) / (2 * step)
    assert np.allclose(slope, numeric, atol=1e-8)
    L = cholesky(S + 1j * D)
    assert np.allclose(L @ L.T, S + 1j * D)


@pytest.mark.parametrize(
    "law",
    [
        Table(("x", "z"), np.full((2, 2), 0.25), ("x",)),
        Chain(("x",)).append("x", np.zeros(1), np.eye(1)).append("z", np.zeros(1), np.eye(1)).law,
    ],
)
def test_what_is_only_conditioned_on_has_no_density_of_its_own(law):
    core = "state" if isinstance(law, Table) else "c"
    value = Array(np.zeros(1, dtype=int) if core == "state" else np.zeros((1, 1)), ("i",), core)
    at = {"x": value, "z": value}
    assert np.isfinite(law.log_density(("z",), ("x",), at).data).all()
    with pytest.raises(NotExact, match="x has no law"):
        law.log_density(("x",), (), at)
    with pytest.raises(NotExact, match="no density of y"):
        law.log_density(("y",), (), at)
