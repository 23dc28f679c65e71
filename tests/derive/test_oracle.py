"""The second evaluator agrees with what is known of every chain, and with closed forms."""

import numpy as np
import pytest
import trial
from oracle import chain_worlds, grid, judge, latent_worlds
from oracle.noise import conditional

from gentutor.derive import tree as T
from gentutor.derive.settings import setting_named

CHAINS = trial.chains()
X, Z = T.Variable("x"), T.Variable("z")
Q, P = T.Density("q", (Z,), (X,)), T.Density("p", (Z,))


@pytest.mark.parametrize("printed", CHAINS, ids=lambda printed: f"{printed.setting}-{printed.id}")
def test_it_knows_which_lines_hold(printed: trial.Printed) -> None:
    """It may have no opinion, but never the wrong one."""
    # a line of several relations is wrong if one of them is
    opinions = trial.opinions(printed)
    for number, holds in enumerate(printed.holds):
        found = [opinion for line, opinion in opinions if line == number and opinion is not None]
        assert all(found) or not holds
        assert holds or not found or not all(found)


def test_it_has_an_opinion_on_most_lines() -> None:
    opinions = [holds for printed in CHAINS for _, holds in trial.opinions(printed)]
    assert sum(holds is None for holds in opinions) < 0.3 * len(opinions)


def test_kl_of_normals_on_a_grid() -> None:
    world = latent_worlds.line(np.random.default_rng(3), 2, frozenset(), False)
    scope = grid.Dense(world)
    _, _, _, m, s = (value.ravel() for value in world._model("theta"))
    a, c, r = (value.ravel() for value in world._guess())
    found = scope.value(T.Divergence("KL", (Q, P), (Z,)))
    middle = np.abs(world.nodes("x")[0]) < 2
    x = world.nodes("x")[0][middle]
    mean = np.outer(a, x) + c[:, None]
    known = np.log(s / r)[:, None] + ((r**2)[:, None] + (mean - m[:, None]) ** 2) / (2 * s**2)[:, None] - 0.5
    np.testing.assert_allclose(np.squeeze(found)[:, middle], known, rtol=1e-8)


def test_posterior_of_the_forward_chain() -> None:
    """Mean and variance of q(x_{t-1}|x_t, x_0) against Ho et al. 2020, eq. 7."""
    world = chain_worlds.diffusion(np.random.default_rng(4), 2, {"T": 3, "t": 2})
    scope = grid.Dense(world)
    mean, variance = conditional("x_1", {"x_0", "x_2"}, scope, False)
    known = world.call("mu_q", [scope.point("x_2"), scope.point("x_0"), grid.tall(2)])
    np.testing.assert_allclose(mean, known, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(variance.ravel(), world.variance[:, 2], rtol=1e-10)


def test_a_derivative_by_a_variable() -> None:
    world = latent_worlds.line(np.random.default_rng(5), 1, frozenset(), False)
    scope = grid.Dense(world)
    _, _, _, m, s = world._model("theta")
    slope = scope.value(T.Gradient(Z, T.Apply("log", P)))
    np.testing.assert_allclose(slope, -(scope.point("z") - m) / s**2, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("relation", "here", "holds"),
    [
        (">=", T.Divergence("KL", (P, Q), (Z,)), False),
        ("<=", T.Divergence("KL", (P, Q), (Z,)), False),
        (">=", T.node(0), True),
        ("=", T.Divergence("CE", (Q, P), (Z,)) - T.Divergence("H", (Q,), (Z,)), True),
        ("=", T.Divergence("CE", (P, Q), (Z,)) - T.Divergence("H", (Q,), (Z,)), False),
    ],
)
def test_relations(relation: str, here: T.Node, holds: bool) -> None:
    above = T.Divergence("KL", (Q, P), (Z,))
    assert judge.truth(judge.Step("vae", above, relation, here, above, ())) is holds


def test_every_setting_has_chains() -> None:
    assert {printed.setting for printed in CHAINS} <= {
        "vae",
        "latents",
        "ddpm",
        "score",
        "gan",
        "wgan",
        "pca",
    }
    for name in ("vae", "latents", "ddpm"):
        assert setting_named(name)
        assert sum(all(printed.holds) for printed in CHAINS if printed.setting == name) >= 10
