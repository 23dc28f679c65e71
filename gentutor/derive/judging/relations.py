"""Judging one step: does the relation between two lines hold on every world?

Each relation has its own meaning (equal values, equal laws, a ratio that does not vary, a gap that a search
cannot make negative, objectives that order all parameters alike); each is judged world by world.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from gentutor.derive.judging.noise import Sides, left_keys, scope_for, writes_noise
from gentutor.derive.report import Counterexample, Status
from gentutor.derive.setting import Facts, Setting
from gentutor.derive.tree import (
    Add,
    Apply,
    Blank,
    Const,
    Density,
    Dots,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Normal,
    Optimum,
    Sum,
    Variable,
    walk,
)
from gentutor.derive.worlds.array import Array, Data, NotExact, add, negative, spread, union
from gentutor.derive.worlds.evaluate import Scope, evaluate, key_of, log_of
from gentutor.derive.worlds.weights import LINEAR, by_weight
from gentutor.derive.worlds.world import World

HOLDS, FAILS = 1e-9, 1e-7  # relative residuals: below the first a line holds, above the second it fails
ROUGH = 0.03  # an approximate residual that no quadrature error explains
WORLDS = {"finite": 3, "Gaussian": 2, "one-dimensional Gaussian": 2}
REDRAW = "~redraw"  # the axis along which parameters are redrawn
REDRAWS = 20  # of theta, for arg min and const
SEARCH = {"finite": 40, "one-dimensional Gaussian": 12}  # steps towards the smallest gap of an inequality


@dataclass(frozen=True)
class Verdict:
    """What came of one step."""

    status: Status
    residual: float | None = None
    counterexample: Counterexample | None = None
    message: str = ""
    worlds: tuple[str, ...] = ()


@dataclass
class Bench:
    """The worlds of a chain, drawn once, and what its lines are worth in them."""

    setting: Setting
    facts: Facts
    seed: int = 0
    count: int | None = None  # worlds of each kind; None: as `WORLDS` has it
    quick: bool = False  # one world of the first kind that is exact: enough to reject what is wrong
    _worlds: dict[str, list[World]] = field(default_factory=dict)
    _values: dict[tuple[object, ...], Array] = field(default_factory=dict)
    _redraws: dict[tuple[object, ...], list[World]] = field(default_factory=dict)

    def value(self, expression: Node, scope: Scope) -> Array:
        """The value of a line; a line is looked at twice, from above and from below."""
        return self._kept(expression, scope, "", lambda: evaluate(expression, scope))

    def over_redraws(self, expression: Node, scope: Scope, names: Sequence[str], count: int) -> Array:
        """The value in the world and in `count` - 1 more with new `names`, along the axis REDRAW."""

        def compute() -> Array:
            key = (id(scope.world), *names, count)
            if key not in self._redraws:
                self._redraws[key] = list(_redrawn(scope.world, names, count - 1)) if count > 1 else []
            return _stacked(
                expression, [scope, *(replace(scope, world=world) for world in self._redraws[key])]
            )

        return self._kept(expression, scope, f"{count} of {', '.join(names)}", compute)

    def _kept(self, expression: Node, scope: Scope, what: str, compute: Callable[[], Array]) -> Array:
        key = (expression, id(scope.world), tuple(sorted(scope.points)), what)
        if key not in self._values:
            self._values[key] = compute()
        return self._values[key]

    def worlds(self, kind: str) -> Iterator[World]:
        """The worlds of a kind, in their order."""
        drawn = self._worlds.setdefault(kind, [])
        for i in range(1 if self.quick else self.count or WORLDS.get(kind, 3)):
            if i == len(drawn):
                rng = np.random.default_rng([self.seed, i, *kind.encode()])
                drawn.append(self.setting.kinds[kind](rng, self.facts))
            yield drawn[i]


@dataclass(frozen=True)
class Comparison:
    """Two lines in one world: by how much the relation is off, relative to the largest term, and where."""

    residual: float
    above: Array
    here: Array
    excess: Data  # where it is off, point by point


def judge(relation: str, above: Node, here: Node, opening: Node, bench: Bench) -> Verdict:
    """The verdict on `above relation here`; `opening` is the chain's first line."""
    if isinstance(here, Dots) or isinstance(above, Dots):
        return Verdict("bridged")
    blanks = sorted({n.label for side in (above, here) for n in walk(side) if isinstance(n, Blank)})
    if blanks:
        return Verdict("undecided", message=f"not written yet: hole {', '.join(blanks)}")
    if relation == ":=":
        return Verdict("holds")
    if relation == "approx":
        return Verdict(
            "undecided", message="≈ claims no more than that the two are close; nothing was compared"
        )
    if isinstance(above, Optimum) and isinstance(here, Optimum) and above.arg and here.arg:
        compare: Compare = partial(_same_order, above, here, bench)
    elif any(
        isinstance(side, Optimum) and side.arg and not _is_function(side, bench) for side in (above, here)
    ):
        return Verdict("fails", message="one side is a place (arg min or arg max), the other a value")
    elif any(isinstance(n, Const) for side in (above, here) for n in walk(side)) and relation == "=":
        compare = partial(_up_to_constant, above, here, bench)
    elif relation == "propto":
        compare = partial(_proportional, above, here, opening)
    elif relation in (">=", "<="):
        larger, smaller = (above, here) if relation == ">=" else (here, above)
        search = partial(_smallest_gap, larger, smaller, bench)
        return _on_every_world(partial(_gap, larger, smaller, bench.setting), bench, search)
    else:
        compare = partial(_equal, above, here, bench, relation == "~")
    return _on_every_world(compare, bench)


