"""Worlds of the setting `ddpm` for the second evaluator: full tables, and a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from oracle.grid import AXES, Data, Unsupported, tall
from oracle.latent_worlds import TableWorld, log_normal, simplex

from gentutor.derive import tree as T


def steps(rng: np.random.Generator, nodes: Iterable[T.Node]) -> dict[str, int]:
    """T, as small as can be, and t: all levels printed with a free t differ and lie in 0..T."""
    printed: set[T.Node] = set()
    for n in nodes:
        if isinstance(n, T.Variable | T.Symbol):
            printed.update(n.index)
        elif isinstance(n, T.Range) and not n.sample:
            printed.update((n.first, n.last))
    for top in range(3, 8):
        found = []
        for t in range(2, top + 1):
            values = [level(n, {"t": t, "T": top}) for n in printed]
            values = [value for value in values if value is not None]
            if len(set(values)) == len(values) and all(0 <= value <= top for value in values):
                found.append({"T": top, "t": t})
        if found:
            return found[rng.integers(len(found))]
    return {"T": 4, "t": 3}


def level(n: T.Node, integers: Mapping[str, int]) -> int | None:
    """An index such as t - 1; None for one that is bound."""
    match n:
        case T.Number(value):
            return int(value)
        case T.Symbol(name, ()):
            return integers.get(name)
        case T.Neg(body):
            value = level(body, integers)
            return None if value is None else -value
        case T.Add(terms):
            values = [level(term, integers) for term in terms]
            return None if None in values else sum(value for value in values if value is not None)
    return None


def tables(rng: np.random.Generator, batch: int, heat: float, integers: dict[str, int]) -> TableWorld:
    """q(x_0) prod q(x_t|x_{t-1}) and p(x_T) prod p(x_{t-1}|x_t), every step with a table of its own."""
    top = integers["T"]
    a = 3 if top <= 3 else 2
    names = tuple(f"x_{t}" for t in range(top + 1))

    def build(parameters: Mapping[str, Data]) -> dict[str, tuple[tuple[str, ...], Data]]:
        up = simplex(parameters["phi"].reshape(-1, top, a, a), 3)
        down = simplex(parameters["theta"].reshape(-1, top, a, a), 2)
        q, p = simplex(parameters["first"], 1), simplex(parameters["last"], 1)
        for t in range(top):
            shape = (-1, *(1,) * t, a, a)
            q = q[..., None] * up[:, t].reshape(shape)
        for t in reversed(range(top)):
            shape = (-1, a, a, *(1,) * (top - 1 - t))
            p = down[:, t].reshape(shape) * p[:, None]
        return {"q": (names, q), "p": (names, p)}

    sizes = {"phi": top * a * a, "theta": top * a * a, "first": a, "last": a}
    parameters = {name: heat * rng.standard_normal((batch, size)) for name, size in sizes.items()}
    return TableWorld(batch, parameters, {**integers, "d": 1}, build, {"x": a})


@dataclass(frozen=True)
class Diffusion:
    """The forward chain with chosen alphas on a line; epsilon_theta is not linear in x_t.

    q follows from x_t = sum of independent noises, each with its coefficient; p from integrals over the
    levels that are not named.
    """

    batch: int
    parameters: Mapping[str, Data]
    integers: Mapping[str, int]
    alpha: Data  # (batch, T + 1), alpha[:, 0] = 1
    first: Data  # mean and standard deviation of x_0, (batch, 2)
    ties: Mapping[str, T.Node] = field(default_factory=dict)
    finite = False

    def nodes(self, key: str) -> tuple[Data, Data]:
        reach, count = (9.0, 91) if key.startswith("·") else (6.3, 43)
        line = np.linspace(-reach, reach, count)
        return line, np.full(count, line[1] - line[0])

    @cached_property
    def bar(self) -> Data:
        return np.cumprod(self.alpha, axis=1)

    @cached_property
    def variance(self) -> Data:
        """sigma_q^2(t); for t = 1, where the formula gives zero, the model has some other one."""
        bar = self.bar
        with np.errstate(all="ignore"):
            value = (1 - self.alpha[:, 1:]) * (1 - bar[:, :-1]) / (1 - bar[:, 1:])
        value[:, 0] = 0.7 * (1 - self.alpha[:, 1])
        return np.concatenate([np.full((self.batch, 1), np.nan), value], axis=1)

    def step(self, t: int) -> int:
        if not 1 <= t <= self.integers["T"]:
            raise Unsupported(f"step {t}")
        return t

    # ------------------------------------------------------------------------------------------------ q

    @cached_property
    def spread(self) -> Data:
        """S[w, t, i]: the coefficient of the i-th independent standard normal in x_t (i = 0: of x_0)."""
        top = self.integers["T"]
        s = np.zeros((self.batch, top + 1, top + 1))
        s[:, 0, 0] = self.first[:, 1]
        for t in range(1, top + 1):
            s[:, t] = np.sqrt(self.alpha[:, t])[:, None] * s[:, t - 1]
            s[:, t, t] = np.sqrt(1 - self.alpha[:, t])
        return s

    def _q(self, at: Mapping[str, Data]) -> Data:
        levels = [int(key.split("_")[1]) for key in at]
        spread = self.spread[:, levels]
        covariance = spread @ np.swapaxes(spread, 1, 2)
        mean = np.sqrt(self.bar[:, levels]) * self.first[:, :1]
        precision, log_det = np.linalg.inv(covariance), np.linalg.slogdet(covariance)[1]
        residual = [value - tall(m) for value, m in zip(at.values(), mean.T, strict=True)]
        square: Data | float = 0.0
        for i, left in enumerate(residual):
            for j, right in enumerate(residual):
                square = square + tall(precision[:, i, j]) * left * right
        return -0.5 * square - 0.5 * tall(log_det) - 0.5 * len(levels) * np.log(2 * np.pi)

    # ------------------------------------------------------------------------------------------------ p

    def _kernel(self, t: int, below: Data, above: Data) -> Data:
        return log_normal(below, self.call("mu_theta", [above, tall(t)]), tall(self.variance[:, t]))

    def _p(self, at: Mapping[str, Data]) -> Data:
        """log p of these levels: the others above the lowest one are integrated, one axis each."""
        top = self.integers["T"]
        named = {int(key.split("_")[1]): value for key, value in at.items()}
        line, weights = self.nodes("x_0")
        missing = [t for t in range(min(named), top + 1) if t not in named]
        if len(missing) > 2:
            raise Unsupported("a marginal of p over many levels")
        for offset, t in enumerate(missing):
            shape = [1] * AXES
            shape[AXES - 1 - offset] = len(line)
            named[t] = line.reshape(shape)
        total = log_normal(named[top], tall(0.0), 1.0)
        for t in range(min(named) + 1, top + 1):
            total = total + self._kernel(t, named[t - 1], named[t])
        if not missing:
            return total
        axes = tuple(AXES - 1 - i for i in range(len(missing)))
        peak = total.max(axis=axes, keepdims=True)
        return np.log(np.exp(total - peak).sum(axis=axes, keepdims=True) * weights[0] ** len(missing)) + peak

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        if set(left) & set(given):
            raise Unsupported("a variable given itself")
        if not {*left, *given} <= {f"x_{t}" for t in range(self.integers["T"] + 1)}:
            raise Unsupported("no such level")
        if name not in ("p", "q"):
            raise Unsupported(name)
        joint = self._q if name == "q" else self._p
        if name == "p" and len(left) == 1 and given:
            (below,), above = left, {int(key[2:]): value for key, value in given.items()}
            t = int(below[2:]) + 1
            if min(above) == t:
                return self._kernel(t, left[below], above[t])
        if len(left) + len(given) > 4:
            raise Unsupported("a density over many levels")
        both = joint({**left, **given})
        return both - joint(given) if given else both

    # --------------------------------------------------------------------------------- symbols, functions

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        if not index:
            plain = {"pi": float(np.pi), "I": 1.0}
            if name in plain:
                return plain[name]
            raise Unsupported(name)
        (t,) = index
        if name in ("bar_alpha", "bar_beta") and 0 <= t <= self.integers["T"]:
            return self.bar[:, t] if name == "bar_alpha" else 1 - self.bar[:, t]
        t = self.step(t)
        values = {
            "alpha": self.alpha[:, t],
            "beta": 1 - self.alpha[:, t],
            "tilde_beta": self.variance[:, t],
            "sigma": np.sqrt(self.variance[:, t]),
        }
        if name not in values:
            raise Unsupported(name)
        return values[name]

    def call(self, name: str, arguments: list[Data]) -> Data:
        t = self.step(round(float(np.ravel(arguments[-1])[0])))
        alpha, bar, below = (tall(v) for v in (self.alpha[:, t], self.bar[:, t], self.bar[:, t - 1]))
        if name == "Sigma_q":
            return tall(self.variance[:, t])
        if name == "sigma_q":
            return tall(np.sqrt(self.variance[:, t]))
        if name == "SNR":
            return bar / (1 - bar)
        x = arguments[0]
        if name == "mu_q":
            return (np.sqrt(alpha) * (1 - below) * x + np.sqrt(below) * (1 - alpha) * arguments[1]) / (
                1 - bar
            )
        a, b, c = (tall(self.parameters["theta"][:, 3 * t - 3 + i]) for i in range(3))
        noise = 0.3 * a * x + 0.7 * b + 0.5 * np.sin(c * x)
        if name == "epsilon_theta":
            return noise
        if name == "mu_theta":
            return (x - (1 - alpha) / np.sqrt(1 - bar) * noise) / np.sqrt(alpha)
        if name == "x_theta":
            return (x - np.sqrt(1 - bar) * noise) / np.sqrt(bar)
        raise Unsupported(name)

    def tied(self, key: str) -> T.Node | None:
        return self.ties.get(key)

    def at(self, **parameters: Data) -> "Diffusion":
        return replace(self, parameters={**self.parameters, **parameters})


def diffusion(rng: np.random.Generator, batch: int, integers: dict[str, int]) -> Diffusion:
    """Alphas between 0.45 and 0.8, so that no density is narrow beside the grid."""
    top = integers["T"]
    alpha = np.concatenate([np.ones((batch, 1)), rng.uniform(0.45, 0.8, (batch, top))], axis=1)
    first = np.stack([rng.uniform(0.2, 0.6, batch), rng.uniform(0.6, 0.8, batch)], axis=1)
    theta = rng.uniform(0.3, 1.1, (batch, 3 * top)) * rng.choice([-1, 1], (batch, 3 * top))
    return Diffusion(batch, {"theta": theta}, {**integers, "d": 1}, alpha, first)
