"""Values with named axes: a float64 array whose leading axes have names and whose trailing ones are a core.

The named axes run over the points of a free variable, or over the nodes of an integral; operations align
them by name. The core is one value: a scalar "s", a column "c" (d), a row "r" (d), a matrix "m" (a x b), a
multiple "i" of the identity of whatever size its place asks for, or a "state", the number of a state of a
finite variable, with which nobody can calculate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Data = NDArray[Any]
RANK = {"s": 0, "state": 0, "i": 0, "c": 1, "r": 1, "m": 2}


class NotExact(Exception):
    """This kind of world cannot give the exact value of an expression; the message says why."""


class Misfit(NotExact):
    """Two values do not fit together: a vector plus a scalar, a matrix times a vector of another size."""


@dataclass(frozen=True)
class Array:
    """`data` has one axis for each name in `axes` (sorted), then those of the core."""

    data: Data
    axes: tuple[str, ...] = ()
    core: str = "s"

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the core."""
        return self.data.shape[len(self.axes) :]

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each named axis."""
        return dict(zip(self.axes, self.data.shape, strict=False))


def scalar(value: complex) -> Array:
    """A number."""
    return Array(np.asarray(value))


def spread(value: Array, axes: tuple[str, ...]) -> Data:
    """The data of `value` with an axis (of size 1 where it has none) for each name in `axes`."""
    if value.axes == axes:
        return value.data
    sizes = value.sizes
    return value.data.reshape(tuple(sizes.get(name, 1) for name in axes) + value.shape)


def union(*values: Array) -> tuple[str, ...]:
    """The sorted names of all axes."""
    first = values[0].axes
    if all(value.axes == first for value in values):
        return first
    return tuple(sorted({name for value in values for name in value.axes}))


def _numeric(value: Array) -> Array:
    if value.core == "state":
        raise NotExact("a variable of a finite world is a state, not a number")
    return value


def _sized(value: Array) -> Array:
    if value.core == "i":
        raise NotExact("the size of I is open here; write it as an index, I_r")
    return _numeric(value)


def _as_core(value: Array, core: str, shape: tuple[int, ...]) -> Array:
    """A scalar where a vector or matrix of size 1 is meant, and the reverse; zero fits everything."""
    if value.core == core or {value.core, core} <= {"c", "r"}:
        return Array(value.data, value.axes, core)
    if value.core == "i" and core == "m" and shape[0] == shape[1]:
        return Array(value.data[..., None, None] * np.eye(shape[0]), value.axes, "m")
    if value.core == "s" and core != "i":
        if all(size == 1 for size in shape) or not np.any(value.data):
            data = np.broadcast_to(
                value.data.reshape(value.data.shape + (1,) * RANK[core]), value.data.shape + shape
            )
            return Array(data, value.axes, core)
    elif value.core != "i" and core != "i" and all(size == 1 for size in value.shape):
        flat = Array(value.data.reshape(value.data.shape[: len(value.axes)]), value.axes)
        return flat if core == "s" else _as_core(flat, core, shape)
    raise Misfit(f"a {_WORDS[value.core]} stands where a {_WORDS[core]} is needed")


_WORDS = {
    "s": "scalar",
    "c": "vector",
    "r": "row vector",
    "m": "matrix",
    "i": "multiple of I",
    "state": "state",
}


def add(*terms: Array) -> Array:
    """The sum of values of one kind."""
    first = _numeric(terms[0])
    for term in terms[1:]:
        first = _add(first, _numeric(term))
    return first


def _add(a: Array, b: Array) -> Array:
    if a.core != b.core:
        if RANK[a.core] < RANK[b.core]:
            a = _as_core(a, b.core, b.shape)
        else:
            b = _as_core(b, a.core, a.shape)
    if a.shape != b.shape:
        raise Misfit(f"sizes {a.shape} and {b.shape} do not fit in a sum")
    axes = union(a, b)
    return Array(spread(a, axes) + spread(b, axes), axes, a.core)


def scale(value: Array, factor: Array) -> Array:
    """`value` times the scalar `factor`."""
    axes = union(value, factor)
    data = spread(factor, axes)
    return Array(spread(value, axes) * data.reshape(data.shape + (1,) * RANK[value.core]), axes, value.core)


_PRODUCTS = {  # cores of the factors: (einsum of the cores, core of the product)
    ("r", "c"): ("i,i->", "s"),
    ("c", "c"): ("i,i->", "s"),  # two vectors side by side: their inner product
    ("r", "r"): ("i,i->", "s"),
    ("c", "r"): ("i,j->ij", "m"),
    ("m", "c"): ("ij,j->i", "c"),
    ("r", "m"): ("i,ij->j", "r"),
    ("c", "m"): ("i,ij->j", "r"),
    ("m", "m"): ("ij,jk->ik", "m"),
}


def multiply(a: Array, b: Array) -> Array:
    """The product as lectures write it: two vectors side by side are their inner product."""
    a, b = _numeric(a), _numeric(b)
    if a.core == "s":
        return scale(b, a)
    if b.core == "s":
        return scale(a, b)
    if a.core == "i":
        return scale(b, Array(a.data, a.axes))
    if b.core == "i":
        return scale(a, Array(b.data, b.axes))
    if (a.core, b.core) not in _PRODUCTS:
        if (b.core == "r" and b.shape == (1,)) or a.shape == (1, 1):
            return scale(b, _as_core(a, "s", ()))
        raise Misfit(f"a {_WORDS[a.core]} times a {_WORDS[b.core]}")
    rule, core = _PRODUCTS[a.core, b.core]
    if a.shape[-1] != b.shape[0] and not (a.core == "c" and b.core == "r"):
        raise Misfit(f"sizes {a.shape} and {b.shape} do not fit in a product")
    axes = union(a, b)
    operands, result = rule.split("->")
    left, right = operands.split(",")
    data = np.einsum(f"...{left},...{right}->...{result}", spread(a, axes), spread(b, axes))
    return Array(data, axes, core)


def elementwise(value: Array, function: Callable[[Data], Data]) -> Array:
    """`function` of a scalar (a vector or matrix of size 1 counts as one)."""
    value = _as_core(_numeric(value), "s", ())
    return Array(function(value.data), value.axes)


def negative(value: Array) -> Array:
    """-value."""
    return Array(-_numeric(value).data, value.axes, value.core)


def reciprocal(value: Array) -> Array:
    """1 / value of a scalar, the inverse of a matrix."""
    value = _numeric(value)
    if value.core == "m":
        try:
            return Array(np.linalg.inv(square_matrix(value).data), value.axes, "m")
        except np.linalg.LinAlgError:
            raise NotExact("the inverse of a singular matrix") from None
    if value.core == "i":
        return Array(1 / value.data, value.axes, "i")
    return elementwise(value, lambda data: 1 / data)


def square_matrix(value: Array) -> Array:
    """`value` if it is as wide as high; raises Misfit if not."""
    if value.core != "m" or value.shape[0] != value.shape[1]:
        raise Misfit(f"a square matrix is needed, not a {_WORDS[value.core]} of size {value.shape}")
    return value


def transpose(value: Array) -> Array:
    """A column as a row and the reverse; a matrix transposed; a scalar as it is."""
    if value.core == "m":
        return Array(np.swapaxes(value.data, -1, -2), value.axes, "m")
    return Array(value.data, value.axes, {"c": "r", "r": "c"}.get(value.core, value.core))


def trace(value: Array) -> Array:
    """The trace of a matrix; a scalar is its own."""
    if value.core == "s":
        return value
    value = square_matrix(_as_core(_sized(value), "m", (1, 1)))
    return Array(np.trace(value.data, axis1=-2, axis2=-1), value.axes)


def square(value: Array) -> Array:
    """x^2 of a scalar, x^T x of a vector, A A of a matrix."""
    return multiply(value, value)


def sum_squares(value: Array) -> Array:
    """The squared Euclidean (Frobenius) norm, without absolute values, so that it can be differentiated."""
    value = _sized(value)
    core = tuple(range(len(value.axes), value.data.ndim))
    return Array((value.data * value.data).sum(axis=core), value.axes)


def sum_over(value: Array, axis: str, size: int) -> Array:
    """The sum over a named axis of that size."""
    if axis not in value.axes:
        return Array(value.data * size, value.axes, value.core)
    position = value.axes.index(axis)
    return Array(
        value.data.sum(axis=position), value.axes[:position] + value.axes[position + 1 :], value.core
    )


def component(value: Array, index: int) -> Array:
    """Component `index` (from 1) of a vector, or of the diagonal of a matrix."""
    if value.core == "s":
        value = _as_core(value, "c", (1,))
    if not 1 <= index <= value.shape[0]:
        raise NotExact(f"component {index} of a vector with {value.shape[0]}")
    data = value.data[..., index - 1, index - 1] if value.core == "m" else value.data[..., index - 1]
    return Array(data, value.axes)


def concatenate(values: list[Array]) -> Array:
    """One column from several, under common axes."""
    columns = [_as_core(_numeric(value), "c", (1,)) for value in values]
    axes = union(*columns)
    parts = [spread(column, axes) for column in columns]
    lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return Array(np.concatenate([np.broadcast_to(p, lead + p.shape[-1:]) for p in parts], axis=-1), axes, "c")
