"""What names are worth: numbers, symbols, variables, functions of the setting, densities."""

from dataclasses import replace

import numpy as np

from gentutor.derive.tree import (
    Assigned,
    Call,
    Density,
    Node,
    Normal,
    Number,
    Symbol,
    Variable,
)
from gentutor.derive.worlds import array
from gentutor.derive.worlds.array import Array, NotExact, scalar
from gentutor.derive.worlds.laws import Law, log_normal
from gentutor.derive.worlds.scope import RULES, Scope, evaluate, integer, key_of, keys_of, point


def _number(n: Number, scope: Scope) -> Array:
    return scalar(float(n.value))


def _symbol(n: Symbol, scope: Scope) -> Array:
    if not n.index:
        for integers in (scope.integers, scope.world.integers):
            if n.name in integers:
                return scalar(float(integers[n.name]))
    contents = scope.world.contents
    if n.index and n.name in contents.components:
        whole = contents.functions[n.name](*(point(key, scope) for key in contents.components[n.name]))
        return array.component(whole, integer(n.index[0], scope))
    value = contents.symbols.get(n.name)
    if value is None:
        raise NotExact(f"{n.name} has no value in a {scope.world.kind} world")
    if isinstance(value, Array):
        return value
    return value(*(integer(level, scope) for level in n.index))


def _variable(n: Variable, scope: Scope) -> Array:
    value = point(key_of(n, scope), scope)
    if n.name in scope.world.contents.coordinates and value.core == "state":
        value = scope.world.contents.coordinates[n.name](value)
    return value if n.component is None else array.component(value, integer(n.component, scope))


def _call(n: Call, scope: Scope) -> Array:
    function = scope.world.contents.functions.get(n.name + n.mark)
    if function is None:
        raise NotExact(f"{n.name} has no value in a {scope.world.kind} world")
    arguments = [_argument(argument, scope) for argument in n.arguments]
    if n.name in scope.world.contents.levelled:
        first = n.arguments[0]
        level = first.index[0] if isinstance(first, Variable) and first.index else Symbol("t")
        arguments.append(scalar(integer(level, scope)))
    return function(*arguments)


def _argument(n: Node, scope: Scope) -> Array:
    """A function of states takes a state, also where the states are points."""
    return (
        point(key_of(n, scope), scope)
        if isinstance(n, Variable) and scope.world.finite
        else evaluate(n, scope)
    )


# ---------------------------------------------------------------------------------------------- densities


def log_density(n: Density, scope: Scope) -> Array:
    """The log of a density's value at the points of its variables."""
    name = f"{n.name}@{n.mark}" if n.mark else n.name
    marks = [item for item in n.given if isinstance(item, Symbol)]  # pi(x|sigma_i): a density for each level
    levels = ("_".join([s.name, *(str(integer(i, scope)) for i in s.index)]) for s in marks)
    name = "@".join([name, *levels])
    law = scope.world.contents.laws.get(name)
    if law is None:
        if n.mark:
            raise NotExact(
                f"{n.name} with a parameter marked {n.mark} has no meaning in a {scope.world.kind} world"
            )
        raise NotExact(f"{name} is no density of a {scope.world.kind} world")
    points = dict(scope.points)
    for item in (*n.left, *n.given):
        if isinstance(item, Assigned):
            points[key_of(item.variable, scope)] = evaluate(item.value, scope)
    inner = replace(scope, points=points)
    given = keys_of(n.given, scope)
    left = tuple(key for key in keys_of(n.left, scope) if key not in given)  # q(x_0, x_1 | x_0)
    copies = sorted({key.partition("^(")[2] for key in left} - {""})  # samples z^(k): independent draws of z
    if len(copies) < 2:
        groups = [list(left)]
    elif any("^(" not in key for key in left):
        raise NotExact("a joint density of several samples and something else")
    else:
        groups = [[key for key in left if key.partition("^(")[2] == copy] for copy in copies]
    logs = [_one_draw(group, given, law, inner) for group in groups if group]
    return array.add(scalar(0.0), *logs)


def _one_draw(left: list[str], given: tuple[str, ...], law: Law, scope: Scope) -> Array:
    names = {key.partition("^(")[0]: point(key, scope) for key in left}
    conditions = {key.partition("^(")[0]: point(key, scope) for key in given}
    return law.log_density(tuple(names), tuple(conditions), {**conditions, **names})


def log_density_of_normal(n: Normal, scope: Scope) -> Array:
    """log N(left; mean, covariance)."""
    if scope.world.finite:
        raise NotExact("a normal density needs a Gaussian world")
    x = evaluate(n.left, scope)
    zero = Array(np.zeros(x.shape), (), x.core)
    mean = array.add(evaluate(n.mean, scope), zero)
    covariance = evaluate(n.covariance, scope)
    size = x.shape[0] if x.shape else 1
    if covariance.core == "s":
        covariance = array.scale(Array(np.eye(size), (), "m"), covariance)
    if x.core == "s":
        x, mean = (Array(v.data[..., None], v.axes, "c") for v in (x, mean))
    if covariance.shape != (size, size) or mean.shape != x.shape:
        raise array.Misfit("the mean and the covariance do not have the size of the variable")
    return log_normal(x, mean, covariance)


RULES.update({Number: _number, Symbol: _symbol, Variable: _variable, Call: _call})