Compare = Callable[[World], Comparison]


def _is_function(place: Optimum, bench: Bench) -> bool:
    """Whether an arg max is a function of the setting, as in D^* = arg max_D V(D, G)."""
    return len(place.over) == 1 and place.over[0] in bench.setting.vocabulary.functions


def _on_every_world(compare: Compare, bench: Bench, search: Compare | None = None) -> Verdict:
    """The verdict from every world that is exact; `search` takes the place of `compare` in the first kind."""
    used: list[str] = []
    reasons, worst = [], 0.0
    for kind in bench.setting.kinds:
        if bench.quick and used:
            break
        try:
            for number, world in enumerate(bench.worlds(kind), 1):
                found = _compared(search if search and used in ([], [kind]) else compare, world)
                if kind not in used:
                    used.append(kind)
                if not np.isfinite(found.residual):
                    message = f"a value is not finite in {kind} world {number}"
                    return Verdict("undecided", message=message, worlds=tuple(used))
                worst = max(worst, found.residual)
                if found.residual > FAILS:
                    example = _counterexample(found, f"{kind} world {number}", world)
                    return Verdict("fails", found.residual, example, "", tuple(used))
        except NotExact as reason:
            reasons.append(f"{kind}: {reason}")
    if not used:
        message = "no world gives exact values here. " + "; ".join(dict.fromkeys(reasons))
        return _roughly(compare, bench) or Verdict("undecided", message=message)
    if worst > HOLDS:
        return Verdict("undecided", worst, None, "the two agree to few digits only", tuple(used))
    return Verdict("holds", worst, None, "", tuple(used))


def _compared(compare: Compare, world: World) -> Comparison:
    """The comparison in one world. What numpy cannot calculate has no exact value either."""
    try:
        with np.errstate(all="ignore"):
            return compare(world)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise NotExact(f"it cannot be calculated ({error})") from error


def _roughly(compare: Compare, bench: Bench) -> Verdict | None:
    """A line that is far off fails also where its integrals are only approximate; else None."""
    for kind in bench.setting.kinds:
        try:
            for number, world in enumerate(bench.worlds(kind), 1):
                found = _compared(compare, replace(world, rough=True))
                if np.isfinite(found.residual) and found.residual > ROUGH:
                    example = _counterexample(found, f"{kind} world {number}, approximately", world)
                    return Verdict("fails", found.residual, example, "", (kind,))
        except NotExact:
            continue
    return None


# ------------------------------------------------------------------------------------------------- equal


