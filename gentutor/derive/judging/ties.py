"""Noise and data that one expectation binds together: below E_{q(x_t|x_0)} epsilon is that of x_t.

Lectures write E_{x_0, epsilon} ||epsilon - epsilon_theta(x_t, t)||^2, where x_t is what x_0 and epsilon make
it, and E_{q(x_t|x_0)} of the same, where epsilon is what x_0 and x_t make it.
"""

from gentutor.derive.setting import Noise
from gentutor.derive.tree import Expectation, Node, Variable, node, rebuild

ZERO = (node(0),)


def tie_bound(n: Node, noise: Noise, bound: frozenset[Variable] = frozenset()) -> Node:
    """`n` with such a noise, or such an x_t, written out where an expectation leaves it unbound."""
    if isinstance(n, Expectation):
        own = frozenset(v for v in n.variables if isinstance(v, Variable))
        bound = bound | own
    elif isinstance(n, Variable):
        return _written_out(n, noise, bound)
    return rebuild(n, lambda child: tie_bound(child, noise, bound))


def _written_out(v: Variable, noise: Noise, bound: frozenset[Variable]) -> Node:
    if v in bound or noise.tied is None or noise.noisy is None:
        return v
    steps = [x for x in bound if x.name == noise.variable and x.index not in ((), ZERO)]
    noises = [e for e in bound if _tiable(e, noise, v.index)]
    if _tiable(v, noise, *(x.index for x in steps)) and len(steps) == 1 and not noises:
        return noise.tied(steps[0].index[0])
    if v.name in noise.names and len(noises) == 1 and not steps:
        return noises[0]  # Weng's E_{x_0, epsilon} of epsilon_t
    start = Variable(noise.variable, ZERO)
    if v.name == noise.variable and v.index not in ((), ZERO) and start in bound and len(noises) == 1:
        return v if steps else noise.noisy(v.index[0], noises[0])
    return v


def _tiable(v: Variable, noise: Noise, *levels: tuple[Node, ...]) -> bool:
    """Whether a noise is called epsilon or epsilon_0, or after the level of x_t."""
    return v.name in noise.names and v.index in ((), ZERO, *levels)
