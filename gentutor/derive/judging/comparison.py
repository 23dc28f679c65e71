"""Two lines in one world: by how much they differ, relative to the largest term that they are made of."""

from dataclasses import dataclass, replace

import numpy as np

from gentutor.derive.tree import (
    Add,
    Apply,
    Call,
    Divergence,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Sum,
)
from gentutor.derive.worlds.array import Array, Data, NotExact, add, negative
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.weights import LINEAR, by_weight
from gentutor.derive.worlds.world import World

HOLDS, FAILS = 1e-9, 1e-7  # relative residuals: below the first a line holds, above the second it fails


@dataclass(frozen=True)
class Comparison:
    """Two lines in one world: by how much the relation is off, relative to the largest term, and where."""

    residual: float
    above: Array
    here: Array
    excess: Data  # where it is off, point by point


def one_at_a_time(world: World) -> None:
    """Raises NotExact where several worlds are one: the largest term is a world's own."""
    if world.axis:
        raise NotExact("the largest term is that of one world")


def largest_term(n: Node, scope: Scope) -> float:
    """The size of what an expression is made of: of E[nabla log p] = 0 the root of E|nabla log p|^2."""
    if isinstance(n, Add):
        return max(largest_term(term, scope) for term in n.terms)
    if isinstance(n, Neg | Gradient) or (isinstance(n, Apply) and n.function in LINEAR):
        return largest_term(n.body, scope)
    if isinstance(n, Mul):
        return float(np.prod([largest_term(factor, scope) for factor in n.factors]))
    if isinstance(n, Call | Divergence) or (isinstance(n, Apply) and n.function == "log"):
        return max(1.0, float(np.abs(evaluate(n, scope).data).max()))  # log(1 + 1e-16) is as good as 0
    if isinstance(n, Sum):
        return float(np.abs(evaluate(replace(n, body=Norm(n.body)), scope).data).max())
    if isinstance(n, Expectation | Integral):
        integrand = Mul((n.measure, n.body)) if isinstance(n, Expectation) else n.body
        sizes = [
            evaluate(Integral(n.variables, w) * Integral(n.variables, w * Norm(rest) ** 2), scope)
            for w, rest in by_weight(integrand)
            if w is not None
        ]
        return max((float(np.abs(size.data).max()) ** 0.5 for size in sizes), default=0.0)
    return float(np.abs(evaluate(n, scope).data).max())


def difference(a: Array, b: Array, least: float = 0.0) -> Comparison:
    """|a - b| relative to the larger of them at each point, or to `least`."""
    gap = add(a, negative(b))
    axes = gap.axes
    zero = Array(np.zeros_like(gap.data), axes, gap.core)
    whole_a, whole_b = (add(zero, side).data for side in (a, b))
    core = tuple(range(len(axes), gap.data.ndim))
    size = np.maximum(np.abs(whole_a), np.abs(whole_b))
    size = np.maximum(size.max(axis=core) if core else size, max(least, 1e-300))
    off = np.abs(gap.data)
    excess = (off.max(axis=core) if core else off) / size
    return Comparison(
        float(np.max(excess)), Array(whole_a, axes, gap.core), Array(whole_b, axes, gap.core), excess
    )
