"""Worlds of the settings `gan` and `score` for the second evaluator."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from oracle.grid import Data, Unsupported, tall
from oracle.latent_worlds import log_integral, log_normal, simplex

from gentutor.derive import tree as T

IMAGES = ("x", "tilde_x", "hat_x")


def sigmoid(a: Data) -> Data:
    """1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


@dataclass(frozen=True)
class Adversaries:
    """4 states of x, 5 of z; G sends every z to a state of x, p_g is where p_z goes. Logits are drawn."""

    batch: int
    parameters: Mapping[str, Data]
    goes: Data  # (z,)
    given: frozenset[str] = frozenset()
    finite = True
    integers: Mapping[str, int] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "integers", {})

    def nodes(self, key: str) -> tuple[Data, Data]:
        if key not in (*IMAGES, "z"):
            raise Unsupported(key)
        count = len(self.goes) if key == "z" else 4
        return np.arange(count), np.ones(count)

    def masses(self, name: str) -> Data:
        if name == "p_data":
            return simplex(self.parameters["data"], 1)
        p_z = simplex(self.parameters["theta"], 1)
        if name == "p_z":
            return p_z
        if name != "p_g":
            raise Unsupported(name)
        if "equal laws" in self.given:
            return self.masses("p_data")
        return np.stack([p_z[:, self.goes == state].sum(1) for state in range(4)], axis=1)

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        if given or len(left) != 1:
            raise Unsupported(name)
        ((key, value),) = left.items()
        if name == "p":
            name = "p_z" if key == "z" else "p_g"
        if (name == "p_z") != (key == "z"):
            raise Unsupported(f"{name} of {key}")
        return np.log(self._at(self.masses(name), value))

    def _at(self, table: Data, state: Data) -> Data:
        if not np.issubdtype(state.dtype, np.integer) or state.max() >= table.shape[1]:
            raise Unsupported("a number where a state belongs")
        return table[(tall(np.arange(self.batch)).astype(int), state)]

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        raise Unsupported(name)

    def call(self, name: str, arguments: list[Data]) -> Data:
        (state,) = arguments
        best = self.masses("p_data") / (self.masses("p_data") + self.masses("p_g"))
        if name == "G" and "equal laws" not in self.given:
            if state.max() >= len(self.goes) or state.size not in (1, len(self.goes)):
                raise Unsupported("G of an image")
            return self.goes[state]
        if name == "D^*" or (name == "D" and "optimal" in self.given):
            return self._at(best, state)
        if name in ("D", "a"):
            logits = self._at(self.parameters["D"], state)
            return logits if name == "a" else sigmoid(logits)
        raise Unsupported(name)

    def tied(self, key: str) -> T.Node | None:
        return None

    def at(self, **parameters: Data) -> "Adversaries":
        return replace(self, parameters={**self.parameters, **parameters})


def adversaries(rng: np.random.Generator, batch: int, heat: float, given: frozenset[str]) -> Adversaries:
    """Every state of x is reached."""
    sizes = {"data": 4, "theta": 5, "D": 4}
    parameters = {name: heat * rng.standard_normal((batch, n)) for name, n in sizes.items()}
    return Adversaries(batch, parameters, rng.permutation([0, 1, 2, 3, 1]), given)


@dataclass(frozen=True)
class Bent:
    """A line: p_data a mixture, z normal, x = G(z) bent, D the sigmoid of bent logits; no p_g."""

    batch: int
    parameters: Mapping[str, Data]
    given: frozenset[str] = frozenset()
    finite = False
    integers: Mapping[str, int] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "integers", {"d": 1})

    def nodes(self, key: str) -> tuple[Data, Data]:
        line = np.linspace(-9, 9, 181)
        return line, np.full(181, line[1] - line[0])

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        if given or len(left) != 1:
            raise Unsupported(name)
        ((key, value),) = left.items()
        m, r = (tall(self.parameters["data"][:, i]) for i in (0, 1))
        if name == "p_data" and key != "z":
            parts = np.log(0.4) + log_normal(value, m - 1, 0.6), np.log(0.6) + log_normal(value, r + 1, 0.9)
            return np.logaddexp(*parts)
        if name in ("p_z", "p") and key == "z":
            return log_normal(value, tall(0.0) if "standard prior" in self.given else 0.3 * m, 1.0)
        raise Unsupported(f"{name} of {key}")

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        if name == "I":
            return 1.0
        raise Unsupported(name)

    def call(self, name: str, arguments: list[Data]) -> Data:
        (x,) = arguments
        if self.given & {"optimal", "equal laws"}:
            raise Unsupported(name)
        a, b, c = (tall(self.parameters["theta"][:, i]) for i in range(3))
        if name == "G":
            return a + (1 + 0.2 * b) * x + 0.3 * np.tanh(c * x)
        a, b, c = (tall(self.parameters["phi"][:, i]) for i in range(3))
        logits = a + b * x + 0.8 * np.tanh(c * x + 0.3)
        if name in ("D", "a"):
            return logits if name == "a" else sigmoid(logits)
        raise Unsupported(name)

    def tied(self, key: str) -> T.Node | None:
        return None

    def at(self, **parameters: Data) -> "Bent":
        return replace(self, parameters={**self.parameters, **parameters})


