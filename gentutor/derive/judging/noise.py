"""Fresh noise: lines that draw random numbers are compared as laws, by mean and covariance.

In a Gaussian world a line that is affine in its noises has a normal law. What both lines share (a variable, a
noise) is held at the same points in both; what only one of them has is integrated out: a noise is standard
normal, a variable of the setting follows its own law given what is shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gentutor.derive.setting import Noise, Setting
from gentutor.derive.tree import Call, Density, Node, Normal, Variable, node, walk
from gentutor.derive.worlds.array import Array, NotExact, add, concatenate, scale, spread
from gentutor.derive.worlds.evaluate import Scope, evaluate, key_of, keys_of, point
from gentutor.derive.worlds.laws import Gaussian
from gentutor.derive.worlds.world import World

NONLINEAR = "fresh noise inside something that is not linear: its law is not known here"


@dataclass(frozen=True)
class Law:
    """The normal law of a line: its mean and its covariance at the shared points."""

    mean: Array
    covariance: Array


def base(key: str) -> str:
    """What a key is a level or a copy of: "x" for "x_3", "epsilon" for "epsilon^*_2" and "epsilon'"."""
    for accent in ("bar_", "hat_", "tilde_"):
        key = key.removeprefix(accent)
    return key.partition("_")[0].partition("^")[0].rstrip("'")


class Sides:
    """Two lines in a world: which noises they have, and how these are to be compared."""

    def __init__(self, above: Node, here: Node, setting: Setting, scope: Scope, drawn: bool) -> None:
        self.above, self.here, self.scope, self.setting = above, here, scope, setting
        self.drawn = drawn  # whether the relation is "~": a density stands for a draw
        self.axes = [self._axes(side) - {scope.world.axis} for side in (above, here)]
        self.noises = {key for keys in self.axes for key in keys if base(key) in setting.vocabulary.noises}

    def _axes(self, side: Node) -> set[str]:
        if self.drawn and isinstance(side, Density):
            return set(keys_of(side.given, self.scope))
        if self.drawn and isinstance(side, Normal):
            return {key for part in (side.mean, side.covariance) for key in evaluate(part, self.scope).axes}
        return set(evaluate(side, self.scope).axes)

    def tied(self) -> Scope | None:
        """The scope in which every noise is a function of x_0 and x_t; None where some noise is fresh."""
        noise = self.setting.noise
        if noise is None or noise.tied is None or self.drawn:
            return None
        levels = {int(key.partition("_")[2]) for keys in self.axes for key in keys if self._random(key)}
        later = levels - {0}
        t = self.scope.world.integers["t"]
        level = next(iter(later), t)
        # Weng's epsilon_t is the noise of x_t; a merged epsilon_{t-2} beside x_{t-2} is fresh.
        own = {f"{name}_{t}" for name in noise.names if later == {t}}
        if len(later) > 1 or any(key not in _tiable(noise) | own for key in self.noises):
            return None
        value = evaluate(noise.tied(node(level)), self.scope)
        return replace(self.scope, points={**self.scope.points, **dict.fromkeys(self.noises, value)})

    def _random(self, key: str) -> bool:
        noise = self.setting.noise
        return noise is not None and base(key) == noise.variable and "_" in key

    def laws(self) -> tuple[Law, Law]:
        """The laws of both lines, jointly with what they share."""
        above, here = self.axes
        shared = (above & here) - (self.noises if self.drawn else set())
        for side, other in ((self.above, here), (self.here, above)):
            if isinstance(
                side, Variable
            ):  # "x_t = ...": the law of x_t given all that stands on the other side
                shared |= other - self.noises
        if self.drawn:
            for side, keys in zip((self.above, self.here), self.axes, strict=True):
                if isinstance(side, Density | Normal):
                    shared |= keys
        return self._law(self.above, above - shared, shared), self._law(self.here, here - shared, shared)

    def _joint(self) -> Gaussian | None:
        noise = self.setting.noise
        if noise is None:
            return None
        functions = [n for side in (self.above, self.here) for n in walk(side) if isinstance(n, Call)]
        name = noise.model if any(n.name.endswith("_theta") for n in functions) else noise.law
        law = self.scope.world.contents.laws.get(name)
        return law if isinstance(law, Gaussian) else None

    def _law(self, side: Node, own: set[str], shared: set[str]) -> Law:
        if self.drawn and isinstance(side, Density):
            of_density = self.scope.world.contents.laws.get(side.name)
            if not isinstance(of_density, Gaussian):
                raise NotExact("a draw is compared in Gaussian worlds only")
            return self._conditional(
                of_density, keys_of(side.left, self.scope), keys_of(side.given, self.scope)
            )
        if self.drawn and isinstance(side, Normal):
            return self._normal(side)
        own_noises = sorted(key for key in own if base(key) in self.setting.vocabulary.noises)
        own_variables = sorted(own - set(own_noises))
        offset, coefficients = self._affine(side, [*own_variables, *own_noises])
        d = self.scope.world.d
        split = len(own_variables) * d
        law_noise = Law(
            Array(np.zeros(len(own_noises) * d), (), "c"), Array(np.eye(len(own_noises) * d), (), "m")
        )
        parts = [(Array(coefficients.data[..., split:], coefficients.axes, "m"), law_noise)]
        if own_variables:
            joint = self._joint()
            if joint is None:
                raise NotExact("the law of a variable is not known here")
            given = sorted(key for key in shared if key in joint.variables)
            parts.append(
                (
                    Array(coefficients.data[..., :split], coefficients.axes, "m"),
                    self._conditional(joint, own_variables, given),
                )
            )
        mean, covariance = offset, Array(np.zeros(offset.shape * 2), (), "m")
        for matrix, law in parts:
            axes = tuple(sorted({*matrix.axes, *law.mean.axes}))
            moved = np.einsum("...ij,...j->...i", spread(matrix, axes), spread(law.mean, axes))
            mean = add(mean, Array(moved, axes, "c"))
            spread_out = matrix.data @ law.covariance.data @ np.swapaxes(matrix.data, -1, -2)
            covariance = add(covariance, Array(spread_out, matrix.axes, "m"))
        return Law(mean, covariance)

    def _conditional(self, law: Gaussian, left: Sequence[str], given: Sequence[str]) -> Law:
        gain, offset, covariance = law.conditional(left, given)
        mean = Array(offset, (), "c")
        if given:
            there = concatenate([point(key, self.scope) for key in given])
            mean = add(mean, Array(there.data @ gain.T, there.axes, "c"))
        return Law(mean, Array(covariance, (), "m"))

    def _normal(self, side: Normal) -> Law:
        d = self.scope.world.d
        mean = add(evaluate(side.mean, self.scope), Array(np.zeros(d), (), "c"))
        covariance = evaluate(side.covariance, self.scope)
        if covariance.core == "s":
            covariance = scale(Array(np.eye(d), (), "m"), covariance)
        return Law(mean, covariance)

    def _affine(self, side: Node, keys: list[str]) -> tuple[Array, Array]:
        """(c, M): side = c + M (keys stacked). Raises NotExact where it is not so."""
        d = self.scope.world.d
        n = len(keys) * d
        trial = np.cos(1.0 + np.arange(n))
        stencil = np.concatenate([np.zeros((1, n)), np.eye(n), trial[None], 2 * trial[None]])
        axis = self.scope.new_axis()
        points = {key: Array(stencil[:, i * d : (i + 1) * d], (axis,), "c") for i, key in enumerate(keys)}
        value = evaluate(side, self.scope.bind(points))
        if value.core == "s":
            value = Array(value.data[..., None], value.axes, "c")
        if axis not in value.axes:
            zero = np.zeros((*value.data.shape, n))
            return value, Array(zero, value.axes, "m")
        data = np.moveaxis(value.data, value.axes.index(axis), -1)
        axes = tuple(name for name in value.axes if name != axis)
        offset = data[..., 0]
        matrix = data[..., 1 : n + 1] - offset[..., None]
        if not np.all(np.isfinite(data)):
            raise NotExact("a value is not finite: the root or the log of a negative number")
        for k in (1, 2):
            if not np.allclose(offset + matrix @ (k * trial), data[..., n + k], rtol=1e-9, atol=1e-9):
                raise NotExact(NONLINEAR)
        return Array(offset, axes, "c"), Array(matrix, axes, "m")


def writes_noise(setting: Setting, *sides: Node) -> bool:
    """Whether a line names a noise, bound or free."""
    noises = setting.vocabulary.noises
    return any(isinstance(n, Variable) and base(n.name) in noises for side in sides for n in walk(side))


def scope_for(above: Node, here: Node, setting: Setting, world: World) -> Scope:
    """The scope in which two lines are compared value by value, noise tied to x_0 and x_t where it may be."""
    scope = Scope(world)
    tied = setting.noise is not None and setting.noise.tied is not None
    if world.finite or not tied or not writes_noise(setting, above, here):
        return scope
    sides = Sides(above, here, setting, scope, False)
    return (sides.noises and sides.tied()) or scope


def _tiable(noise: Noise) -> set[str]:
    return {form for name in noise.names for form in (name, f"{name}_0")}


def left_keys(opening: Node, scope: Scope) -> tuple[str, ...]:
    """The left variables of the first density of an opening line, for a proportionality."""
    for n in walk(opening):
        if isinstance(n, Density):
            return keys_of(n.left, scope)
        if isinstance(n, Normal) and isinstance(n.left, Variable):
            return (key_of(n.left, scope),)
    return ()
