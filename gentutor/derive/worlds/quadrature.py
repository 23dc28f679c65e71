"""Exact integrals: every state, Gauss-Hermite nodes under a Gaussian, a fine grid on a line.

An integrand is split by the evaluator into a positive weight (a product of densities and exponentials) and
the rest. In a Gaussian world the weight is the exponential of a quadratic, which is read off from its values,
and the rest is a polynomial, for which few nodes are exact; the number of nodes grows until two counts agree.
On a line a rest of any smooth form is integrated by the trapezoidal rule, which converges faster than any
power there. What neither can do raises `NotExact`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from gentutor.derive.worlds.array import Array, Data, NotExact, scale, spread, sum_over
from gentutor.derive.worlds.laws import cholesky
from gentutor.derive.worlds.world import World

Points = dict[str, Array]
Function = Callable[[Points], Array]

AGREE = 1e-11  # two node counts agree to this, relative to the largest summand
MOST_NODES = 60_000
COUNTS = (2, 3, 4, 6, 9, 13)
GRIDS = (101, 161, 241, 481)
SMOOTH = 1e-9  # half the nodes agree to this; the error of all of them is about its square
TAIL = 9.0  # so many standard deviations of a weight are integrated over


def integrate(
    world: World, keys: Sequence[str], axis: str, log_weight: Function | None, rest: Function
) -> Array:
    """The integral of exp(log_weight) * rest over the variables `keys`, whose nodes lie along `axis`.

    `log_weight` is None where the integrand has no positive factor.
    """
    if world.finite:
        return _sum_states(world, keys, axis, log_weight, rest)
    dimension = len(keys) * world.d
    if log_weight is None:
        if dimension > 1:
            raise NotExact("an integral without a density needs a finite world or a line")
        return _trapezoid(world, keys, axis, None, rest)
    try:
        return _hermite(world, keys, axis, log_weight, rest)
    except NotExact:
        if dimension > 2 or world.d > 1:
            raise
    return _trapezoid(world, keys, axis, log_weight, rest)


def _sum_states(
    world: World, keys: Sequence[str], axis: str, log_weight: Function | None, rest: Function
) -> Array:
    counts = [world.state_count(key) for key in keys]
    grid = np.indices(counts).reshape(len(keys), -1)
    points = {key: Array(states, (axis,), "state") for key, states in zip(keys, grid, strict=True)}
    value = rest(points)
    if log_weight is not None:
        value = scale(value, _exp(log_weight(points)))
    return sum_over(value, axis, grid.shape[1])


def _exp(value: Array) -> Array:
    return Array(np.exp(value.data), value.axes)


# ------------------------------------------------------------------------------------------ Gauss-Hermite


@dataclass(frozen=True)
class _Base:
    """N(mean, L L^T) times exp(log_mass): the weight, with the axes of everything it depends on."""

    mean: Array
    lower: Array
    log_mass: Array


def _hermite(world: World, keys: Sequence[str], axis: str, log_weight: Function, rest: Function) -> Array:
    base = _fit(world, keys, axis, log_weight)
    dimension = len(keys) * world.d
    before: Array | None = None
    for nodes, weights in _rules(dimension):
        value = scale(rest(_place(world, keys, axis, base, nodes)), Array(weights, (axis,)))
        now, size = sum_over(value, axis, len(weights)), _largest(value, axis, len(weights))
        if before is not None and _agree(before, now, size):
            return scale(now, _exp(base.log_mass))
        before = now
    if world.rough and before is not None and len(keys) * world.d > 1:
        return scale(before, _exp(base.log_mass))
    raise NotExact("an expectation that is no polynomial under a Gaussian")


def _largest(value: Array, axis: str, count: int) -> Data:
    total = sum_over(Array(np.abs(value.data), value.axes, value.core), axis, count)
    return np.asarray(total.data)


def _agree(a: Array, b: Array, size: Data) -> bool:
    difference = np.abs(spread(a, b.axes) - b.data) if set(a.axes) <= set(b.axes) else np.inf
    return bool(np.all(difference <= AGREE * (size + 1e-300)))


def _rules(dimension: int) -> Iterator[tuple[Data, Data]]:
    """Nodes (N, dimension) and weights (N,) for the standard normal law, of growing degree.

    Degree 3 and 5 with few nodes (McNamee and Stenger 1967), then products of Gauss-Hermite rules.
    """
    if dimension > 1:
        yield _third(dimension)
        yield _fifth(dimension)
    for count in COUNTS[2 * (dimension > 1) :]:
        if count**dimension > MOST_NODES:
            break
        yield _product_rule(count, dimension)


@lru_cache(maxsize=64)
def _third(n: int) -> tuple[Data, Data]:
    nodes = np.sqrt(n) * np.concatenate([np.eye(n), -np.eye(n)])
    return nodes, np.full(2 * n, 1 / (2 * n))


@lru_cache(maxsize=64)
def _fifth(n: int) -> tuple[Data, Data]:
    eye = np.eye(n)
    pairs = [a * eye[i] + b * eye[j] for i in range(n) for j in range(i) for a in (1, -1) for b in (1, -1)]
    nodes = np.concatenate(
        [np.zeros((1, n)), np.sqrt(n + 2) * eye, -np.sqrt(n + 2) * eye, np.sqrt(n / 2 + 1) * np.array(pairs)]
    )
    sizes = np.array([2 / (n + 2), (4 - n) / (2 * (n + 2) ** 2), 1 / (n + 2) ** 2])
    return nodes, np.repeat(sizes, [1, 2 * n, len(pairs)])


@lru_cache(maxsize=64)
def _product_rule(count: int, dimension: int) -> tuple[Data, Data]:
    """Exact to degree 2 count - 1 in each coordinate."""
    roots, weights = np.polynomial.hermite_e.hermegauss(count)
    weights = weights / weights.sum()
    nodes = np.array(list(product(roots, repeat=dimension)))
    return nodes, np.array([np.prod(w) for w in product(weights, repeat=dimension)])


def _place(world: World, keys: Sequence[str], axis: str, base: _Base, nodes: Data) -> Points:
    """The nodes mean + L u as values of the variables."""
    axes = tuple(sorted({*base.mean.axes, axis}))
    at = axes.index(axis)
    mean, lower = base.mean.data, base.lower.data
    flat = mean[..., None, :] + np.einsum(
        "...ij,nj->...ni", lower, nodes
    )  # (axes of the base..., N, dimension)
    flat = np.moveaxis(flat, -2, at)
    return {key: Array(flat[..., i * world.d : (i + 1) * world.d], axes, "c") for i, key in enumerate(keys)}


def _fit(world: World, keys: Sequence[str], axis: str, log_weight: Function) -> _Base:
    """The quadratic log weight from its values at 0, ±e_i, e_i + e_j, tried at two points more."""
    n = len(keys) * world.d
    unit = np.eye(n)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    tries = np.array([np.cos(np.arange(1, n + 1)), 1.5 * np.sin(2.0 * np.arange(1, n + 1))])
    stencil = np.concatenate(
        [np.zeros((1, n)), unit, -unit, *([[unit[i] + unit[j]] for i, j in pairs]), tries]
    )
    points = {
        key: Array(stencil[:, i * world.d : (i + 1) * world.d], (axis,), "c") for i, key in enumerate(keys)
    }
    value = log_weight(points)
    if axis not in value.axes:
        raise NotExact("an integral whose weight does not depend on its variable")
    at = value.axes.index(axis)
    axes = value.axes[:at] + value.axes[at + 1 :]
    f = np.moveaxis(value.data, at, -1)
    zero, plus, minus = f[..., 0], f[..., 1 : n + 1], f[..., n + 1 : 2 * n + 1]
    gradient = (plus - minus) / 2
    hessian = np.zeros((*f.shape[:-1], n, n), dtype=f.dtype)
    diagonal = np.arange(n)
    hessian[..., diagonal, diagonal] = plus + minus - 2 * zero[..., None]
    for k, (i, j) in enumerate(pairs):
        cross = f[..., 2 * n + 1 + k] - plus[..., i] - plus[..., j] + zero
        hessian[..., i, j] = hessian[..., j, i] = cross
    for k, point in enumerate(tries):
        predicted = zero + gradient @ point + 0.5 * np.einsum("i,...ij,j->...", point, hessian, point)
        size = np.abs(f).max() + 1
        if not np.all(np.abs(f[..., k - len(tries)] - predicted) < 1e-9 * size):
            raise NotExact("a weight that is not the exponential of a quadratic")
    if not np.all(np.linalg.eigvalsh(-hessian.real) > 1e-9):
        raise NotExact("an integral that does not converge")
    covariance = np.linalg.inv(-hessian)
    covariance = (covariance + np.swapaxes(covariance, -1, -2)) / 2
    mean = np.einsum("...ij,...j->...i", covariance, gradient)
    lower = cholesky(covariance)
    log_mass = zero + 0.5 * np.einsum("...i,...i->...", gradient, mean)
    log_mass = log_mass + np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1) + 0.5 * n * np.log(2 * np.pi)
    return _Base(Array(mean, axes, "c"), Array(lower, axes, "m"), Array(log_mass, axes))


# ----------------------------------------------------------------------------------------------- the line


def _trapezoid(
    world: World, keys: Sequence[str], axis: str, log_weight: Function | None, rest: Function
) -> Array:
    """The trapezoidal rule on a line or a square of it, finer until every other node gives the same.

    The line is where the weight lies, which may differ with outer variables, or else [-reach, reach].
    """
    for count in GRIDS if len(keys) == 1 else GRIDS[-2:-1]:
        points, step = _line(world, keys, axis, log_weight, count)
        value = rest(points)
        if log_weight is not None:
            value = scale(value, _exp(log_weight(points)))
        if axis not in value.axes:
            raise NotExact("an integral whose integrand does not depend on its variable")
        fine = sum_over(value, axis, count ** len(keys))
        at = value.axes.index(axis)
        coarse = np.compress(_every_other(count, len(keys)), value.data, axis=at).sum(axis=at)
        size = np.abs(value.data).sum(axis=at)
        if np.all(np.abs(fine.data - coarse * 2 ** len(keys)) <= SMOOTH * (size + 1e-300)):
            break
    else:
        if world.rough:
            return scale(fine, step)
        raise NotExact("an integrand that is not smooth enough on a line")
    ends = _take_ends(value, at, len(keys), count)
    if np.max(np.abs(ends)) > 1e-11 * np.max(np.abs(value.data)):
        raise NotExact("an integral that does not converge on the line")
    return scale(fine, step)


def _line(
    world: World, keys: Sequence[str], axis: str, log_weight: Function | None, count: int
) -> tuple[Points, Array]:
    """The nodes, and the length (area) that belongs to each."""
    unit = np.linspace(-1, 1, count)
    if log_weight is None or len(keys) > 1:
        grid = world.reach * _grid(count, len(keys))
        points = {key: Array(grid[:, i : i + 1], (axis,), "c") for i, key in enumerate(keys)}
        return points, Array(np.asarray((world.reach * (unit[1] - unit[0])) ** len(keys)))
    wide = 2 * world.reach * np.linspace(-1, 1, GRIDS[-2])
    log = log_weight({keys[0]: Array(wide[:, None], (axis,), "c")})
    if axis not in log.axes:
        raise NotExact("an integral whose weight does not depend on its variable")
    at = log.axes.index(axis)
    values = np.moveaxis(log.data.real, at, -1)
    mass = np.exp(values - values.max(axis=-1, keepdims=True))
    mass /= mass.sum(axis=-1, keepdims=True)
    mean = mass @ wide
    half = TAIL * np.sqrt((mass * (wide - mean[..., None]) ** 2).sum(-1) + (wide[1] - wide[0]) ** 2 / 12)
    heavy = values > values.max(axis=-1, keepdims=True) - TAIL**2 / 2  # a tail wider than a normal one
    half = np.maximum(half, np.where(heavy, np.abs(wide - mean[..., None]), 0.0).max(axis=-1))
    nodes = np.moveaxis(mean[..., None] + half[..., None] * unit, -1, at)
    axes = log.axes[:at] + log.axes[at + 1 :]
    return {keys[0]: Array(nodes[..., None], log.axes, "c")}, Array(half * (unit[1] - unit[0]), axes)


@lru_cache(maxsize=16)
def _grid(count: int, dimension: int) -> Data:
    """Evenly spaced nodes of the cube [-1, 1]^dimension."""
    return np.array(list(product(np.linspace(-1, 1, count), repeat=dimension)))


@lru_cache(maxsize=16)
def _every_other(count: int, dimension: int) -> Data:
    """Which of these nodes are every other in each dimension."""
    return np.asarray(np.array(list(product(np.arange(count) % 2 == 0, repeat=dimension))).all(axis=1))


def _take_ends(value: Array, at: int, dimension: int, count: int) -> Data:
    corner = np.array(list(_corners(dimension, count)))
    return np.take(value.data, corner, axis=at)


def _corners(dimension: int, count: int) -> Iterator[int]:
    last = count - 1
    for corner in product((0, last), repeat=dimension):
        index = 0
        for i in corner:
            index = index * count + i
        yield index
