"""Worlds of the setting `wgan` for the second evaluator: four points on a line, where transport is easy.

There W(P, Q) is the area between the two distribution functions, and a Lipschitz constant is the steepest
slope between neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from oracle.grid import Data, Unsupported, tall
from oracle.latent_worlds import simplex

from gentutor.derive import tree as T

POINTS = ("x", "y", "x'", "tilde_x", "hat_x")
LAWS = {"P_r": "data", "P_g": "theta", "P_hat_x": "between"}


@dataclass(frozen=True)
class Movers:
    """P_r, P_g, P_hat_x on the points; G sends every z to a point; a coupling near the independent one."""

    batch: int
    parameters: Mapping[str, Data]
    goes: Data  # (z,)
    places: Data  # (batch, points), in rising order
    given: frozenset[str] = frozenset()
    integers: Mapping[str, int] = field(default_factory=dict)
    finite = True

    def nodes(self, key: str) -> tuple[Data, Data]:
        if key not in (*POINTS, "z"):
            raise Unsupported(key)
        count = len(self.goes) if key == "z" else 4
        return np.arange(count), np.ones(count)

    def masses(self, name: str) -> Data:
        p_z = simplex(self.parameters["theta"], 1)
        if name == "p_z":
            return p_z
        if name == "P_g":
            if "equal laws" in self.given:
                return self.masses("P_r")
            return np.stack([p_z[:, self.goes == state].sum(1) for state in range(4)], axis=1)
        if name not in LAWS:
            raise Unsupported(name)
        return simplex(self.parameters[LAWS[name]], 1)

    def coupling(self) -> Data:
        """P_r P_g with some mass moved round a square of states."""
        real, model = self.masses("P_r"), self.masses("P_g")
        both = real[:, :, None] * model[:, None, :]
        corners = ((-1, 0, 1), (1, 0, 3), (1, 2, 1), (-1, 2, 3))
        least = np.min([both[:, i, j] for _, i, j in corners], axis=0)
        for sign, i, j in corners:
            both[:, i, j] += 0.6 * sign * np.tanh(self.parameters["gamma"][:, 0]) * least
        return both

    def log_density(self, name: str, left: Mapping[str, Data], given: Mapping[str, Data]) -> Data:
        if given:
            raise Unsupported(name)
        which = tall(np.arange(self.batch)).astype(int)
        if name == "gamma" and set(left) <= {"x", "y"}:
            table, states = self.coupling(), [left[key] for key in ("x", "y") if key in left]
            if len(left) == 1:
                table = table.sum(2 if "x" in left else 1)
            return np.log(table[(which, *states)])
        if len(left) != 1:
            raise Unsupported(name)
        ((key, state),) = left.items()
        if name == "p":
            name = "p_z" if key == "z" else "P_g"
        if (name == "p_z") != (key == "z") or not np.issubdtype(state.dtype, np.integer):
            raise Unsupported(f"{name} of {key}")
        return np.log(self.masses(name)[which, state])

    def critic(self) -> Data:
        f = 2 * self.parameters["w"]
        return f / np.maximum(self.steepest(f), 1)[:, None] if "Lipschitz" in self.given else f

    def steepest(self, values: Data) -> Data:
        """The Lipschitz constant of values at the points, in each world."""
        return np.max(np.abs(np.diff(values, axis=1)) / np.diff(self.places, axis=1), axis=1)

    def transport(self, left: Data, right: Data) -> Data:
        """The area between two distribution functions, from masses (batch, points)."""
        return (np.abs(np.cumsum(left - right, axis=1))[:, :-1] * np.diff(self.places, axis=1)).sum(1)

    def symbol(self, name: str, index: tuple[int, ...]) -> Data | float:
        if name == "K" and not index:
            return 1.4 * self.steepest(self.critic())
        if name == "lambda" and not index:
            return 0.7
        raise Unsupported(name)

    def call(self, name: str, arguments: list[Data]) -> Data:
        (state,) = arguments
        if name == "G" and "equal laws" not in self.given and state.size in (1, len(self.goes)):
            return self.goes[state]
        if name == "f" and np.issubdtype(state.dtype, np.integer) and state.max() < 4:
            return self.critic()[tall(np.arange(self.batch)).astype(int), state]
        raise Unsupported(name)

    def tied(self, key: str) -> T.Node | None:
        return None

    def at(self, **parameters: Data) -> "Movers":
        return replace(self, parameters={**self.parameters, **parameters})


def movers(rng: np.random.Generator, batch: int, heat: float, given: frozenset[str]) -> Movers:
    """Every point is reached."""
    sizes = {"data": 4, "theta": 5, "between": 4, "w": 4, "gamma": 1}
    parameters = {name: heat * rng.standard_normal((batch, n)) for name, n in sizes.items()}
    places = np.cumsum(rng.uniform(0.4, 1.6, (batch, 4)), axis=1) - 2
    return Movers(batch, parameters, rng.permutation([0, 1, 2, 3, 1]), places, given)
