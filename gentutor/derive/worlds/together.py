"""Several worlds as one, whose values have one named axis more: what is the same in all of them is done once.

A sum, a log, a table that is looked up then cost one operation of numpy for all of them. The functions of a
setting and laws of other forms than `Table` and `Gaussian` are asked world by world, and stacked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gentutor.derive.worlds.array import (
    Array,
    Data,
    NotExact,
    add,
    concatenate,
    multiply,
    negative,
    spread,
    sum_squares,
    union,
)
from gentutor.derive.worlds.laws import Apart, Gaussian, Law, Mixture, Points, Table
from gentutor.derive.worlds.world import Contents, World

Function = Callable[..., Array]


@dataclass(frozen=True)
class Together(World):
    """Worlds of the same sizes and integers; `parameters` have one row for each."""

    members: tuple[World, ...] = ()

    def directions(self, parameter: str, count: int = 3) -> Data:
        """The directions of each world, (count, worlds, size)."""
        return np.stack([world.directions(parameter, count) for world in self.members], axis=1)

    def free(self, key: str, axis: str) -> Array:
        """The points of each world."""
        return stacked([world.free(key, axis) for world in self.members], self.axis)


def alike(world: World) -> tuple[object, ...]:
    """Worlds of which this is the same can be put together."""
    return (
        world.kind,
        world.d,
        world.reach,
        world.rough,
        world.unit,
        tuple(sorted(world.integers.items())),
        tuple(sorted(world.states.items())),
        tuple(sorted((name, vector.shape) for name, vector in world.parameters.items())),
    )


def together(worlds: Sequence[World], axis: str) -> World:
    """One world in place of several that are `alike`; its values have the axis `axis` where they differ."""
    first = worlds[0]

    def make(parameters: Mapping[str, Data]) -> Contents:
        rows = ({name: vector[i] for name, vector in parameters.items()} for i in range(len(worlds)))
        return _contents([world.make(row) for world, row in zip(worlds, rows, strict=True)], axis)

    return Together(
        first.kind,
        first.integers,
        {name: np.stack([world.parameters[name] for world in worlds]) for name in first.parameters},
        make,
        first.states,
        first.d,
        first.reach,
        first.rough,
        first.seed,
        first.unit,
        axis,
        tuple(worlds),
    )


def stacked(values: Sequence[Array], axis: str) -> Array:
    """The values along an axis of their own, unless they are all the same."""
    first = values[0]
    return first if all(value is first or _same(value, first) for value in values) else along(values, axis)


def along(values: Sequence[Array], axis: str) -> Array:
    """The values along a new axis."""
    first = values[0]
    if any((value.core, value.shape) != (first.core, first.shape) for value in values):
        raise NotExact("worlds of different sizes have no common value")
    axes = union(*values)
    data = np.stack(np.broadcast_arrays(*(spread(value, axes) for value in values)))
    whole = tuple(sorted((*axes, axis)))
    return Array(np.moveaxis(data, 0, whole.index(axis)), whole, first.core)


def _same(a: Array, b: Array) -> bool:
    return a.axes == b.axes and a.core == b.core and np.array_equal(a.data, b.data, equal_nan=True)


def _taken(value: Array, axis: str, i: int) -> Array:
    """The value in one of the worlds."""
    if axis not in value.axes:
        return value
    at = value.axes.index(axis)
    return Array(value.data.take(i, axis=at), value.axes[:at] + value.axes[at + 1 :], value.core)


# ---------------------------------------------------------------------------------------------- contents


def _contents(each: Sequence[Contents], axis: str) -> Contents:
    """Contents whose values are those of `each`. No optimum is searched in several worlds at once."""
    first = each[0]

    def functions(of: Callable[[Contents], Mapping[str, Function]]) -> dict[str, Function]:
        return {name: _function([of(contents)[name] for contents in each], axis) for name in of(first)}

    return replace(
        first,
        laws={name: law_of([contents.laws[name] for contents in each], axis) for name in first.laws},
        symbols={
            name: _symbol([contents.symbols[name] for contents in each], axis) for name in first.symbols
        },
        functions=functions(lambda contents: contents.functions),
        coordinates=functions(lambda contents: contents.coordinates),
        divergences=functions(lambda contents: contents.divergences),
        searches={},
    )


def _symbol(values: Sequence[Array | Function], axis: str) -> Array | Function:
    arrays = [value for value in values if isinstance(value, Array)]
    if len(arrays) == len(values):
        return stacked(arrays, axis)
    return _function([value for value in values if not isinstance(value, Array)], axis)


def _function(functions: Sequence[Function], axis: str) -> Function:
    """Functions of arrays, or of integers."""

    def function(*arguments: object) -> Array:
        return stacked(
            [
                one(*(_taken(a, axis, i) if isinstance(a, Array) else a for a in arguments))
                for i, one in enumerate(functions)
            ],
            axis,
        )

    return function


# -------------------------------------------------------------------------------------------------- laws


def law_of(laws: Sequence[Law], axis: str) -> Law:
    """The law that is `laws[i]` in world i."""
    first = laws[0]
    if all(law is first for law in laws):
        return first
    if any(type(law) is not type(first) for law in laws):
        raise NotExact("these worlds have laws of different forms")
    if isinstance(first, Apart):
        return Apart({name: law_of([law.laws[name] for law in laws], axis) for name in first.laws})  # type: ignore[attr-defined]
    if type(first) is Table:
        return _Tables(laws, axis)
    if isinstance(first, Gaussian):
        return _Gaussians(laws, axis)
    if isinstance(first, Mixture) and not first.axes:
        parts = [law_of(parts, axis) for parts in zip(*(law.parts for law in laws), strict=True)]  # type: ignore[attr-defined]
        return type(first)(np.stack([law.weights for law in laws]), parts, (axis,))  # type: ignore[attr-defined]
    return _Each(laws, axis)


class _Each:
    """Laws of any form, asked one by one."""

    def __init__(self, laws: Sequence[Any], axis: str) -> None:
        self.each, self.axis = laws, axis
        self.variables, self.conditions = laws[0].variables, laws[0].conditions

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p(left | given) in each world."""
        logs = []
        for i, law in enumerate(self.each):
            here = {name: _taken(point, self.axis, i) for name, point in points.items()}
            logs.append(law.log_density(left, given, here))
        return stacked(logs, self.axis)


