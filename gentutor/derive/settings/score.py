"""The setting `score`: data pi(x), the same with noise pi(x'|sigma), and a model s(x, sigma) of the score."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gentutor.derive.setting import Facts, Parts, Setting, covariance, free_entries, general, masses
from gentutor.derive.tree import Call, Density, Node, Pow, Symbol, Variable, node
from gentutor.derive.vocabulary import (
    Arguments,
    DensitySpec,
    FunctionSpec,
    SymbolSpec,
    VariableSpec,
    Vocabulary,
)
from gentutor.derive.worlds.array import Array, Data, NotExact, add, scalar
from gentutor.derive.worlds.laws import Chain, Gaussian, Law, Mixture, Points
from gentutor.derive.worlds.world import Contents, Search, World

X, NOISY, SIGMA, ONE = Variable("x"), Variable("x'"), Symbol("sigma"), node(1)
L, D = Symbol("L"), Symbol("d")
DATA = Density("pi", (X,))
NAMES = {
    "pi": "the data pi(x), the noisy data pi(x'|sigma), or pi_sigma(x); "
    "the noise p(x'|x, sigma) = N(x'; x, sigma^2 I)",
    "p": "another name of pi",
    "q": "another name of pi",
    "p_data": "another name of pi",
}


def at_level(left: Arguments, given: Arguments) -> tuple[Arguments, Arguments]:
    """Between x and x' a density is at the world's sigma, which need not be printed.

    The law of one of them alone keeps its sigma: p_sigma(x) is the noisy law, p(x) the clean one.
    """
    if len({item.name for item in (*left, *given) if isinstance(item, Variable)}) == 1:
        return left, given
    return left, tuple(item for item in given if item != SIGMA)


VOCABULARY = Vocabulary(
    setting="score",
    variables={
        "x": VariableSpec(about="a data point"),
        "x'": VariableSpec(about="a data point with noise, x' = x + sigma epsilon"),
    },
    densities={
        **{
            name: DensitySpec(("x", "x'", "sigma"), bare=Density(name, (X,)), resolve=at_level, about=about)
            for name, about in NAMES.items()
        },
        "p_theta": DensitySpec(
            ("x", "x'"), bare=Density("p_theta", (X,)), about="the model p(x|theta), of which s is the score"
        ),
    },
    functions={
        "s": FunctionSpec(
            (X, SIGMA), optional=1, about="the model of the score: s(x), s(x, theta), s(x', theta, sigma)"
        ),
        "lambda": FunctionSpec((SIGMA,), about="the weight of a noise level"),
    },
    symbols={
        "sigma": SymbolSpec(
            1, optional=True, about="the standard deviation of the noise; sigma_1, ..., sigma_L its levels"
        ),
        "L": SymbolSpec(about="the number of noise levels"),
        "d": SymbolSpec(about="the dimension of x"),
        "I": SymbolSpec(about="the identity matrix"),
        "e": SymbolSpec(1, about="a unit vector: e_i^T s(x) is the component s_i(x)"),
    },
    noises={"epsilon": VariableSpec(about="standard Gaussian noise; where it stands free, (x' - x) / sigma")},
    parameters=("theta",),
    spellings={
        "tilde_x": "x'",
        "y": "x'",
        "s_theta": "s",
        "psi": "s",
        "z": "epsilon",
        "D": "d",
        "p_d": "p_data",
        "K": "L",
    },
    ranges={"i": (ONE, L), "l": (ONE, L), "k": (ONE, L)},
    measures={"x": DATA, "x'": Density("pi", (NOISY,))},
)


class Model:
    """p(x|theta) on a line with the score s(x) = a sin(b x + c) - k x + m: log p is its integral."""

    variables: tuple[str, ...] = ("x", "x'")
    conditions: tuple[str, ...] = ()

    def __init__(self, part: Mapping[str, Data], unit: float) -> None:
        self.unit = unit
        self.a, self.c, self.m = part["a"], part["c"], part["m"]
        self.b, self.k = 0.7 * np.exp(0.2 * part["b"]), 0.5 + 0.3 * part["k"] ** 2
        self.slope = part["slope"]  # how m changes with the noise
        line = np.linspace(-40, 40, 4001)
        self._log_z = np.log(np.exp(self._log(line)).sum() * (line[1] - line[0]) * unit)

    def _log(self, x: Data) -> Data:
        return np.asarray(-self.a / self.b * np.cos(self.b * x + self.c) - self.k * x * x / 2 + self.m * x)

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p(x|theta) at one point."""
        if len(left) != 1 or given:
            raise NotExact("the model p(x|theta) is a density of x alone")
        x = points[left[0]]
        return Array(self._log(x.data[..., 0] / self.unit) - self._log_z, x.axes)

    def score(self, x: Array, sigma: Array) -> Array:
        """a sin(b x + c) - k x + m + slope (sigma - the world's sigma), in the world's unit."""
        at = x.data / self.unit
        value = (self.a * np.sin(self.b * at + self.c) - self.k * at + self.m) / self.unit
        return add(Array(value, x.axes, "c"), Array(np.reshape(self.slope * sigma.data, (1,)), (), "c"))


