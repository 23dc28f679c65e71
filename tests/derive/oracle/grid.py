"""A second evaluator, to judge the first: every expression as one dense array over all variables at once.

Axis 0 counts worlds, every variable has an axis of its own, free or bound; binding a variable sums over its
axis. Nothing is shared with `gentutor.derive` but the tree. Every variable is a number (dimension one) or a
state.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gentutor.derive import tree as T

Data = NDArray[np.generic]
AXES = 20
MOST = 3  # variables on a line that are bound at once
STEP = 0.02
STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}  # eighth-order central difference


class Unsupported(Exception):
    """This evaluator has no value for it, so it has no opinion."""


class World(Protocol):
    """`batch` worlds drawn at once. Parameters have shape (batch, n)."""

    batch: int
    finite: bool
    integers: Mapping[str, int]
    parameters: Mapping[str, Data]

    def nodes(self, key: str) -> tuple[Data, Data]:
        """Points and weights of an integral over `key`."""

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        """log of the density `name` (`name@mark`) of the values `left` given the values `given`."""

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        """A quantity that is not random, of shape (batch,) or a plain number."""

    def call(self, name: str, arguments: list[Data]) -> Data:
        """A function of the setting."""

    def tied(self, key: str) -> T.Node | None:
        """What a free variable stands for (a noise), None for itself."""

    def at(self, **parameters: Data) -> "World":
        """The same worlds with other parameters."""


def tall(value: Data | float) -> Data:
    """A number for each world, as a dense array."""
    data = np.asarray(value, dtype=float)
    return data.reshape((-1,) + (1,) * (AXES - 1))


@dataclass(frozen=True)
class Dense:
    """Where an expression stands: values of bound variables, of indices, and the axis of each variable."""

    world: World
    points: Mapping[str, Data] = field(default_factory=dict)
    integers: Mapping[str, int] = field(default_factory=dict)
    axes: dict[str, int] = field(default_factory=dict)  # shared by all scopes of one comparison
    direction: int = 0

    # -------------------------------------------------------------------------------------- variables

    def axis(self, key: str) -> int:
        """The axis of a variable."""
        axis = self.axes.setdefault(key, len(self.axes) + 1)
        if axis >= AXES:
            raise Unsupported("too many variables")
        return axis

    def along(self, key: str, values: Data) -> Data:
        """One value for each node of `key`, as a dense array."""
        shape = [1] * AXES
        shape[self.axis(key)] = len(values)
        return values.reshape(shape)

    def whole(self, n: T.Node) -> int:
        """An index."""
        value = np.ravel(self.value(n))
        if len(value) != 1 or abs(value[0] - round(value[0])) > 1e-9:
            raise Unsupported("an index that is no integer")
        return round(float(value[0]))

    def key(self, n: T.Node) -> str:
        """x, x_3, z^2."""
        if not isinstance(n, T.Variable):
            raise Unsupported("no variable")
        index = "".join(f"_{self.whole(i)}" for i in n.index)
        return n.name + index + (f"^{self.whole(n.sample)}" if n.sample is not None else "")

    def keys(self, items: tuple[T.Node, ...]) -> list[str]:
        """The keys of variables, ranges written out."""
        found = []
        for item in items:
            if isinstance(item, T.Range):
                mark = "^" if item.sample else "_"
                span = range(self.whole(item.first), self.whole(item.last) + 1)
                found += [f"{item.name}{mark}{i}" for i in span]
            else:
                found.append(self.key(item.variable if isinstance(item, T.Assigned) else item))
        return found

    def point(self, key: str) -> Data:
        """The value of a variable: what its binder or its noise says, else all its nodes."""
        if key in self.points:
            return self.points[key]
        stands_for = self.world.tied(key)
        if stands_for is not None:
            return self.value(stands_for)
        return self.along(key, self.world.nodes(key)[0])

    def moved(self, **changes: object) -> "Dense":
        return replace(self, **changes)  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------------------ values

    def value(self, n: T.Node) -> Data:
        """The value of n."""
        return getattr(self, "v_" + type(n).__name__.lower(), self.v_none)(n)

    def v_none(self, n: T.Node) -> Data:
        raise Unsupported(type(n).__name__)

    def v_number(self, n: T.Number) -> Data:
        return tall(float(n.value))

    def v_const(self, n: T.Const) -> Data:
        return tall(0.0)

    def v_symbol(self, n: T.Symbol) -> Data:
        for integers in (self.integers, self.world.integers):
            if not n.index and n.name in integers:
                return tall(integers[n.name])
        if n.name in ("mu", "sigma") and n.index and "x" not in self.world.integers:
            try:
                return self.world.call(n.name, [self.point("x")])
            except Unsupported:
                pass
        return tall(self.world.symbol(n.name, tuple(self.whole(i) for i in n.index)))

    def v_variable(self, n: T.Variable) -> Data:
        if not self.world.finite:
            return self.point(self.key(n))
        places = getattr(self.world, "places", None)  # where the states lie, if they are points of a line
        if places is None or n.name == "z":
            raise Unsupported("a state is no number")
        return places[tall(np.arange(self.world.batch)).astype(int), self.point(self.key(n))]

    def v_call(self, n: T.Call) -> Data:
        arguments = [
            self.point(self.key(a)) if isinstance(a, T.Variable) else self.value(a) for a in n.arguments
        ]
        first = n.arguments[0] if n.arguments else None
        if n.name == "mu_q" and len(arguments) == 2 and isinstance(first, T.Variable):
            arguments.append(self.value(first.index[0]))  # the step is that of x_t
        return self.world.call(n.name + n.mark, arguments)

    def v_density(self, n: T.Density) -> Data:
        return np.exp(self.log(n))

    v_normal = v_density

    def v_add(self, n: T.Add) -> Data:
        total = self.value(n.terms[0])
        for term in n.terms[1:]:
            total = total + self.value(term)
        return total

    def v_neg(self, n: T.Neg) -> Data:
        return -self.value(n.body)

    def v_mul(self, n: T.Mul) -> Data:
        return self.product(n.factors)

    def product(self, factors: tuple[T.Node, ...]) -> Data:
        """The product; the positive ones through their logs, and what has weight zero counts as zero."""
        positive = [f for f in factors if self.is_positive(f)]
        total = np.exp(sum((self.log(f) for f in positive), tall(0.0))) if positive else tall(1.0)
        for factor in factors:
            if factor not in positive:
                with np.errstate(invalid="ignore", over="ignore"):
                    other = self.value(factor)
                    total = np.where(total == 0, 0.0, total * other)
        return total

    def v_div(self, n: T.Div) -> Data:
        if self.is_positive(n):
            return np.exp(self.log(n))
        return self.value(n.numerator) / self.value(n.denominator)

    def v_pow(self, n: T.Pow) -> Data:
        if self.is_positive(n.base):
            return np.exp(self.log(n))
        exponent = float(np.ravel(self.value(n.exponent))[0])
        base = self.value(n.base)
        return base**exponent if exponent != round(exponent) else base ** round(exponent)

    def v_norm(self, n: T.Norm) -> Data:
        if n.order == "L":
            return tall(self.on_points(n.body, "x", "steepest"))
        return np.abs(self.value(n.body))

    def on_points(self, n: T.Node, key: str, ask: str, *others: T.Node) -> Data:
        """What a world on a line says of functions of `key`, given as (batch, points)."""
        if not hasattr(self.world, ask):
            raise Unsupported(ask)
        free = self.moved(points={name: value for name, value in self.points.items() if name != key})
        tables = []
        for one in (n, *others):
            value = np.moveaxis(free.value(one), self.axis(key), 1)
            if value.size not in (value.shape[1], value.shape[0] * value.shape[1]):
                raise Unsupported("a function of more than one point")
            tables.append(np.broadcast_to(value.reshape(value.shape[:2]), (self.world.batch, value.shape[1])))
        return np.asarray(getattr(self.world, ask)(*tables))

    def v_apply(self, n: T.Apply) -> Data:
        if n.function == "log":
            return self.log(n.body)
        plain: dict[str, Callable[[Data], Data]] = {
            "exp": np.exp,
            "sqrt": np.sqrt,
            "abs": np.abs,
            "tanh": np.tanh,
            "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
            **dict.fromkeys(("tr", "det", "transpose", "diag", "sum"), lambda a: a),  # dimension one
        }
        if n.function not in plain:
            raise Unsupported(n.function)
        with np.errstate(invalid="ignore"):
            return plain[n.function](self.value(n.body))

    # --------------------------------------------------------------------------------------------- logs

    def is_positive(self, n: T.Node) -> bool:
        """Products of densities: their log is taken factor by factor, so that nothing underflows."""
        match n:
            case T.Density() | T.Normal() | T.Apply("exp"):
                return True
            case T.Mul(factors):
                return all(map(self.is_positive, factors))
            case T.Div(a, b):
                return self.is_positive(a) and self.is_positive(b)
            case T.Pow(base, _):
                return self.is_positive(base)
            case T.Prod(_, _, _, body) | T.Apply("sqrt", body):
                return self.is_positive(body)
            case T.Number(value):
                return value > 0
        return False

    def log(self, n: T.Node) -> Data:
        """log n."""
        if self.is_positive(n):
            match n:
                case T.Density():
                    return self.log_density(n)
                case T.Normal(left, mean, covariance):
                    if self.world.finite:
                        raise Unsupported("a normal density over states")
                    variance = self.value(covariance)
                    with np.errstate(all="ignore"):
                        square = (self.value(left) - self.value(mean)) ** 2
                        return -square / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)
                case T.Apply("exp", body):
                    return self.value(body)
                case T.Apply(_, body):
                    return 0.5 * self.log(body)
                case T.Mul(factors):
                    return sum((self.log(f) for f in factors), tall(0.0))
                case T.Div(a, b):
                    return self.log(a) - self.log(b)
                case T.Pow(base, exponent):
                    return self.log(base) * self.value(exponent)
                case T.Prod():
                    return self.over(n, self.log, np.add, 0.0)
        with np.errstate(all="ignore"):
            return np.log(self.value(n))

    def log_density(self, n: T.Density) -> Data:
        points = dict(self.points)
        for item in (*n.left, *n.given):
            if isinstance(item, T.Assigned):
                points[self.key(item.variable)] = self.value(item.value)
        inner = self.moved(points=points)
        levels = [item for item in n.given if isinstance(item, T.Symbol)]  # of noise: sigma_i
        conditions = tuple(item for item in n.given if item not in levels)
        given = {key.split("^")[0]: inner.point(key) for key in self.keys(conditions)}
        name = f"{n.name}@{n.mark}" if n.mark else n.name
        for one in levels:
            name += f"@{one.name}_{self.whole(one.index[0])}" if one.index else f"@{one.name}"
        copies: dict[str, dict[str, Data]] = {}
        for key in self.keys(n.left):
            base, _, copy = key.partition("^")
            if base in copies.setdefault(copy, {}) or base in given:
                raise Unsupported("a variable given itself")
            copies[copy][base] = inner.point(key)
        if "" in copies and len(copies) > 2:
            raise Unsupported("several samples and something else")
        if "" in copies and len(copies) == 2:  # p(x, z^(k)) is the joint of x and one sample
            copies = {"": {key: point for copy in copies.values() for key, point in copy.items()}}
        return sum((self.world.log_density(name, left, given) for left in copies.values()), tall(0.0))

    # ------------------------------------------------------------------------------- sums and integrals

    def over(
        self, n: T.Sum | T.Prod, value: Callable[[T.Node], Data], join: Callable[..., Data], empty: float
    ) -> Data:
        skip = self.whole(n.skip) if isinstance(n, T.Sum) and n.skip is not None else None
        total = tall(empty)
        for i in range(self.whole(n.first), self.whole(n.last) + 1):
            if i != skip:
                inner = self.moved(integers={**self.integers, n.index: i})
                total = join(total, getattr(inner, value.__name__)(n.body))
        return total

    def v_sum(self, n: T.Sum) -> Data:
        return self.over(n, self.value, np.add, 0.0)

    def v_prod(self, n: T.Prod) -> Data:
        return self.over(n, self.value, np.multiply, 1.0)

    def bound(self, variables: tuple[T.Node, ...], *factors: T.Node) -> Data:
        """The integral of a product: add up over the axes of the variables."""
        keys = self.keys(variables)
        points, weight = dict(self.points), tall(1.0)
        for key in keys:
            nodes, weights = self.world.nodes(key)
            points[key] = self.along(key, nodes)
            weight = weight * self.along(key, weights)
        if not self.world.finite and len(points) > MOST:
            raise Unsupported("too many integrals at once")
        inner = self.moved(points=points)
        total = inner.product(factors) * weight
        axes = tuple(self.axis(key) for key in keys)
        shape = list(total.shape)
        for axis, key in zip(axes, keys, strict=True):
            shape[axis] = len(self.world.nodes(key)[0])
        return np.broadcast_to(total, shape).sum(axis=axes, keepdims=True)

    def v_integral(self, n: T.Integral) -> Data:
        return self.bound(n.variables, n.body)

    def v_expectation(self, n: T.Expectation) -> Data:
        return self.bound(n.variables, n.measure, n.body)

    def v_divergence(self, n: T.Divergence) -> Data:
        left, *rest = n.arguments
        right = rest[0] if rest else left
        log_left, log_right = T.Apply("log", left), T.Apply("log", right)
        if n.kind == "KL":
            return self.bound(n.variables, left, log_left - log_right)
        if n.kind in ("H", "CE"):
            return -self.bound(n.variables, left, log_right)
        if n.kind == "JSD":
            middle = T.Apply("log", (left + right) / 2)
            halves = (self.bound(n.variables, a, T.Apply("log", a) - middle) for a in (left, right))
            return sum(halves, tall(0.0)) / 2
        if n.kind == "W":
            return tall(self.on_points(left, self.keys(n.variables)[0], "transport", right))
        if n.kind == "TV":
            return self.bound(n.variables, T.Apply("abs", left - right)) / 2
        if n.kind == "MI":
            joint = T.Density(left.name, tuple(n.variables))
            return self.bound(n.variables, joint, T.Apply("log", joint) - log_left - log_right)
        raise Unsupported(n.kind)

    # ------------------------------------------------------------------------------------- derivatives

    def v_gradient(self, n: T.Gradient) -> Data:
        if n.kind in ("laplacian", "hessian"):
            once = T.Gradient(n.wrt, n.body)
            return self.v_gradient(T.Gradient(n.wrt, once))
        total = tall(0.0)
        for k, weight in STENCIL.items():
            for sign in (1, -1):
                total = total + sign * weight / STEP * self.shifted(n.wrt, sign * k * STEP).value(n.body)
        return total

    def shifted(self, wrt: T.Node, by: float) -> "Dense":
        """This scope with a variable, or a parameter along a fixed direction, moved."""
        if isinstance(wrt, T.Variable):
            if self.world.finite:
                raise Unsupported("a derivative by a state")
            key = self.key(wrt)
            return self.moved(points={**self.points, key: self.point(key) + by})
        if not isinstance(wrt, T.Symbol) or wrt.name not in self.world.parameters:
            raise Unsupported("a derivative by something else")
        vector = self.world.parameters[wrt.name]
        direction = np.random.default_rng(self.direction).standard_normal(vector.shape[1])
        return self.moved(world=self.world.at(**{wrt.name: vector + by * direction}))

    def v_optimum(self, n: T.Optimum) -> Data:
        """The extreme value over a vector of parameters, searched from where the world has it."""
        if n.arg or n.limit is not None or len(n.over) != 1 or n.over[0] not in self.world.parameters:
            raise Unsupported("an extremum")
        if n.over == ("gamma",):
            raise Unsupported("an extremum over all couplings")
        from scipy.optimize import minimize

        sign = 1.0 if n.kind == "min" else -1.0
        name = n.over[0]
        start = self.world.parameters[name]
        if start.size > 64:
            raise Unsupported("an extremum in many worlds at once")

        def at(flat: Data) -> "Dense":
            return self.moved(world=self.world.at(**{name: flat.reshape(start.shape)}))

        found = minimize(
            lambda flat: sign * float(at(flat).value(n.body).sum()), start.ravel(), method="BFGS"
        )
        return at(found.x).value(n.body)
