"""Inequalities, by a search for the smallest gap, and arg min, by the order of redrawn parameters."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from gentutor.derive.judging.bench import REDRAW, Bench, shaken
from gentutor.derive.judging.comparison import Comparison, largest_term, one_at_a_time
from gentutor.derive.judging.noise import scope_for
from gentutor.derive.tree import (
    Node,
    Optimum,
)
from gentutor.derive.worlds.array import Array, NotExact, add, negative, spread, union
from gentutor.derive.worlds.evaluate import evaluate
from gentutor.derive.worlds.world import World

CLEAR = 1e-4  # a violation found by search must be this large
# Steps towards the smallest gap, where worlds stay exact however far they are pushed: a climb in a Gaussian
# world ends where rounding is largest. There only worlds nearly flat or sharply peaked are tried.
SEARCH = {"finite": 40, "matrix": 60}


# --------------------------------------------------------------------------------------------- inequality


def smallest_gap(larger: Node, smaller: Node, bench: Bench, world: World) -> Comparison:
    """larger >= smaller here, and wherever a search over the parameters can go.

    One random climb starts from this world, one from the worst of a few that are extreme. Where a search
    led to a world that told of another line, that one is tried first: a diagnosis tries many lines.
    """
    worst = gap(larger, smaller, bench, world)
    rng = np.random.default_rng([world.seed, 17])
    names = list(world.parameters)

    def tried(trial: World) -> Comparison | None:
        try:
            found = gap(larger, smaller, bench, trial)
        except NotExact:
            return None
        return found if np.isfinite(found.residual) else None

    def climb(start: World, best: Comparison, steps: int) -> Comparison:
        width = 0.5
        for _ in range(steps):
            if best.residual > CLEAR:
                break
            trial = start.at(**{name: shaken(rng, start.parameters[name], width) for name in names})
            found = tried(trial)
            if found is not None and found.excess.max() > best.excess.max():
                best, start, width = found, trial, width * 1.3
            else:
                width = max(width * 0.85, 0.02)
        if best.residual > CLEAR and start is not world:
            bench.tells(world, start)
        return best

    if not names or bench.quick:
        return worst
    for telling in bench.telling.get(id(world), ()):
        found = tried(telling)
        if found is not None and found.residual > CLEAR:
            return found
    steps = SEARCH.get(world.kind, 0)
    first, worst = worst, climb(world, worst, steps)
    if worst.residual <= CLEAR:
        probes = bench.probes(world, _probes)
        pairs = [(found, probe) for probe in probes if (found := tried(probe)) is not None]
        if pairs:
            found, probe = max(pairs, key=lambda pair: float(pair[0].excess.max()))
            worst = max(worst, climb(probe, found, steps), key=lambda one: one.residual)
    # Worlds that were pushed about lose digits: there only what is clearly below counts.
    return worst if worst.residual > CLEAR else first


def _probes(world: World) -> Iterator[World]:
    """Worlds nearly flat or sharply peaked in one parameter, and some in which two parameters are nearly one.

    Where q is nearly the posterior, most bounds are nearly tight: what leans the wrong way shows there. So it
    does where the parameters, one or all, are at an optimum that the setting knows.
    """
    rng = np.random.default_rng([world.seed, 23])
    vectors = world.parameters
    optima = {name: found.start for name, found in world.contents.searches.items() if name in vectors}
    yield from (world.at(**{name: start}) for name, start in optima.items())
    if len(optima) > 1:
        yield world.at(**optima)
    for name, vector in vectors.items():
        for size in (0.1, 3.0):
            yield world.at(**{name: size * vector})
    for one, other in permutations(vectors, 2):
        if len(vectors[one]) == len(vectors[other]):
            for size in (1.0, 3.0):
                vector = size * vectors[one]
                yield world.at(**{one: vector, other: shaken(rng, vector, 0.1)})


def gap(larger: Node, smaller: Node, bench: Bench, world: World) -> Comparison:
    """By how much the smaller side exceeds the larger one; the search climbs on `excess`."""
    scope = scope_for(larger, smaller, bench.setting, world)
    a, b = evaluate(larger, scope), evaluate(smaller, scope)
    gap = add(b, negative(a))
    if gap.core != "s":
        raise NotExact("an inequality is between numbers")
    whole_a, whole_b = (add(side, Array(np.zeros_like(gap.data), gap.axes)) for side in (a, b))
    size = np.maximum(np.maximum(np.abs(whole_a.data), np.abs(whole_b.data)), 1e-300)
    floor = 0.0
    if gap.data.max() > 0:
        one_at_a_time(world)
        floor = max(largest_term(larger, scope), largest_term(smaller, scope))
    excess = gap.data / np.maximum(size, floor)
    for more, less in bench.premises:  # where one of them is not met, nothing is claimed
        met = add(evaluate(more, scope), negative(evaluate(less, scope)))
        if set(met.axes) <= set(gap.axes):
            excess = np.where(spread(met, gap.axes) >= 0, excess, -np.inf)
    return Comparison(float(np.maximum(0.0, excess.max())), whole_a, whole_b, excess)  # nan stays nan


# ------------------------------------------------------------------------------------------------ arg min


def same_order(above: Optimum, here: Optimum, bench: Bench, world: World) -> Comparison:
    """Over redrawn parameters one objective is a strictly increasing function of the other."""
    if set(above.over) != set(here.over):
        raise NotExact("the two are optimised over different things")
    scope = scope_for(above.body, here.body, bench.setting, world)
    values = [bench.over_redraws(side.body, scope, above.over, bench.redraws) for side in (above, here)]
    axes = union(*values)
    a, b = np.broadcast_arrays(*(spread(value, axes) for value in values))
    a, b = (np.moveaxis(side, axes.index(REDRAW), -1) for side in (a, b))
    if above.kind != here.kind:
        b = -b
    order = np.argsort(a, axis=-1)
    sorted_b = np.take_along_axis(b, order, axis=-1)
    scale = np.ptp(b, axis=-1, keepdims=True)
    if not np.all(np.ptp(a, axis=-1) > 1e-9 * (np.abs(a).max(axis=-1) + 1e-300)):
        raise NotExact(f"the objective does not vary with {', '.join(above.over)}")
    falls = np.maximum(0.0, -np.diff(sorted_b, axis=-1)) / (scale + 1e-300)
    size = np.abs(b).max(axis=-1, keepdims=True)
    flat = np.where(scale <= 1e-9 * (size + 1e-300), 1.0, 0.0)
    excess = np.maximum(falls.max(axis=-1), flat[..., 0])
    rest = tuple(name for name in axes if name != REDRAW)
    return Comparison(float(excess.max()), Array(a[..., 0], rest), Array(b[..., 0], rest), excess)