def _equal(above: Node, here: Node, bench: Bench, drawn: bool, world: World) -> Comparison:
    scope, setting = Scope(world), bench.setting
    if world.finite:
        if drawn and not all(isinstance(side, Density | Normal) for side in (above, here)):
            raise NotExact("a draw is compared in Gaussian worlds")
        return _by_value(above, here, scope, bench)
    if not drawn and not writes_noise(setting, above, here):
        return _by_value(above, here, scope, bench)
    if drawn:  # what is tied elsewhere is a fresh draw here
        scope = scope.bind({key: world.free(key, key) for key in world.contents.tied})
    sides = Sides(above, here, setting, scope, drawn)
    if not sides.noises and not drawn:
        return _by_value(above, here, scope, bench)
    tied = sides.tied()
    if tied is not None:
        return _by_value(above, here, tied, bench)
    law_above, law_here = sides.laws()
    means = _difference(law_above.mean, law_here.mean)
    covariances = _difference(law_above.covariance, law_here.covariance)
    return max(means, covariances, key=lambda found: found.residual)


def _by_value(above: Node, here: Node, scope: Scope, bench: Bench) -> Comparison:
    a, b = bench.value(above, scope), bench.value(here, scope)
    if "state" in (a.core, b.core) and a.core != b.core:
        raise NotExact("a state is not a number")
    found = _difference(a, b)
    vanish = all(np.abs(side.data).max() < HOLDS for side in (a, b))
    if found.residual > HOLDS and (
        found.residual < 1e-4 or vanish
    ):  # perhaps only because large terms cancel
        return _difference(a, b, max(_largest_term(above, scope), _largest_term(here, scope)))
    return found


def _largest_term(n: Node, scope: Scope) -> float:
    """The size of what an expression is made of: of E[nabla log p] = 0 the root of E|nabla log p|^2."""
    if isinstance(n, Add):
        return max(_largest_term(term, scope) for term in n.terms)
    if isinstance(n, Neg | Gradient) or (isinstance(n, Apply) and n.function in LINEAR):
        return _largest_term(n.body, scope)
    if isinstance(n, Mul):
        return float(np.prod([_largest_term(factor, scope) for factor in n.factors]))
    if isinstance(n, Apply) and n.function == "log":
        return max(1.0, float(np.abs(evaluate(n, scope).data).max()))  # log(1 + 1e-16) is as good as 0
    if isinstance(n, Sum):
        return float(np.abs(evaluate(replace(n, body=Norm(n.body)), scope).data).max())
    if isinstance(n, Expectation | Integral):
        integrand = Mul((n.measure, n.body)) if isinstance(n, Expectation) else n.body
        sizes = [
            evaluate(Integral(n.variables, w) * Integral(n.variables, w * Norm(rest) ** 2), scope)
            for w, rest in by_weight(integrand)
            if w is not None
        ]
        return max((float(np.abs(size.data).max()) ** 0.5 for size in sizes), default=0.0)
    return float(np.abs(evaluate(n, scope).data).max())


def _difference(a: Array, b: Array, least: float = 0.0) -> Comparison:
    """|a - b| relative to the larger of them at each point, or to `least`."""
    gap = add(a, negative(b))
    axes = gap.axes
    zero = Array(np.zeros_like(gap.data), axes, gap.core)
    whole_a, whole_b = (add(zero, side).data for side in (a, b))
    core = tuple(range(len(axes), gap.data.ndim))
    size = np.maximum(np.abs(whole_a), np.abs(whole_b))
    size = np.maximum(size.max(axis=core) if core else size, max(least, 1e-300))
    off = np.abs(gap.data)
    excess = (off.max(axis=core) if core else off) / size
    return Comparison(
        float(np.max(excess)), Array(whole_a, axes, gap.core), Array(whole_b, axes, gap.core), excess
    )


# ---------------------------------------------------------------------------------- proportional, constant


def _proportional(above: Node, here: Node, opening: Node, world: World) -> Comparison:
    scope = Scope(world)
    keys = left_keys(opening, scope)
    if not keys:
        raise NotExact("a proportionality needs a density in the opening line: in which variable?")
    a, b = log_of(above, scope), log_of(here, scope)
    ratio = add(a, negative(b))
    return _constant_along(ratio, a, b, [key for key in keys if key in ratio.axes])


