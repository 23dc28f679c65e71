"""Judging one step: does the relation between two lines hold on every world?

Each relation has its own meaning (equal values, equal laws, a ratio that does not vary, a gap that a search
cannot make negative, objectives that order all parameters alike); each is judged world by world.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gentutor.derive.judging.bench import WORLDS, Bench
from gentutor.derive.judging.comparison import FAILS, HOLDS, Comparison
from gentutor.derive.judging.equality import equal, proportional, up_to_constant
from gentutor.derive.judging.order import SEARCH, gap, same_order, smallest_gap
from gentutor.derive.judging.ties import tie_bound
from gentutor.derive.report import Counterexample, Status
from gentutor.derive.tree import (
    Blank,
    Const,
    Dots,
    Node,
    Optimum,
    walk,
)
from gentutor.derive.worlds.array import Array, Data, Misfit, NotExact, add, negative
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.optimum import Infinite, Unattained
from gentutor.derive.worlds.world import World

PREMISE = (
    "taken as given: each new value of the parameter comes from an M step, which does not lower its objective"
)
PLACE = (
    "the two sides are different kinds of thing: arg min and arg max are places, the other side is a value; "
    "the least value is written min"
)
ROUGH = 0.03  # an approximate residual that no quadrature error explains


@dataclass(frozen=True)
class Verdict:
    """What came of one step."""

    status: Status
    residual: float | None = None
    counterexample: Counterexample | None = None
    message: str = ""
    worlds: tuple[str, ...] = ()


def judge(relation: str, above: Node, here: Node, opening: Node, bench: Bench) -> Verdict:
    """The verdict on `above relation here`; `opening` is the chain's first line."""
    if isinstance(here, Dots) or isinstance(above, Dots):
        return Verdict("bridged")
    noise = bench.setting.noise
    if noise is not None and noise.tied is not None:
        above, here = (tie_bound(side, noise) for side in (above, here))
    blanks = sorted({n.label for side in (above, here) for n in walk(side) if isinstance(n, Blank)})
    if blanks:
        return Verdict("undecided", message=f"not written yet: hole {', '.join(blanks)}")
    if relation == ":=":
        relation = "="  # both sides could be read: the left is no new name, and has a meaning to agree with
    if relation == "approx":
        return Verdict(
            "undecided", message="≈ claims no more than that the two are close; nothing was compared"
        )
    if isinstance(above, Optimum) and isinstance(here, Optimum) and above.arg and here.arg:
        compare: Compare = partial(same_order, above, here, bench)
    elif any(
        isinstance(side, Optimum) and side.arg and not _is_function(side, bench) for side in (above, here)
    ):
        return Verdict("undecided", message=PLACE)
    elif any(isinstance(n, Const) for side in (above, here) for n in walk(side)) and relation == "=":
        compare = partial(up_to_constant, above, here, opening, bench)
    elif relation == "propto":
        compare = partial(proportional, above, here, opening)
    elif relation in (">=", "<="):
        larger, smaller = (above, here) if relation == ">=" else (here, above)
        search = partial(smallest_gap, larger, smaller, bench)
        # An optimum costs many values in each world that a search goes to: the search is from one world only.
        costly = any(isinstance(n, Optimum) for side in (above, here) for n in walk(side))
        searched = 1 if costly else None
        verdict = _on_every_world(partial(gap, larger, smaller, bench), bench, search, searched)
        if verdict.status == "holds" and bench.premises:
            return replace(verdict, message=PREMISE)
        return verdict
    else:
        compare = partial(equal, above, here, bench, relation == "~")
    verdict = _on_every_world(compare, bench)
    if verdict.status == "undecided" and not verdict.worlds and not bench.quick:
        return _misfit(above, here, bench) or verdict
    return verdict


Compare = Callable[[World], Comparison]


def _is_function(place: Optimum, bench: Bench) -> bool:
    """Whether an arg max is a function of the setting, as in D^* = arg max_D V(D, G)."""
    return len(place.over) == 1 and place.over[0] in bench.setting.vocabulary.functions


def _on_every_world(
    compare: Compare, bench: Bench, search: Compare | None = None, searched: int | None = None
) -> Verdict:
    """The verdict from every world that is exact; `search` takes the place of `compare` in the first kind.

    It does so in the first `searched` worlds, or in all of that kind.
    """
    used: list[str] = []
    reasons: list[tuple[str, NotExact]] = []
    worst = 0.0
    for kind in bench.setting.kinds:
        if bench.quick and used:
            break
        try:
            settled = _settled(compare, bench, kind)
            for number, world in enumerate(bench.worlds(kind, search is not None), 1):
                if number in settled and (search is None or number > WORLDS.get(kind, 1)):
                    used.extend([kind] if kind not in used else [])
                    continue
                wide = search is not None and (used in ([], [kind]) or (number == 1 and kind in SEARCH))
                wide = wide and (searched is None or number <= searched)
                found = _compared(search if search and wide else compare, world)
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
            reasons.append((kind, reason))
    if not used:
        told = dict.fromkeys(f"{kind}: {reason}" for kind, reason in reasons)
        message = "no world gives exact values here. " + "; ".join(told)
        sought = all(isinstance(reason, Unattained) for _, reason in reasons)  # rough integrals do not help
        rough = None if bench.quick or sought else _roughly(compare, bench)
        return rough or Verdict("undecided", message=message)
    if worst > HOLDS:
        return Verdict("undecided", worst, None, "the two agree to few digits only", tuple(used))
    return Verdict("holds", worst, None, "", tuple(used))


def _settled(compare: Compare, bench: Bench, kind: str) -> set[int]:
    """The worlds in which the relation clearly holds, by a look at many of them at once."""
    found: set[int] = set()
    for numbers, world in bench.many(kind):
        try:
            if _compared(compare, world).residual <= HOLDS:
                found.update(numbers)
        except NotExact:
            continue
    return found


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


def _misfit(above: Node, here: Node, bench: Bench) -> Verdict | None:
    """A line that adds a vector to a number, or is one where the line above is the other, fails.

    So does one that is finite where the other is infinite.
    """
    above, here = (side.body if isinstance(side, Optimum) and side.arg else side for side in (above, here))
    for kind in bench.setting.kinds:
        try:
            scope = Scope(replace(next(bench.worlds(kind)), rough=True))
        except NotExact:
            continue
        value, endless = _finite(above, scope)
        if endless and _finite(here, scope)[0] is not None:
            return Verdict("fails", message=f"the line above has no finite value, this one has: {endless}")
        if value is None:
            continue
        try:
            add(value, negative(evaluate(here, scope)))
        except Misfit as reason:
            return Verdict("fails", message=f"its parts do not fit together: {reason}", worlds=(kind,))
        except Infinite as reason:
            return Verdict("fails", message=f"it has no finite value: {reason}", worlds=(kind,))
        except (NotExact, ValueError):
            continue
    return None


def _finite(side: Node, scope: Scope) -> tuple[Array | None, str]:
    """The value of a line, None where there is none, and why where it is infinite."""
    try:
        return evaluate(side, scope), ""
    except Infinite as reason:
        return None, str(reason)
    except (NotExact, ValueError):
        return None, ""


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
