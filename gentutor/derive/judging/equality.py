"""Equal values, equal laws, proportional densities, equality up to a constant."""

from collections.abc import Sequence

import numpy as np

from gentutor.derive.judging.bench import REDRAW, Bench
from gentutor.derive.judging.comparison import HOLDS, Comparison, difference, largest_term, one_at_a_time
from gentutor.derive.judging.noise import Sides, left_keys, scope_for, writes_noise
from gentutor.derive.tree import (
    Apply,
    Const,
    Density,
    Node,
    Normal,
    Variable,
    walk,
)
from gentutor.derive.worlds.array import Array, NotExact, add, negative, spread, union
from gentutor.derive.worlds.evaluate import Scope, evaluate, key_of, log_of
from gentutor.derive.worlds.world import World


def equal(above: Node, here: Node, bench: Bench, drawn: bool, world: World) -> Comparison:
    """Value by value; as laws where a line has fresh noise, or where the relation is "~" (`drawn`)."""
    scope, setting = Scope(world), bench.setting
    if world.finite:
        if drawn and not all(isinstance(side, Density | Normal) for side in (above, here)):
            raise NotExact("a draw is compared in Gaussian worlds")
        return _by_value(above, here, scope, bench)
    if not drawn and not writes_noise(setting, above, here):
        return _by_value(above, here, scope, bench)
    if drawn:  # what is tied elsewhere is a fresh draw here
        scope = scope.bind({key: world.free(key, key) for key in world.contents.tied})
    sides = Sides(above, here, setting, scope, drawn)
    if not sides.noises and not drawn:
        return _by_value(above, here, scope, bench)
    tied = sides.tied()
    if tied is not None:
        return _by_value(above, here, tied, bench)
    law_above, law_here = sides.laws()
    means = difference(law_above.mean, law_here.mean)
    covariances = difference(law_above.covariance, law_here.covariance)
    return max(means, covariances, key=lambda found: found.residual)


def _by_value(above: Node, here: Node, scope: Scope, bench: Bench) -> Comparison:
    a, b = bench.value(above, scope), bench.value(here, scope)
    if "state" in (a.core, b.core) and a.core != b.core:
        raise NotExact("a state is not a number")
    found = difference(a, b)
    off = found.excess > HOLDS
    vanish = all(np.abs(side.data[off]).max(initial=0.0) < HOLDS for side in (found.above, found.here))
    if off.any() and (found.residual < 1e-4 or vanish):  # perhaps only because large terms cancel
        one_at_a_time(scope.world)
        return difference(a, b, max(largest_term(above, scope), largest_term(here, scope)))
    return found


def proportional(above: Node, here: Node, opening: Node, world: World) -> Comparison:
    """The log of the ratio does not vary with the left variables of the opening density."""
    scope = Scope(world)
    keys = left_keys(opening, scope)
    if not keys:
        raise NotExact("a proportionality needs a density in the opening line: in which variable?")
    a, b = log_of(above, scope), log_of(here, scope)
    ratio = add(a, negative(b))
    return constant_along(ratio, a, b, [key for key in keys if key in ratio.axes], world.axis)


def constant_along(
    difference: Array, a: Array, b: Array, names: Sequence[str], apart: str = ""
) -> Comparison:
    """How far `difference` varies along some axes, relative to the size of what it is a difference of.

    The size is that of a whole world; several worlds lie along the axis `apart`.
    """
    data = difference.data
    positions = tuple(difference.axes.index(name) for name in names)
    if not positions:
        return Comparison(0.0, a, b, np.zeros(data.shape))
    off = np.abs(data - data.mean(axis=positions, keepdims=True))
    whole_a, whole_b = (
        Array(np.broadcast_to(spread(s, difference.axes), data.shape), difference.axes) for s in (a, b)
    )
    world = tuple(i for i, name in enumerate(difference.axes) if name != apart)
    sizes = [np.abs(whole.data).max(axis=world, keepdims=True) for whole in (whole_a, whole_b)]
    excess = off / np.maximum(np.maximum(*sizes), 1.0)
    return Comparison(float(excess.max()), whole_a, whole_b, excess)


def up_to_constant(above: Node, here: Node, opening: Node, bench: Bench, world: World) -> Comparison:
    """The difference does not vary with the constants' arguments: variables, or redrawn parameters.

    A constant without arguments is one in the parameters; where neither line varies with those, in the left
    variables of the opening density; where there is none, in every free variable.
    """
    scope = scope_for(above, here, bench.setting, world)
    constants = [n for side in (above, here) for n in walk(side) if isinstance(n, Const)]
    varying = [argument for n in constants for argument in n.arguments]
    keys = [key_of(argument, scope) for argument in varying if isinstance(argument, Variable)]
    names = [n.name for n in varying if not isinstance(n, Variable) and hasattr(n, "name")]
    if not varying:
        names = [name for name in bench.setting.vocabulary.parameters if name in world.parameters]
    elif any(n.of for n in constants):  # C(x_t, x_0): what differs varies with nothing else
        keys, names = _all_but(varying, above, here, scope), []
    if any(_inside(side) for side in (above, here)):
        above, here = (Apply("log", side) for side in (above, here))
    sides = [bench.over_redraws(side, scope, names, 4 if names else 1) for side in (above, here)]
    if not varying and not any(_varies(side) for side in sides):
        free = union(*sides)
        keys = [key for key in left_keys(opening, scope) if key in free] or [k for k in free if k != REDRAW]
        if not keys:
            raise NotExact("a constant in what? Nothing here varies with a parameter or a variable")
    difference = add(sides[0], negative(sides[1]))
    keys = [key for key in (*keys, REDRAW) if key in difference.axes]
    return constant_along(difference, sides[0], sides[1], keys, world.axis)


def _varies(side: Array) -> bool:
    """Whether a line varies with the parameters that were redrawn."""
    place = side.axes.index(REDRAW)
    return bool(np.ptp(side.data.real, axis=place).max() > 1e-9 * (1 + np.abs(side.data).max()))


def _inside(side: Node) -> bool:
    """Whether a constant stands in an exponent, where it is a factor and no term."""
    return any(
        isinstance(n, Apply) and n.function == "exp" and any(isinstance(m, Const) for m in walk(n))
        for n in walk(side)
    )


def _all_but(arguments: Sequence[Node], above: Node, here: Node, scope: Scope) -> list[str]:
    """The free variables of two lines that are not among the arguments of a constant."""
    named = {key_of(argument, scope) for argument in arguments if isinstance(argument, Variable)}
    every = union(evaluate(above, scope), evaluate(here, scope))
    return [key for key in every if key not in named and key != scope.world.axis]
