"""The one evaluator: the value of an expression in a world, as an array with named axes.

A free variable runs along an axis that carries its name, a bound one along an axis of its integral. Levels
and indices are integers of the world, so that a sum over t is a loop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gentutor.derive import array
from gentutor.derive.array import Array, NotExact, scalar
from gentutor.derive.laws import Law, log_normal
from gentutor.derive.optimum import linear_programme, stationary
from gentutor.derive.quadrature import Points, integrate
from gentutor.derive.tree import (
    Add,
    Apply,
    Assigned,
    Call,
    Const,
    Density,
    Div,
    Divergence,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Normal,
    Number,
    Optimum,
    Pow,
    Prod,
    Range,
    Sum,
    Symbol,
    Variable,
    node,
)
from gentutor.derive.weights import by_weight
from gentutor.derive.world import Search, World

# Where an analytic function is read for its derivative; of one that is real for real values half of it will do.
CIRCLE = 0.02 * np.exp(2j * np.pi * (np.arange(8) + 0.5) / 8)
HALF = node(1) / node(2)


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: its world, the points of bound variables, the values of indices."""

    world: World
    points: Mapping[str, Array] = field(default_factory=dict)
    integers: Mapping[str, int] = field(default_factory=dict)
    depth: int = 0

    def bind(self, points: Points) -> "Scope":
        """The scope inside an integral over these points."""
        return replace(self, points={**self.points, **points}, depth=self.depth + 1)

    def with_integer(self, name: str, value: int) -> "Scope":
        """The scope of one summand."""
        return replace(self, integers={**self.integers, name: value})

    def new_axis(self) -> str:
        """A name for the axis of one more integral; it differs from those around it."""
        return f"~{self.depth:02d}"


def evaluate(expression: Node, scope: Scope) -> Array:
    """The value of `expression`. Raises NotExact where this kind of world has none that is exact."""
    return _RULES[type(expression)](expression, scope)


def integer(expression: Node, scope: Scope) -> int:
    """The value of an index expression."""
    value = float(evaluate(expression, scope).data.real)
    if abs(value - round(value)) > 1e-9:
        raise NotExact("an index that is not a whole number")
    return round(value)


def key_of(variable: Node, scope: Scope) -> str:
    """The name under which a world knows a variable: "x", "x_3", "z^(2)", "z_1^(2)"."""
    assert isinstance(variable, Variable)
    key = variable.name
    if variable.index:
        key += "_" + ",".join(str(integer(level, scope)) for level in variable.index)
    if variable.sample is not None:
        key += f"^({integer(variable.sample, scope)})"
    return key


def keys_of(items: tuple[Node, ...], scope: Scope) -> tuple[str, ...]:
    """The names of several variables, ranges written out; a symbol among them, as sigma, is none."""
    keys: list[str] = []
    for item in items:
        if isinstance(item, Range):
            first, last = integer(item.first, scope), integer(item.last, scope)
            form = f"{item.name}^({{}})" if item.sample else f"{item.name}_{{}}"
            keys += [form.format(level) for level in range(first, last + 1)]
        elif isinstance(item, Assigned):
            keys.append(key_of(item.variable, scope))
        elif not isinstance(item, Symbol):
            keys.append(key_of(item, scope))
    return tuple(keys)


def point(key: str, scope: Scope) -> Array:
    """Where a variable is: at its integral's nodes, tied to others, else anywhere (along an axis of its own name)."""
    if key in scope.points:
        return scope.points[key]
    tied = scope.world.contents.tied.get(key)
    return scope.world.free(key, key) if tied is None else evaluate(tied, scope)


# -------------------------------------------------------------------------------------------------- names


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
        value = Array(scope.world.contents.coordinates[n.name][value.data], value.axes, "c")
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
    return point(key_of(n, scope), scope) if isinstance(n, Variable) and scope.world.finite else evaluate(n, scope)


# ---------------------------------------------------------------------------------------------- densities


def log_density(n: Density, scope: Scope) -> Array:
    """The log of a density's value at the points of its variables."""
    name = f"{n.name}@{n.mark}" if n.mark else n.name
    marks = [item for item in n.given if isinstance(item, Symbol)]  # pi(x|sigma_i): a density for each level
    name = "@".join([name, *(f"{s.name}_{integer(s.index[0], scope)}" for s in marks if s.index)])
    law = scope.world.contents.laws.get(name)
    if law is None:
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


def _density(n: Node, scope: Scope) -> Array:
    return array.elementwise(log_of(n, scope), np.exp)


def _log_normal(n: Normal, scope: Scope) -> Array:
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


# --------------------------------------------------------------------------------------------- arithmetic


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
    if n.order not in ("2", "F"):
        return array.square(_norm(n, scope))
    return array.sum_squares(evaluate(n.body, scope))


