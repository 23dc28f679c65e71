"""What is wrong with a line: the only single repair that mends it, and a name for what it is off by."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, combinations, islice

import numpy as np

from gentutor.derive.judging.bench import Bench
from gentutor.derive.judging.relations import judge
from gentutor.derive.judging.repairs import Repair, repairs, whole_line
from gentutor.derive.normal_form import normal_form
from gentutor.derive.report import LATEX, Diagnosis
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    Add,
    Apply,
    Call,
    Density,
    Mul,
    Neg,
    Node,
    Norm,
    Number,
    Optimum,
    Step,
    Symbol,
    Variable,
    parts,
    walk,
)
from gentutor.derive.worlds.array import Array, NotExact, add, negative
from gentutor.derive.worlds.evaluate import Scope, evaluate

MOST, MOST_PLACES = 400, 120  # repairs that are tried; of a line with a min or max, which takes longer
FEW = 6  # redraws of theta that reject what does not mend an arg min
FACTORS = (1, -1, 2, -2, 0.5, -0.5)
NO_VALUE = (NotExact, ValueError, ArithmeticError)  # a singular matrix is a ValueError


def diagnose(relation: str, above: Node, here: Node, opening: Node, bench: Bench) -> Diagnosis | None:
    """The diagnosis of `above relation here`, which fails; None where nothing single mends it."""
    places = any(isinstance(side, Optimum) and side.arg for side in (above, here))
    residual = _residual(above, here, bench) if relation in ("=", ">=", "<=") and not places else None
    turned = _turned(relation, above, here, opening, bench, residual)
    if turned is not None and relation != "=":
        return turned
    found = _only_repair(relation, above, here, opening, bench)
    lost = None if residual is None else Diagnosis(_lost(residual), None, _latex(residual), "lost term")
    if found is not None and (found.kind in COMMON or not (turned or lost)):
        words = found.words + (f" {_off(residual)}" if residual is not None else "")
        return Diagnosis(words, f"{LATEX[relation]} {to_latex(found.line)}", _latex(residual), found.kind)
    return turned or lost


# ------------------------------------------------------------------------------------------ single repairs


def _only_repair(relation: str, above: Node, here: Node, opening: Node, bench: Bench) -> Repair | None:
    """The repair that mends the line, if it is the only one of its size."""
    quick = Bench(bench.setting, bench.facts, bench.seed + 1, quick=True, redraws=FEW)
    if isinstance(here, Optimum) and here.arg:  # each redraw of theta costs an objective
        bench = Bench(bench.setting, bench.facts, bench.seed + 2, count=1, redraws=FEW)
    good: dict[Node, Repair] = {}
    plain, loose = normal_form(above), relation in (">=", "<=")
    most = MOST_PLACES if any(isinstance(n, Optimum) for n in walk(here)) else MOST
    tries = islice(repairs(here, above, bench.setting), most)
    for repair in chain(tries, whole_line(here, above, bench.setting)):
        if repair.line in good or repair.line == here:
            continue
        if loose and (repair.kind not in TIGHT or repair.line == Neg(here)):
            continue  # many changes make a number small or large enough, and say nothing
        if all(
            judge(relation, above, repair.line, opening, tried).status == "holds" for tried in (quick, bench)
        ):
            once_more = normal_form(repair.line) == plain and (loose or repair.kind not in COMMON)
            if not once_more:  # the line above
                good[repair.line] = repair
    if not good:
        return None

    def size(repair: Repair) -> tuple[int, int, int]:
        return _size(repair, above, strict=relation not in (">=", "<="))

    ranked = sorted(good.values(), key=size)
    best = [repair for repair in ranked if size(repair) == size(ranked[0])]
    kinds, places = {repair.kind for repair in best}, {_place(here, repair.line) for repair in best}
    for told, same in SAME_STORY:
        if kinds == {told, same}:
            best, kinds = [repair for repair in best if repair.kind == told], {told}
    if kinds == {"fraction"}:
        return best[0]
    if kinds == {"index"}:  # a sum that starts one too early, not one whose terms are all shifted
        best.sort(key=lambda repair: len(_place(here, repair.line)))
    elif kinds not in ONE_STORY and (len(kinds) > 1 or len(places) > 1):
        return None
    return best[-1] if kinds == {"sign"} else best[0]


# A factor may be moved about in a line, and so may 2 pi; of two signs the second is turned.
ONE_STORY = ({"factor"}, {"sign"}, {"2 pi"}, {"direction"})
# The sign of a log is that of a fraction upside down; the least is the largest of minus it; a bracket is
# a sign before each of its terms.
SAME_STORY = (("fraction", "sign"), ("direction", "sign"), ("bracket", "sign"))


def _place(a: Node, b: Node) -> tuple[Step, ...]:
    """The path to the only place where two trees differ."""
    if type(a) is type(b):
        pairs = list(zip(parts(a), parts(b), strict=False))
        different = [(step, x, y) for (step, x), (_, y) in pairs if x != y]
        if len(different) == 1 and len(list(parts(a))) == len(list(parts(b))):
            step, x, y = different[0]
            return (step, *_place(x, y))
    return ()


COMMON = (
    "swapped arguments",
    "posterior for prior",
    "sign",
    "root",
    "square",
    "factor",
    "index",
    "wrong measure",
    "sum for mean",
    "mean for sum",
    "log and expectation",
    "log of the difference",
    "log of a sum",
    "bracket",
    "fraction",
    "2 pi",
    "direction",
)


TIGHT = {
    "swapped arguments",
    "posterior for prior",
    "sign",
    "index",
    "factor",
    "wrong measure",
    "sum for mean",
}


def _size(repair: Repair, above: Node, strict: bool) -> tuple[int, int, int]:
    """How much a repair changes, how common the slip, how far from the names in the line above it ends.

    An inequality leaves room for many repairs: there the commonest slip is named.
    """
    here, there = _names(repair.line), _names(above)
    rank = COMMON.index(repair.kind) if repair.kind in COMMON else len(COMMON)
    if any(part == above for part in walk(repair.line)):
        rank = len(COMMON)  # the line above, written into this one, always mends it
    return repair.size, rank // len(COMMON) if strict else rank, ((here - there) + (there - here)).total()


def _names(n: Node) -> Counter[Node]:
    kinds = (Density, Symbol, Variable, Call, Number)
    kept: list[Node] = [part for part in walk(n) if isinstance(part, kinds)]
    kept += [Apply(part.function, Symbol("")) for part in walk(n) if isinstance(part, Apply)]
    kept += [Norm(Symbol("")) for part in walk(n) if isinstance(part, Norm)]
    return Counter(set(kept))


# --------------------------------------------------------------------------------------- another relation


def _turned(
    relation: str, above: Node, here: Node, opening: Node, bench: Bench, residual: "Combination | None"
) -> Diagnosis | None:
    """The other inequality; an inequality for an equality only where Jensen's may have been meant."""
    if relation == "=":
        others = (">=",) if _log_outside(above) else ()
    else:
        others = {">=": ("<=",), "<=": (">=",)}.get(relation, ())
    for other in others:
        if judge(other, above, here, opening, bench).status == "holds":
            words = {"=": "equal to", ">=": "at least", "<=": "at most"}
            said = f"The line above is {words[other]} this one, not {words[relation]} it"
            text = f"{said}: the relation is ${LATEX[other]}$."
            if relation == "=":
                text += " A log was taken into an expectation (Jensen), or a term never negative left out."
            if residual is not None:
                text += f" {_off(residual)}"
            return Diagnosis(text, f"{LATEX[other]} {to_latex(here)}", _latex(residual), "relation")
    return None