def _constant_along(difference: Array, a: Array, b: Array, names: Sequence[str]) -> Comparison:
    """How far `difference` varies along some axes, relative to the size of what it is a difference of."""
    data = difference.data
    positions = tuple(difference.axes.index(name) for name in names)
    if not positions:
        return Comparison(0.0, a, b, np.zeros(data.shape))
    off = np.abs(data - data.mean(axis=positions, keepdims=True))
    size = max(float(np.abs(a.data).max()), float(np.abs(b.data).max()), 1.0)
    excess = off / size
    whole_a, whole_b = (
        Array(np.broadcast_to(spread(s, difference.axes), data.shape), difference.axes) for s in (a, b)
    )
    return Comparison(float(excess.max()), whole_a, whole_b, excess)


def _up_to_constant(above: Node, here: Node, bench: Bench, world: World) -> Comparison:
    """The difference does not vary with the constants' arguments: variables, or redrawn parameters."""
    scope = scope_for(above, here, bench.setting, world)
    constants = [n for side in (above, here) for n in walk(side) if isinstance(n, Const)]
    varying = [argument for n in constants for argument in n.arguments]
    keys = [key_of(argument, scope) for argument in varying if isinstance(argument, Variable)]
    names = [n.name for n in varying if not isinstance(n, Variable) and hasattr(n, "name")]
    if not varying:
        names = list(bench.setting.vocabulary.parameters)
    if any(n.of for n in constants):  # C(x_t, x_0): what differs varies with nothing else
        keys, names = _all_but(varying, above, here, scope), []
    if any(_inside(side) for side in (above, here)):
        above, here = (Apply("log", side) for side in (above, here))
    sides = [bench.over_redraws(side, scope, names, 7 if names else 1) for side in (above, here)]
    difference = add(sides[0], negative(sides[1]))
    return _constant_along(
        difference, sides[0], sides[1], [key for key in (*keys, REDRAW) if key in difference.axes]
    )


def _inside(side: Node) -> bool:
    """Whether a constant stands in an exponent, where it is a factor and no term."""
    return any(
        isinstance(n, Apply) and n.function == "exp" and any(isinstance(m, Const) for m in walk(n))
        for n in walk(side)
    )


def _all_but(arguments: Sequence[Node], above: Node, here: Node, scope: Scope) -> list[str]:
    """The free variables of two lines that are not among the arguments of a constant."""
    named = {key_of(argument, scope) for argument in arguments if isinstance(argument, Variable)}
    return [key for key in union(evaluate(above, scope), evaluate(here, scope)) if key not in named]


def _stacked(expression: Node, scopes: list[Scope]) -> Array:
    """The values of a number in several scopes, along the axis REDRAW."""
    values = [evaluate(expression, scope) for scope in scopes]
    if values[0].core != "s":
        raise NotExact("a vector where a number is needed")
    axes = union(*values)
    data = np.stack(np.broadcast_arrays(*(spread(value, axes) for value in values)), axis=-1)
    return Array(data, (*axes, REDRAW))


def _redrawn(world: World, names: Sequence[str], count: int) -> Iterator[World]:
    """The world with new values for some parameters, all else fixed."""
    names = [name for name in names if name in world.parameters]
    if not names:
        raise NotExact("nothing here varies with the parameter")
    rng = np.random.default_rng([world.seed, 13])
    for _ in range(count):
        yield world.at(**{name: _shaken(rng, world.parameters[name], 0.7) for name in names})


def _shaken(rng: np.random.Generator, vector: Data, width: float) -> Data:
    return np.asarray(vector + width * rng.standard_normal(vector.shape))


# --------------------------------------------------------------------------------------------- inequality


def _smallest_gap(larger: Node, smaller: Node, bench: Bench, world: World) -> Comparison:
    """larger >= smaller here, and wherever a search over the parameters can go.

    One random climb starts from this world, one from the worst of worlds that are nearly flat or sharply
    peaked in one parameter.
    """
    worst = _gap(larger, smaller, bench.setting, world)
    rng = np.random.default_rng([world.seed, 17])
    names = list(world.parameters)

    def tried(trial: World) -> Comparison | None:
        try:
            found = _gap(larger, smaller, bench.setting, trial)
        except NotExact:
            return None
        return found if np.isfinite(found.residual) else None

    def climb(start: World, best: Comparison, steps: int) -> Comparison:
        width = 0.5
        for _ in range(steps):
            if best.residual > FAILS:
                break
            trial = start.at(**{name: _shaken(rng, start.parameters[name], width) for name in names})
            found = tried(trial)
            if found is not None and found.excess.max() > best.excess.max():
                best, start, width = found, trial, width * 1.3
            else:
                width = max(width * 0.85, 0.02)
        return best

    steps = SEARCH.get(world.kind, 0) if names and not bench.quick else 0
    worst = climb(world, worst, steps)
    if steps and worst.residual <= FAILS:
        probes = [world.at(**{name: size * world.parameters[name]}) for name in names for size in (0.1, 3.0)]
        pairs = [(found, probe) for probe in probes if (found := tried(probe)) is not None]
        if pairs:
            found, probe = max(pairs, key=lambda pair: float(pair[0].excess.max()))
            worst = max(worst, climb(probe, found, steps), key=lambda one: one.residual)
    return worst


