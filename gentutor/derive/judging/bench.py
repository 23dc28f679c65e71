"""The worlds of a chain, drawn once, and what its lines are worth in them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import numpy as np

from gentutor.derive.setting import Facts, Setting
from gentutor.derive.tree import Integral, Node
from gentutor.derive.worlds.array import Array, Data, NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.together import alike, along, together
from gentutor.derive.worlds.world import World

WORLDS = {"finite": 3, "Gaussian": 2, "one-dimensional Gaussian": 2}
NARROW = 2  # worlds with small standard deviations, for an inequality
REDRAWS = 20  # of theta, for arg min
REDRAW = "~redraw"  # the axis along which parameters are redrawn
WORLD = "~world"  # the axis along which worlds lie that are judged together
MANY, AT_ONCE = 16, 32  # from so many worlds on they are put together, so many of them


@dataclass
class Bench:
    """The worlds of a chain, drawn once, and what its lines are worth in them."""

    setting: Setting
    facts: Facts
    seed: int = 0
    count: int | None = None  # worlds of each kind; None: as `WORLDS` has it
    quick: bool = False  # one world of the first kind that is exact: enough to reject what is wrong
    redraws: int = REDRAWS  # of theta, for arg min
    telling: dict[int, list[World]] = field(default_factory=dict)  # where a search found that a bound fails
    _probes: dict[int, list[World]] = field(default_factory=dict)
    _worlds: dict[str, list[World]] = field(default_factory=dict)
    _values: dict[tuple[object, ...], Array] = field(default_factory=dict)
    _redraws: dict[tuple[object, ...], list[World]] = field(default_factory=dict)
    _redrawn: dict[tuple[object, ...], World] = field(default_factory=dict)
    _together: dict[tuple[str, int], World] = field(default_factory=dict)
    _alive: dict[int, World] = field(default_factory=dict)  # what is kept is known by the id of its world

    @cached_property
    def premises(self) -> tuple[tuple[Node, Node], ...]:
        """The inequalities (larger, smaller) that hold by the names in the chain."""
        return tuple(self.setting.premises(self.facts))

    def value(self, expression: Node, scope: Scope) -> Array:
        """The value of a line; a line is looked at twice, from above and from below."""
        return self._kept(expression, scope, "", lambda: evaluate(expression, scope))

    def over_redraws(self, expression: Node, scope: Scope, names: Sequence[str], count: int) -> Array:
        """The value in the world and in `count` - 1 more with new `names`, along the axis REDRAW."""

        def compute() -> Array:
            key = (id(scope.world), *names)
            drawn = self._redraws.setdefault(key, [])
            if len(drawn) < count - 1:
                drawn[:] = [*drawn, *islice(_redrawn(scope.world, names, count - 1), len(drawn), None)]
            worlds = [scope.world, *drawn[: count - 1]]
            try:
                key = (*key, count)
                if key not in self._redrawn:
                    self._redrawn[key] = together(worlds, REDRAW)
                value = evaluate(expression, replace(scope, world=self._redrawn[key]))
                return _stacked([value] * count) if REDRAW not in value.axes else _number(value)
            except NotExact:  # an optimum, or another function that is asked in one world at a time
                return _stacked([self.value(expression, replace(scope, world=world)) for world in worlds])

        return self._kept(expression, scope, f"{count} of {', '.join(names)}", compute)

    def _kept(self, expression: Node, scope: Scope, what: str, compute: Callable[[], Array]) -> Array:
        key = (expression, id(scope.world), tuple(sorted(scope.points)), what)
        self._alive[id(scope.world)] = scope.world
        if key not in self._values:
            self._values[key] = compute()
        return self._values[key]

    def tells(self, world: World, found: World) -> None:
        """A search from `world` found that a bound fails in the world `found`."""
        self._alive[id(world)] = world
        self.telling.setdefault(id(world), []).append(found)

    def probes(self, world: World, draw: Callable[[World], Iterable[World]]) -> list[World]:
        """The worlds around this one in which every bound is tried."""
        if id(world) not in self._probes:
            self._alive[id(world)] = world
            self._probes[id(world)] = list(draw(world))
        return self._probes[id(world)]

    def many(self, kind: str) -> Iterator[tuple[list[int], World]]:
        """The worlds of a kind put together where they are alike, and which they are, counted from 1.

        There are none where worlds are few: to put them together is some work.
        """
        if (self.count or 0) < MANY:
            return
        groups: dict[tuple[object, ...], list[int]] = {}
        worlds = list(self.worlds(kind))
        for i, world in enumerate(worlds):
            groups.setdefault(alike(world), []).append(i)
        for group in groups.values():
            for start in range(0, len(group), AT_ONCE):
                some = group[start : start + AT_ONCE]
                if len(some) > 1:
                    key = kind, some[0]
                    if key not in self._together:
                        self._together[key] = together([worlds[i] for i in some], WORLD)
                    yield [i + 1 for i in some], self._together[key]

    def worlds(self, kind: str, bounds: bool = False) -> Iterator[World]:
        """The worlds of a kind, in their order; for `bounds` also narrow ones, with densities above one."""
        drawn = self._worlds.setdefault(kind, [])
        for i in range(1 if self.quick else self.count or WORLDS.get(kind, 3)):
            if i == len(drawn):
                rng = np.random.default_rng([self.seed, i, *kind.encode()])
                drawn.append(self.setting.kinds[kind](rng, self.facts))
            yield drawn[i]
        # A chain that sums over the states of a variable speaks of masses: \sum_z q(z|x) log q(z|x) <= 0.
        summed = any(isinstance(n, Integral) and n.discrete for n in self.facts.nodes)
        if bounds and drawn[0].contents.laws and not (drawn[0].finite or self.quick or summed):
            narrow = self._worlds.setdefault(f"narrow {kind}", [])
            for i in range(NARROW):
                if i == len(narrow):
                    rng = np.random.default_rng([self.seed, 19, i, *kind.encode()])
                    facts = replace(self.facts, unit=rng.uniform(0.03, 0.06))
                    narrow.append(self.setting.kinds[kind](rng, facts))
                yield narrow[i]


def _stacked(values: list[Array]) -> Array:
    """Numbers, along the axis REDRAW."""
    return _number(along(values, REDRAW))


def _number(value: Array) -> Array:
    if value.core != "s":
        raise NotExact("a vector where a number is needed")
    return value


def _redrawn(world: World, names: Sequence[str], count: int) -> Iterator[World]:
    """The world with new values for some parameters, all else fixed."""
    names = [name for name in names if name in world.parameters]
    if not names:
        raise NotExact("nothing here varies with the parameter")
    rng = np.random.default_rng([world.seed, 13])
    for _ in range(count):
        yield world.at(**{name: shaken(rng, world.parameters[name], 0.7) for name in names})


def shaken(rng: np.random.Generator, vector: Data, width: float) -> Data:
    """A parameter vector moved at random."""
    return np.asarray(vector + width * rng.standard_normal(vector.shape))