def bent(rng: np.random.Generator, given: frozenset[str]) -> Bent:
    """One world on a line."""
    return Bent(
        1,
        {
            name: rng.uniform(0.3, 1, (1, 3)) * rng.choice([-1, 1], (1, 3))
            for name in ("data", "theta", "phi")
        },
        given,
    )


@dataclass(frozen=True)
class Noisy:
    """pi a mixture of two normal laws on a line, x' = x + sigma epsilon, p_theta with the score s."""

    batch: int
    parameters: Mapping[str, Data]
    sigmas: Data  # the world's sigma, then sigma_1, sigma_2, sigma_3
    means: Data
    given: frozenset[str]
    integers: Mapping[str, int]
    marked: bool = False  # the chain writes p_sigma(x): a law without sigma is clean
    finite = False

    def nodes(self, key: str) -> tuple[Data, Data]:
        line = np.linspace(-8, 8, 161)
        return line, np.full(161, line[1] - line[0])

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        name, _, mark = name.partition("@")
        sigma = self.sigmas[int(mark.rpartition("_")[2]) if "_" in mark else 0]
        if len(left) == 1 and not given:  # the law of one alone: sigma says that it is noisy
            clean = not mark and (name == "p_data" or self.marked)
            (key,), (value,) = left.keys(), left.values()
            left = {"x'" if mark else "x" if clean else key: value}
        if set(left) & set(given):
            raise Unsupported("a variable given itself")
        if name == "p_theta":
            if len(left) != 1 or given:
                raise Unsupported(name)
            (x,) = left.values()
            line = np.linspace(-12, 12, 241)
            z = log_integral(self._log_model(line.reshape((1,) * 20 + (-1,))), line[1] - line[0])
            return self._log_model(x[..., None])[..., 0] - z
        if name not in ("pi", "p", "q", "p_data"):
            raise Unsupported(name)
        both = self._joint({**left, **given}, sigma)
        return both - self._joint(given, sigma) if given else both

    def _joint(self, at: Mapping[str, Data], sigma: float) -> Data:
        parts = []
        for weight, mean, variance in zip((0.35, 0.65), self.means, (0.5, 0.8), strict=True):
            if set(at) == {"x"}:
                log = log_normal(at["x"], mean, variance)
            elif set(at) == {"x'"}:
                log = log_normal(at["x'"], mean, variance + sigma**2)
            elif set(at) == {"x", "x'"}:
                log = log_normal(at["x"], mean, variance) + log_normal(at["x'"], at["x"], sigma**2)
            else:
                raise Unsupported(", ".join(at))
            parts.append(np.log(weight) + log)
        return np.logaddexp(*parts)

    def _numbers(self) -> list[float]:
        a, b, c, m, k = self.parameters["theta"][0]
        return [a, b, c, m, 0.6 + 0.2 * k**2]

    def _log_model(self, x: Data) -> Data:
        a, _, c, m, k = self._numbers()
        return -k * x**2 / 2 + m * x + a * np.log(np.cosh(x + c))

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        if name == "sigma":
            if index and not 1 <= index[0] <= 3:
                raise Unsupported("a noise level")
            return float(self.sigmas[index[0] if index else 0])
        if name in ("I", "pi") and not index:
            return 1.0 if name == "I" else float(np.pi)
        raise Unsupported(name)

    def call(self, name: str, arguments: list[Data]) -> Data:
        a, b, c, m, k = self._numbers()
        if name == "lambda":
            return arguments[0] ** 2 if "lambda = sigma^2" in self.given else np.exp(0.4 + 0.7 * arguments[0])
        if name != "s":
            raise Unsupported(name)
        x, *level = arguments
        shift = b * (level[0] - self.sigmas[0]) if level else 0.0
        return -k * x + m + a * np.tanh(x + c) + shift

    def tied(self, key: str) -> T.Node | None:
        if key.split("_")[0] != "epsilon":
            return None
        return (T.Variable("x'") - T.Variable("x")) / T.Symbol("sigma")

    def at(self, **parameters: Data) -> "Noisy":
        return replace(self, parameters={**self.parameters, **parameters})


def noisy(rng: np.random.Generator, given: frozenset[str], marked: bool = False) -> Noisy:
    """One world on a line."""
    theta = rng.uniform(0.3, 1, (1, 5)) * rng.choice([-1, 1], (1, 5))
    sigmas = np.concatenate([rng.uniform(0.5, 0.8, 1), np.array([1.0, 0.7, 0.5]) * rng.uniform(0.9, 1.1, 3)])
    integers = {"d": 1, "L": 3, **{name: int(rng.integers(1, 4)) for name in ("i", "l", "k")}}
    means = np.array([-1.0, 0.9]) + rng.uniform(-0.3, 0.3, 2)
    return Noisy(1, {"theta": theta}, sigmas, means, given, integers, marked)
