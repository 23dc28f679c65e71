"""Expectations, integrals and divergences."""

from gentutor.derive.tree import (
    Add,
    Apply,
    Density,
    Divergence,
    Expectation,
    Integral,
    Mul,
    Neg,
    Node,
    node,
)
from gentutor.derive.worlds import array
from gentutor.derive.worlds.array import Array, NotExact
from gentutor.derive.worlds.logs import log_of
from gentutor.derive.worlds.quadrature import integrate
from gentutor.derive.worlds.scope import RULES, Scope, evaluate, keys_of
from gentutor.derive.worlds.weights import by_weight

HALF = node(1) / node(2)


def _integral(n: Integral, scope: Scope) -> Array:
    return _integrate(n.variables, n.body, scope)


def _expectation(n: Expectation, scope: Scope) -> Array:
    # Under q(x_{t-1}, x_t | x_0) nothing is left to integrate over x_0 where t is 1.
    fixed = keys_of(n.measure.given, scope) if isinstance(n.measure, Density) else ()
    return _integrate(n.variables, Mul((n.measure, n.body)), scope, fixed)


def _integrate(
    variables: tuple[Node, ...], integrand: Node, scope: Scope, fixed: tuple[str, ...] = ()
) -> Array:
    keys, axis = tuple(key for key in keys_of(variables, scope) if key not in fixed), scope.new_axis()
    if not keys:
        return evaluate(integrand, scope)
    if scope.world.finite:
        return integrate(
            scope.world, keys, axis, None, lambda points: evaluate(integrand, scope.bind(points))
        )
    total = None
    for weight, rest in by_weight(integrand):
        value = integrate(
            scope.world,
            keys,
            axis,
            None if weight is None else lambda points, weight=weight: log_of(weight, scope.bind(points)),  # type: ignore[misc]
            lambda points, rest=rest: evaluate(rest, scope.bind(points)),  # type: ignore[misc]
        )
        total = value if total is None else array.add(total, value)
    assert total is not None
    return total


def _divergence(n: Divergence, scope: Scope) -> Array:
    left, *others = n.arguments
    right = others[0] if others else left
    log_ratio = Add((Apply("log", left), Neg(Apply("log", right))))
    if n.kind in scope.world.contents.divergences:
        return _of_tables(n.kind, left, right, n.variables, scope)
    if n.kind == "KL":
        integrand: Node = Mul((left, log_ratio))
    elif n.kind == "JSD":
        middle = Apply("log", Mul((HALF, Add((left, right)))))
        integrand = Add(
            tuple(Mul((HALF, side, Add((Apply("log", side), Neg(middle))))) for side in (left, right))
        )
    elif n.kind in ("H", "CE"):
        integrand = Neg(Mul((left, Apply("log", right))))
    elif n.kind == "MI":  # I(x; z) is KL(q(x, z) || q(x) q(z))
        if not (isinstance(left, Density) and isinstance(right, Density)):
            raise NotExact("a mutual information is between two variables")
        joint = Density(left.name, (*left.left, *right.left), left.given, left.mark)
        ratio = Add((Apply("log", joint), Neg(Apply("log", left)), Neg(Apply("log", right))))
        integrand = Mul((joint, ratio))
    elif n.kind == "TV" and scope.world.finite:
        integrand = Mul((HALF, Apply("abs", Add((left, Neg(right))))))
    else:
        raise NotExact(f"{n.kind} has no exact value in a {scope.world.kind} world")
    return _integrate(n.variables, integrand, scope)


def _of_tables(kind: str, left: Node, right: Node, variables: tuple[Node, ...], scope: Scope) -> Array:
    """A divergence of two finite laws that the world knows how to work out from their masses."""
    (key,), axis = keys_of(variables, scope), scope.new_axis()
    inner = scope.bind({key: scope.world.free(key, axis)})
    tables = [evaluate(side, inner) for side in (left, right)]
    if any({*table.axes} - {scope.world.axis} != {axis} for table in tables):
        raise NotExact(f"{kind} is known of two laws of {key} only")
    return scope.world.contents.divergences[kind](*tables)


RULES.update({Integral: _integral, Expectation: _expectation, Divergence: _divergence})
