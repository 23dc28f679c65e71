"""Joint laws of a world's variables, from which every marginal and conditional density follows.

A law answers one question: log p(left | given) at given points. `Table` is a finite law, `Gaussian` a joint
normal one, `Mixture` a mixture of normal ones.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from typing import Protocol

import numpy as np

from gentutor.derive.worlds.array import (
    Array,
    Data,
    Misfit,
    NotExact,
    add,
    concatenate,
    negative,
    spread,
    union,
)

Points = Mapping[str, Array]


class Law(Protocol):
    """log p(left | given), the variables at `points`."""

    variables: tuple[str, ...]
    conditions: tuple[str, ...]  # variables that have no law of their own here

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """Raises NotExact where the law does not know a variable."""


def _known(law: Law, left: Sequence[str], given: Sequence[str]) -> None:
    for name in (*left, *given):
        if name not in law.variables:
            raise NotExact(f"no density of {name} here; it is over {', '.join(law.variables)}")
    for name in left:
        if name in law.conditions and name not in given:
            raise NotExact(f"{name} has no law of its own here: it is only conditioned on")


class Table:
    """A finite law: masses over the states of `variables`, one axis of `mass` for each.

    `conditions` are variables that are only ever conditioned on; any positive mass may be given to them.
    """

    def __init__(self, variables: Sequence[str], mass: Data, conditions: Sequence[str] = ()) -> None:
        self.variables, self.conditions = tuple(variables), tuple(conditions)
        self.mass = mass
        self._marginals: dict[frozenset[str], tuple[tuple[str, ...], Data]] = {}

    def marginal(self, names: frozenset[str]) -> tuple[tuple[str, ...], Data]:
        """The variables of `names` in the law's order, and the log masses of their states."""
        if names not in self._marginals:
            drop = tuple(i for i, name in enumerate(self.variables) if name not in names)
            kept = tuple(name for name in self.variables if name in names)
            self._marginals[names] = kept, np.log(self.mass.sum(axis=drop))
        return self._marginals[names]

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p(left, given) - log p(given), looked up."""
        _known(self, left, given)
        joint = self._look_up(frozenset(left) | frozenset(given), points)
        if not given:
            return joint
        below = self._look_up(frozenset(given), points)
        return add(joint, Array(-below.data, below.axes))

    def _look_up(self, names: frozenset[str], points: Points) -> Array:
        kept, table = self.marginal(names)
        states = [points[name] for name in kept]
        for name, state in zip(kept, states, strict=True):
            if state.core != "state":
                raise NotExact(f"{name} is a state here, not a number")
        axes = union(*states)
        return Array(table[tuple(spread(state, axes) for state in states)], axes)


class Apart:
    """Laws of single variables under one name: p(z) is the prior's and p(x) the generator's, p(x, z) is none.

    A law may stand for several variables: `Apart({"x": law, "y": law})`.
    """

    def __init__(self, laws: Mapping[str, Law]) -> None:
        self.variables = tuple(laws)
        self.conditions: tuple[str, ...] = ()
        self.laws = laws

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p(v) of the only variable v, by its own law."""
        if given or len(left) != 1 or left[0] not in self.variables:
            raise NotExact(f"no such density here, only those of {', '.join(self.variables)} alone")
        law = self.laws[left[0]]
        return law.log_density(law.variables, (), {law.variables[0]: points[left[0]]})


class Gaussian:
    """A jointly normal law: `mean` and `covariance` over stacked variables, each of size `sizes[name]`."""

    def __init__(
        self, sizes: Mapping[str, int], mean: Data, covariance: Data, conditions: Sequence[str] = ()
    ) -> None:
        self.variables, self.conditions = tuple(sizes), tuple(conditions)
        self.mean, self.covariance = mean, covariance
        ends = np.cumsum(list(sizes.values()))
        self._rows = {
            name: np.arange(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)
        }
        self._conditionals: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Data, Data, Data]] = {}
        self._whitenings: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Data, complex]] = {}

    def conditional(self, left: Sequence[str], given: Sequence[str]) -> tuple[Data, Data, Data]:
        """(A, b, S): left | given is N(A given + b, S)."""
        _known(self, left, given)
        key = tuple(left), tuple(given)
        if key not in self._conditionals:
            rows = np.concatenate([self._rows[name] for name in left])
            if not given:
                self._conditionals[key] = (
                    np.zeros((len(rows), 0)),
                    self.mean[rows],
                    self.covariance[np.ix_(rows, rows)],
                )
            else:
                columns = np.concatenate([self._rows[name] for name in given])
                across = self.covariance[np.ix_(rows, columns)]
                gain = np.linalg.solve(self.covariance[np.ix_(columns, columns)].T, across.T).T
                self._conditionals[key] = (
                    gain,
                    self.mean[rows] - gain @ self.mean[columns],
                    self.covariance[np.ix_(rows, rows)] - gain @ across.T,
                )
        return self._conditionals[key]

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """-1/2 r^T S^{-1} r - 1/2 log det(2 pi S) with r = left - A given - b."""
        gain, offset, covariance = self.conditional(left, given)
        self.fits((*left, *given), points)
        here = concatenate([points[name] for name in left])
        mean = Array(offset, (), "c")
        if given:
            there = concatenate([points[name] for name in given])
            mean = add(mean, Array(there.data @ gain.T, there.axes, "c"))
        whiten, log_size = self.factors(tuple(left), tuple(given), covariance)
        residual = add(here, negative(mean))
        white = residual.data @ whiten.T
        return Array(-0.5 * (white * white).sum(-1) - log_size, residual.axes)

    def fits(self, names: Sequence[str], points: Points) -> None:
        """Raises Misfit where a point is no value of its variable."""
        for name in names:
            size = len(self._rows[name])
            if points[name].shape not in ((size,), ()) or (points[name].core == "s" and size > 1):
                raise Misfit(f"{name} is a vector of {size} components here")

    def factors(
        self, left: tuple[str, ...], given: tuple[str, ...], covariance: Data
    ) -> tuple[Data, complex]:
        """L^{-1} and 1/2 log det(2 pi S) of a conditional's S = L L^T, worked out once."""
        if (left, given) not in self._whitenings:
            lower = cholesky(covariance)
            log_size = np.log(np.diagonal(lower)).sum() + 0.5 * len(lower) * np.log(2 * np.pi)
            self._whitenings[left, given] = np.linalg.inv(lower), log_size
        return self._whitenings[left, given]