class _Tables(Table):
    """Finite laws over the same variables, looked up in one table."""

    def __init__(self, laws: Sequence[Any], axis: str) -> None:
        super().__init__(laws[0].variables, laws[0].mass, laws[0].conditions)
        self.each, self.axis = laws, axis
        self._stacks: dict[frozenset[str], tuple[tuple[str, ...], Data]] = {}

    def _look_up(self, names: frozenset[str], points: Points) -> Array:
        which = Array(np.arange(len(self.each)), (self.axis,), "state")
        return super()._look_up(names, {**points, self.axis: which})

    def marginal(self, names: frozenset[str]) -> tuple[tuple[str, ...], Data]:
        """The log masses in each world, along a first axis."""
        if names not in self._stacks:
            kept = self.each[0].marginal(names)[0]
            table = np.stack([law.marginal(names)[1] for law in self.each])
            self._stacks[names] = (self.axis, *kept), table
        return self._stacks[names]


class _Gaussians:
    """Normal laws of the same variables."""

    def __init__(self, laws: Sequence[Any], axis: str) -> None:
        self.each, self.axis = laws, axis
        self.variables, self.conditions = laws[0].variables, laws[0].conditions
        self._stacks: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Array, Array, Array, Array]] = {}

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """As that of `Gaussian`, in each world."""
        gain, offset, whiten, log_size = self._factors(tuple(left), tuple(given))
        self.each[0].fits((*left, *given), points)
        mean = offset
        if given:
            mean = add(offset, multiply(gain, concatenate([points[name] for name in given])))
        residual = add(concatenate([points[name] for name in left]), negative(mean))
        square = sum_squares(multiply(whiten, residual))
        return add(Array(-0.5 * square.data, square.axes), negative(log_size))

    def _factors(self, left: tuple[str, ...], given: tuple[str, ...]) -> tuple[Array, Array, Array, Array]:
        if (left, given) not in self._stacks:
            found = []
            for law in self.each:
                gain, offset, covariance = law.conditional(left, given)
                found.append((gain, offset, *law.factors(left, given, covariance)))
            stacks = (
                Array(np.stack(values), (self.axis,), core)
                for values, core in zip(zip(*found, strict=True), ("m", "c", "m", "s"), strict=True)
            )
            gain, offset, whiten, log_size = stacks
            self._stacks[left, given] = gain, offset, whiten, log_size
        return self._stacks[left, given]