def _norm(n: Norm, scope: Scope) -> Array:
    if n.order == "L":
        return _lipschitz(n.body, scope)
    value = evaluate(n.body, scope)
    if n.order == "1":
        absolute = Array(np.abs(value.data), value.axes, value.core)
        return Array(absolute.data.reshape(*value.data.shape[: len(value.axes)], -1).sum(-1), value.axes)
    return array.elementwise(array.sum_squares(value), np.sqrt)


def _lipschitz(function: Node, scope: Scope) -> Array:
    """The Lipschitz constant of a function of x on a finite metric space."""
    constant, axis = scope.world.contents.functions.get("lipschitz"), scope.new_axis()
    if constant is None:
        raise NotExact("a Lipschitz constant is known on a finite metric space only")
    value = evaluate(function, scope.bind({"x": scope.world.free("x", axis)}))
    if value.axes != (axis,):
        raise NotExact("a Lipschitz constant is known of a function of x")
    return constant(value)


def _log(n: Apply, scope: Scope) -> Array:
    return log_of(n.body, scope)


def _sqrt(n: Apply, scope: Scope) -> Array:
    value = evaluate(n.body, scope)
    return _root(value, 0.5) if value.core == "m" and value.shape != (1, 1) else array.elementwise(value, np.sqrt)


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