@dataclass(frozen=True)
class Noises:
    """The noise levels of a world, and the law of (x, x') under each."""

    sigma: float
    levels: Data
    laws: Mapping[str, Law]
    weight: Callable[[Array], Array]

    def contents(self, d: int, model: Law | None, s: Callable[[Array, Array], Array]) -> Contents:
        """What a world holds, with these noises and this model."""

        def sigma(level: int | None = None) -> Array:
            if level is None:
                return scalar(self.sigma)
            if not 1 <= level <= len(self.levels):
                raise NotExact(f"noise level {level} lies outside 1, ..., {len(self.levels)}")
            return scalar(self.levels[level - 1])

        laws = {name + level: law for name in NAMES for level, law in self.laws.items()}
        laws["p_data"] = Alone(laws["p_data"], "x")
        return Contents(
            laws if model is None else {**laws, "p_theta": model},
            {
                "sigma": sigma,
                "pi": scalar(np.pi),
                "I": Array(np.eye(d), (), "m"),
                "e": lambda i: component_vector(d, i),
            },
            {"s": lambda x, level=None: s(x, sigma() if level is None else level), "lambda": self.weight},
            tied={"epsilon": (NOISY - X) / SIGMA},
        )


def component_vector(d: int, i: int) -> Array:
    """The unit vector e_i."""
    if not 1 <= i <= d:
        raise NotExact(f"there is no component {i} in dimension {d}")
    return Array(np.eye(d)[i - 1], (), "c")


def noises(rng: np.random.Generator, facts: Facts, law: Callable[[float], Law]) -> Noises:
    """sigma for itself, and three levels that fall."""
    sigma = facts.unit * rng.uniform(0.45, 0.8)
    levels = facts.unit * np.array([1.1, 0.75, 0.5]) * rng.uniform(0.9, 1.1, 3)
    a, b = general(rng, 2)

    def weight(at: Array) -> Array:
        return Array(at.data**2 if "lambda = sigma^2" in facts.given else np.exp(a + b * at.data), at.axes)

    # The law of x' alone is noisy without a sigma too, save where the chain gives sigma to the law of x.
    at = law(sigma)
    laws = {"": Alone(at, "x") if any(map(marks_noisy_x, facts.nodes)) else at, "@sigma": Alone(at, "x'")}
    laws |= {f"@sigma_{i}": Alone(law(level), "x'") for i, level in enumerate(levels, 1)}
    return Noises(sigma, levels, laws, weight)


def noisy(mean: Data, spread: Data, sigma: float) -> Gaussian:
    """x ~ N(mean, spread), x' = x + sigma epsilon."""
    d = len(mean)
    return Chain().append("x", mean, spread).append("x'", np.zeros(d), sigma**2 * np.eye(d), x=np.eye(d)).law


