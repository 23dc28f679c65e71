"""The setting `wgan` against scipy's transport distance, linear programmes, quadrature; chains."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from gentutor.derive.checker import check
from gentutor.derive.setting import Facts
from gentutor.derive.settings.wgan import (
    P_G,
    P_R,
    P_Z,
    X_HAT,
    F,
    X,
    Y,
    Z,
    extreme_critics,
    finite,
    line,
    lipschitz_constant,
)
from gentutor.derive.tree import (
    Call,
    Density,
    Divergence,
    Expectation,
    Gradient,
    Node,
    Norm,
    Optimum,
    Symbol,
    node,
    walk,
)
from gentutor.derive.worlds.array import Array, Data, NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.world import World

CHAINS = tomllib.loads((Path(__file__).parent / "chains" / "wgan.toml").read_text(encoding="utf-8"))["chain"]
SEEDS = pytest.mark.parametrize("seed", [0, 1, 2, 3])
W = Divergence("W", (P_R, P_G), (X,))
GAP = Expectation((X,), P_R, F) - Expectation((X,), P_G, F)
GAMMA = Density("gamma", (X, Y))
COST = Expectation((X, Y), GAMMA, Norm(X - Y))


def drawn(kind: str, seed: int, *chain: Node, given: str = "") -> World:
    draw = {"finite": finite, "line": line}[kind]
    facts = Facts(tuple(n for one in chain for n in walk(one)), frozenset({given} if given else ()))
    return draw(np.random.default_rng(seed), facts)


def value(expression: Node, world: World) -> Data:
    return np.asarray(evaluate(expression, Scope(world)).data)


def at(expression: Node, world: World, x: float, name: str = "x") -> float:
    """The value at a number on the line."""
    scope = Scope(world).bind({name: Array(np.array([x]), (), "c")})
    return float(evaluate(expression, scope).data.item())


def distances(world: World) -> Data:
    places = world.contents.coordinates["x"](world.free("x", "x")).data
    return np.array([[np.hypot(*(a - b)) for b in places] for a in places])


def transport(p: Data, q: Data, cost: Data) -> float:
    """The cheapest transport plan, as a linear programme over all its entries."""
    n = len(p)
    rows = [np.kron(np.eye(n)[i], np.ones(n)) for i in range(n)]
    columns = [np.kron(np.ones(n), np.eye(n)[j]) for j in range(n)]
    found = linprog(
        cost.ravel(), A_eq=np.array(rows + columns), b_eq=np.concatenate([p, q]), bounds=(0, None)
    )
    return float(found.fun)


# ---------------------------------------------------------------------------------------------- finite worlds


@SEEDS
def test_distance_three_ways(seed: int) -> None:
    """By corners of the dual, and by dual and primal as linear programmes: all as the plain transport."""
    world = drawn("finite", seed)
    by_hand = transport(value(P_R, world), value(P_G, world), distances(world))
    dual = Optimum("max", ("f",), GAP, limit=node(1))
    primal = Optimum("min", ("gamma",), COST)
    for expression in (W, dual, primal):
        np.testing.assert_allclose(value(expression, world), by_hand, rtol=1e-10)


@SEEDS
def test_corners_on_a_line_give_the_distance_between_distribution_functions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places, p, q = rng.standard_normal(4), rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4))
    corners = extreme_critics(np.abs(places[:, None] - places))
    np.testing.assert_allclose(
        np.max(corners @ (p - q)), wasserstein_distance(places, places, p, q), rtol=1e-12
    )


@SEEDS
def test_limit_scales_the_dual(seed: int) -> None:
    world = drawn("finite", seed)
    limit = value(Symbol("K"), world)
    largest = value(Optimum("max", ("f",), GAP, limit=Symbol("K")), world)
    np.testing.assert_allclose(largest, limit * value(W, world), rtol=1e-10)
    assert limit > lipschitz_constant(value(F, world), distances(world))


@SEEDS
def test_lipschitz_norm_by_hand(seed: int) -> None:
    world = drawn("finite", seed)
    f, d = value(F, world), distances(world)
    by_hand = max(abs(f[i] - f[j]) / d[i, j] for i in range(4) for j in range(i))
    np.testing.assert_allclose(value(Norm(F, "L"), world), by_hand, rtol=1e-13)
    np.testing.assert_allclose(value(Norm(node(-2) * F, "L"), world), 2 * by_hand, rtol=1e-13)


@SEEDS
def test_given_lipschitz_constant(seed: int) -> None:
    world = drawn("finite", seed, given="Lipschitz")
    np.testing.assert_allclose(value(Norm(F, "L"), world), 1, rtol=1e-13)
    dual = Optimum("max", ("f",), GAP, limit=node(1))
    np.testing.assert_allclose(value(dual, world), value(W, world), rtol=1e-10)


@SEEDS
def test_coupling_has_its_marginals_and_costs_more(seed: int) -> None:
    world = drawn("finite", seed)
    gamma = value(GAMMA, world)
    assert gamma.min() > 0
    np.testing.assert_allclose(gamma.sum(axis=1), value(P_R, world), rtol=1e-12)
    np.testing.assert_allclose(gamma.sum(axis=0), value(P_G, world), rtol=1e-12)
    np.testing.assert_allclose(value(COST, world), (gamma * distances(world)).sum(), rtol=1e-13)
    assert not np.allclose(gamma, np.outer(gamma.sum(axis=1), gamma.sum(axis=0)), rtol=1e-2)
    assert value(COST, world) > value(W, world)


@SEEDS
def test_best_critic(seed: int) -> None:
    world = drawn("finite", seed)
    best = value(Call("f^*", (X,)), world)
    np.testing.assert_allclose(lipschitz_constant(best, distances(world)), 1, rtol=1e-12)
    np.testing.assert_allclose(best @ (value(P_R, world) - value(P_G, world)), value(W, world), rtol=1e-12)


def test_no_supremum_without_a_limit() -> None:
    with pytest.raises(NotExact, match="not attained"):
        value(Optimum("max", ("f",), GAP), drawn("finite", 0))
    with pytest.raises(NotExact, match="not attained"):
        value(Optimum("max", ("f",), Expectation((X,), P_R, F), limit=node(1)), drawn("finite", 0))


def test_a_state_is_where_it_lies_but_not_in_a_table() -> None:
    world = drawn("finite", 0)
    np.testing.assert_allclose(value(Norm(X - Y), world), distances(world), rtol=1e-13)
    with pytest.raises(NotExact):
        value(Call("f", (Z,)), world)


# ------------------------------------------------------------------------------------------------- on a line


@SEEDS
def test_gradient_penalty_by_quadrature(seed: int) -> None:
    penalised = Density("P_hat_x", (X_HAT,))
    critic = Call("f", (X_HAT,))
    penalty = Expectation((X_HAT,), penalised, (Norm(Gradient(X_HAT, critic)) - node(1)) ** 2)
    world, h = drawn("line", seed), 1e-5

    def integrand(x: float) -> float:
        slope = (at(F, world, x + h) - at(F, world, x - h)) / (2 * h)
        return at(penalised, world, x, "hat_x") * (abs(slope) - 1) ** 2

    by_hand = quad(integrand, -11, 11, epsabs=1e-11, limit=200)[0]
    np.testing.assert_allclose(value(penalty, world), by_hand, rtol=1e-7)


@SEEDS
def test_generator_gradient_by_differences(seed: int) -> None:
    loss = -Expectation((Z,), P_Z, Call("f", (Call("G", (Z,)),)))
    world, h = drawn("line", seed), 1e-5
    theta = world.parameters["theta"]
    slopes = value(Gradient(Symbol("theta"), loss), world)
    for direction, slope in zip(world.directions("theta"), slopes, strict=True):
        up, down = (float(value(loss, world.at(theta=theta + sign * h * direction))) for sign in (1, -1))
        np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


@SEEDS
def test_lipschitz_limit_on_a_line(seed: int) -> None:
    """K is no less than the slope of f anywhere; given |f|_L = 1 the slope comes up to 1 and no further."""
    places, h = np.linspace(-8, 8, 321), 1e-5
    for given in ("", "Lipschitz"):
        world = drawn("line", seed, given=given)
        slopes = [abs(at(F, world, x + h) - at(F, world, x - h)) / (2 * h) for x in places]
        assert max(slopes) <= value(Symbol("K"), world)
        if given:
            np.testing.assert_allclose(max(slopes), 1, rtol=2e-3)


# ---------------------------------------------------------------------------------------------------- chains


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain["id"])
def test_chain(chain: dict[str, list[str]]) -> None:
    report = check("\n".join(chain["lines"]), "wgan")
    assert [step.holds for step in report.steps] == chain["holds"]
    assert {step.status for step in report.steps} <= {"holds", "fails"}
