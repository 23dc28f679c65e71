"""Densities and logs, taken apart so that products of many small densities do not vanish."""

import numpy as np

from gentutor.derive.tree import (
    Apply,
    Density,
    Div,
    Mul,
    Node,
    Normal,
    Number,
    Pow,
    Prod,
)
from gentutor.derive.worlds import array
from gentutor.derive.worlds.arithmetic import over
from gentutor.derive.worlds.array import Array, NotExact, scalar
from gentutor.derive.worlds.names import log_density, log_density_of_normal
from gentutor.derive.worlds.scope import FUNCTIONS, RULES, Scope, evaluate


def _density(n: Node, scope: Scope) -> Array:
    return array.elementwise(log_of(n, scope), np.exp)


def _log(n: Apply, scope: Scope) -> Array:
    return log_of(n.body, scope)


def log_of(n: Node, scope: Scope) -> Array:
    """log of an expression, taken apart so that products of many small densities do not vanish."""
    if isinstance(n, Density):
        return log_density(n, scope)
    if isinstance(n, Normal):
        return log_density_of_normal(n, scope)
    if isinstance(n, Apply) and n.function == "exp":
        return array.elementwise(evaluate(n.body, scope), lambda data: data)
    if isinstance(n, Apply) and n.function == "sqrt":
        return array.scale(log_of(n.body, scope), scalar(0.5))
    if isinstance(n, Mul) and all(map(_positive, n.factors)):
        return array.add(*(log_of(factor, scope) for factor in n.factors))
    if isinstance(n, Div) and _positive(n.numerator) and _positive(n.denominator):
        return array.add(log_of(n.numerator, scope), array.negative(log_of(n.denominator, scope)))
    if isinstance(n, Pow) and _positive(n.base):
        return array.multiply(log_of(n.base, scope), evaluate(n.exponent, scope))
    if isinstance(n, Prod) and _positive(n.body):
        return over(n, scope, log_of, array.add, 0.0)
    value = evaluate(n, scope)
    if value.core == "m" and value.shape != (1, 1):
        return _log_of_matrix(value)
    with np.errstate(all="ignore"):
        return array.elementwise(value, np.log)


def _log_of_matrix(value: Array) -> Array:
    """The logarithm of a symmetric positive matrix: tr log Sigma is log det Sigma."""
    matrix = array.square_matrix(value).data
    if np.iscomplexobj(matrix) or not np.allclose(matrix, np.swapaxes(matrix, -1, -2), rtol=1e-12):
        raise NotExact("the logarithm of a matrix that is not symmetric")
    roots, vectors = np.linalg.eigh(matrix)
    return Array(np.einsum("...ij,...j,...kj->...ik", vectors, np.log(roots), vectors), value.axes, "m")


def _positive(n: Node) -> bool:
    """Positive by its form: its log may be taken apart."""
    if isinstance(n, Density | Normal) or (isinstance(n, Apply) and n.function == "exp"):
        return True
    if isinstance(n, Number):
        return n.value > 0
    if isinstance(n, Mul):
        return all(map(_positive, n.factors))
    if isinstance(n, Div):
        return _positive(n.numerator) and _positive(n.denominator)
    if isinstance(n, Pow):
        return _positive(n.base)
    if isinstance(n, Prod) or (isinstance(n, Apply) and n.function == "sqrt"):
        return _positive(n.body)
    return False


RULES.update({Density: _density, Normal: _density})
FUNCTIONS["log"] = _log
