"""Single repairs of a line: what a hand that slipped once may have meant.

`repairs(line)` yields every tree that differs from the line by one change, with the words for the change.
The changes are those that students make: another conditional, swapped arguments, a sign, a root, a square, a
factor of two, a neighbouring index, alpha for bar alpha, a log on the wrong side of an expectation.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gentutor.derive.judging.slips import laws, logs, names, numbers, whole
from gentutor.derive.judging.slips.words import Slip
from gentutor.derive.setting import Setting
from gentutor.derive.tree import (
    Density,
    Node,
    Symbol,
    Variable,
    parts,
    rebuild,
    replace_at,
    walk,
)


@dataclass(frozen=True)
class Repair:
    """A changed line, what kind of slip it undoes, and the words for it."""

    line: Node
    kind: str
    words: str
    size: int = 1


Local = Callable[[Node], Iterable[Slip]]


def repairs(line: Node, above: Node, setting: Setting) -> Iterator[Repair]:
    """Every single repair of `line`; changes of all occurrences of a name at once count as size 2."""
    variables = {n for side in (line, above) for n in walk(side) if isinstance(n, Variable) and n.name != "·"}
    noises = set(setting.vocabulary.noises)
    known = sorted((v for v in variables if v.name not in noises), key=str)
    local: list[Local] = [
        lambda n: laws.densities(n, known, setting),
        lambda n: laws.levels(n, known),
        laws.divergences,
        laws.exchanged,
        laws.changed_places,
        lambda n: laws.measures(n, known, setting),
        lambda n: laws.joints(n, setting),
        names.directions,
        numbers.brackets,
        numbers.signs,
        numbers.exponents,
        numbers.roots,
        numbers.squares,
        numbers.factors,
        numbers.extra,
        numbers.means,
        numbers.products,
        # a fresh noise has no right index
        lambda n: () if getattr(n, "name", "") in noises else names.indices(n),
        lambda n: names.symbols(n, setting),
        logs.logs,
        logs.split_logs,
        numbers.fractions,
        names.bounds,
        logs.two_pi,
        names.transposes,
    ]
    for change in local:
        for new, kind, words in _everywhere(line, change):
            yield Repair(new, kind, words)
    yield from _all_at_once(line, known, setting)


def whole_line(line: Node, above: Node, setting: Setting) -> Iterator[Repair]:
    """Repairs of the line as a whole: few, and common."""
    for new, kind, words in whole.lost(line, above, setting):
        yield Repair(new, kind, words)


def _everywhere(n: Node, local: Local) -> Iterator[Slip]:
    """`local` at this node and, one at a time, at every node below."""
    yield from local(n)
    for step, child in parts(n):
        if step[0] not in ("left", "given", "variables", "measure"):
            for new, kind, words in _everywhere(child, local):
                yield replace_at(n, (step,), new), kind, words


def _all_at_once(line: Node, known: list[Variable], setting: Setting) -> Iterator[Repair]:
    """One name replaced by another wherever it occurs."""
    once: dict[Node, list[Slip]] = {}
    for n in walk(line):
        if isinstance(n, Density | Symbol) and n not in once:
            changes = [*laws.densities(n, known, setting), *names.symbols(n, setting), *names.indices(n)]
            once[n] = [change for change in changes if type(change[0]) is type(n)]
    for old, changes in once.items():
        if sum(n == old for n in walk(line)) > 1:
            for new, kind, words in changes:

                def swap(n: Node, old: Node = old, new: Node = new) -> Node:
                    return new if n == old else rebuild(n, swap)

                yield Repair(swap(line), kind, words + " It is so wherever it stands in this line.", 2)
