"""The one evaluator: the value of an expression in a world, as an array with named axes.

A free variable runs along an axis that carries its name, a bound one along an axis of its integral. Levels
and indices are integers of the world, so that a sum over t is a loop. The rules lie in the modules that are
imported here, one for each kind of expression.
"""

from gentutor.derive.tree import Const, Node
from gentutor.derive.worlds import arithmetic, derivatives, extrema, integrals, names  # noqa: F401  # their rules
from gentutor.derive.worlds.array import Array, scalar
from gentutor.derive.worlds.logs import log_of
from gentutor.derive.worlds.scope import RULES, Scope, evaluate, integer, key_of, keys_of, point

__all__ = ["Scope", "evaluate", "integer", "key_of", "keys_of", "log_of", "point"]


def _const(n: Node, scope: Scope) -> Array:
    return scalar(0.0)  # what a constant may hide is the business of `judging.relations`


RULES[Const] = _const