class Mixture:
    """sum_k weights[..., k] Gaussian_k, over the same variables; the weights have the named axes `axes`."""

    def __init__(self, weights: Data, parts: Sequence[Law], axes: tuple[str, ...] = ()) -> None:
        self.weights, self.parts, self.axes = weights, parts, axes
        self._log_weights = [Array(log, axes) for log in np.moveaxis(np.log(weights), -1, 0)]
        self.variables = parts[0].variables
        self.conditions: tuple[str, ...] = ()

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log of the mixture of joints less log of the mixture of marginals."""
        joint = self._log_sum(tuple(dict.fromkeys((*left, *given))), points)
        if not given:
            return joint
        below = self._log_sum(tuple(given), points)
        return add(joint, Array(-below.data, below.axes))

    def _log_sum(self, names: tuple[str, ...], points: Points) -> Array:
        logs = [
            add(part.log_density(names, (), points), weight)
            for part, weight in zip(self.parts, self._log_weights, strict=True)
        ]
        axes = union(*logs)
        values = [spread(log, axes) for log in logs]
        top = reduce(np.maximum, [value.real for value in values])
        return Array(top + np.log(sum(np.exp(value - top) for value in values)), axes)


class StandardNormal:
    """N(0, I) for whatever variables it is asked about, independent of each other."""

    variables: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """-1/2 x^T x - d/2 log(2 pi) of the variables on the left, stacked."""
        here = concatenate([points[name] for name in left])
        size = here.shape[0]
        return log_normal(here, Array(np.zeros(size), (), "c"), Array(np.eye(size), (), "m"))


def log_normal(x: Array, mean: Array, covariance: Array) -> Array:
    """log N(x; mean, covariance), all cores of one size; complex values are continued analytically."""
    residual = add(x, Array(-mean.data, mean.axes, mean.core))
    axes = union(residual, covariance)
    r, s = spread(residual, axes), spread(covariance, axes)
    lower = cholesky(s)
    white = np.einsum("...ij,...j->...i", np.linalg.inv(lower), r)  # one inverse for many points
    log_det = np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1)
    return Array(-0.5 * (white * white).sum(-1) - log_det - 0.5 * r.shape[-1] * np.log(2 * np.pi), axes)


def cholesky(matrix: Data) -> Data:
    """L with L L^T = matrix, plainly transposed also where the entries are complex.

    numpy's own takes a complex matrix to be Hermitian; derivatives along a circle in the complex plane need
    the analytic continuation of the real one.
    """
    if not np.iscomplexobj(matrix):
        try:
            return np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            raise NotExact("a covariance is not positive definite") from None
    lower = np.zeros_like(matrix)
    for j in range(matrix.shape[-1]):
        done = lower[..., j, :j]
        lower[..., j, j] = np.sqrt(matrix[..., j, j] - (done * done).sum(-1))
        for i in range(j + 1, matrix.shape[-1]):
            rest = matrix[..., i, j] - (lower[..., i, :j] * done).sum(-1)
            lower[..., i, j] = rest / lower[..., j, j]
    return lower


class Chain:
    """Builds a joint `Gaussian` step by step: each variable is affine in earlier ones plus noise."""

    def __init__(self, conditions: Sequence[str] = ()) -> None:
        self.sizes: dict[str, int] = {}
        self._conditions = tuple(conditions)
        self._mean: Data = np.zeros(0)
        self._covariance: Data = np.zeros((0, 0))

    def append(self, name: str, offset: Data, noise: Data, **gains: Data) -> "Chain":
        """name = sum_v gains[v] v + offset + N(0, noise)."""
        size, old = len(offset), len(self._mean)
        gain = np.zeros((size, old), dtype=np.result_type(offset, noise, self._mean, *gains.values()))
        start = 0
        for variable, width in self.sizes.items():
            if variable in gains:
                gain[:, start : start + width] = gains[variable]
            start += width
        across = gain @ self._covariance
        self._mean = np.concatenate([self._mean, gain @ self._mean + offset])
        self._covariance = np.block([[self._covariance, across.T], [across, across @ gain.T + noise]])
        self.sizes[name] = size
        return self

    @cached_property
    def law(self) -> Gaussian:
        """The joint law so far."""
        return Gaussian(self.sizes, self._mean, self._covariance, self._conditions)