def _gap(larger: Node, smaller: Node, setting: Setting, world: World) -> Comparison:
    """By how much the smaller side exceeds the larger one; the search climbs on `excess`."""
    scope = scope_for(larger, smaller, setting, world)
    a, b = evaluate(larger, scope), evaluate(smaller, scope)
    gap = add(b, negative(a))
    if gap.core != "s":
        raise NotExact("an inequality is between numbers")
    whole_a, whole_b = (add(side, Array(np.zeros_like(gap.data), gap.axes)) for side in (a, b))
    size = np.maximum(np.maximum(np.abs(whole_a.data), np.abs(whole_b.data)), 1e-300)
    floor = max(_largest_term(larger, scope), _largest_term(smaller, scope)) if gap.data.max() > 0 else 0.0
    excess = gap.data / np.maximum(size, floor)
    return Comparison(max(0.0, float(excess.max())), whole_a, whole_b, excess)


# ------------------------------------------------------------------------------------------------ arg min


def _same_order(above: Optimum, here: Optimum, bench: Bench, world: World) -> Comparison:
    """Over redrawn parameters one objective is a strictly increasing function of the other."""
    if set(above.over) != set(here.over):
        raise NotExact("the two are optimised over different things")
    scope = scope_for(above.body, here.body, bench.setting, world)
    count = 6 if bench.quick else REDRAWS
    values = [bench.over_redraws(side.body, scope, above.over, count) for side in (above, here)]
    axes = union(*values)
    a, b = np.broadcast_arrays(*(spread(value, axes) for value in values))
    a, b = (np.moveaxis(side, axes.index(REDRAW), -1) for side in (a, b))
    if above.kind != here.kind:
        b = -b
    order = np.argsort(a, axis=-1)
    sorted_b = np.take_along_axis(b, order, axis=-1)
    scale = np.ptp(b, axis=-1, keepdims=True)
    if not np.all(np.ptp(a, axis=-1) > 1e-9 * (np.abs(a).max(axis=-1) + 1e-300)):
        raise NotExact(f"the objective does not vary with {', '.join(above.over)}")
    falls = np.maximum(0.0, -np.diff(sorted_b, axis=-1)) / (scale + 1e-300)
    size = np.abs(b).max(axis=-1, keepdims=True)
    flat = np.where(scale <= 1e-9 * (size + 1e-300), 1.0, 0.0)
    excess = np.maximum(falls.max(axis=-1), flat[..., 0])
    rest = tuple(name for name in axes if name != REDRAW)
    return Comparison(float(excess.max()), Array(a[..., 0], rest), Array(b[..., 0], rest), excess)


# ----------------------------------------------------------------------------------------- counterexample


def _counterexample(found: Comparison, where: str, world: World) -> Counterexample:
    """The point at which the two lines differ most."""
    place = np.unravel_index(int(np.argmax(found.excess)), found.excess.shape)
    at = {name: str(value) for name, value in world.integers.items() if name in ("t", "T")}
    for name, position in zip(found.above.axes, place, strict=False):
        if not name.startswith("~"):
            at[name] = (
                f"state {position + 1}" if world.finite else _text(world.free(name, name).data[position])
            )
    index = place[: len(found.above.axes)]
    return Counterexample(
        where, at, *(_text(np.asarray(side.data[index])) for side in (found.above, found.here))
    )


def _text(value: Data) -> str:
    value = np.asarray(value)
    if value.ndim == 0:
        return f"{float(value.real):.4g}"
    return "(" + ", ".join(_text(part) for part in value) + ")"
