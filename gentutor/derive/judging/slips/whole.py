"""What is lost in front of a whole line: a factor, a mean, a minus, the normaliser of a density."""

from collections import Counter
from collections.abc import Iterator

from gentutor.derive.judging.slips.logs import TWO_PI
from gentutor.derive.judging.slips.words import HALF, ONE, TWO, Slip, formula
from gentutor.derive.setting import Setting
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    Add,
    Apply,
    Div,
    Mul,
    Neg,
    Node,
    Pow,
    Sum,
    Symbol,
    node,
    walk,
)


def lost(line: Node, above: Node, setting: Setting) -> Iterator[Slip]:
    """Repairs of the line as a whole: few, and common."""
    yield from normaliser(line, setting)
    yield from lost_factors(line, above, setting)
    for name in ("n", "K"):
        count = Symbol(name)
        if any(isinstance(n, Sum) and n.last == count for side in (line, above) for n in walk(side)):
            yield (
                Mul((Div(ONE, count), line)),
                "sum for mean",
                f"A mean belongs here: divide by {formula(count)}.",
            )
            yield Mul((count, line)), "mean for sum", f"A sum belongs here: multiply by {formula(count)}."
    for value, word in ((HALF, "One half"), (TWO, "A factor 2")):
        yield Mul((value, line)), "factor", f"{word} is lost in front of the whole line."
    if not isinstance(line, Neg):
        yield Neg(line), "sign", "A minus is lost in front of the whole line."
    if not (isinstance(line, Apply) and line.function == "exp"):
        yield Apply("sqrt", line), "root", "A square root is lost over the whole line."
        yield Pow(line, TWO), "square", "A square is lost on the whole line."


def normaliser(line: Node, setting: Setting) -> Iterator[Slip]:
    """The term d/2 log 2 pi of a normal log density that is lost as a whole."""
    if "d" in setting.vocabulary.symbols and isinstance(line, Add):
        term = Mul((Div(Symbol("d"), node(2)), Apply("log", TWO_PI)))
        for one, word in ((Neg(term), "-"), (term, "")):
            words = (
                f"The term ${word}{to_latex(term)}$ is lost: a normal density has $2 \\pi$ below its root."
            )
            yield Add((*line.terms, one)), "2 pi", words


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
            yield new, "factor", f"{word} {formula(factor)}{said} is lost in front of the whole line."
