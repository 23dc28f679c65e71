"""min and max over parameters and functions."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gentutor.derive.tree import (
    Optimum,
)
from gentutor.derive.worlds import array
from gentutor.derive.worlds.array import Array, NotExact
from gentutor.derive.worlds.derivatives import inside_derivative
from gentutor.derive.worlds.optimum import linear_programme, stationary
from gentutor.derive.worlds.scope import RULES, Scope, evaluate
from gentutor.derive.worlds.world import Search


def _optimum(n: Optimum, scope: Scope) -> Array:
    """The extreme value over parameters, entry by entry; of an arg max the function that it is."""
    world = scope.world
    if not n.over or any(name not in world.parameters for name in n.over):
        raise NotExact(f"no {n.kind} over {', '.join(n.over) or 'nothing'} is known here")
    if world.axis:
        raise NotExact("an optimum is searched in one world at a time")
    real = (
        scope  # in a derivative the search is at the real point: to first order the optimum is worth the same
    )
    if inside_derivative(scope):
        world = world.at(**{name: vector.real for name, vector in world.parameters.items()})
        points = {key: Array(value.data.real, value.axes, value.core) for key, value in scope.points.items()}
        real = replace(scope, world=world, points=points)
    searches = [world.contents.searches.get(name, Search(world.parameters[name])) for name in n.over]
    start = np.concatenate([search.start for search in searches])
    ends = np.cumsum([len(search.start) for search in searches])[:-1]
    sign = 1.0 if n.kind == "min" else -1.0

    def moved(vector: array.Data, here: Scope) -> Scope:
        return replace(here, world=here.world.at(**dict(zip(n.over, np.split(vector, ends), strict=True))))

    def body(vector: array.Data, here: Scope = real) -> Array:
        return evaluate(n.body, moved(vector, here))

    def entry(index: tuple[int, ...]) -> Callable[[array.Data], complex]:
        return lambda vector: complex(sign * body(vector).data[index])

    first, place = body(start), searches[0].place
    limit = None if n.limit is None else float(evaluate(n.limit, real).data.real)
    within = searches[0].within(limit)
    fits = limit is None if within is None else not n.arg and len(n.over) == 1 and real is scope
    if not fits or first.core != "s":
        raise NotExact(f"no {n.kind} over this set of {', '.join(n.over)} is known here")
    best = np.zeros(first.data.shape, dtype=float if real is scope else complex)
    for index in np.ndindex(first.data.shape):
        if within is not None:
            best[index] = sign * linear_programme(entry(index), start, within).real
            continue
        found = stationary(entry(index), start)
        if n.arg:
            if place is None or first.axes:
                raise NotExact("an arg min stands alone on its side of a relation")
            return evaluate(place, moved(found, scope))
        best[index] = (first if found is start and real is scope else body(found, scope)).data[index]
    return Array(best, first.axes, first.core)


RULES[Optimum] = _optimum
