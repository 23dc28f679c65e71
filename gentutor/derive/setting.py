"""What a setting is: a vocabulary, the kinds of worlds it can draw, and what `given` may narrow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gentutor.derive.normal_form import normal_form
from gentutor.derive.tree import (
    ANONYMOUS,
    Add,
    Density,
    Mul,
    Neg,
    Node,
    Normal,
    Number,
    Range,
    Symbol,
    Variable,
    walk,
)
from gentutor.derive.vocabulary import Vocabulary
from gentutor.derive.worlds.array import Data
from gentutor.derive.worlds.world import World


@dataclass(frozen=True)
class Facts:
    """What a chain asks of its worlds.

    Attributes:
        nodes: what the chain is made of.
        given: the names of what it takes as given.
        unit: the size of the standard deviations. Where they are small a density exceeds one and an entropy
            is negative: H(x) >= 0 and p(x) >= p(x, z) are true of masses only.
    """

    nodes: tuple[Node, ...] = ()
    given: frozenset[str] = frozenset()
    unit: float = 1.0

    def writes(self, *names: str) -> bool:
        """Whether the chain writes one of these names."""
        return any(getattr(n, "name", None) in names for n in self.nodes)

    def marks(self, name: str) -> tuple[str, ...]:
        """The marks of the parameter with which the chain writes a density: "old" of p(z|x, theta^old)."""
        return tuple(sorted({n.mark for n in self.nodes if isinstance(n, Density) and n.name == name} - {""}))

    def has_levels(self, name: str) -> bool:
        """Whether the chain writes levels of a variable: z_t, z_{1:T}."""
        return any(
            (isinstance(n, Variable) and n.name == name and bool(n.index))
            or (isinstance(n, Range) and n.name == name and not n.sample)
            for n in self.nodes
        )


@dataclass(frozen=True)
class Noise:
    """How a setting's noise is tied to its random variables.

    Attributes:
        names: the noises that may be tied to x_0 and x_t.
        tied: what such a noise is, as a tree, for a level t; `noisy` what x_t is, of a level and a noise.
        variable: the base name of the random variables whose law is known.
        law: the density that they follow, and `model` the one they follow where a line writes the model's
            own functions (names that end in "_theta").
    """

    variable: str
    law: str
    model: str
    names: tuple[str, ...] = ()
    tied: Callable[[Node], Node] | None = None
    noisy: Callable[[Node, Node], Node] | None = None


Draw = Callable[[np.random.Generator, Facts], World]


@dataclass(frozen=True)
class Setting:
    """A setting.

    Attributes:
        vocabulary: the names, for the reader.
        kinds: for each kind of world a function that draws one. A kind named "finite..." is left out where a
            chain calculates with variables; the others give the same verdict or are not exact.
        words: what people call a density: "the prior".
        terms: the setting's named terms, in which a diagnosis says what a line is off by.
        factors: numbers that are easily lost in front of a line.
        noise: how fresh noise and the law of a random variable are to be read, if the setting has them.
        premises: inequalities (larger, smaller) that the names of a chain promise: theta^(t+1) comes from an
            M step at theta^(t).
        given: what `given` may say, as (left, right) trees, and the name under which `Facts.given` has it;
            `bounds` likewise for left <= right.
    """

    vocabulary: Vocabulary
    kinds: Mapping[str, Draw]
    given: Sequence[tuple[Node, Node, str]] = field(default_factory=tuple)
    bounds: Sequence[tuple[Node, Node, str]] = ()
    noise: Noise | None = None
    premises: Callable[[Facts], Sequence[tuple[Node, Node]]] = lambda facts: ()
    words: Mapping[Node, str] = field(default_factory=dict)
    terms: Sequence[Node] = field(default_factory=tuple)
    factors: Sequence[Node] = ()

    def honoured(self, left: Node, right: Node, relation: str = "=") -> str | None:
        """The name of a given equation, or bound ("<="); None if the setting cannot honour it."""
        if relation == "<=":
            bound = (normal_form(left), normal_form(right))
            found = (name for a, b, name in self.bounds if bound == (normal_form(a), normal_form(b)))
            return next(found, None)
        sides = {normal_form(_named(left, right)), normal_form(_named(right, left))}
        for a, b, name in self.given:
            if sides == {normal_form(a), normal_form(b)}:
                return name
        return None


def _named(side: Node, other: Node) -> Node:
    """N(0, I) beside p(z) is N(z; 0, I)."""
    if isinstance(side, Normal) and side.left == ANONYMOUS and isinstance(other, Density):
        return replace(side, left=other.left[0])
    return side


# ------------------------------------------------------------------------------------- drawing of numbers


def general(rng: np.random.Generator, *shape: int) -> Data:
    """Numbers in general position: between 0.3 and 1.2, with either sign."""
    return np.asarray(rng.uniform(0.3, 1.2, shape) * rng.choice([-1.0, 1.0], shape))


def masses(logits: Data, axis: int | tuple[int, ...] | None = None) -> Data:
    """Positive numbers that add up to one over `axis`."""
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=axis, keepdims=True))


def covariance(entries: Data, d: int) -> Data:
    """A positive definite matrix from d (d + 1) / 2 free numbers: L L^T, the diagonal of L exponentiated."""
    lower = np.zeros((d, d), dtype=entries.dtype)
    lower[np.tril_indices(d, -1)] = 0.5 * entries[d:]
    lower[np.diag_indices(d)] = np.exp(0.3 * entries[:d])
    return lower @ lower.T


def free_entries(d: int) -> int:
    """How many numbers `covariance` takes."""
    return d * (d + 1) // 2


class Parts:
    """Cuts a parameter vector into named arrays: Parts(W=(2, 2), b=(2,))(vector)["W"]."""

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        self.shapes = shapes
        self.size = sum(int(np.prod(shape)) for shape in shapes.values())

    def __call__(self, vector: Data) -> dict[str, Data]:
        """The arrays."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes.values()])[:-1]
        pieces = np.split(vector, ends)
        return {
            name: piece.reshape(shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }


# ------------------------------------------------------------------------------------------- free indices


def draw_levels(rng: np.random.Generator, nodes: Iterable[Node], index: str = "t") -> dict[str, int]:
    """T and a free t such that all printed levels are distinct and in range.

    Of x_0, x_t, x_{t-1}, x_{t-2} it follows that t > 2; where x_T is printed, t < T.
    """
    printed = {level for n in nodes for level in _levels(n) if _closed(level, index)}
    fits = [
        {"T": T, index: t}
        for T in range(3, 9)
        for t in range(2, T + 1)
        if len({_at(level, T, t) for level in printed}) == len(printed)
        and all(0 <= _at(level, T, t) <= T for level in printed)
    ]
    if not fits:
        return {"T": 4, index: 3}
    # alpha_1 is bar alpha_1: where alpha_{t-1} is printed, t - 1 is 2 at least.
    steps = {
        level for n in nodes if isinstance(n, Symbol) for level in n.index if Symbol(index) in walk(level)
    }
    wide = [fit for fit in fits if all(_at(level, fit["T"], fit[index]) >= 2 for level in steps & printed)]
    fits = wide or fits
    least = fits[0]["T"]
    return fits[rng.integers(len([fit for fit in fits if fit["T"] <= max(4, least)]))]


def _levels(n: Node) -> tuple[Node, ...]:
    if isinstance(n, Variable | Symbol):
        return n.index
    return (n.first, n.last) if isinstance(n, Range) else ()


def _closed(level: Node, index: str) -> bool:
    return all(
        isinstance(n, Number | Add | Neg | Mul) or n in (Symbol(index), Symbol("T")) for n in walk(level)
    )


def _at(level: Node, T: int, t: int) -> float:
    match level:
        case Number(value):
            return float(value)
        case Symbol("T"):
            return T
        case Symbol():
            return t
        case Neg(body):
            return -_at(body, T, t)
        case Add(terms):
            return sum(_at(term, T, t) for term in terms)
        case Mul(factors):
            return float(np.prod([_at(factor, T, t) for factor in factors]))
    raise TypeError(level)
