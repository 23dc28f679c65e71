"""Derivatives by a variable or a parameter, from values on a circle in the complex plane."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gentutor.derive.tree import (
    Call,
    Divergence,
    Expectation,
    Gradient,
    Integral,
    Node,
    Symbol,
    Variable,
    walk,
)
from gentutor.derive.worlds import array
from gentutor.derive.worlds.array import Array, NotExact
from gentutor.derive.worlds.scope import RULES, Scope, evaluate, integer, key_of, point
from gentutor.derive.worlds.world import Contents, World

# Where an analytic function is read for its derivative; of one that is real for real values half will do.
STEP = 1e-20  # the values of D may be near 0, where a circle would be too wide
CIRCLE = 0.02 * np.exp(2j * np.pi * (np.arange(8) + 0.5) / 8)


def _gradient(n: Gradient, scope: Scope) -> Array:
    if isinstance(n.wrt, Variable) and n.wrt.component is not None:  # by x_i: one of the derivatives by x
        whole = replace(
            n, wrt=replace(n.wrt, component=None), kind="hessian" if n.kind == "laplacian" else n.kind
        )
        return array.component(_gradient(whole, scope), integer(n.wrt.component, scope))
    if n.kind in ("laplacian", "hessian"):
        jacobian = _derivative(
            n.wrt, lambda inner: _derivative(n.wrt, lambda s: evaluate(n.body, s), inner), scope
        )
        return array.trace(jacobian) if n.kind == "laplacian" else jacobian
    if isinstance(n.wrt, Call) and any(
        isinstance(part, Integral | Expectation | Divergence)
        or (isinstance(part, Call) and part.name == n.wrt.name and part != n.wrt)
        for part in walk(n.body)
    ):
        raise NotExact("a derivative by the value of a function at a point is of that value alone")
    value = _derivative(n.wrt, lambda inner: evaluate(n.body, inner), scope)
    return array.trace(value) if n.kind == "div" else value


def _derivative(wrt: Node, body: Callable[[Scope], Array], scope: Scope) -> Array:
    """The derivative of an analytic function, from its values on a circle in the complex plane.

    Of a scalar a vector, of a vector its Jacobian; by a parameter along `World.directions`.
    """
    nested = inside_derivative(scope)
    circle = CIRCLE if nested else CIRCLE[:4]
    shape: tuple[int, ...] | None = None
    if isinstance(wrt, Variable):
        value, axes, data = _around_point(wrt, body, scope, circle)
    elif isinstance(wrt, Symbol) and not wrt.index:
        directions, shape = _directions(wrt.name, scope.world)
        vector = scope.world.parameters[wrt.name]
        worlds = [scope.world.at(**{wrt.name: vector + w * v}) for v in directions for w in circle]
        values = [body(replace(scope, world=world)) for world in worlds]
        value, axes = values[0], array.union(*values)
        data = np.stack(np.broadcast_arrays(*(array.spread(one, axes) for one in values)), axis=-1)
    elif isinstance(wrt, Call) and not nested:
        value = body(replace(scope, world=_raised(scope.world, wrt.name, 1j * STEP)))
        return Array(value.data.imag / STEP, value.axes, value.core)
    else:
        raise NotExact(
            "a derivative is by a variable or by a parameter; in pca by w, a direction that is free"
        )
    if value.core == "m":
        raise array.Misfit("the derivative of a matrix")
    # the last axis counts what it is differentiated by
    slopes = data.reshape(*data.shape[:-1], -1, len(circle)) @ (1 / (circle * len(circle)))
    if not nested:
        slopes = slopes.real
    if shape is not None and value.core == "s":
        return Array(slopes.reshape((*slopes.shape[:-1], *shape)), axes, "scm"[len(shape)])
    return Array(slopes, axes, "c" if value.core == "s" else "m")


def _raised(world: World, name: str, step: complex) -> World:
    """The world in which a function has `step` more everywhere."""

    def make(parameters: Mapping[str, array.Data]) -> Contents:
        contents = world.make(parameters)
        function = contents.functions[name]
        raised = {name: lambda *at: array.add(function(*at), array.scalar(step))}
        return replace(contents, functions={**contents.functions, **raised})

    return replace(world, make=make)


def _around_point(
    wrt: Variable, body: Callable[[Scope], Array], scope: Scope, circle: array.Data
) -> tuple[Array, tuple[str, ...], array.Data]:
    """The values of `body` with each component of a variable moved along the circle, all at once."""
    key, axis = key_of(wrt, scope), scope.new_axis() + "'"
    here = point(key, scope)
    if here.core == "state":
        raise NotExact("a derivative by a variable needs a Gaussian world")
    moves = np.einsum("ij,k->ikj", np.eye(here.shape[0]), circle).reshape(-1, here.shape[0])
    value = body(scope.bind({key: array.add(here, Array(moves, (axis,), here.core))}))
    axes = tuple(name for name in value.axes if name != axis)
    if len(axes) < len(value.axes):
        return value, axes, np.moveaxis(value.data, value.axes.index(axis), -1)
    return value, axes, np.broadcast_to(value.data[..., None], (*value.data.shape, len(moves)))


def _directions(name: str, world: World) -> tuple[array.Data, tuple[int, ...] | None]:
    """Along which directions a derivative by a parameter is taken, and its shape where the parameter has one.

    A parameter that is itself printed, as the matrix Theta, has a gradient of its own shape; theta has none.
    """
    value, vector = world.contents.symbols.get(name), world.parameters.get(name)
    if vector is not None and callable(value):
        value = value()  # z without an index
    if not isinstance(value, Array) or vector is None:
        return world.directions(name), None
    if world.axis:
        raise NotExact("a gradient of a shape of its own is taken in one world at a time")
    if value.data.size != vector.size or not np.allclose(value.data.ravel(), vector):
        raise NotExact(f"no gradient by {name}, which is not free here: it is tied by what is given")
    return np.eye(vector.size), value.shape


def inside_derivative(scope: Scope) -> bool:
    """Whether this derivative stands inside another one."""
    vectors = [*scope.world.parameters.values(), *(value.data for value in scope.points.values())]
    return any(np.iscomplexobj(vector) for vector in vectors)


RULES[Gradient] = _gradient
