"""Lines that draw fresh noise, as laws: affine coefficients are carried through the tree by hand."""

from dataclasses import replace

import numpy as np
from oracle.chain_worlds import Diffusion
from oracle.grid import Data, Dense, Unsupported, tall
from oracle.latent_worlds import LineWorld

from gentutor.derive import tree as T

Affine = tuple[Data, dict[str, Data]]  # a constant, and a coefficient for each variable


def free(n: T.Node, scope: Dense) -> set[str]:
    """The unbound variables of n."""
    match n:
        case T.Variable():
            return {scope.key(n)}
        case T.Range():
            return set(scope.keys((n,)))
        case T.Assigned(_, value):
            return free(value, scope)
        case T.Expectation(variables, measure, body):
            return (free(measure, scope) | free(body, scope)) - set(scope.keys(variables))
        case T.Integral(variables, body):
            return free(body, scope) - set(scope.keys(variables))
        case T.Divergence(_, arguments, variables):
            return set[str]().union(*(free(a, scope) for a in arguments)) - set(scope.keys(variables))
        case T.Sum(index, first, last, body) | T.Prod(index, first, last, body):
            span = range(scope.whole(first), scope.whole(last) + 1)
            inner = (scope.moved(integers={**scope.integers, index: i}) for i in span)
            return set[str]().union(*(free(body, one) for one in inner))
        case T.Symbol():
            return set()
        case T.Const():
            return set()
    return set[str]().union(*(free(child, scope) for child in T.children(n)))


def is_noise(key: str, world: object) -> bool:
    """A standard Gaussian that is no variable of the setting."""
    for accent in ("bar_", "hat_", "tilde_"):
        key = key.removeprefix(accent)
    name = key.split("_")[0]
    return name.startswith(("epsilon", "xi", "eta", "w")) or (
        isinstance(world, Diffusion) and name.startswith("z")
    )


def affine(n: T.Node, own: set[str], scope: Dense) -> Affine:
    """n as a constant plus coefficients times the variables `own`."""
    inside = free(n, scope) & own
    if not inside:
        return scope.value(n), {}
    match n:
        case T.Variable():
            return tall(0.0), {scope.key(n): tall(1.0)}
        case T.Neg(body):
            constant, slopes = affine(body, own, scope)
            return -constant, {key: -slope for key, slope in slopes.items()}
        case T.Add(terms):
            total, slopes = tall(0.0), {}
            for term in terms:
                constant, more = affine(term, own, scope)
                total = total + constant
                slopes = {
                    **slopes,
                    **{key: slopes.get(key, tall(0.0)) + slope for key, slope in more.items()},
                }
            return total, slopes
        case T.Mul(factors):
            random = [f for f in factors if free(f, scope) & own]
            if len(random) == 1:
                scale = tall(1.0)
                for factor in factors:
                    if factor is not random[0]:
                        scale = scale * scope.value(factor)
                constant, slopes = affine(random[0], own, scope)
                return scale * constant, {key: scale * slope for key, slope in slopes.items()}
        case T.Div(above, below):
            if not free(below, scope) & own:
                constant, slopes = affine(above, own, scope)
                scale = 1 / scope.value(below)
                return scale * constant, {key: scale * slope for key, slope in slopes.items()}
        case T.Apply("transpose", body):
            return affine(body, own, scope)
        case T.Call("mu_q", (x_t, x_0, *steps)):
            step = steps[0] if steps else x_t.index[0]
            near, far = (scope.value(T.Call("mu_q", (*at, step))) for at in _units())
            return _combine((near, affine(x_t, own, scope)), (far, affine(x_0, own, scope)))
    raise Unsupported("noise inside something that is not linear")


def _units() -> tuple[tuple[T.Node, T.Node], ...]:
    zero, one = T.node(0), T.node(1)
    return (one, zero), (zero, one)


def _combine(*parts: tuple[Data, Affine]) -> Affine:
    total, slopes = tall(0.0), {}
    for scale, (constant, more) in parts:
        total = total + scale * constant
        for key, slope in more.items():
            slopes[key] = slopes.get(key, tall(0.0)) + scale * slope
    return total, slopes


Moments = tuple[Data, Data]  # mean, variance


