"""A world: numbers for every name of a setting, drawn at random in general position.

`Contents` are what a setting fills in. They are a function of the world's parameters (theta, phi: plain
vectors), so that a world can be moved in its parameters: for a gradient, for arg min, for the search for the
smallest gap of an inequality.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gentutor.derive.tree import Node
from gentutor.derive.worlds.array import Array, Data, NotExact
from gentutor.derive.worlds.laws import Law

NONE = np.zeros((0, 0)), np.zeros(0)


@dataclass(frozen=True)
class Polytope:
    """The vectors v with A v <= b, A v = b, v >= least: the pairs (A, b) are `at_most` and `exactly`."""

    at_most: tuple[Data, Data] = NONE
    exactly: tuple[Data, Data] = NONE
    least: float | None = None


@dataclass(frozen=True)
class Search:
    """How the optimum over a parameter is found.

    Attributes:
        start: where the search begins; near the optimum of the objectives that people write, it is quick.
        place: what an arg max over the parameter's name is: D(x) for the discriminator.
        within: the set that is searched, as a function of the limit that the chain names, if it does;
            None for all vectors.
    """

    start: Data
    place: Node | None = None
    within: Callable[[float | None], Polytope | None] = lambda limit: None


@dataclass(frozen=True)
class Contents:
    """The numbers of a world.

    Attributes:
        laws: the joint law behind each density name; "p@old" for a marked parameter.
        symbols: a value, or for a symbol with an index a function of the integer index.
        functions: functions of the evaluated arguments. Functions of parameters are rebuilt with them.
        components: symbols with an index that are components of a function, with the function's arguments
            (mu_j is a component of mu(x)).
        levelled: functions that are also given the level of their first argument: mu_q(x_t, x_0) takes t.
        tied: what a variable is where nothing binds it, as a tree: epsilon = (x' - x) / sigma.
        searches: how the optimum over a parameter is found; without an entry, from where the parameter is.
        coordinates: of a finite world whose states are points, where a state is, by the variable's name.
        divergences: of two tables of masses along one axis, those that no integral gives: "W".
    """

    laws: Mapping[str, Law]
    symbols: Mapping[str, Array | Callable[..., Array]] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., Array]] = field(default_factory=dict)
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levelled: frozenset[str] = frozenset()
    tied: Mapping[str, Node] = field(default_factory=dict)
    searches: Mapping[str, Search] = field(default_factory=dict)
    coordinates: Mapping[str, Callable[[Array], Array]] = field(default_factory=dict)
    divergences: Mapping[str, Callable[[Array, Array], Array]] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """One draw of a setting.

    Attributes:
        kind: what people are told: "finite", "Gaussian", "one-dimensional Gaussian", "matrix".
        integers: T, K, d and the free indices (t).
        parameters: a vector for each parameter.
        make: the contents as a function of the parameters.
        states: for a finite world, the number of states of a variable by its base name; else empty.
        d: the dimension of a variable that is no state.
        reach: one-dimensional integrals run over [-reach, reach].
        rough: integrals that are not exact give their best approximation instead of `NotExact`.
        seed: fixes where free variables are put and in which directions gradients are taken.
        unit: the size of a continuous variable, and so of its free points.
        axis: of several worlds in one (`together`), the axis along which their values lie; else empty.
        known: the integrals and optima that were worked out already; lines of a chain share many.
    """

    kind: str
    integers: Mapping[str, int]
    parameters: Mapping[str, Data]
    make: Callable[[Mapping[str, Data]], Contents]
    states: Mapping[str, int] = field(default_factory=dict)
    d: int = 0
    reach: float = 0.0
    rough: bool = False
    seed: int = 0
    unit: float = 1.0
    axis: str = ""
    contents: Contents = field(init=False, repr=False, compare=False)
    known: dict[object, Array] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "contents", self.make(self.parameters))

    @property
    def finite(self) -> bool:
        """Variables are states, integrals are sums."""
        return bool(self.states)

    def at(self, **parameters: Data) -> "World":
        """This world with some parameters replaced."""
        return replace(self, parameters={**self.parameters, **parameters})

    def directions(self, parameter: str, count: int = 3) -> Data:
        """Fixed random directions in the space of a parameter, along which gradients are compared."""
        if parameter not in self.parameters:
            raise NotExact(f"nothing here varies with {parameter}")
        rng = np.random.default_rng([self.seed, 7])
        return rng.standard_normal((count, len(self.parameters[parameter])))

    def free(self, key: str, axis: str) -> Array:
        """Points for a free variable: every state, or three points in general position."""
        if self.finite:
            return Array(np.arange(self.state_count(key)), (axis,), "state")
        rng = np.random.default_rng([self.seed, 11, *key.encode()])
        return Array(self.unit * (1.3 * rng.standard_normal((3, self.d)) + 0.2), (axis,), "c")

    def state_count(self, key: str) -> int:
        """The number of states of the variable `key` ("x", "x_3", "z^(2)")."""
        base = key if key in self.states else key.split("^(")[0].rsplit("_", 1)[0]
        if base not in self.states:
            raise NotExact(f"{base} is a number, not a state")
        return self.states[base]
