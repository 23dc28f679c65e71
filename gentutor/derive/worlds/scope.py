"""Where an expression is evaluated, and the table of rules: one for each type of node."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gentutor.derive.tree import (
    Apply,
    Assigned,
    Divergence,
    Expectation,
    Integral,
    Node,
    Optimum,
    Range,
    Symbol,
    Variable,
)
from gentutor.derive.worlds.array import Array, NotExact
from gentutor.derive.worlds.quadrature import Points
from gentutor.derive.worlds.world import World

Rule = Callable[..., Array]
RULES: dict[type[Node], Rule] = {}  # filled by the modules that `evaluate` imports
COSTLY = (Expectation, Integral, Divergence, Optimum)  # a world keeps their values
FUNCTIONS: dict[str, Callable[[Apply, "Scope"], Array]] = {}  # of the names in `Apply`


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its world, the points of bound variables, the values of indices."""

    world: World
    points: Mapping[str, Array] = field(default_factory=dict)
    integers: Mapping[str, int] = field(default_factory=dict)
    depth: int = 0

    def bind(self, points: Points) -> "Scope":
        """The scope inside an integral over these points."""
        return replace(self, points={**self.points, **points}, depth=self.depth + 1)

    def with_integer(self, name: str, value: int) -> "Scope":
        """The scope of one summand."""
        return replace(self, integers={**self.integers, name: value})

    def new_axis(self) -> str:
        """A name for the axis of one more integral; it differs from those around it."""
        return f"~{self.depth:02d}"


def evaluate(expression: Node, scope: Scope) -> Array:
    """The value of `expression`. Raises NotExact where this kind of world has none that is exact."""
    rule = RULES.get(type(expression))
    if rule is None:
        raise NotExact(f"{type(expression).__name__} has no value")
    if scope.points or not isinstance(expression, COSTLY):
        return rule(expression, scope)
    known, key = scope.world.known, (expression, *sorted(scope.integers.items()))
    if key not in known:
        known[key] = rule(expression, scope)
    return known[key]


def integer(expression: Node, scope: Scope) -> int:
    """The value of an index expression."""
    found = evaluate(expression, scope)
    if found.data.ndim:
        raise NotExact("an index that is no number")
    value = float(found.data.real)
    if abs(value - round(value)) > 1e-9:
        raise NotExact("an index that is not a whole number")
    return round(value)


def key_of(variable: Node, scope: Scope) -> str:
    """The name under which a world knows a variable: "x", "x_3", "z^(2)", "z_1^(2)"."""
    assert isinstance(variable, Variable)
    key = variable.name
    if variable.index:
        key += "_" + ",".join(str(integer(level, scope)) for level in variable.index)
    if variable.sample is not None:
        key += f"^({integer(variable.sample, scope)})"
    return key


def keys_of(items: tuple[Node, ...], scope: Scope) -> tuple[str, ...]:
    """The names of several variables, ranges written out; a symbol among them, as sigma, is none."""
    keys: list[str] = []
    for item in items:
        if isinstance(item, Range):
            first, last = integer(item.first, scope), integer(item.last, scope)
            form = f"{item.name}^({{}})" if item.sample else f"{item.name}_{{}}"
            keys += [form.format(level) for level in range(first, last + 1)]
        elif isinstance(item, Assigned):
            keys.append(key_of(item.variable, scope))
        elif not isinstance(item, Symbol):
            keys.append(key_of(item, scope))
    return tuple(keys)


def point(key: str, scope: Scope) -> Array:
    """Where a variable is: at its integral's nodes, tied to others, else anywhere, along its own axis."""
    if key in scope.points:
        return scope.points[key]
    tied = scope.world.contents.tied.get(key)
    return scope.world.free(key, key) if tied is None else evaluate(tied, scope)
