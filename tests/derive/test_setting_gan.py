"""The setting `gan` against numpy by hand, scipy's quadrature and closed forms, and chains."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.stats import norm

from gentutor.derive.checker import check
from gentutor.derive.setting import Facts
from gentutor.derive.settings.gan import D_STAR, P_DATA, P_G, P_Z, VALUE, D, G, X, Z, finite, line
from gentutor.derive.tree import (
    Apply,
    Call,
    Divergence,
    Expectation,
    Gradient,
    Node,
    Optimum,
    Symbol,
    node,
    walk,
)
from gentutor.derive.worlds.array import Array, Data, NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.optimum import linear_programme, stationary
from gentutor.derive.worlds.world import Polytope, World

CHAINS = tomllib.loads((Path(__file__).parent / "chains" / "gan.toml").read_text(encoding="utf-8"))["chain"]
SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])
MAX_V = Optimum("max", ("D",), VALUE)
LOSS = Expectation((Z,), P_Z, Apply("log", node(1) - Call("D", (G,))))


def E(measure: Node, body: Node) -> Node:
    return Expectation((X,), measure, body)


def drawn(kind: str, seed: int, *chain: Node) -> World:
    draw = {"finite": finite, "line": line}[kind]
    return draw(np.random.default_rng(seed), Facts(tuple(n for one in chain for n in walk(one))))


def value(expression: Node, world: World) -> Data:
    return np.asarray(evaluate(expression, Scope(world)).data)


def at(expression: Node, world: World, x: float, name: str = "x") -> float:
    """The value at a number on the line."""
    scope = Scope(world).bind({name: Array(np.array([x]), (), "c")})
    return float(evaluate(expression, scope).data.item())


# ---------------------------------------------------------------------------------------------- finite worlds


@SEEDS
def test_generated_law_is_that_of_the_generator(seed: int) -> None:
    world = drawn("finite", seed)
    table = world.contents.functions["G"](world.free("z", "z")).data
    pushed = np.bincount(table, weights=value(P_Z, world), minlength=4)
    np.testing.assert_allclose(value(P_G, world), pushed, rtol=1e-13)
    assert pushed.min() > 0
    np.testing.assert_allclose(value(P_DATA, world).sum(), 1, rtol=1e-13)


@SEEDS
def test_value_by_hand(seed: int) -> None:
    world = drawn("finite", seed)
    d, table = value(D, world), world.contents.functions["G"](world.free("z", "z")).data
    by_hand = value(P_DATA, world) @ np.log(d) + value(P_Z, world) @ np.log(1 - d[table])
    np.testing.assert_allclose(value(VALUE, world), by_hand, rtol=1e-13)


@SEEDS
def test_largest_value_is_the_jensen_shannon_divergence(seed: int) -> None:
    world = drawn("finite", seed)
    jsd = jensenshannon(value(P_DATA, world), value(P_G, world)) ** 2
    np.testing.assert_allclose(value(MAX_V, world), 2 * jsd - np.log(4), rtol=1e-12)


@SEEDS
def test_another_objective_is_maximised_where_its_derivative_vanishes(seed: int) -> None:
    """Of 3 E log D + E log(1 - D) the best D is 3 p_data / (3 p_data + p_g); no search starts there."""
    world = drawn("finite", seed)
    body = node(3) * Expectation((X,), P_DATA, Apply("log", D)) + Expectation(
        (X,), P_G, Apply("log", node(1) - D)
    )
    p, q = value(P_DATA, world), value(P_G, world)
    best = 3 * p / (3 * p + q)
    np.testing.assert_allclose(value(Optimum("max", ("D",), body, arg=True), world), best, atol=1e-10)
    highest = 3 * p @ np.log(best) + q @ np.log(1 - best)
    np.testing.assert_allclose(value(Optimum("max", ("D",), body), world), highest, rtol=1e-12)


@SEEDS
def test_minimax(seed: int) -> None:
    world = drawn("finite", seed)
    np.testing.assert_allclose(value(Optimum("min", ("G",), MAX_V), world), -2 * np.log(2), rtol=1e-12)


def test_there_is_no_least_value_over_discriminators() -> None:
    with pytest.raises(NotExact, match="not attained"):
        value(Optimum("min", ("D",), Expectation((X,), P_DATA, Apply("log", D))), drawn("finite", 0))


def test_no_gradient_of_a_table() -> None:
    gradient = Gradient(Symbol("theta"), LOSS)
    with pytest.raises(NotExact, match="theta"):
        value(gradient, drawn("finite", 0, gradient))


# ------------------------------------------------------------------------------------------------- on a line


@SEEDS
def test_density_of_the_generated_law(seed: int) -> None:
    """P(G(z) <= c) two ways: from the density of x, and from that of z."""
    world = drawn("line", seed)
    c = at(G, world, 0.3, "z")
    rising = at(G, world, 0.4, "z") > c
    below = quad(lambda x: at(P_G, world, x), -12, c, epsabs=1e-11)[0]
    z_below = quad(lambda z: at(P_Z, world, z, "z"), -12, 0.3, epsabs=1e-11)[0]
    np.testing.assert_allclose(below, z_below if rising else 1 - z_below, atol=1e-9)


@SEEDS
def test_value_by_quadrature(seed: int) -> None:
    world = drawn("line", seed)
    real = quad(lambda x: at(P_DATA, world, x) * np.log(at(D, world, x)), -12, 12, epsabs=1e-11, limit=200)[0]
    fake = quad(
        lambda z: at(P_Z, world, z, "z") * np.log(1 - at(D, world, at(G, world, z, "z"))), -9, 9, epsabs=1e-11
    )[0]
    np.testing.assert_allclose(value(VALUE, world), real + fake, atol=1e-9)


@SEEDS
def test_divergence_by_quadrature(seed: int) -> None:
    world = drawn("line", seed)

    def integrand(x: float) -> float:
        p, q = at(P_DATA, world, x), at(P_G, world, x)
        m = (p + q) / 2
        return 0.5 * (p * np.log(p / m) + (q * np.log(q / m) if q > 0 else 0.0))

    by_hand = quad(integrand, -11, 11, epsabs=1e-11, limit=200)[0]
    np.testing.assert_allclose(value(Divergence("JSD", (P_DATA, P_G), (X,)), world), by_hand, atol=1e-9)


@SEEDS
def test_generator_gradient_by_differences(seed: int) -> None:
    world, h = drawn("line", seed), 1e-5
    theta = world.parameters["theta"]
    for direction, slope in zip(
        world.directions("theta"), value(Gradient(Symbol("theta"), LOSS), world), strict=True
    ):
        up, down = (float(value(LOSS, world.at(theta=theta + sign * h * direction))) for sign in (1, -1))
        np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


def test_standard_prior_where_the_chain_writes_it() -> None:
    world = line(np.random.default_rng(0), Facts(given=frozenset({"standard prior"})))
    np.testing.assert_allclose(at(P_Z, world, 0.7, "z"), norm.pdf(0.7), rtol=1e-13)
    assert abs(at(P_Z, drawn("line", 0), 0.7, "z") - norm.pdf(0.7)) > 1e-3


@pytest.mark.parametrize("draw", [finite, line])
def test_what_is_given(draw: object) -> None:
    assert draw in (finite, line)
    facts = Facts(given=frozenset({"equal laws", "optimal"}))
    world = (finite if draw is finite else line)(np.random.default_rng(1), facts)
    np.testing.assert_allclose(value(D, world), 0.5, rtol=1e-13)
    np.testing.assert_allclose(value(D_STAR, world), 0.5, rtol=1e-13)
    np.testing.assert_allclose(value(P_G, world), value(P_DATA, world), rtol=1e-13)


def test_many_worlds_agree_on_the_theorem() -> None:
    """Of the optimal discriminator V is 2 JSD - log 4, to nine digits in 100 worlds of each kind."""
    best = Expectation((X,), P_DATA, Apply("log", D_STAR)) + Expectation(
        (X,), P_G, Apply("log", node(1) - D_STAR)
    )
    jsd = node(2) * Divergence("JSD", (P_DATA, P_G), (X,)) - Apply("log", node(4))
    for kind in ("finite", "line"):
        for seed in range(100):
            world = drawn(kind, seed)
            np.testing.assert_allclose(value(best, world), value(jsd, world), rtol=1e-9)


# --------------------------------------------------------------------------------------------------- optimum


def test_search_finds_a_minimum_and_nothing_else() -> None:
    place = stationary(lambda v: np.exp(v[0]) - 2 * v[0] + (v[1] - 3) ** 2, np.array([0.3, 0.4]))
    np.testing.assert_allclose(place, [np.log(2), 3], atol=1e-12)
    with pytest.raises(NotExact):
        stationary(lambda v: v[0] ** 2 - v[1] ** 2, np.zeros(2))
    with pytest.raises(NotExact, match="not attained"):
        stationary(lambda v: np.exp(-v[0]), np.array([0.2]))


def test_an_objective_that_grows_without_end_has_no_value() -> None:
    """-log D + log(1 - D) is minus the logit of D, which no D makes largest."""
    text = (
        r"\max_D \left( -\mathbb{E}_{x \sim p_{data}}[\log D(x)] + \mathbb{E}_{x \sim p_g}[\log(1 - D(x))]"
        r" \right) = 5"
    )
    step = check(text, "gan").steps[0]
    assert step.status == "undecided"
    assert "not attained" in step.message


def test_linear_programme() -> None:
    square = Polytope(at_most=(np.eye(2), np.array([2.0, 5.0])), least=0.0)
    np.testing.assert_allclose(
        linear_programme(lambda v: 7 - 3 * v[0] + v[1], np.ones(2), square), 1, rtol=1e-9
    )
    on_a_line = Polytope(exactly=(np.array([[1.0, 1.0]]), np.array([4.0])), least=0.0)
    np.testing.assert_allclose(
        linear_programme(lambda v: v[0] + 2 * v[1], np.ones(2), on_a_line), 4, rtol=1e-9
    )
    with pytest.raises(NotExact, match="linear"):
        linear_programme(lambda v: v[0] * v[1], np.ones(2), square)
    with pytest.raises(NotExact, match="not attained"):
        linear_programme(lambda v: v[0], np.ones(2), Polytope())


# ---------------------------------------------------------------------------------------------------- chains


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain["id"])
def test_chain(chain: dict[str, list[str]]) -> None:
    report = check("\n".join(chain["lines"]), "gan")
    assert [step.holds for step in report.steps] == chain["holds"]
    assert {step.status for step in report.steps} <= {"holds", "fails"}
