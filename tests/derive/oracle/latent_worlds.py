"""Worlds of the settings `vae` and `latents` for the second evaluator: full tables, and a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from oracle.grid import Data, Unsupported, tall

from gentutor.derive import tree as T


def simplex(logits: Data, axes: int | tuple[int, ...]) -> Data:
    """Positive numbers that add up to one over `axes`."""
    weights = np.exp(logits - logits.max(axis=axes, keepdims=True))
    return weights / weights.sum(axis=axes, keepdims=True)


@dataclass(frozen=True)
class TableWorld:
    """Joint masses for each density name, over all of its variables: axis 0 counts worlds."""

    batch: int
    parameters: Mapping[str, Data]
    integers: Mapping[str, int]
    build: object  # parameters -> {name: (variables, table)}
    states: Mapping[str, int] = field(default_factory=dict)
    conditions: frozenset[str] = frozenset()  # q is only given these: they have no law of their own under it
    finite = True

    @cached_property
    def tables(self) -> dict[str, tuple[tuple[str, ...], Data]]:
        return self.build(self.parameters)  # type: ignore[operator]

    def nodes(self, key: str) -> tuple[Data, Data]:
        base = key.split("_")[0].split("^")[0]
        if base not in self.states:
            raise Unsupported(f"{key} is no state")
        return np.arange(self.states[base]), np.ones(self.states[base])

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        if name not in self.tables:
            raise Unsupported(name)
        if set(left) & set(given):
            raise Unsupported("a variable given itself")
        if name == "q" and not self.conditions <= set(given):
            raise Unsupported("q is of z given x")
        both = self._look_up(name, {**left, **given})
        return both - self._look_up(name, given) if given else both

    def _look_up(self, name: str, at: Mapping[str, Data]) -> Data:
        """log of the table with all other variables added up, at these states."""
        variables, table = self.tables[name]
        if not set(at) <= set(variables):
            raise Unsupported(f"{name} of {', '.join(at)}")
        others = tuple(i + 1 for i, variable in enumerate(variables) if variable not in at)
        marginal = table.sum(axis=others)
        worlds = tall(np.arange(self.batch)).astype(int)
        states = [at[variable] for variable in variables if variable in at]
        if not all(np.issubdtype(s.dtype, np.integer) for s in states):
            raise Unsupported("a number where a state belongs")
        return np.log(marginal[(worlds, *states)])

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        if name == "pi" and not index:
            return float(np.pi)
        raise Unsupported(name)

    def call(self, name: str, arguments: list[Data]) -> Data:
        raise Unsupported(name)

    def tied(self, key: str) -> T.Node | None:
        return None

    def at(self, **parameters: Data) -> "TableWorld":
        return replace(self, parameters={**self.parameters, **parameters})


def flat(
    rng: np.random.Generator, batch: int, heat: float, given: frozenset[str], aggregate: bool
) -> TableWorld:
    """x and z; `aggregate` makes q(x, z) = p(x) q(z|x), else q has a law of x of its own."""
    a, b = 2, 3
    only = frozenset[str]() if aggregate else frozenset({"x"})

    def build(parameters: Mapping[str, Data]) -> dict[str, tuple[tuple[str, ...], Data]]:
        def joint(name: str) -> Data:
            return simplex(parameters[name].reshape(-1, a, b), (1, 2))

        p = joint("theta")
        z_given_x = simplex(parameters["phi"].reshape(-1, a, b), 2)
        if "posterior" in given:
            z_given_x = p / p.sum(2, keepdims=True)
        q_x = p.sum(2, keepdims=True) if aggregate else np.full((1, a, 1), 1 / a)
        names = ("x", "z")
        return {"p": (names, p), "p@old": (names, joint("old")), "q": (names, q_x * z_given_x)}

    parameters = {name: heat * rng.standard_normal((batch, a * b)) for name in ("theta", "old", "phi")}
    return TableWorld(batch, parameters, {"K": 3, "d": 1}, build, {"x": a, "z": b}, only)


def levelled(rng: np.random.Generator, batch: int, heat: float, aggregate: bool) -> TableWorld:
    """x next to z_1, z_t next to z_{t+1}, up to z_3; q the other way round."""
    a, top = 2, 3
    only = frozenset[str]() if aggregate else frozenset({"x"})
    names = ("x", *(f"z_{t}" for t in range(1, top + 1)))

    def build(parameters: Mapping[str, Data]) -> dict[str, tuple[tuple[str, ...], Data]]:
        down = simplex(
            parameters["theta"].reshape(-1, top, a, a), 2
        )  # of the lower level given the upper one
        up = simplex(parameters["phi"].reshape(-1, top, a, a), 3)
        last = simplex(parameters["prior"].reshape(-1, a), 1)
        p = np.einsum("wxa,wab,wbc,wc->wxabc", down[:, 0], down[:, 1], down[:, 2], last)
        x = p.sum((2, 3, 4)) if aggregate else np.full((len(p), a), 1 / a)
        q = np.einsum("wx,wxa,wab,wbc->wxabc", x, up[:, 0], up[:, 1], up[:, 2])
        return {"p": (names, p), "q": (names, q)}

    sizes = {"theta": top * a * a, "phi": top * a * a, "prior": a}
    parameters = {name: heat * rng.standard_normal((batch, size)) for name, size in sizes.items()}
    return TableWorld(batch, parameters, {"T": top, "t": 2, "K": 3, "d": 1}, build, {"x": a, "z": a}, only)


def log_normal(x: Data, mean: Data, variance: Data | float) -> Data:
    """log N(x; mean, variance)."""
    return -((x - mean) ** 2) / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)


def log_integral(log_values: Data, weights: Data) -> Data:
    """log of the integral over the last axis."""
    top = log_values.max(axis=-1, keepdims=True)
    return np.log((np.exp(log_values - top) * weights).sum(-1)) + top[..., 0]


@dataclass(frozen=True)
class LineWorld:
    """z ~ N(m, s^2), x ~ N(w z + b, v), q(z|x) = N(a x + c, r^2) on a line.

    p(x) is the integral of p(x|z)p(z) by the trapezoidal rule, p(z|x) follows by Bayes.
    """

    batch: int
    parameters: Mapping[str, Data]
    integers: Mapping[str, int]
    given: frozenset[str] = frozenset()
    aggregate: bool = False
    finite = False

    def nodes(self, key: str) -> tuple[Data, Data]:
        reach, count = (13.0, 161) if key.startswith("·") else (9.0, 111)
        if key.startswith("epsilon"):
            reach, count = 7.0, 51
        line = np.linspace(-reach, reach, count)
        return line, np.full(count, line[1] - line[0])

    def _model(self, name: str) -> list[Data]:
        w, b, v, m, s = (tall(column) for column in self.parameters[name].T)
        if "standard prior" in self.given:
            m, s = 0 * m, 0 * s
        return [0.5 + 0.4 * np.tanh(w), 0.5 * b, np.exp(0.3 * v), 0.4 * m, np.exp(0.3 * s)]

    def _guess(self) -> list[Data]:
        a, c, r = (tall(column) for column in self.parameters["phi"].T)
        return [0.5 + 0.3 * np.tanh(a), 0.5 * c, np.exp(0.25 * r - 0.4)]

    def _p(self, name: str, at: Mapping[str, Data]) -> Data:
        w, b, v, m, s = self._model(name)
        if set(at) == {"z"}:
            return log_normal(at["z"], m, s**2)
        if set(at) == {"x", "z"}:
            return log_normal(at["z"], m, s**2) + log_normal(at["x"], w * at["z"] + b, v)
        if set(at) == {"x"}:
            line = np.linspace(-11, 11, 121)
            x, w, b, v, m, s = (array[..., None] for array in (at["x"], w, b, v, m, s))
            return log_integral(log_normal(line, m, s**2) + log_normal(x, w * line + b, v), line[1] - line[0])
        raise Unsupported(f"p of {', '.join(at)}")

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        if set(left) & set(given):
            raise Unsupported("a variable given itself")
        if name in ("p", "p@old"):
            parameter = "theta" if name == "p" else "old"
            both = self._p(parameter, {**left, **given})
            return both - self._p(parameter, given) if given else both
        if name != "q":
            raise Unsupported(name)
        if set(left) == {"z"} and set(given) == {"x"}:
            if "posterior" in self.given:
                return self.log_density("p", left, given)
            a, c, r = self._guess()
            return log_normal(left["z"], a * given["x"] + c, r**2)
        if not self.aggregate:
            raise Unsupported("q is of z given x")
        both = self._q({**left, **given})
        return both - self._q(given) if given else both

    def _q(self, at: Mapping[str, Data]) -> Data:
        a, c, r = self._guess()
        if set(at) == {"x"}:
            return self._p("theta", at)
        if set(at) == {"x", "z"}:
            return self._p("theta", {"x": at["x"]}) + log_normal(at["z"], a * at["x"] + c, r**2)
        line = np.linspace(-11, 11, 121)
        p_x = self._p("theta", {"x": tall(0.0) + line.reshape((1,) * 19 + (-1,))})
        z, a, c, r = (array[..., None] for array in (at["z"], a, c, r))
        return log_integral(
            p_x.reshape(p_x.shape[0], *(1,) * 19, -1) + log_normal(z, a * line + c, r**2), line[1] - line[0]
        )

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        plain = {"pi": float(np.pi), "I": 1.0}
        if name in plain and not index:
            return plain[name]
        raise Unsupported(name)

    def call(self, name: str, arguments: list[Data]) -> Data:
        a, c, r = self._guess()
        if "posterior" in self.given or len(arguments) != 1:
            raise Unsupported(name)
        if name == "mu":
            return a * arguments[0] + c
        if name in ("sigma", "Sigma"):
            return r if name == "sigma" else r**2
        raise Unsupported(name)

    def tied(self, key: str) -> T.Node | None:
        return None

    def at(self, **parameters: Data) -> "LineWorld":
        return replace(self, parameters={**self.parameters, **parameters})


def line(rng: np.random.Generator, batch: int, given: frozenset[str], aggregate: bool) -> LineWorld:
    """Means that are not zero, variances that are not one."""
    sizes = {"theta": 5, "old": 5, "phi": 3}
    parameters = {
        name: rng.uniform(0.4, 1.3, (batch, n)) * rng.choice([-1, 1], (batch, n)) for name, n in sizes.items()
    }
    return LineWorld(batch, parameters, {"d": 1, "K": 2}, given, aggregate)
