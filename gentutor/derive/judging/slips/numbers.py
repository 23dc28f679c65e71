"""Slips of a hand that calculates: a sign, a bracket, a root, a square, a factor, a fraction upside down."""

from collections.abc import Iterator
from dataclasses import replace

from gentutor.derive.judging.slips.words import HALF, ONE, TWO, Slip, formula
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    Add,
    Apply,
    Call,
    Density,
    Div,
    Divergence,
    Expectation,
    Mul,
    Neg,
    Node,
    Norm,
    Pow,
    Prod,
    Sum,
    Symbol,
    node,
    walk,
)


def _negated(term: Node) -> Node:
    return term.body if isinstance(term, Neg) else Neg(term)


def brackets(n: Node) -> Iterator[Slip]:
    """a - b + c + d for a - (b + c + d)."""
    if not isinstance(n, Add):
        return
    for i, term in enumerate(n.terms[:-2]):
        if isinstance(term, Neg):
            for end in range(i + 3, len(n.terms) + 1):
                inside = Add((term.body, *n.terms[i + 1 : end]))
                flipped = tuple(map(_negated, n.terms[i + 1 : end]))
                words = (
                    f"A bracket is lost after the minus: $-\\left( {to_latex(inside)} \\right)$ belongs here."
                )
                yield Add((*n.terms[: i + 1], *flipped, *n.terms[end:])), "bracket", words


def signs(n: Node) -> Iterator[Slip]:
    """+ for -."""
    if isinstance(n, Add):
        for i, term in enumerate(n.terms):
            new = term.body if isinstance(term, Neg) else Neg(term)
            plain = term.body if isinstance(term, Neg) else term
            sign = "plus" if isinstance(term, Neg) else "minus"
            words = f"The sign is wrong: {sign} {formula(plain)} belongs here."
            yield replace(n, terms=(*n.terms[:i], new, *n.terms[i + 1 :])), "sign", words
    elif isinstance(n, Neg):
        yield n.body, "sign", f"There is a minus too many in front of {formula(n.body)}."


def exponents(n: Node) -> Iterator[Slip]:
    """exp(a) for exp(-a)."""
    if isinstance(n, Apply) and n.function == "exp" and not isinstance(n.body, Neg | Add):
        new = Apply("exp", Neg(n.body))
        yield new, "sign", f"A minus is lost in the exponent: {formula(new)} belongs here."


def _rooted(n: Node) -> bool:
    if isinstance(n, Symbol):
        return bool(n.index) or n.name in ("alpha", "beta", "sigma")
    return isinstance(n, Add | Prod) and not any(
        isinstance(m, Density | Expectation | Divergence) for m in walk(n)
    )


def roots(n: Node) -> Iterator[Slip]:
    """A square root too many, or lost."""
    if isinstance(n, Apply) and n.function == "sqrt":
        yield n.body, "root", f"There is a root too many: {formula(n.body)} belongs here, without it."
    elif isinstance(n, Mul):
        for i, factor in enumerate(n.factors):
            if _rooted(factor):
                new = Apply("sqrt", factor)
                words = f"A square root is lost: {formula(new)} belongs here."
                yield replace(n, factors=(*n.factors[:i], new, *n.factors[i + 1 :])), "root", words
    elif isinstance(n, Div) and _rooted(n.denominator):
        new = Apply("sqrt", n.denominator)
        yield (
            replace(n, denominator=new),
            "root",
            f"A square root is lost: {formula(new)} belongs in the denominator.",
        )


def _indexed(n: Node) -> bool:
    return isinstance(n, Symbol) and bool(n.index)


def squares(n: Node) -> Iterator[Slip]:
    """A square too many, or lost."""
    if isinstance(n, Pow) and n.exponent == TWO:
        yield n.base, "square", f"There is a square too many on {formula(n.base)}."
    elif isinstance(n, Norm) or (
        isinstance(n, Symbol | Call) and (_indexed(n) or n.name.startswith("sigma"))
    ):
        new = Pow(n, TWO)
        yield new, "square", f"A square is lost: {formula(new)} belongs here."


