"""The setting `score` against scipy's quadrature and finite differences, and chains."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.stats import multivariate_normal, norm

from gentutor.derive.checker import check
from gentutor.derive.setting import Facts
from gentutor.derive.settings.score import gaussian, line
from gentutor.derive.tree import (
    Apply,
    Call,
    Density,
    Div,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Node,
    Norm,
    Normal,
    Pow,
    Symbol,
    Variable,
    node,
)
from gentutor.derive.worlds.array import Array, Data, NotExact, scalar
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.laws import Gaussian, Mixture
from gentutor.derive.worlds.world import World

X, NOISY, SIGMA, EPSILON = Variable("x"), Variable("x'"), Symbol("sigma"), Variable("epsilon")
LEVEL = Symbol("sigma", (node(2),))
DATA, BLURRED, KERNEL = Density("pi", (X,)), Density("pi", (NOISY,)), Density("p", (NOISY,), (X,))
CHAINS = tomllib.loads((Path(__file__).parent / "chains" / "score.toml").read_text(encoding="utf-8"))["chain"]
SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])
H = 1e-5


def t(vector: Node) -> Node:
    return Apply("transpose", vector)


def log(density: Node) -> Node:
    return Apply("log", density)


def s(*arguments: Node) -> Node:
    return Call("s", arguments)


def squared(vector: Node) -> Node:
    return Pow(Norm(vector), node(2))


def value(expression: Node, world: World, **points: Data) -> Data:
    """The value with some variables put at given points, or free."""
    at = {name.replace("noisy", "x'"): Array(np.atleast_1d(point), (), "c") for name, point in points.items()}
    return np.asarray(evaluate(expression, Scope(world, at)).data)


class Line:
    """What a world on the line holds, as plain functions of numbers written anew."""

    def __init__(self, seed: int) -> None:
        self.world = line(np.random.default_rng(seed), Facts())
        self.sigma = float(value(SIGMA, self.world))

    def density(self, x: float, noise: float = 0.0) -> float:
        law = self.world.contents.laws["pi"]
        assert isinstance(law, Mixture)
        parts = [(float(part.mean[0]), float(part.covariance[0, 0])) for part in law.parts]
        return float(
            sum(
                w * norm.pdf(x, m, np.sqrt(v + noise**2))
                for w, (m, v) in zip(law.weights, parts, strict=True)
            )
        )

    def score(self, x: float, noise: float = 0.0) -> float:
        return float((np.log(self.density(x + H, noise)) - np.log(self.density(x - H, noise))) / (2 * H))

    def s(self, x: float) -> float:
        point = Array(np.array([x]), (), "c")
        return float(self.world.contents.functions["s"](point).data[0])

    def slope(self, x: float) -> float:
        return (self.s(x + H) - self.s(x - H)) / (2 * H)


def integral(function: Callable[[float], float]) -> float:
    return float(quad(function, -12, 12, epsabs=1e-11, epsrel=1e-11, limit=200)[0])


@SEEDS
def test_explicit_and_implicit_score_matching(seed: int) -> None:
    on = Line(seed)
    explicit = Expectation((X,), DATA, squared(s(X) - Gradient(X, log(DATA))))
    by_hand = integral(lambda x: on.density(x) * (on.s(x) - on.score(x)) ** 2)
    assert value(explicit, on.world) == pytest.approx(by_hand, rel=1e-7)
    implicit = Expectation((X,), DATA, squared(s(X)) + 2.0 * Apply("tr", Gradient(X, s(X))))
    by_hand = integral(lambda x: on.density(x) * (on.s(x) ** 2 + 2 * on.slope(x)))
    assert value(implicit, on.world) == pytest.approx(by_hand, rel=1e-7)


@SEEDS
def test_gradient_of_a_density_under_an_integral(seed: int) -> None:
    on = Line(seed)
    by_hand = -integral(lambda x: on.density(x) * on.slope(x))
    for integrand in (
        Mul((t(s(X)), Gradient(X, DATA))),
        Mul((t(Gradient(X, DATA)), s(X))),
        -Mul((DATA, Gradient(X, s(X), "div"))),
        Gradient(X, Mul((DATA, s(X))), "div") - Mul((DATA, Gradient(X, s(X), "div"))),
    ):
        assert value(Integral((X,), integrand), on.world) == pytest.approx(by_hand, rel=1e-7)
    curved = Integral((X,), Mul((Gradient(X, DATA, "laplacian"), squared(s(X)))))
    by_hand = integral(
        lambda x: (on.density(x + 1e-3) - 2 * on.density(x) + on.density(x - 1e-3)) * 1e6 * on.s(x) ** 2
    )
    assert value(curved, on.world) == pytest.approx(by_hand, rel=1e-4)
    no_weight = Integral((X,), Mul((Pow(Gradient(X, DATA), node(2)),)))
    by_hand = integral(lambda x: ((on.density(x + H) - on.density(x - H)) / (2 * H)) ** 2)
    assert value(no_weight, on.world) == pytest.approx(by_hand, rel=1e-7)


@SEEDS
def test_noise_is_a_convolution(seed: int) -> None:
    on = Line(seed)
    for x in (-1.7, 0.4, 2.1):
        by_hand = integral(lambda clean, x=x: on.density(clean) * norm.pdf(x, clean, on.sigma))  # type: ignore[misc]
        assert on.density(x, on.sigma) == pytest.approx(by_hand)
        for noisy in (BLURRED, Integral((X,), Mul((DATA, KERNEL)))):
            assert value(noisy, on.world, noisy=x) == pytest.approx(by_hand)
        kernel = value(Gradient(NOISY, log(KERNEL)), on.world, noisy=x, x=0.3)
        assert kernel == pytest.approx((0.3 - x) / on.sigma**2)
        free = value(EPSILON, on.world, noisy=x, x=0.3)
        assert free == pytest.approx((x - 0.3) / on.sigma)


@SEEDS
def test_denoising_score_matching(seed: int) -> None:
    on = Line(seed)
    difference = squared(s(NOISY, SIGMA) - Gradient(NOISY, log(KERNEL)))
    denoising = Expectation((X,), DATA, Expectation((NOISY,), KERNEL, difference))
    grid = np.linspace(-13, 13, 1301)
    step = grid[1] - grid[0]
    model = np.array([on.s(x) for x in grid])
    clean = np.array([on.density(x) for x in grid])
    kernel = norm.pdf(grid[None, :], grid[:, None], on.sigma)
    error = (model[None, :] + (grid[None, :] - grid[:, None]) / on.sigma**2) ** 2
    by_hand = (clean[:, None] * kernel * error).sum() * step**2
    assert value(denoising, on.world) == pytest.approx(by_hand, rel=1e-8)
    noise = Normal(EPSILON, node(0), Symbol("I"))
    moved = squared(s(X + Mul((SIGMA, EPSILON)), SIGMA) + Div(EPSILON, SIGMA))
    assert value(Expectation((X,), DATA, Expectation((EPSILON,), noise, moved)), on.world) == pytest.approx(
        by_hand, rel=1e-8
    )
    explicit = Expectation((NOISY,), BLURRED, squared(s(NOISY, SIGMA) - Gradient(NOISY, log(BLURRED))))
    by_hand = integral(lambda x: on.density(x, on.sigma) * (on.s(x) - on.score(x, on.sigma)) ** 2)
    assert value(explicit, on.world) == pytest.approx(by_hand, rel=1e-7)


@SEEDS
def test_posterior_mean_where_the_inner_integral_is_no_polynomial(seed: int) -> None:
    on = Line(seed)
    posterior = Density("pi", (X,), (NOISY,))
    for x in (-1.7, 0.4, 2.1):
        mass = integral(lambda clean, x=x: on.density(clean) * norm.pdf(x, clean, on.sigma))  # type: ignore[misc]
        mean = integral(lambda clean, x=x: clean * on.density(clean) * norm.pdf(x, clean, on.sigma))  # type: ignore[misc]
        assert value(Expectation((X,), posterior, X), on.world, noisy=x) == pytest.approx(mean / mass)
    back_and_forth = Expectation((NOISY,), BLURRED, Expectation((X,), posterior, squared(s(X))))
    by_hand = integral(lambda x: on.density(x) * on.s(x) ** 2)
    assert value(back_and_forth, on.world) == pytest.approx(by_hand, rel=1e-9)


@SEEDS
def test_model_is_normalised_and_s_is_its_score(seed: int) -> None:
    on = Line(seed)
    model = Density("p_theta", (X,))

    def density(x: float) -> float:
        return float(value(model, on.world, x=x))

    assert integral(density) == pytest.approx(1)
    for x in (-1.7, 0.4, 2.1):
        assert np.log(density(x + H) / density(x - H)) / (2 * H) == pytest.approx(on.s(x), rel=1e-6)
    plane = gaussian(np.random.default_rng(seed), Facts((model,)))
    score = value(Gradient(X, log(model)), plane, x=np.array([0.7, -1.2]))
    assert value(s(X), plane, x=np.array([0.7, -1.2])) == pytest.approx(score)


@SEEDS
@pytest.mark.parametrize("draw", [line, gaussian])
def test_levels_have_their_own_noise(seed: int, draw: Callable[[np.random.Generator, Facts], World]) -> None:
    world = draw(np.random.default_rng(seed), Facts())
    base, level = float(value(SIGMA, world)), float(value(LEVEL, world))
    assert abs(base - level) > 0.01
    here, there = np.full(world.d, 0.4), np.full(world.d, -0.9)
    for condition, scale in ((SIGMA, base), (LEVEL, level)):
        kernel = value(Density("q", (NOISY,), (X, condition)), world, noisy=here, x=there)
        assert kernel == pytest.approx(multivariate_normal.pdf(here, there, scale**2 * np.eye(world.d)))
    assert np.abs(value(s(NOISY, LEVEL), world, noisy=here) - value(s(NOISY), world, noisy=here)).max() > 0.01
    assert np.array_equal(value(s(NOISY, SIGMA), world, noisy=here), value(s(NOISY), world, noisy=here))
    with pytest.raises(NotExact, match="noise level"):
        value(Symbol("sigma", (node(9),)), world)


def test_weight_of_a_level() -> None:
    weight = Call("lambda", (LEVEL,))
    world = gaussian(np.random.default_rng(0), Facts())
    assert abs(value(weight, world) - value(LEVEL, world) ** 2) > 1e-3
    world = gaussian(np.random.default_rng(0), Facts((), frozenset({"lambda = sigma^2"})))
    assert value(weight, world) == pytest.approx(value(LEVEL, world) ** 2)


def test_plane_by_two_dimensional_quadrature() -> None:
    world = gaussian(np.random.default_rng(3), Facts())
    law = world.contents.laws["pi"]
    assert isinstance(law, Gaussian)
    mean, spread = law.mean[:2], law.covariance[:2, :2]
    precision = np.linalg.inv(spread)
    model = world.contents.functions["s"]

    def at(b: float, a: float) -> float:
        x = np.array([a, b])
        difference = model(Array(x, (), "c"), scalar(float(value(SIGMA, world)))).data + precision @ (
            x - mean
        )
        return float(multivariate_normal.pdf(x, mean, spread) * (difference @ difference))

    by_hand = dblquad(at, -9, 9, -9, 9, epsabs=1e-6, epsrel=1e-6)[0]
    explicit = Expectation((X,), DATA, squared(s(X) - Gradient(X, log(DATA))))
    assert value(explicit, world) == pytest.approx(by_hand, rel=1e-5)
    parts = Integral((X,), Mul((t(s(X)), Gradient(X, DATA))))
    divergence = Integral((X,), Mul((DATA, Gradient(X, s(X), "div"))))
    assert value(parts, world) == pytest.approx(-value(divergence, world))
    assert np.abs(value(parts, world)) > 1e-3


@pytest.mark.parametrize("chain", CHAINS, ids=[chain["id"] for chain in CHAINS])
def test_chain(chain: dict[str, list[str]]) -> None:
    report = check("\n".join(chain["lines"]), "score")
    assert [step.holds for step in report.steps] == chain["holds"], report
