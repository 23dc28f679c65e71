"""Slips in a law: another conditional, swapped arguments, the wrong measure below an expectation."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from gentutor.derive.judging.slips.words import Slip, called, capital, formula
from gentutor.derive.setting import Setting
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    Add,
    Assigned,
    Density,
    Div,
    Divergence,
    Expectation,
    Mul,
    Node,
    Range,
    Variable,
    rebuild,
    walk,
)


def densities(n: Node, known: list[Variable], setting: Setting) -> Iterator[Slip]:
    """Another density that is near: another conditional, the posterior for the prior."""
    if not isinstance(n, Density):
        return
    for new in dict.fromkeys(_near(n, known, setting)):
        kind = "conditional" if new.name == n.name else "another density"
        names = sorted(setting.words.get(d, "").removeprefix("the ") for d in (n, new))
        if names == ["posterior", "prior"]:
            kind = "posterior for prior"
        yield new, kind, f"{capital(called(new, setting))} belongs here, not {called(n, setting)}."


def _near(n: Density, known: list[Variable], setting: Setting) -> Iterator[Density]:
    """Densities that differ in what they condition on, in what they are of, or in their name."""
    for name, spec in setting.vocabulary.densities.items():
        if name == "p_infty" and n.name != name:
            continue
        if not {item.name for item in n.left if isinstance(item, Variable | Range)} <= set(spec.variables):
            continue
        others = [v for v in known if v.name in spec.variables and v not in n.left]
        kept = tuple(item for item in n.given if not isinstance(item, Variable) or item in others)
        givens = [kept, *(tuple(g for g in kept if g != item) for item in kept)]
        givens += [(*kept, v) for v in others if v not in kept]
        for given in givens:
            left = n.left
            if spec.resolve is not None:
                left, given = spec.resolve(left, given)
            new = Density(name, left, given)
            if new != n:
                yield new
    for i, item in enumerate(n.given):  # p(x|z) for p(x, z), and the other way round
        if not isinstance(item, Assigned):
            yield replace(n, left=(*n.left, item), given=n.given[:i] + n.given[i + 1 :])
    if len(n.left) > 1:
        for i, item in enumerate(n.left):
            yield replace(n, left=n.left[:i] + n.left[i + 1 :], given=(*n.given, item))
    if len(n.left) == len(n.given) == 1 and isinstance(n.given[0], Variable):
        yield replace(n, left=n.given, given=n.left)


def levels(n: Node, known: list[Variable]) -> Iterator[Slip]:
    """q(x_{t-1}|x_0) for q(x_t|x_0): the same law of another variable of the two lines."""
    if not isinstance(n, Density):
        return
    for old in (*n.left, *n.given):
        if isinstance(old, Variable) and old.index:
            for other in known:
                if other.name == old.name and other.index and other not in (*n.left, *n.given):
                    left, given = (
                        tuple(other if item == old else item for item in items) for items in (n.left, n.given)
                    )
                    new = replace(n, left=left, given=given)
                    words = f"The index is another: {formula(new)} belongs here, not {formula(n)}."
                    yield new, "index", words


def exchanged(n: Node) -> Iterator[Slip]:
    """E_p f - E_q g for E_q f - E_p g."""
    if not isinstance(n, Add):
        return
    measures = dict.fromkeys(m.measure for m in walk(n) if isinstance(m, Expectation))
    laws = [law for law in measures if isinstance(law, Density) and not law.given]
    for one, other in combinations(laws, 2):
        if one.left == other.left:
            swapped = {one: other, other: one}

            def swap(m: Node, swapped: dict[Density, Density] = swapped) -> Node:
                if isinstance(m, Expectation) and isinstance(m.measure, Density):
                    m = replace(m, measure=swapped.get(m.measure, m.measure))
                return rebuild(m, swap)

            new = swap(n)
            yield new, "swapped arguments", f"The two laws are exchanged: {formula(new)} belongs here."


def changed_places(n: Node) -> Iterator[Slip]:
    """p(x|z) p(x) / p(z) for p(x|z) p(z) / p(x)."""
    if not isinstance(n, Div):
        return
    above, below = (s.factors if isinstance(s, Mul) else (s,) for s in (n.numerator, n.denominator))
    if len(above) + len(below) < 3:
        return  # the fraction upside down
    for i, one in enumerate(above):
        for j, other in enumerate(below):
            if isinstance(one, Density) and isinstance(other, Density):
                top, bottom = (*above[:i], other, *above[i + 1 :]), (*below[:j], one, *below[j + 1 :])
                new = Div(*(side[0] if len(side) == 1 else Mul(side) for side in (top, bottom)))
                words = (
                    f"{formula(one)} and {formula(other)} have changed places: {formula(new)} belongs here."
                )
                yield new, "fraction", words


def divergences(n: Node) -> Iterator[Slip]:
    """KL(a || b) for KL(b || a)."""
    if isinstance(n, Divergence) and n.kind in ("KL", "CE"):
        new = replace(n, arguments=n.arguments[::-1])
        yield (
            new,
            "swapped arguments",
            f"The arguments of the divergence are swapped: {formula(new)} belongs here.",
        )


def measures(n: Node, known: list[Variable], setting: Setting) -> Iterator[Slip]:
    """An expectation under another law of the same variables."""
    if isinstance(n, Expectation) and isinstance(n.measure, Density):
        for measure, _, _ in densities(n.measure, known, setting):
            if isinstance(measure, Density) and measure.left == n.measure.left:
                right, wrong = called(measure, setting), called(n.measure, setting)
                words = f"The expectation is under {right}, not under {wrong}."
                yield replace(n, measure=measure), "wrong measure", words


def joints(n: Node, setting: Setting) -> Iterator[Slip]:
    """An expectation under a joint law for one under its marginals, and the other way round."""
    if not isinstance(n, Expectation):
        return
    bare = [spec.bare for spec in setting.vocabulary.densities.values() if spec.bare is not None]
    measure, body = n.measure, n.body
    if isinstance(measure, Density) and len(measure.left) == 2 and not measure.given:
        x, y = measure.left
        laws = [law for law in bare if len(law.left) == 1]
        for one, other in combinations(laws, 2):
            if _fits(one, x, setting) and _fits(other, y, setting):
                inner = Expectation((y,), _of(other, y), body)
                new: Node = Expectation((x,), _of(one, x), inner)
                words = f"The expectation is under the marginals, not under the joint: {formula(new)}."
                yield new, "wrong measure", words
    if isinstance(body, Expectation) and isinstance(measure, Density) and isinstance(body.measure, Density):
        pair = (*measure.left, *body.measure.left)
        if len(pair) == 2 and not body.measure.given:
            for law in bare:
                if law.left == pair or law.left == pair[::-1]:
                    new = Expectation(law.left, law, body.body)
                    words = f"The two are drawn together, from ${to_latex(law)}$, not each by itself."
                    yield new, "wrong measure", words


def _of(law: Density, variable: Node) -> Density:
    return Density(law.name, (variable,), (), law.mark)


def _fits(law: Density, variable: Node, setting: Setting) -> bool:
    spec = setting.vocabulary.densities[law.name]
    return isinstance(variable, Variable) and variable.name in spec.variables