def _log_outside(n: Node) -> bool:
    """Whether a log stands outside every expectation: only then can Jensen's inequality take it in."""
    terms = n.terms if isinstance(n, Add) else (n,)
    return any(isinstance(term, Apply) and term.function == "log" for term in terms)


# ------------------------------------------------------------------------------------------------ residual

Combination = tuple[tuple[float, Node], ...]


def _residual(above: Node, here: Node, bench: Bench) -> Combination | None:
    """This line minus the line above as one or two of the setting's named terms."""
    points = list(_differences(above, here, bench))
    if not points:
        return None
    terms = [(term, values) for term in bench.setting.terms if (values := _values(term, points)) is not None]
    target = [difference for _, difference in points]
    for count in (1, 2):
        found = [
            tuple((factor, term) for factor, (term, _) in zip(factors, chosen, strict=True))
            for chosen in combinations(terms, count)
            for factors in _factors(count)
            if _matches(target, factors, [values for _, values in chosen])
        ]
        if found:
            return found[0]
    return None


def _factors(count: int) -> Iterator[tuple[float, ...]]:
    if count == 1:
        yield from ((factor,) for factor in FACTORS)
    else:
        yield from ((a, b) for a in (1, -1) for b in (1, -1))


def _differences(above: Node, here: Node, bench: Bench) -> Iterator[tuple[Scope, Array]]:
    for kind in bench.setting.kinds:
        try:
            for world in bench.worlds(kind):
                scope = Scope(world)
                difference = add(evaluate(here, scope), negative(evaluate(above, scope)))
                if difference.core == "s":
                    yield scope, difference
        except NO_VALUE:
            continue


def _values(term: Node, points: list[tuple[Scope, Array]]) -> list[Array] | None:
    try:
        return [evaluate(term, scope) for scope, _ in points]
    except NO_VALUE:
        return None


def _matches(target: list[Array], factors: tuple[float, ...], values: list[list[Array]]) -> bool:
    for i, wanted in enumerate(target):
        total = negative(wanted)
        for factor, term in zip(factors, values, strict=True):
            total = add(total, Array(factor * term[i].data, term[i].axes, term[i].core))
        if not np.all(np.abs(total.data) < 1e-8 * (np.abs(wanted.data).max() + 1e-12)):
            return False
    return True


def _node(combination: Combination) -> Node:
    terms: list[Node] = []
    for factor, term in combination:
        size = term if abs(factor) == 1 else Mul((Number(Fraction(abs(factor))), term))
        terms.append(Neg(size) if factor < 0 else size)
    return terms[0] if len(terms) == 1 else Add(tuple(terms))


def _latex(combination: Combination | None) -> str | None:
    return None if combination is None else to_latex(_node(combination))


def _off(combination: Combination) -> str:
    if all(factor < 0 for factor, _ in combination):
        flipped = tuple((-factor, term) for factor, term in combination)
        return f"The line falls short of the one above by ${_latex(flipped)}$."
    ordered = tuple(sorted(combination, key=lambda part: -part[0]))
    return f"The line exceeds the one above by ${_latex(ordered)}$."


def _lost(combination: Combination) -> str:
    if len(combination) == 1:
        factor, term = combination[0]
        if factor == -1:
            return f"A term is lost: ${to_latex(term)}$. {_off(combination)}"
        if factor == 1:
            return f"There is a term too many: ${to_latex(term)}$. {_off(combination)}"
    return _off(combination)
