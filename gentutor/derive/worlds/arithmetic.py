"""Sums, products, powers, norms, and the functions that every setting knows."""

from collections.abc import Callable

import numpy as np

from gentutor.derive.tree import (
    Add,
    Apply,
    Div,
    Mul,
    Neg,
    Node,
    Norm,
    Pow,
    Prod,
    Sum,
)
from gentutor.derive.worlds import array
from gentutor.derive.worlds.array import Array, NotExact, scalar
from gentutor.derive.worlds.scope import FUNCTIONS, RULES, Scope, evaluate, integer


def _add(n: Add, scope: Scope) -> Array:
    return array.add(*(evaluate(term, scope) for term in n.terms))


def _neg(n: Neg, scope: Scope) -> Array:
    return array.negative(evaluate(n.body, scope))


def _mul(n: Mul, scope: Scope) -> Array:
    value = evaluate(n.factors[0], scope)
    for factor in n.factors[1:]:
        value = array.multiply(value, evaluate(factor, scope))
    return value


def _div(n: Div, scope: Scope) -> Array:
    below = array.reciprocal(evaluate(n.denominator, scope))
    return array.multiply(evaluate(n.numerator, scope), below)


def _pow(n: Pow, scope: Scope) -> Array:
    exponent = evaluate(n.exponent, scope)
    if not exponent.axes and exponent.data == 2:
        if isinstance(n.base, Norm):
            return _squared_norm(n.base, scope)
        return array.square(evaluate(n.base, scope))
    base = evaluate(n.base, scope)
    if not exponent.axes and exponent.data == -1:
        return array.reciprocal(base)
    if base.core == "m" and not exponent.axes and abs(exponent.data) == 0.5:
        return _root(base, float(exponent.data.real))
    axes = array.union(base, exponent)
    one = array.elementwise(base, lambda data: data)
    return Array(array.spread(one, axes) ** array.spread(exponent, axes), axes)


def _root(value: Array, exponent: float) -> Array:
    """The symmetric square root of a matrix, or its inverse."""
    roots, vectors = np.linalg.eigh(array.square_matrix(value).data)
    return Array(np.einsum("...ij,...j,...kj->...ik", vectors, roots**exponent, vectors), value.axes, "m")


def _squared_norm(n: Norm, scope: Scope) -> Array:
    value = None if n.order == "L" else evaluate(n.body, scope)
    if value is None or n.order == "1" or (n.order == "2" and value.core == "m"):
        return array.square(_norm(n, scope))
    return array.sum_squares(value)


def _norm(n: Norm, scope: Scope) -> Array:
    if n.order == "L":
        return _lipschitz(n.body, scope)
    value = evaluate(n.body, scope)
    if n.order == "1":
        absolute = Array(np.abs(value.data), value.axes, value.core)
        return Array(absolute.data.reshape(*value.data.shape[: len(value.axes)], -1).sum(-1), value.axes)
    if n.order == "2" and value.core == "m":
        if np.iscomplexobj(value.data):
            raise NotExact("no derivative of the largest singular value is known here")
        return Array(np.linalg.norm(value.data, 2, axis=(-2, -1)), value.axes)
    return array.elementwise(array.sum_squares(value), np.sqrt)


def _lipschitz(function: Node, scope: Scope) -> Array:
    """The Lipschitz constant of a function of x on a finite metric space."""
    constant, axis = scope.world.contents.functions.get("lipschitz"), scope.new_axis()
    if constant is None:
        raise NotExact("a Lipschitz constant is known on a finite metric space only")
    value = evaluate(function, scope.bind({"x": scope.world.free("x", axis)}))
    if {*value.axes} - {scope.world.axis} != {axis}:
        raise NotExact("a Lipschitz constant is known of a function of x")
    return constant(value)


def _sqrt(n: Apply, scope: Scope) -> Array:
    value = evaluate(n.body, scope)
    return (
        _root(value, 0.5)
        if value.core == "m" and value.shape != (1, 1)
        else array.elementwise(value, np.sqrt)
    )


def _abs(n: Apply, scope: Scope) -> Array:
    value = evaluate(n.body, scope)
    return _det(n, scope) if value.core == "m" else array.elementwise(value, np.abs)


def _det(n: Apply, scope: Scope) -> Array:
    value = evaluate(n.body, scope)
    return value if value.core == "s" else Array(np.linalg.det(array.square_matrix(value).data), value.axes)


def _diag(n: Apply, scope: Scope) -> Array:
    value = evaluate(n.body, scope)
    if value.core not in ("c", "r"):
        return value
    return Array(value.data[..., None] * np.eye(value.shape[0]), value.axes, "m")


def _transpose(n: Apply, scope: Scope) -> Array:
    return array.transpose(evaluate(n.body, scope))


def _pointwise(function: Callable[[array.Data], array.Data]) -> Callable[[Apply, Scope], Array]:
    return lambda n, scope: array.elementwise(evaluate(n.body, scope), function)


FUNCTIONS.update(
    {
        "sqrt": _sqrt,
        "abs": _abs,
        "det": _det,
        "diag": _diag,
        "transpose": _transpose,
        "exp": _pointwise(np.exp),
        "tanh": _pointwise(np.tanh),
        "sigmoid": _pointwise(lambda a: 1 / (1 + np.exp(-a))),
        "tr": lambda n, scope: array.trace(evaluate(n.body, scope)),
    }
)


def _apply(n: Apply, scope: Scope) -> Array:
    return FUNCTIONS[n.function](n, scope)


Combine = Callable[[Array, Array], Array]


def over(
    n: Sum | Prod, scope: Scope, value_of: Callable[[Node, Scope], Array], join: Combine, empty: float
) -> Array:
    """The body at every value of the index, joined by + or by *."""
    first, last = integer(n.first, scope), integer(n.last, scope)
    skip = integer(n.skip, scope) if isinstance(n, Sum) and n.skip is not None else None
    total = None
    for i in range(first, last + 1):
        if i != skip:
            value = value_of(n.body, scope.with_integer(n.index, i))
            total = value if total is None else join(total, value)
    return scalar(empty) if total is None else total


def _sum(n: Sum, scope: Scope) -> Array:
    return over(n, scope, evaluate, array.add, 0.0)


def _prod(n: Prod, scope: Scope) -> Array:
    return over(n, scope, evaluate, array.multiply, 1.0)


RULES.update(
    {
        Add: _add,
        Neg: _neg,
        Mul: _mul,
        Div: _div,
        Pow: _pow,
        Norm: _norm,
        Apply: _apply,
        Sum: _sum,
        Prod: _prod,
    }
)