class Alone:
    """A joint law of x and x' in which either name alone stands for `variable`, of which p(v) is meant."""

    conditions: tuple[str, ...] = ()

    def __init__(self, law: Law, variable: str) -> None:
        self.law, self.variable, self.variables = law, variable, law.variables

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p(left | given)."""
        if len(left) == 1 and not given:
            return self.law.log_density((self.variable,), (), {self.variable: points[left[0]]})
        return self.law.log_density(left, given, points)


def marks_noisy_x(n: Node) -> bool:
    """Whether n is p_sigma(x), the law of a noisy point that is called x."""
    return isinstance(n, Density) and n.left == (X,) and any(isinstance(item, Symbol) for item in n.given)


class NoisyMixture(Mixture):
    """A mixture of `noisy` laws: x' given x is the same normal law in each of them."""

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p(left | given)."""
        if (*left, *given) == ("x'", "x") and given:
            return self.parts[0].log_density(left, given, points)
        return super().log_density(left, given, points)


def world(
    rng: np.random.Generator,
    kind: str,
    d: int,
    theta: Data,
    make: Callable[[Mapping[str, Data]], Contents],
    unit: float,
) -> World:
    """A world whose one parameter is theta."""
    indices = {name: int(rng.integers(1, 4)) for name in ("l", "k")} | {"i": int(rng.integers(1, d + 1))}
    seed = int(rng.integers(2**31))
    integers = {"d": d, "L": 3, **indices}
    return World(kind, integers, {"theta": theta}, make, d=d, reach=16 * unit, seed=seed, unit=unit)


def line(rng: np.random.Generator, facts: Facts) -> World:
    """d = 1: pi is a mixture of normal laws; s is no polynomial, and the score of a density p(x|theta)."""
    parts = Parts(a=(), b=(), c=(), k=(), m=(), slope=())
    weights = masses(0.5 * general(rng, 3))
    means = facts.unit * (np.array([[-1.1], [0.2], [1.3]]) + 0.2 * general(rng, 3, 1))
    spreads = facts.unit**2 * rng.uniform(0.6, 1.1, (3, 1, 1))

    def law(sigma: float) -> Law:
        return NoisyMixture(weights, [noisy(m, v, sigma) for m, v in zip(means, spreads, strict=True)])

    found = noises(rng, facts, law)

    def make(parameters: Mapping[str, Data]) -> Contents:
        model = Model(parts(parameters["theta"]), facts.unit)
        return found.contents(1, model, lambda x, sigma: model.score(x, add(sigma, scalar(-found.sigma))))

    return world(rng, "one-dimensional", 1, general(rng, parts.size), make, facts.unit)


def gaussian(rng: np.random.Generator, facts: Facts) -> World:
    """d = 2: pi is normal, s a quadratic polynomial of x whose coefficients depend on sigma.

    Where the chain writes the model p(x|theta), s is its score: p(x|theta) is normal and s is affine.
    """
    d, unit = 2, facts.unit
    modelled = facts.writes("p_theta")
    free = Parts(linear=(d, d), slope=(d, d), quadratic=(d, d, d), offset=(d,))
    normal = Parts(mean=(d,), covariance=(free_entries(d),))
    centre, spread = unit * general(rng, d), unit**2 * covariance(general(rng, free_entries(d)), d)
    found = noises(rng, facts, lambda sigma: noisy(centre, spread, sigma))
    precision = np.linalg.inv(spread)
    nothing = np.zeros(d * d), np.zeros(d**3)
    exact = np.concatenate([-precision.ravel(), *nothing, precision @ centre])  # s is the score of pi

    def make(parameters: Mapping[str, Data]) -> Contents:
        if modelled:
            part = normal(parameters["theta"])
            S = unit**2 * covariance(part["covariance"], d)
            sharp = np.linalg.inv(S)
            mean = unit * part["mean"]
            law = Chain().append("x", mean, S).append("x'", mean, S).law
            return found.contents(d, law, lambda x, _: Array((mean - x.data) @ sharp, x.axes, "c"))
        part = free(parameters["theta"])

        def s(x: Array, sigma: Array) -> Array:
            gain = part["linear"] + sigma.data * part["slope"]
            bent = 0.4 * np.einsum("ijk,...j,...k->...i", part["quadratic"], x.data, x.data)
            return Array(x.data @ gain.T + bent + part["offset"], x.axes, "c")

        return replace(found.contents(d, None, s), searches={"theta": Search(exact)})

    return world(rng, "Gaussian", d, general(rng, (normal if modelled else free).size), make, unit)


WEIGHT, LEVEL = Call("lambda", (SIGMA,)), Symbol("sigma", (Symbol("i"),))

SETTING = Setting(
    VOCABULARY,
    {"Gaussian": gaussian, "one-dimensional": line},
    given=(
        (WEIGHT, Pow(SIGMA, node(2)), "lambda = sigma^2"),
        (Call("lambda", (LEVEL,)), Pow(LEVEL, node(2)), "lambda = sigma^2"),
    ),
)
