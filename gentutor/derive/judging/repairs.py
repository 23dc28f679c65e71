"""Single repairs of a line: what a hand that slipped once may have meant.

`repairs(line)` yields every tree that differs from the line by one change, with the words for the change.
The changes are those that students make: another conditional, swapped arguments, a sign, a root, a square, a
factor of two, a neighbouring index, alpha for bar alpha, a log on the wrong side of an expectation.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from gentutor.derive.judging import slips
from gentutor.derive.setting import Setting
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    Add,
    Apply,
    Assigned,
    Call,
    Const,
    Density,
    Div,
    Divergence,
    Expectation,
    Mul,
    Neg,
    Node,
    Norm,
    Number,
    Pow,
    Prod,
    Range,
    Sum,
    Symbol,
    Variable,
    node,
    parts,
    rebuild,
    replace_at,
    walk,
)

ONE, TWO, HALF = node(1), node(2), Div(node(1), node(2))


@dataclass(frozen=True)
class Repair:
    """A changed line, what kind of slip it undoes, and the words for it."""

    line: Node
    kind: str
    words: str
    size: int = 1


Local = Callable[[Node], Iterable[tuple[Node, str, str]]]


def repairs(line: Node, above: Node, setting: Setting) -> Iterator[Repair]:
    """Every single repair of `line`; changes of all occurrences of a name at once count as size 2."""
    variables = {n for side in (line, above) for n in walk(side) if isinstance(n, Variable) and n.name != "·"}
    noises = set(setting.vocabulary.noises)
    known = sorted((v for v in variables if v.name not in noises), key=str)
    local: list[Local] = [
        lambda n: _densities(n, known, setting),
        _divergences,
        lambda n: _measures(n, known, setting),
        lambda n: slips.joints(n, setting),
        slips.directions,
        slips.brackets,
        _signs,
        slips.exponents,
        _roots,
        _squares,
        _factors,
        _extra,
        _means,
        lambda n: () if getattr(n, "name", "") in noises else _indices(n),  # a fresh noise has no right index
        lambda n: _symbols(n, setting),
        _logs,
        slips.split_logs,
        slips.fractions,
        slips.bounds,
        slips.two_pi,
        _transposes,
    ]
    for change in local:
        for new, kind, words in _everywhere(line, change):
            yield Repair(new, kind, words)
    yield from _all_at_once(line, known, setting)


def whole_line(line: Node, above: Node, setting: Setting) -> Iterator[Repair]:
    """Repairs of the line as a whole: few, and common."""
    for new, kind, words in (*slips.normaliser(line, setting), *slips.lost_factors(line, above, setting)):
        yield Repair(new, kind, words)
    for name in ("n", "K"):
        count = Symbol(name)
        if any(isinstance(n, Sum) and n.last == count for side in (line, above) for n in walk(side)):
            yield Repair(
                Mul((Div(ONE, count), line)),
                "sum for mean",
                f"A mean belongs here: divide by {_math(count)}.",
            )
            yield Repair(
                Mul((count, line)), "mean for sum", f"A sum belongs here: multiply by {_math(count)}."
            )
    for value, word in ((HALF, "One half"), (TWO, "A factor 2")):
        yield Repair(Mul((value, line)), "factor", f"{word} is lost in front of the whole line.")
    if not isinstance(line, Neg):
        yield Repair(Neg(line), "sign", "A minus is lost in front of the whole line.")
    if not (isinstance(line, Apply) and line.function == "exp"):
        yield Repair(Apply("sqrt", line), "root", "A square root is lost over the whole line.")
        yield Repair(Pow(line, TWO), "square", "A square is lost on the whole line.")


def _everywhere(n: Node, local: Local) -> Iterator[tuple[Node, str, str]]:
    """`local` at this node and, one at a time, at every node below."""
    yield from local(n)
    for step, child in parts(n):
        if step[0] not in ("left", "given", "variables", "measure"):
            for new, kind, words in _everywhere(child, local):
                yield replace_at(n, (step,), new), kind, words


def _all_at_once(line: Node, known: list[Variable], setting: Setting) -> Iterator[Repair]:
    """One name replaced by another wherever it occurs."""
    once: dict[Node, list[tuple[Node, str, str]]] = {}
    for n in walk(line):
        if isinstance(n, Density | Symbol) and n not in once:
            changes = [*_densities(n, known, setting), *_symbols(n, setting), *_indices(n)]
            once[n] = [change for change in changes if type(change[0]) is type(n)]
    for old, changes in once.items():
        if sum(n == old for n in walk(line)) > 1:
            for new, kind, words in changes:

                def swap(n: Node, old: Node = old, new: Node = new) -> Node:
                    return new if n == old else rebuild(n, swap)

                yield Repair(swap(line), kind, words + " It is so wherever it stands in this line.", 2)


def _math(n: Node) -> str:
    return f"${to_latex(n)}$"


def called(n: Node, setting: Setting) -> str:
    """ "the prior $p(z)$" where the setting has a word for a density, else its formula."""
    word = setting.words.get(n)
    return f"{word} {_math(n)}" if word else _math(n)


# ---------------------------------------------------------------------------------- densities and measures


def _densities(n: Node, known: list[Variable], setting: Setting) -> Iterator[tuple[Node, str, str]]:
    if not isinstance(n, Density):
        return
    for new in dict.fromkeys(_near(n, known, setting)):
        kind = "conditional" if new.name == n.name else "another density"
        names = sorted(setting.words.get(d, "").removeprefix("the ") for d in (n, new))
        if names == ["posterior", "prior"]:
            kind = "posterior for prior"
        yield new, kind, f"{_capital(called(new, setting))} belongs here, not {called(n, setting)}."


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


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _divergences(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Divergence) and n.kind in ("KL", "CE"):
        new = replace(n, arguments=n.arguments[::-1])
        yield (
            new,
            "swapped arguments",
            f"The arguments of the divergence are swapped: {_math(new)} belongs here.",
        )


def _measures(n: Node, known: list[Variable], setting: Setting) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Expectation) and isinstance(n.measure, Density):
        for measure, _, _ in _densities(n.measure, known, setting):
            if isinstance(measure, Density) and measure.left == n.measure.left:
                right, wrong = called(measure, setting), called(n.measure, setting)
                words = f"The expectation is under {right}, not under {wrong}."
                yield replace(n, measure=measure), "wrong measure", words


# ---------------------------------------------------------------------------------------------- arithmetic


def _signs(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Add):
        for i, term in enumerate(n.terms):
            new = term.body if isinstance(term, Neg) else Neg(term)
            plain = term.body if isinstance(term, Neg) else term
            sign = "plus" if isinstance(term, Neg) else "minus"
            words = f"The sign is wrong: {sign} {_math(plain)} belongs here."
            yield replace(n, terms=(*n.terms[:i], new, *n.terms[i + 1 :])), "sign", words
    elif isinstance(n, Neg):
        yield n.body, "sign", f"There is a minus too many in front of {_math(n.body)}."


def _rooted(n: Node) -> bool:
    if isinstance(n, Symbol):
        return bool(n.index) or n.name in ("alpha", "beta", "sigma")
    return isinstance(n, Add | Prod) and not any(
        isinstance(m, Density | Expectation | Divergence) for m in walk(n)
    )


def _roots(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Apply) and n.function == "sqrt":
        yield n.body, "root", f"There is a root too many: {_math(n.body)} belongs here, without it."
    elif isinstance(n, Mul):
        for i, factor in enumerate(n.factors):
            if _rooted(factor):
                new = Apply("sqrt", factor)
                words = f"A square root is lost: {_math(new)} belongs here."
                yield replace(n, factors=(*n.factors[:i], new, *n.factors[i + 1 :])), "root", words
    elif isinstance(n, Div) and _rooted(n.denominator):
        new = Apply("sqrt", n.denominator)
        yield (
            replace(n, denominator=new),
            "root",
            f"A square root is lost: {_math(new)} belongs in the denominator.",
        )


def _indexed(n: Node) -> bool:
    return isinstance(n, Symbol) and bool(n.index)


def _squares(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Pow) and n.exponent == TWO:
        yield n.base, "square", f"There is a square too many on {_math(n.base)}."
    elif isinstance(n, Norm) or (
        isinstance(n, Symbol | Call) and (_indexed(n) or n.name.startswith("sigma"))
    ):
        new = Pow(n, TWO)
        yield new, "square", f"A square is lost: {_math(new)} belongs here."


def _factors(n: Node) -> Iterator[tuple[Node, str, str]]:
    for value, word in ((HALF, "one half"), (TWO, "a factor 2")):
        if isinstance(n, Mul) and value in n.factors:
            i = n.factors.index(value)
            rest = (*n.factors[:i], *n.factors[i + 1 :])
            new = rest[0] if len(rest) == 1 else Mul(rest)
            yield new, "factor", f"There is {word} too many: it is counted twice, or does not belong here."
    if isinstance(n, Div) and isinstance(n.denominator, Mul) and TWO in n.denominator.factors:
        rest = tuple(factor for factor in n.denominator.factors if factor != TWO)
        new = replace(n, denominator=rest[0] if len(rest) == 1 else Mul(rest))
        yield new, "factor", f"There is a factor 2 too many in the denominator of {_math(n)}."
    if isinstance(n, Add):
        for i, term in enumerate(n.terms):
            inner = term.body if isinstance(term, Neg) else term
            for value, word in ((HALF, "One half"), (TWO, "A factor 2")):
                inverse = TWO if value == HALF else HALF
                if not (isinstance(inner, Mul) and inverse in inner.factors):
                    scaled: Node = Mul((value, inner))
                    scaled = Neg(scaled) if isinstance(term, Neg) else scaled
                    words = f"{word} is lost in front of {_math(inner)}."
                    yield replace(n, terms=(*n.terms[:i], scaled, *n.terms[i + 1 :])), "factor", words


def _extra(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Mul) and len(n.factors) > 1:
        for i, factor in enumerate(n.factors):
            if _rooted(factor.body if isinstance(factor, Apply) and factor.function == "sqrt" else factor):
                rest = (*n.factors[:i], *n.factors[i + 1 :])
                new = rest[0] if len(rest) == 1 else Mul(rest)
                yield new, "factor too many", f"The factor {_math(factor)} does not belong here."


def _means(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Sum) and n.first == ONE:
        new = Mul((Div(ONE, n.last), n))
        yield new, "sum for mean", f"A mean belongs here, not a sum: {_math(new)}."
    if isinstance(n, Mul):
        for i, factor in enumerate(n.factors):
            if isinstance(factor, Div | Pow) and any(isinstance(other, Sum) for other in n.factors):
                rest = (*n.factors[:i], *n.factors[i + 1 :])
                new_node = rest[0] if len(rest) == 1 else Mul(rest)
                yield new_node, "mean for sum", f"A sum belongs here, not a mean: {_math(new_node)}."


# ------------------------------------------------------------------------------------------ indices, names


def _indices(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Symbol | Variable) and len(n.index) == 1:
        for step in (-1, 1):
            new = replace(n, index=(_shifted(n.index[0], step),))
            yield new, "index", f"The index is off by one: {_math(new)} belongs here, not {_math(n)}."
    if isinstance(n, Sum | Prod) and isinstance(n.first, Number):
        for step in (-1, 1):
            first = _shifted(n.first, step)
            yield (
                replace(n, first=first),
                "index",
                f"The index starts at {_math(first)}, not at {_math(n.first)}.",
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


def _symbols(n: Node, setting: Setting) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Symbol):
        for a, b in _CONFUSED:
            other = {a: b, b: a}.get(n.name, "")
            spec = setting.vocabulary.symbols.get(other)
            if spec is not None and spec.fits(len(n.index)):
                new = replace(n, name=other)
                yield new, "another symbol", f"{_math(new)} belongs here, not {_math(n)}."


def _transposes(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Apply) and n.function == "transpose":
        yield n.body, "transpose", f"There is a transpose too many on {_math(n.body)}."
    elif isinstance(n, Symbol) and not n.index and n.name in ("Theta", "Phi", "X"):
        yield Apply("transpose", n), "transpose", f"A transpose is lost on {_math(n)}."


# ---------------------------------------------------------------------------------------------------- logs


def _logs(n: Node) -> Iterator[tuple[Node, str, str]]:
    if isinstance(n, Expectation) and isinstance(n.body, Apply) and n.body.function == "log":
        new: Node = Apply("log", replace(n, body=n.body.body))
        yield new, "log and expectation", f"The log of the expectation belongs here: {_math(new)}."
    if isinstance(n, Apply) and n.function == "log":
        if isinstance(n.body, Expectation):
            new = replace(n.body, body=Apply("log", n.body.body))
            yield new, "log and expectation", f"The expectation of the log belongs here: {_math(new)}."
        yield n.body, "log", f"There is a log too many: {_math(n.body)} belongs here."
    if isinstance(n, Density | Call) or (isinstance(n, Div) and isinstance(n.numerator, Density)):
        yield Apply("log", n), "log", f"A log is lost: {_math(Apply('log', n))} belongs here."
    if isinstance(n, Add) and len(n.terms) == 2:
        first, second = n.terms
        inner = second.body if isinstance(second, Neg) else second
        if isinstance(inner, Apply) and inner.function == "log" and not isinstance(first, Const):
            moved = Neg(inner.body) if isinstance(second, Neg) else inner.body
            new = Apply("log", Add((first, moved)))
            yield (
                new,
                "log of the difference",
                f"{_math(new)} belongs here, not {_math(n)}: the log is of the whole.",
            )