def conditional(left: str, given: set[str], scope: Dense, model: bool) -> Moments:
    """Mean and variance of one variable given others."""
    world = scope.world
    if isinstance(world, LineWorld):
        if left != "z" or given != {"x"}:
            raise Unsupported("a law of something else")
        return world.call("mu", [scope.point("x")]), world.call("Sigma", [scope.point("x")])
    if not isinstance(world, Diffusion):
        raise Unsupported("no such law")
    t = int(left.split("_")[1])
    levels = sorted(int(key.split("_")[1]) for key in given if key.startswith("x_"))
    if not all(0 <= level <= world.integers["T"] for level in (t, *levels)):
        raise Unsupported("no such level")
    if model:
        if not levels or min(levels) != t + 1:
            raise Unsupported("a law of the model's over several steps")
        return world.call("mu_theta", [scope.point(f"x_{t + 1}"), tall(t + 1)]), tall(
            world.variance[:, t + 1]
        )
    mean = tall(np.sqrt(world.bar[:, t]) * world.first[:, 0])
    rows = world.spread
    variance = (rows[:, t] ** 2).sum(-1)
    if levels:
        inner = rows[:, levels] @ np.swapaxes(rows[:, levels], 1, 2)
        across = np.einsum("wi,wki->wk", rows[:, t], rows[:, levels])
        gain = np.linalg.solve(inner, across[..., None])[..., 0]
        variance = variance - (gain * across).sum(-1)
        for k, s in enumerate(levels):
            away = scope.point(f"x_{s}") - tall(np.sqrt(world.bar[:, s]) * world.first[:, 0])
            mean = mean + tall(gain[:, k]) * away
    return mean, tall(variance)


def joint_variance(slopes: dict[str, Data], given: set[str], scope: Dense, model: bool) -> tuple[Data, Data]:
    """Mean and variance of sum_k slope_k variable_k given others."""
    mean, variance = tall(0.0), tall(0.0)
    variables = [key for key in slopes if not is_noise(key, scope.world)]
    for key in set(slopes) - set(variables):
        variance = variance + slopes[key] ** 2
    if len(variables) > 1:
        raise Unsupported("two variables at once")
    for key in variables:
        m, v = conditional(key, given, scope, model)
        mean, variance = mean + slopes[key] * m, variance + slopes[key] ** 2 * v
    return mean, variance


def moments(side: T.Node, shared: set[str], scope: Dense, model: bool, drawn: bool) -> Moments:
    """Mean and variance of a line at the values of what is shared."""
    if drawn and isinstance(side, T.Normal):
        return scope.value(side.mean), scope.value(side.covariance)
    if drawn and isinstance(side, T.Density):
        (left,) = scope.keys(side.left)
        if side.name == "q" or isinstance(scope.world, LineWorld):
            return conditional(left, set(scope.keys(side.given)), scope, False)
        return conditional(left, set(scope.keys(side.given)), scope, True)
    own = free(side, scope) - shared
    constant, slopes = affine(side, own, scope)
    mean, variance = joint_variance(slopes, shared, scope, model)
    return constant + mean, variance


def laws(above: T.Node, here: T.Node, drawn: bool, scope: Dense) -> tuple[Moments, Moments] | None:
    """The laws of both lines; None where nothing is fresh."""
    world = scope.world
    sides = (above, here)
    keys = []
    for side in sides:
        if drawn and isinstance(side, T.Density):
            keys.append(set(scope.keys(side.given)))
        elif drawn and isinstance(side, T.Normal):
            keys.append(free(side.mean, scope) | free(side.covariance, scope))
        else:
            keys.append(free(side, scope))
    noises = {key for side in keys for key in side if is_noise(key, world) and not world.tied(key)}
    if not noises and not drawn:
        return None
    if isinstance(world, Diffusion) and not drawn and tie(noises, keys, scope) is not None:
        return None
    shared = (keys[0] & keys[1]) - (noises if drawn else set())
    for i, side in enumerate(sides):
        if isinstance(side, T.Variable):
            shared |= {key for key in keys[1 - i] if not is_noise(key, world)} - keys[i]
        if drawn and isinstance(side, T.Density | T.Normal):
            shared |= keys[i]
    model = any(isinstance(n, T.Call) and n.name.endswith("_theta") for side in sides for n in T.walk(side))
    first, second = (moments(side, shared, scope, model, drawn) for side in sides)
    return first, second


def tie(noises: set[str], keys: list[set[str]], scope: Dense) -> dict[str, T.Node] | None:
    """epsilon as a function of x_0 and x_t, where these are all that stands free."""
    levels = {int(key.split("_")[1]) for side in keys for key in side if key.startswith("x_")} - {0}
    own = f"epsilon_{scope.world.integers['t']}" if levels == {scope.world.integers["t"]} else "epsilon"
    if len(levels) > 1 or any(key not in ("epsilon", "epsilon_0", own) for key in noises):
        return None
    t = T.node(levels.pop() if levels else scope.world.integers["t"])
    bar = T.Symbol("bar_alpha", (t,))
    x_t, x_0 = T.Variable("x", (t,)), T.Variable("x", (T.node(0),))
    value = (x_t - T.Apply("sqrt", bar) * x_0) / T.Apply("sqrt", T.node(1) - bar)
    return dict.fromkeys(noises, value)


def with_ties(above: T.Node, here: T.Node, scope: Dense) -> Dense:
    """The scope in which tied noises have their values."""
    if not isinstance(scope.world, Diffusion):
        return scope
    keys = [free(side, scope) for side in (above, here)]
    noises = {key for side in keys for key in side if is_noise(key, scope.world)}
    ties = tie(noises, keys, scope) if noises else None
    return scope.moved(world=replace(scope.world, ties=ties)) if ties else scope
