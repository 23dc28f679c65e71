"""Slips of a hand that calculates: a lost bracket, factor or 2 pi, a fraction upside down, a split log.

Each function yields what one place of a line may have been meant to be: tree, kind of slip, words.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise

from gentutor.derive.setting import Setting
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    Add,
    Apply,
    Call,
    Density,
    Div,
    Expectation,
    Mul,
    Neg,
    Node,
    Number,
    Optimum,
    Prod,
    Sum,
    Symbol,
    Variable,
    node,
    walk,
)

Slip = tuple[Node, str, str]

TWO_PI = Mul((node(2), Symbol("pi")))


def _math(n: Node) -> str:
    return f"${to_latex(n)}$"


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


def directions(n: Node) -> Iterator[Slip]:
    """arg max for arg min."""
    if isinstance(n, Optimum):
        kind, words = ("max", "largest") if n.kind == "min" else ("min", "least")
        name = f"\\arg\\{kind}" if n.arg else f"\\{kind}"
        yield replace(n, kind=kind), "direction", f"The {words} value is sought: ${name}$ belongs here."


def exponents(n: Node) -> Iterator[Slip]:
    """exp(a) for exp(-a)."""
    if isinstance(n, Apply) and n.function == "exp" and not isinstance(n.body, Neg | Add):
        new = Apply("exp", Neg(n.body))
        yield new, "sign", f"A minus is lost in the exponent: {_math(new)} belongs here."


def fractions(n: Node) -> Iterator[Slip]:
    """b / a for a / b; a root lost in a numerator."""
    if not isinstance(n, Div):
        return
    if n.numerator != node(1):
        new: Node = Div(n.denominator, n.numerator)
        yield new, "fraction", f"Numerator and denominator are swapped: {_math(new)} belongs here."
    above = n.numerator
    if isinstance(above, Symbol | Add | Prod) and not any(
        isinstance(m, Density | Expectation) for m in walk(above)
    ):
        root = Apply("sqrt", above)
        new = Div(root, n.denominator)
        yield new, "root", f"A square root is lost: {_math(root)} belongs in the numerator."


def split_logs(n: Node) -> Iterator[Slip]:
    """log a + log b for log(a + b), log(a + b) for log a + log b, log a / log b for log(a / b)."""
    terms = n.terms if isinstance(n, Add) else ()
    for i, (first, second) in enumerate(pairwise(terms)):
        inner = second.body if isinstance(second, Neg) else second
        if isinstance(first, Apply) and isinstance(inner, Apply) and _is_log(first) and _is_log(inner):
            whole = Apply("log", Add((first.body, Neg(inner.body) if inner is not second else inner.body)))
            rest = (*terms[:i], whole, *terms[i + 2 :])
            words = f"The log of a sum is no sum of logs: {_math(whole)} belongs here."
            yield whole if len(rest) == 1 else Add(rest), "log of a sum", words
    if isinstance(n, Apply) and n.function == "log" and isinstance(n.body, Add) and len(n.body.terms) == 2:
        a, b = n.body.terms
        parts = [Neg(Apply("log", t.body)) if isinstance(t, Neg) else Apply("log", t) for t in (a, b)]
        new: Node = Add(tuple(parts))
        yield new, "log of a sum", f"A sum of logs belongs here, not the log of a sum: {_math(new)}."
    if isinstance(n, Div) and _is_log(n.numerator) and _is_log(n.denominator):
        assert isinstance(n.numerator, Apply)
        assert isinstance(n.denominator, Apply)
        new = Apply("log", Div(n.numerator.body, n.denominator.body))
        yield new, "log of a sum", f"A quotient of logs is no log of the quotient: {_math(new)} belongs here."


def _is_log(n: Node) -> bool:
    return isinstance(n, Apply) and n.function == "log"


def bounds(n: Node) -> Iterator[Slip]:
    """A sum or product that starts or ends one place off."""
    if not isinstance(n, Sum | Prod):
        return
    for step in (-1, 1):
        starts, ends = (_moved(bound, step) for bound in (n.first, n.last))
        if not _is_number(n.first):
            new = replace(n, first=starts)
            yield new, "index", f"The index starts at {_math(starts)}, not at {_math(n.first)}."
        if not _is_number(n.last):
            yield replace(n, last=ends), "index", f"The index ends at {_math(ends)}, not at {_math(n.last)}."


def _is_number(n: Node) -> bool:
    return isinstance(n, Number)


def _moved(bound: Node, step: int) -> Node:
    terms = bound.terms if isinstance(bound, Add) else (bound,)
    other = Neg(node(1)) if step > 0 else node(1)
    if terms[-1] == other:
        return terms[0] if len(terms) == 2 else Add(terms[:-1])
    return Add((*terms, node(1) if step > 0 else Neg(node(1))))


def two_pi(n: Node) -> Iterator[Slip]:
    """log(s^2) for log(2 pi s^2)."""
    if isinstance(n, Apply) and n.function == "log":
        factors = n.body.factors if isinstance(n.body, Mul) else (n.body,)
        if Symbol("pi") in factors:
            rest = tuple(f for f in factors if f not in (node(2), Symbol("pi")))
            if rest:
                new = Apply("log", rest[0] if len(rest) == 1 else Mul(rest))
                yield new, "2 pi", f"There is a $2 \\pi$ too many: {_math(new)} belongs here."
        elif not any(isinstance(m, Density | Call) for m in walk(n.body)):
            new = Apply("log", Mul((*TWO_PI.factors, *factors)))
            yield new, "2 pi", f"A $2 \\pi$ is lost in the log: {_math(new)} belongs here."


def normaliser(line: Node, setting: Setting) -> Iterator[Slip]:
    """The term d/2 log 2 pi of a normal log density that is lost as a whole."""
    if "d" in setting.vocabulary.symbols and isinstance(line, Add):
        term = Mul((Div(Symbol("d"), node(2)), Apply("log", TWO_PI)))
        for one, word in ((Neg(term), "-"), (term, "")):
            words = (
                f"The term ${word}{to_latex(term)}$ is lost: a normal density has $2 \\pi$ below its root."
            )
            yield Add((*line.terms, one)), "2 pi", words


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
                words = f"The expectation is under the marginals, not under the joint: {_math(new)}."
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


def lost_factors(line: Node, above: Node, setting: Setting) -> Iterator[Slip]:
    """A number K of the line above, or one of the setting's own, that is no more in this one."""
    here, there = Counter(walk(line)), Counter(walk(above))
    known = {name: spec.about for name, spec in setting.vocabulary.symbols.items()}
    symbols = (n for n in walk(above) if isinstance(n, Symbol) and n.name not in ("I", "n", "d"))
    for factor in dict.fromkeys((*symbols, *setting.factors)):
        about = known.get(getattr(factor, "name", ""), "")
        if here[factor] >= max(1, there[factor]) or (isinstance(factor, Symbol) and not about):
            continue
        said = f", {about}," if about else ""
        for new, word in ((Mul((factor, line)), "The factor"), (Div(line, factor), "The divisor")):
            yield new, "factor", f"{word} {_math(factor)}{said} is lost in front of the whole line."
