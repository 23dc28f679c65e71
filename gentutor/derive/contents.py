"""What a hole of a graded derivation is made of: which formulas it contains, which of its parts are idle."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

from gentutor.derive.normal_form import normal_form
from gentutor.derive.reading.chain import read
from gentutor.derive.reading.unread import Unread
from gentutor.derive.setting import Setting
from gentutor.derive.tree import (
    Add,
    Call,
    Density,
    Div,
    Divergence,
    Mul,
    Node,
    Norm,
    Pow,
    Symbol,
    Variable,
    node,
    parts,
    replace_at,
    walk,
)
from gentutor.derive.worlds.array import NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate

# The kinds of node that a rule may name.
KINDS = {
    "KL": "Divergence",
    "H": "Divergence",
    "JSD": "Divergence",
    "E": "Expectation",
    "int": "Integral",
    "sum": "Sum",
    "nabla": "Gradient",
}


def contains(answer: Node, formula: str, setting: Setting) -> bool:
    """Whether an answer is written with a formula that a rule names."""
    return any(_is(n, formula, setting) for n in walk(answer))


def _is(n: Node, formula: str, setting: Setting) -> bool:
    """Whether a node is what a rule names: KL, E, log, \\int, a symbol, or a formula such as p(z|x)."""
    name = formula.strip().lstrip("\\")
    if name in ("|", "norm"):
        return isinstance(n, Norm)
    if name in KINDS:
        return type(n).__name__ == KINDS[name] and getattr(n, "kind", name) in (name, "grad", "div")
    if getattr(n, "function", None) == name:
        return True
    if isinstance(n, Symbol | Variable | Call | Density) and n.name == name:
        return True
    wanted = _formula(formula, setting)
    return wanted is not None and normal_form(n) == normal_form(wanted)


def _formula(formula: str, setting: Setting) -> Node | None:
    try:
        line = read(formula, setting.vocabulary).lines[0]
    except (Unread, IndexError):
        return None
    return line.claims[0].expression if line.error is None and line.claims else None


def strikes(answer: Node, scopes: list[Scope]) -> Iterator[Node]:
    """The answer without some terms of a sum or some factors of a product, wherever they stand in it.

    A matrix or a vector among the factors stays: without Theta the norm of Theta z may be the same.
    """
    for step, child in parts(answer):
        if not isinstance(answer, Symbol | Variable | Density):
            for struck in strikes(child, scopes):
                yield replace_at(answer, (step,), struck)
    if isinstance(answer, Add) or (
        isinstance(answer, Mul) and all(_is_number(f, scopes) for f in answer.factors)
    ):
        items = answer.terms if isinstance(answer, Add) else answer.factors
        neutral = node(0 if isinstance(answer, Add) else 1)
        most = len(items) if len(items) <= 5 else 2
        for count in range(1, most + 1):
            for kept in combinations(range(len(items)), len(items) - count):
                rest = tuple(items[i] for i in kept)
                if not rest:
                    yield neutral
                elif len(rest) == 1:
                    yield rest[0]
                else:
                    yield replace(answer, **{"terms" if isinstance(answer, Add) else "factors": rest})  # type: ignore[arg-type]
    if isinstance(answer, Div | Pow):
        yield node(1)


def _is_number(factor: Node, scopes: list[Scope]) -> bool:
    """False of what is a vector or a matrix, in any world, where nothing is bound."""
    for scope in scopes:
        with suppress(NotExact):
            if evaluate(factor, scope).core not in ("s", "state"):
                return False
    return True


def needless(answer: Node, needed: tuple[str, ...], setting: Setting) -> Iterator[Node]:
    """The answer with every occurrence of a required formula replaced by a number."""
    for formula in needed:
        for value in (1, 2):

            def without(n: Node, formula: str = formula, value: int = value) -> Node:
                if isinstance(n, Divergence | Density | Symbol | Call) and _is(n, formula, setting):
                    return node(value)
                for step, child in parts(n):
                    n = replace_at(n, (step,), without(child))
                return n

            struck = without(answer)
            if struck != answer:
                yield struck
