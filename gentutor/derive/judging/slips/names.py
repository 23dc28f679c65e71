"""Slips in what is written small: an index, the ends of a sum, a bar, a transpose, max for min."""

from collections.abc import Iterator
from dataclasses import replace

from gentutor.derive.judging.slips.words import ONE, Slip, formula
from gentutor.derive.setting import Setting
from gentutor.derive.tree import (
    Add,
    Apply,
    Neg,
    Node,
    Number,
    Optimum,
    Prod,
    Sum,
    Symbol,
    Variable,
    node,
)


def indices(n: Node) -> Iterator[Slip]:
    """A neighbouring index, or a sum that starts one too late."""
    if isinstance(n, Symbol | Variable) and len(n.index) == 1:
        for step in (-1, 1):
            new = replace(n, index=(_shifted(n.index[0], step),))
            yield new, "index", f"The index is off by one: {formula(new)} belongs here, not {formula(n)}."
    if isinstance(n, Sum | Prod) and isinstance(n.first, Number):
        for step in (-1, 1):
            first = _shifted(n.first, step)
            yield (
                replace(n, first=first),
                "index",
                f"The index starts at {formula(first)}, not at {formula(n.first)}.",
            )


def _shifted(index: Node, step: int) -> Node:
    if isinstance(index, Number):
        return node(float(index.value) + step) if index.value + step >= 0 else index
    if isinstance(index, Add) and len(index.terms) == 2:
        head, tail = index.terms
        offset = -tail.body.value if isinstance(tail, Neg) and isinstance(tail.body, Number) else None
        if isinstance(tail, Number):
            offset = tail.value
        if offset is not None:
            offset += step
            if offset == 0:
                return head
            return Add((head, Neg(node(float(-offset))) if offset < 0 else node(float(offset))))
    return Add((index, Neg(ONE))) if step < 0 else Add((index, ONE))


_CONFUSED = (
    ("alpha", "bar_alpha"),
    ("alpha", "beta"),
    ("beta", "tilde_beta"),
    ("Theta", "Phi"),
    ("sigma", "mu"),
)


def symbols(n: Node, setting: Setting) -> Iterator[Slip]:
    """alpha for bar alpha, and other names that are easily taken for each other."""
    if isinstance(n, Symbol):
        for a, b in _CONFUSED:
            other = {a: b, b: a}.get(n.name, "")
            spec = setting.vocabulary.symbols.get(other)
            if spec is not None and spec.fits(len(n.index)):
                new = replace(n, name=other)
                yield new, "another symbol", f"{formula(new)} belongs here, not {formula(n)}."


def transposes(n: Node) -> Iterator[Slip]:
    """A matrix for its transpose."""
    if isinstance(n, Apply) and n.function == "transpose":
        yield n.body, "transpose", f"There is a transpose too many on {formula(n.body)}."
    elif isinstance(n, Symbol) and not n.index and n.name in ("Theta", "Phi", "X"):
        yield Apply("transpose", n), "transpose", f"A transpose is lost on {formula(n)}."


def directions(n: Node) -> Iterator[Slip]:
    """arg max for arg min."""
    if isinstance(n, Optimum):
        kind, words = ("max", "largest") if n.kind == "min" else ("min", "least")
        name = f"\\arg\\{kind}" if n.arg else f"\\{kind}"
        yield replace(n, kind=kind), "direction", f"The {words} value is sought: ${name}$ belongs here."


def bounds(n: Node) -> Iterator[Slip]:
    """A sum or product that starts or ends one place off."""
    if not isinstance(n, Sum | Prod):
        return
    for step in (-1, 1):
        starts, ends = (_moved(bound, step) for bound in (n.first, n.last))
        if not _is_number(n.first):
            new = replace(n, first=starts)
            yield new, "index", f"The index starts at {formula(starts)}, not at {formula(n.first)}."
        if not _is_number(n.last):
            yield (
                replace(n, last=ends),
                "index",
                f"The index ends at {formula(ends)}, not at {formula(n.last)}.",
            )


def _is_number(n: Node) -> bool:
    return isinstance(n, Number)


def _moved(bound: Node, step: int) -> Node:
    terms = bound.terms if isinstance(bound, Add) else (bound,)
    other = Neg(node(1)) if step > 0 else node(1)
    if terms[-1] == other:
        return terms[0] if len(terms) == 2 else Add(terms[:-1])
    return Add((*terms, node(1) if step > 0 else Neg(node(1))))
