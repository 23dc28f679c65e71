"""Slips with a log: outside an expectation or inside, of a sum, lost, without its 2 pi."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from gentutor.derive.judging.slips.words import Slip, formula
from gentutor.derive.tree import (
    Add,
    Apply,
    Call,
    Const,
    Density,
    Div,
    Expectation,
    Mul,
    Neg,
    Node,
    Symbol,
    node,
    walk,
)


def logs(n: Node) -> Iterator[Slip]:
    """log E for E log; a log too many, or lost; log a - b for log(a - b)."""
    if isinstance(n, Expectation) and isinstance(n.body, Apply) and n.body.function == "log":
        new: Node = Apply("log", replace(n, body=n.body.body))
        yield new, "log and expectation", f"The log of the expectation belongs here: {formula(new)}."
    if isinstance(n, Apply) and n.function == "log":
        if isinstance(n.body, Expectation):
            new = replace(n.body, body=Apply("log", n.body.body))
            yield new, "log and expectation", f"The expectation of the log belongs here: {formula(new)}."
        yield n.body, "log", f"There is a log too many: {formula(n.body)} belongs here."
    if isinstance(n, Density | Call) or (isinstance(n, Div) and isinstance(n.numerator, Density)):
        yield Apply("log", n), "log", f"A log is lost: {formula(Apply('log', n))} belongs here."
    if isinstance(n, Add) and len(n.terms) == 2:
        first, second = n.terms
        inner = second.body if isinstance(second, Neg) else second
        if isinstance(inner, Apply) and inner.function == "log" and not isinstance(first, Const):
            moved = Neg(inner.body) if isinstance(second, Neg) else inner.body
            new = Apply("log", Add((first, moved)))
            yield (
                new,
                "log of the difference",
                f"{formula(new)} belongs here, not {formula(n)}: the log is of the whole.",
            )


def split_logs(n: Node) -> Iterator[Slip]:
    """log a + log b for log(a + b), log(a + b) for log a + log b, log a / log b for log(a / b)."""
    terms = n.terms if isinstance(n, Add) else ()
    for i, (first, second) in enumerate(pairwise(terms)):
        inner = second.body if isinstance(second, Neg) else second
        if isinstance(first, Apply) and isinstance(inner, Apply) and _is_log(first) and _is_log(inner):
            whole = Apply("log", Add((first.body, Neg(inner.body) if inner is not second else inner.body)))
            rest = (*terms[:i], whole, *terms[i + 2 :])
            words = f"The log of a sum is no sum of logs: {formula(whole)} belongs here."
            yield whole if len(rest) == 1 else Add(rest), "log of a sum", words
    if isinstance(n, Apply) and n.function == "log" and isinstance(n.body, Add) and len(n.body.terms) == 2:
        a, b = n.body.terms
        parts = [Neg(Apply("log", t.body)) if isinstance(t, Neg) else Apply("log", t) for t in (a, b)]
        new: Node = Add(tuple(parts))
        yield new, "log of a sum", f"A sum of logs belongs here, not the log of a sum: {formula(new)}."
    if isinstance(n, Div) and _is_log(n.numerator) and _is_log(n.denominator):
        assert isinstance(n.numerator, Apply)
        assert isinstance(n.denominator, Apply)
        new = Apply("log", Div(n.numerator.body, n.denominator.body))
        yield (
            new,
            "log of a sum",
            f"A quotient of logs is no log of the quotient: {formula(new)} belongs here.",
        )


def _is_log(n: Node) -> bool:
    return isinstance(n, Apply) and n.function == "log"


TWO_PI = Mul((node(2), Symbol("pi")))


def two_pi(n: Node) -> Iterator[Slip]:
    """log(s^2) for log(2 pi s^2)."""
    if isinstance(n, Apply) and n.function == "log":
        factors = n.body.factors if isinstance(n.body, Mul) else (n.body,)
        if Symbol("pi") in factors:
            rest = tuple(f for f in factors if f not in (node(2), Symbol("pi")))
            if rest:
                new = Apply("log", rest[0] if len(rest) == 1 else Mul(rest))
                yield new, "2 pi", f"There is a $2 \\pi$ too many: {formula(new)} belongs here."
        elif not any(isinstance(m, Density | Call) for m in walk(n.body)):
            new = Apply("log", Mul((*TWO_PI.factors, *factors)))
            yield new, "2 pi", f"A $2 \\pi$ is lost in the log: {formula(new)} belongs here."