_FUNCTIONS: dict[str, Callable[[Apply, Scope], Array]] = {
    "log": _log,
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


def _apply(n: Apply, scope: Scope) -> Array:
    return _FUNCTIONS[n.function](n, scope)


def log_of(n: Node, scope: Scope) -> Array:
    """log of an expression, taken apart so that products of many small densities do not vanish."""
    if isinstance(n, Density):
        return log_density(n, scope)
    if isinstance(n, Normal):
        return _log_normal(n, scope)
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
        return _over(n, scope, log_of, array.add, 0.0)
    with np.errstate(all="ignore"):
        return array.elementwise(evaluate(n, scope), np.log)


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


# ----------------------------------------------------------------------------------- sums and integrals

Combine = Callable[[Array, Array], Array]


def _over(n: Sum | Prod, scope: Scope, value_of: Callable[[Node, Scope], Array], join: Combine, empty: float) -> Array:
    first, last = integer(n.first, scope), integer(n.last, scope)
    skip = integer(n.skip, scope) if isinstance(n, Sum) and n.skip is not None else None
    total = None
    for i in range(first, last + 1):
        if i != skip:
            value = value_of(n.body, scope.with_integer(n.index, i))
            total = value if total is None else join(total, value)
    return scalar(empty) if total is None else total


def _sum(n: Sum, scope: Scope) -> Array:
    return _over(n, scope, evaluate, array.add, 0.0)


def _prod(n: Prod, scope: Scope) -> Array:
    return _over(n, scope, evaluate, array.multiply, 1.0)


def _integral(n: Integral, scope: Scope) -> Array:
    return _integrate(n.variables, n.body, scope)


def _expectation(n: Expectation, scope: Scope) -> Array:
    # Under q(x_{t-1}, x_t | x_0) nothing is left to integrate over x_0 where t is 1.
    fixed = keys_of(n.measure.given, scope) if isinstance(n.measure, Density) else ()
    return _integrate(n.variables, Mul((n.measure, n.body)), scope, fixed)


def _integrate(variables: tuple[Node, ...], integrand: Node, scope: Scope, fixed: tuple[str, ...] = ()) -> Array:
    keys, axis = tuple(key for key in keys_of(variables, scope) if key not in fixed), scope.new_axis()
    if not keys:
        return evaluate(integrand, scope)
    if scope.world.finite:
        return integrate(scope.world, keys, axis, None, lambda points: evaluate(integrand, scope.bind(points)))
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
        integrand = Add(tuple(Mul((HALF, side, Add((Apply("log", side), Neg(middle))))) for side in (left, right)))
    elif n.kind in ("H", "CE"):
        integrand = Neg(Mul((left, Apply("log", right))))
    elif n.kind == "MI":  # I(x; z) is KL(q(x, z) || q(x) q(z))
        assert isinstance(left, Density)
        assert isinstance(right, Density)
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
    if any(table.axes != (axis,) for table in tables):
        raise NotExact(f"{kind} is known of two laws of {key} only")
    return Array(scope.world.contents.divergences[kind](*(table.data for table in tables)))


# -------------------------------------------------------------------------------------------- derivatives


def _gradient(n: Gradient, scope: Scope) -> Array:
    if isinstance(n.wrt, Variable) and n.wrt.component is not None:  # by x_i: one of the derivatives by x
        whole = replace(n, wrt=replace(n.wrt, component=None), kind="hessian" if n.kind == "laplacian" else n.kind)
        return array.component(_gradient(whole, scope), integer(n.wrt.component, scope))
    if n.kind in ("laplacian", "hessian"):
        jacobian = _derivative(n.wrt, lambda inner: _derivative(n.wrt, lambda s: evaluate(n.body, s), inner), scope)
        return array.trace(jacobian) if n.kind == "laplacian" else jacobian
    value = _derivative(n.wrt, lambda inner: evaluate(n.body, inner), scope)
    return array.trace(value) if n.kind == "div" else value


def _derivative(wrt: Node, body: Callable[[Scope], Array], scope: Scope) -> Array:
    """The derivative of an analytic function, from its values on a circle in the complex plane.

    Of a scalar a vector, of a vector its Jacobian; by a parameter along `World.directions`.
    """
    nested = _bound_complex(scope)
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
    else:
        raise NotExact("a derivative is by a variable or by a parameter")
    if value.core == "m":
        raise array.Misfit("the derivative of a matrix")
    # the last axis counts what it is differentiated by
    slopes = data.reshape(*data.shape[:-1], -1, len(circle)) @ (1 / (circle * len(circle)))
    if not nested:
        slopes = slopes.real
    if shape is not None and value.core == "s":
        return Array(slopes.reshape((*slopes.shape[:-1], *shape)), axes, "scm"[len(shape)])
    return Array(slopes, axes, "c" if value.core == "s" else "m")


def _around_point(
    wrt: Variable, body: Callable[[Scope], Array], scope: Scope, circle: array.Data
) -> tuple[Array, tuple[str, ...], array.Data]:
    """The values of `body` with each component of a variable moved along the circle, all at once, at the end."""
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
    if not isinstance(value, Array) or vector is None:
        return world.directions(name), None
    if value.data.size != vector.size or not np.allclose(value.data.ravel(), vector):
        raise NotExact(f"no gradient by {name}, which is not free here: it is tied by what is given")
    return np.eye(vector.size), value.shape


def _bound_complex(scope: Scope) -> bool:
    """Whether this derivative stands inside another one."""
    vectors = [*scope.world.parameters.values(), *(value.data for value in scope.points.values())]
    return any(np.iscomplexobj(vector) for vector in vectors)


# ------------------------------------------------------------------------------------------------ extrema


def _optimum(n: Optimum, scope: Scope) -> Array:
    """The extreme value over parameters, entry by entry of the body; of an arg max the function that it is."""
    world = scope.world
    if not n.over or any(name not in world.parameters for name in n.over):
        raise NotExact(f"no {n.kind} over {', '.join(n.over) or 'nothing'} is known here")
    real = scope  # in a derivative the search is at the real point: to first order the optimum is worth the same
    if _bound_complex(scope):
        world = world.at(**{name: vector.real for name, vector in world.parameters.items()})
        points = {key: Array(value.data.real, value.axes, value.core) for key, value in scope.points.items()}
        real = replace(scope, world=world, points=points)
    searches = [world.contents.searches.get(name, Search(world.parameters[name])) for name in n.over]
    start = np.concatenate([search.start for search in searches])
    ends = np.cumsum([len(search.start) for search in searches])[:-1]
    sign = 1.0 if n.kind == "min" else -1.0

    def moved(vector: array.Data, here: Scope) -> Scope:
        return replace(here, world=here.world.at(**dict(zip(n.over, np.split(vector, ends), strict=True))))

    def body(vector: array.Data, here: Scope = real) -> Array:
        return evaluate(n.body, moved(vector, here))

    def entry(index: tuple[int, ...]) -> Callable[[array.Data], complex]:
        return lambda vector: complex(sign * body(vector).data[index])

    first, place = body(start), searches[0].place
    limit = None if n.limit is None else float(evaluate(n.limit, real).data.real)
    within = searches[0].within(limit)
    fits = limit is None if within is None else not n.arg and len(n.over) == 1 and real is scope
    if not fits or first.core != "s":
        raise NotExact(f"no {n.kind} over this set of {', '.join(n.over)} is known here")
    best = np.zeros(first.data.shape, dtype=float if real is scope else complex)
    for index in np.ndindex(first.data.shape):
        if within is not None:
            best[index] = sign * linear_programme(entry(index), start, within).real
            continue
        found = stationary(entry(index), start)
        if n.arg:
            if place is None or first.axes:
                raise NotExact("an arg min stands alone on its side of a relation")
            return evaluate(place, moved(found, scope))
        best[index] = body(found, scope).data[index]
    return Array(best, first.axes, first.core)


def _const(n: Const, scope: Scope) -> Array:
    return scalar(0.0)  # what a constant may hide is the business of `relations`


def _unknown(n: Node, scope: Scope) -> Array:
    raise NotExact(f"{type(n).__name__} has no value")


_RULES: dict[type[Node], Callable[..., Array]] = {
    Number: _number,
    Symbol: _symbol,
    Variable: _variable,
    Call: _call,
    Density: _density,
    Normal: _density,
    Add: _add,
    Neg: _neg,
    Mul: _mul,
    Div: _div,
    Pow: _pow,
    Norm: _norm,
    Apply: _apply,
    Sum: _sum,
    Prod: _prod,
    Integral: _integral,
    Expectation: _expectation,
    Divergence: _divergence,
    Gradient: _gradient,
    Optimum: _optimum,
    Const: _const,
}