def factors(n: Node) -> Iterator[Slip]:
    """A factor 2 or one half too many, or lost."""
    for value, word in ((HALF, "one half"), (TWO, "a factor 2")):
        if isinstance(n, Mul) and value in n.factors:
            i = n.factors.index(value)
            rest = (*n.factors[:i], *n.factors[i + 1 :])
            new = rest[0] if len(rest) == 1 else Mul(rest)
            yield new, "factor", f"There is {word} too many: it is counted twice, or does not belong here."
    if isinstance(n, Div) and isinstance(n.denominator, Mul) and TWO in n.denominator.factors:
        rest = tuple(factor for factor in n.denominator.factors if factor != TWO)
        new = replace(n, denominator=rest[0] if len(rest) == 1 else Mul(rest))
        yield new, "factor", f"There is a factor 2 too many in the denominator of {formula(n)}."
    if isinstance(n, Add):
        for i, term in enumerate(n.terms):
            inner = term.body if isinstance(term, Neg) else term
            for value, word in ((HALF, "One half"), (TWO, "A factor 2")):
                inverse = TWO if value == HALF else HALF
                if not (isinstance(inner, Mul) and inverse in inner.factors):
                    scaled: Node = Mul((value, inner))
                    scaled = Neg(scaled) if isinstance(term, Neg) else scaled
                    words = f"{word} is lost in front of {formula(inner)}."
                    yield replace(n, terms=(*n.terms[:i], scaled, *n.terms[i + 1 :])), "factor", words


def extra(n: Node) -> Iterator[Slip]:
    """A factor that does not belong there."""
    if isinstance(n, Mul) and len(n.factors) > 1:
        for i, factor in enumerate(n.factors):
            if _rooted(factor.body if isinstance(factor, Apply) and factor.function == "sqrt" else factor):
                rest = (*n.factors[:i], *n.factors[i + 1 :])
                new = rest[0] if len(rest) == 1 else Mul(rest)
                yield new, "factor too many", f"The factor {formula(factor)} does not belong here."


def means(n: Node) -> Iterator[Slip]:
    """A sum for a mean."""
    if isinstance(n, Sum) and n.first == ONE:
        new = Mul((Div(ONE, n.last), n))
        yield new, "sum for mean", f"A mean belongs here, not a sum: {formula(new)}."
    if isinstance(n, Mul):
        for i, factor in enumerate(n.factors):
            if isinstance(factor, Div | Pow) and any(isinstance(other, Sum) for other in n.factors):
                rest = (*n.factors[:i], *n.factors[i + 1 :])
                new_node = rest[0] if len(rest) == 1 else Mul(rest)
                yield new_node, "mean for sum", f"A sum belongs here, not a mean: {formula(new_node)}."


def products(n: Node) -> Iterator[Slip]:
    """A product over an index for a sum, and the other way round."""
    if isinstance(n, Sum | Prod):
        kind, word, wrong = (Prod, "product", "sum") if isinstance(n, Sum) else (Sum, "sum", "product")
        new = kind(n.index, n.first, n.last, n.body)
        yield new, "sum for product", f"A {word} belongs here, not a {wrong}: {formula(new)}."


def fractions(n: Node) -> Iterator[Slip]:
    """b / a for a / b; a root lost in a numerator."""
    if not isinstance(n, Div):
        return
    if n.numerator != node(1):
        new: Node = Div(n.denominator, n.numerator)
        yield new, "fraction", f"Numerator and denominator are swapped: {formula(new)} belongs here."
    above = n.numerator
    if isinstance(above, Symbol | Add | Prod) and not any(
        isinstance(m, Density | Expectation) for m in walk(above)
    ):
        root = Apply("sqrt", above)
        new = Div(root, n.denominator)
        yield new, "root", f"A square root is lost: {formula(root)} belongs in the numerator."
