"""The second judge: does a relation between two lines hold? True, False, or None for no opinion."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from oracle import chain_worlds, latent_worlds, matrices, other_worlds, transport_worlds
from oracle.grid import Data, Dense, Unsupported, World
from oracle.noise import free, laws, with_ties

from gentutor.derive import tree as T

REDRAWS = 24
CLIMBS = 40
FLOOR = 1e-6  # what is smaller than this counts as zero
NEAR = 1.3  # free variables of a line are compared where they are not far from the middle
PARAMETERS = {  # what "const" does not vary with
    "vae": ("theta", "phi"),
    "latents": ("theta", "phi"),
    "ddpm": ("theta",),
    "gan": ("theta", "phi", "D"),
    "score": ("theta",),
    "wgan": ("theta", "w"),
}


@dataclass(frozen=True)
class Step:
    """One claim: `above relation here`, in a chain."""

    setting: str
    above: T.Node
    relation: str
    here: T.Node
    opening: T.Node
    nodes: tuple[T.Node, ...]  # all nodes of the chain
    given: frozenset[str] = frozenset()


def truth(step: Step, seed: int = 0, tries: int = 4) -> bool | None:
    """Whether the claim holds in every world tried; None where there is none, or the grid is too coarse."""
    if step.setting == "pca":
        return _matrix_truth(step, seed)
    opinion: bool | None = None
    with np.errstate(all="ignore"):
        for number in range(tries):
            rng = np.random.default_rng([seed, number])
            for world in _worlds(step, rng, number):
                try:
                    off = _off(step, world, rng)
                except Unsupported:
                    continue
                exact, wrong = (1e-9, 1e-7) if world.finite else (1e-5, 1e-3)
                if off > wrong:
                    return False
                if off <= exact:
                    opinion = True
                    if step.setting == "ddpm":
                        break  # the line, with an axis for every level, is for the rest
            if opinion and not (step.setting == "score" and step.relation in (">=", "<=")):
                return True
    return None if step.setting == "score" and step.relation in (">=", "<=") else opinion


def _matrix_truth(step: Step, seed: int) -> bool | None:
    bound = step.relation in (">=", "<=")
    for number in range(40 if bound else 3):
        world = matrices.matrices(np.random.default_rng([seed, number]), step.given)
        for one in matrices.extremes(world) if bound else [world]:
            try:
                found = matrices.off(step.above, step.relation, step.here, one)
            except (Unsupported, np.linalg.LinAlgError):
                return None
            if found > 1e-6:
                return False
    return True


def _worlds(step: Step, rng: np.random.Generator, number: int) -> Iterator[World]:
    search = step.relation in (">=", "<=")
    batch, heat = (192, (0.3, 1.0, 2.0, 3.0)[number]) if search else (4, 1.0)
    if step.setting == "ddpm":
        integers = chain_worlds.steps(rng, step.nodes)
        yield chain_worlds.tables(rng, batch, heat, integers)
        yield chain_worlds.diffusion(rng, 1, integers)
    elif step.setting == "gan":
        by_theta = any(isinstance(n, T.Gradient) and n.wrt == T.Symbol("theta") for n in step.nodes)
        if not by_theta:  # no small step moves a table
            yield other_worlds.adversaries(rng, batch, heat, step.given)
        yield other_worlds.bent(rng, step.given)
    elif step.setting == "wgan":
        if not any(isinstance(n, T.Gradient) and n.wrt != T.Symbol("w") for n in step.nodes):
            yield transport_worlds.movers(rng, batch, heat, step.given)
    elif step.setting == "score":
        marked = any(
            isinstance(n, T.Density)
            and n.left == (T.Variable("x"),)
            and any(isinstance(item, T.Symbol) for item in n.given)
            for n in step.nodes
        )
        yield other_worlds.noisy(rng, step.given, marked)
    elif step.setting in ("vae", "latents"):
        aggregate = step.setting == "latents"
        levels = any(
            (isinstance(n, T.Variable) and n.name == "z" and n.index)
            or (isinstance(n, T.Range) and n.name == "z" and not n.sample)
            for n in step.nodes
        )
        if levels:
            yield latent_worlds.levelled(rng, batch, heat, aggregate)
        else:
            yield latent_worlds.flat(rng, batch, heat, step.given, aggregate)
            yield latent_worlds.line(rng, 1, step.given, aggregate)


def _off(step: Step, world: World, rng: np.random.Generator) -> float:
    """By how much the claim is off, relative to the size of what is compared."""
    scope = Dense(world)
    above, here = step.above, step.here
    if not world.finite and max(len(free(side, scope)) for side in (above, here)) > 3:
        raise Unsupported("too many variables at once")
    if any(_half_bound(side, scope) for side in (above, here)):
        summed = any(isinstance(n, T.Sum) for side in (above, here) for n in T.walk(side))
        whole = all(v.name == "epsilon" or v.index == (T.node(0),) for v in _drawn(above, here))
        plain = step.relation == "=" and whole and not summed and not isinstance(above, T.Optimum)
        if not plain or not isinstance(world, chain_worlds.Diffusion):
            raise Unsupported("noise that an expectation binds, and x_t that it does not")
        return max(_difference(above, here, _made_of(scope, noise)) for noise in _bound_noises(above, here))
    if isinstance(above, T.Optimum) and isinstance(here, T.Optimum) and above.arg and here.arg:
        return _order(above, here, scope, rng)
    constants = [n for side in (above, here) for n in T.walk(side) if isinstance(n, T.Const)]
    if constants and step.relation == "=":
        return _constant(step, scope, constants, rng)
    if step.relation == "propto":
        return _proportional(step, scope)
    if step.relation in (">=", "<="):
        larger, smaller = (above, here) if step.relation == ">=" else (here, above)
        return _gap(larger, smaller, scope, rng)
    if world.finite:
        if step.relation == "~":
            raise Unsupported("draws")
        return _difference(above, here, scope)
    found = laws(above, here, step.relation == "~", scope)
    if found is None:
        return _difference(above, here, with_ties(above, here, scope))
    return max(relative(scope, a, b) for a, b in zip(*found, strict=True))


def _drawn(*sides: T.Node) -> set[T.Variable]:
    bound = {v for s in sides for n in T.walk(s) if isinstance(n, T.Expectation) for v in n.variables}
    return {v for v in bound if isinstance(v, T.Variable)}


def _bound_noises(*sides: T.Node) -> set[T.Variable]:
    return {v for v in _drawn(*sides) if v.name == "epsilon"}


def _made_of(scope: Dense, noise: T.Variable) -> Dense:
    """The scope in which x_t is what x_0 and a noise make it, and epsilon_t is that noise."""
    t = scope.world.integers["t"]
    bar = T.Symbol("bar_alpha", (T.node(t),))
    start = T.Apply("sqrt", bar) * T.Variable("x", (T.node(0),))
    ties = {f"x_{t}": start + T.Apply("sqrt", T.node(1) - bar) * noise}
    if not noise.index:
        ties[f"epsilon_{t}"] = noise
    return scope.moved(world=replace(scope.world, ties=ties))


def _half_bound(side: T.Node, scope: Dense) -> bool:
    drawn = {v.name for n in T.walk(side) if isinstance(n, T.Expectation) for v in n.variables}
    return "epsilon" in drawn and any(key.startswith(("x_", "epsilon")) for key in free(side, scope))


# ------------------------------------------------------------------------------------------------ pieces


def near(scope: Dense, *values: Data) -> list[Data]:
    """Dense arrays of one shape, cut to where the free variables are near the middle."""
    values = tuple(np.broadcast_arrays(*values))
    shape = values[0].shape
    for key, axis in scope.axes.items():
        if shape[axis] > 1 and not scope.world.finite:
            places = np.flatnonzero(np.abs(scope.world.nodes(key)[0]) <= NEAR)
            values = tuple(np.take(value, places, axis=axis) for value in values)
    return list(values)


def relative(scope: Dense, a: Data, b: Data) -> float:
    """The largest |a - b| in a world, relative to the largest of both there."""
    a, b = near(scope, a, b)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Unsupported("not finite")
    rest = tuple(range(1, a.ndim))
    size = np.maximum(np.maximum(np.abs(a), np.abs(b)).max(axis=rest), FLOOR)
    return float((np.abs(a - b).max(axis=rest) / size).max())


def _difference(above: T.Node, here: T.Node, scope: Dense) -> float:
    found = 0.0
    directions = 2 if any(isinstance(n, T.Gradient) for side in (above, here) for n in T.walk(side)) else 1
    for direction in range(directions):
        one = scope.moved(direction=direction)
        a, b = one.value(above), one.value(here)
        found = max(found, relative(scope, a, b))
    return found


def _variation(scope: Dense, a: Data, b: Data, axes: Sequence[int]) -> float:
    """How far a - b varies along some axes, relative to the larger of a and b."""
    a, b = near(scope, a, b)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Unsupported("not finite")
    size = max(np.abs(a).max(), np.abs(b).max(), FLOOR)
    off = np.ptp(a - b, axis=tuple(axes)) if len(axes) == 1 else _spread(a - b, axes)
    return float(np.max(off) / size)


def _spread(values: Data, axes: Sequence[int]) -> Data:
    return values.max(axis=tuple(axes)) - values.min(axis=tuple(axes))


def _proportional(step: Step, scope: Dense) -> float:
    density = next(n for n in T.walk(step.opening) if isinstance(n, T.Density | T.Normal))
    keys = scope.keys(density.left if isinstance(density, T.Density) else (density.left,))
    scope = with_ties(step.above, step.here, scope)
    a, b = scope.log(step.above), scope.log(step.here)
    return _variation(scope, a, b, [scope.axis(key) for key in keys])


def redrawn(scope: Dense, names: Sequence[str], rng: np.random.Generator) -> Dense:
    """The scope with new values for some parameters."""
    old = scope.world.parameters
    names = [name for name in names if name in old]
    if not names:
        raise Unsupported("nothing varies")
    return scope.moved(
        world=scope.world.at(**{n: old[n] + 0.7 * rng.standard_normal(old[n].shape) for n in names})
    )


def _constant(step: Step, scope: Dense, constants: list[T.Const], rng: np.random.Generator) -> float:
    scope = with_ties(step.above, step.here, scope)
    arguments = [argument for n in constants for argument in n.arguments]
    keys = [scope.key(n) for n in arguments if isinstance(n, T.Variable)]
    names = [n.name for n in arguments if isinstance(n, T.Symbol)]
    if not arguments:
        names = list(PARAMETERS[step.setting])
    scopes = [scope, *(redrawn(scope, names, rng) for _ in range(5 if names else 0))]
    a, b = (
        np.stack(np.broadcast_arrays(*(one.value(side) for one in scopes)), axis=-1)
        for side in (step.above, step.here)
    )
    a, b = np.broadcast_arrays(a, b)
    by_names = any(np.ptp(side, axis=-1).max() > 1e-9 for side in near(scope, a, b))
    if not arguments and not by_names:  # a constant in what the opening density is of
        density = next((n for n in T.walk(step.opening) if isinstance(n, T.Density)), None)
        keys = scope.keys(density.left) if density else []
    off = [_variation(scope, a, b, [a.ndim - 1])] if names else []
    off += [_variation(scope, a, b, [scope.axis(key)]) for key in keys]
    return max(off)


def _order(above: T.Optimum, here: T.Optimum, scope: Dense, rng: np.random.Generator) -> float:
    """1 where over redrawn parameters one objective is not an increasing function of the other."""
    scope = with_ties(above.body, here.body, scope)
    if set(above.over) != set(here.over):
        return 1.0
    scopes = [redrawn(scope, above.over, rng) for _ in range(REDRAWS)]
    a = np.stack(np.broadcast_arrays(*(one.value(above.body) for one in scopes)), axis=-1)
    b = np.stack(np.broadcast_arrays(*(one.value(here.body) for one in scopes)), axis=-1)
    a, b = near(scope, a, b)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Unsupported("not finite")
    if above.kind != here.kind:
        b = -b
    b = np.take_along_axis(b, np.argsort(a, axis=-1), axis=-1)
    if np.any(np.ptp(a, axis=-1) < 1e-9):
        raise Unsupported("nothing to choose")
    width = np.ptp(b, axis=-1, keepdims=True)
    if np.any(width < 1e-9):
        return 1.0
    return float(np.any(np.diff(b, axis=-1) < -1e-6 * width))


def _gap(larger: T.Node, smaller: T.Node, scope: Dense, rng: np.random.Generator) -> float:
    """By how much the smaller side exceeds the larger one, after a climb over the worlds' parameters."""

    def excess(one: Dense) -> Data:
        a, b = near(scope, one.value(larger), one.value(smaller))
        rest = tuple(range(1, a.ndim))
        found = ((b - a) / np.maximum(np.maximum(np.abs(a), np.abs(b)), FLOOR)).max(axis=rest)
        return np.where(np.isfinite(found), found, -np.inf)

    here, best = scope, excess(scope)
    if len(best) != scope.world.batch:
        best = np.broadcast_to(best, scope.world.batch).copy()
    width = 0.6
    for _ in range(CLIMBS if scope.world.finite else 0):
        if best.max() > 1e-6:
            break
        old = here.world.parameters
        trial = here.moved(
            world=here.world.at(**{n: v + width * rng.standard_normal(v.shape) for n, v in old.items()})
        )
        found = excess(trial)
        better = found > best
        kept = {n: np.where(better[:, None], trial.world.parameters[n], v) for n, v in old.items()}
        here, best = here.moved(world=here.world.at(**kept)), np.maximum(best, found)
        width *= 0.93
    return max(0.0, float(best.max()))
