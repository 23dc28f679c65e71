"""Divergences, entropies and normal laws: of which densities, over which variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import densities, names
from gentutor.derive.reading.meaning.scope import bound_by, left_variables
from gentutor.derive.reading.surface.heads import Entry, Head, entries, flat, head_of, key
from gentutor.derive.reading.surface.pieces import (
    Group,
    Items,
    Surface,
    bracket_at,
    name_and_bracket,
    pieces,
    power_at,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import (
    ANONYMOUS,
    Call,
    Density,
    Divergence,
    Expectation,
    Node,
    Normal,
    Range,
    Variable,
    rebuild,
)

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader

DIVERGENCES = {
    "KL": "KL",
    "JSD": "JSD",
    "JS": "JSD",
    "TV": "TV",
    "H": "H",
    "\\H": "H",
    "CE": "CE",
    "H_c": "CE",
    "W": "W",
    "W_1": "W",
    "MI": "MI",
    "\\I": "MI",
}


def _known(reader: Reader, head: Head) -> bool:
    return names.meaning(reader, head, applied=True) is not None or key(head) in reader.definitions


def functional(reader: Reader, head: Head, items: Items, i: int) -> tuple[Node, int] | None:
    """A divergence or a normal law; None if `head` is neither."""
    group = bracket_at(items, i)
    if group is None or head.mark:
        return None
    kind = _kind(reader, head, group)
    if kind is not None:
        value: Node = (
            _mutual_information(reader, head, group) if kind == "MI" else divergence(reader, kind, group)
        )
        if isinstance(value, Divergence) and kind == "f":  # E_q f(p / q)
            p, q = value.arguments
            value = Expectation(value.variables, q, Call("f", (p / q,)))
    elif head.base in ("\\N", "N") and group.separators and (head.base == "\\N" or not _known(reader, head)):
        value = densities.normal(reader, group)
    else:
        return None
    power = power_at(items, i)
    return reader.raised(reader.raised(value, head.sup), power), i + 1


def of_functions(reader: Reader, tree: Node, group: Group | None) -> Node:
    """The functional V with its printed arguments: V(D^*, G) has D^* wherever V(D, G) has D."""
    heads = [head_of(name_and_bracket(item)[0]) for item in (group.items if group else ())]
    found = [names.meaning(reader, head, applied=True) for head in heads if head is not None]
    printed = {
        one.name.partition("^")[0]: one.name for one in found if one is not None and one.kind == "function"
    }

    def change(n: Node) -> Node:
        n = rebuild(n, change)
        return replace(n, name=printed[n.name]) if isinstance(n, Call) and n.name in printed else n

    return change(tree)


def is_functional(reader: Reader, head: Head, group: Group | None) -> bool:
    """True if `head` with this bracket is a divergence or a normal law."""
    return group is not None and (_kind(reader, head, group) is not None or head.base == "\\N")


# -------------------------------------------------------------------------------------------- divergences


def _kind(reader: Reader, head: Head, group: Group) -> str | None:
    words = "_".join([head.base, *map(flat, head.subs)])
    sub = flat(head.subs[0]) if head.subs else ""
    if head.base in ("D", "\\D") and sub == "f" and "f'" in reader.vocabulary.functions:
        return "f"
    if head.base in ("D", "\\D", "d") and sub in DIVERGENCES:
        return DIVERGENCES[sub]
    if head.base in ("D", "\\D") and not sub and "||" in group.separators:
        return "KL"
    if head.base == "I" and group.separators == (";",):
        return "MI"
    if head.base in ("\\I", "MI"):
        return "MI"
    if head.base == "H" and _known(reader, head):
        return None
    kind = DIVERGENCES.get(words) or (
        DIVERGENCES.get(head.base) if sub in reader.vocabulary.parameters else None
    )
    return "CE" if kind == "H" and len(group.items) == 2 else kind


def _of_variables(reader: Reader, group: Group) -> Node | None:
    """H(z), H(x, z) and H(z|x) of random variables, where the setting has a law for them; else None."""
    name = reader.vocabulary.information
    sides: list[list[Node]] = [[]]
    for separator, item in entries(group):
        head = head_of(item)
        found = None if head is None else names.meaning(reader, head, applied=False)
        if not name or found is None or found.kind != "variable":
            return None
        if separator == "|":
            sides.append([])
        sides[-1].append(reader.read(item))
    left, given = tuple(sides[0]), tuple(sides[1]) if len(sides) > 1 else ()
    entropy: Node = Divergence("H", (Density(name, left, given),), left)
    reader.spans.append((group.start, group.end, (*left, *given)))
    return Expectation(given, Density(name, given), entropy) if given else entropy


def divergence(reader: Reader, kind: str, group: Group) -> Node:
    """KL(left || right) and its like, over the left variables of its arguments."""
    if kind in ("H", "CE") and (entropy := _of_variables(reader, group)) is not None:
        return entropy
    found = entries(group)
    wanted = 1 if kind == "H" else 2
    sides = _sides(found, wanted, kind, group)
    arguments: list[Node | None] = [_first_try(reader, side) for side in sides]
    partner = next((left_variables(a) for a in arguments if a is not None and _variables(a)), None)
    partner = partner or next((left for side in sides for left in _of_bare(reader, side)), None)
    for k, side in enumerate(sides):
        if arguments[k] is None:
            with reader.beside(partner):
                arguments[k] = reader.read(side, group.start)
    named = next((_variables(a) for a in arguments if a is not None and _variables(a)), ())
    over = named or (ANONYMOUS,)
    if len(over) == 1 and over[0] != ANONYMOUS:
        arguments = [_named_normal(a, over[0]) if a is not None else a for a in arguments]
    done = tuple(a for a in arguments if a is not None)
    for argument, side in zip(done, sides, strict=True):
        left = left_variables(argument)
        if not left:
            raise Unread(f"{kind} takes densities, such as p(x)", side.start)
        if named and not all(bound_by(v, left) or v in left for v in named):
            raise Unread(f"the two sides of {kind} are densities of different variables", side.start)
    reader.measures.append(done[0])
    reader.spans.append((group.start, group.end, over))
    return Divergence(kind, done, over)


def _sides(found: list[Entry], wanted: int, kind: str, group: Group) -> list[Surface]:
    """The arguments of a divergence, whatever stands between them: ||, a comma, a single bar."""
    if len(found) != wanted:
        shape = f"{kind}(p)" if wanted == 1 else f"{kind}(p || q)"
        raise Unread(f"write {shape}, with {wanted} densit{'y' if wanted == 1 else 'ies'}", group.start)
    return [surface for _, surface in found]


def _first_try(reader: Reader, side: Surface) -> Node | None:
    """The density on one side; None if it is bare and must take the variables of the other side."""
    try:
        with reader.beside(None):
            return reader.read(side)
    except densities.BareDensity:
        return None


def _of_bare(reader: Reader, side: Surface) -> Iterator[tuple[Node, ...]]:
    """What the densities in a mixture such as (p + q) / 2 are of, where the setting says so."""
    for head in filter(None, map(head_of, pieces(side))):
        found = names.meaning(reader, head, applied=False)
        if found is not None and found.kind == "density":
            bare_density = reader.vocabulary.densities[found.name].bare
            if bare_density is not None:
                yield bare_density.left


def _variables(argument: Node) -> tuple[Node, ...]:
    return tuple(v for v in left_variables(argument) if v != ANONYMOUS)


def _named_normal(argument: Node, variable: Node) -> Node:
    """N(m, S) beside a density of x is a density of x too."""
    if isinstance(argument, Normal) and argument.left == ANONYMOUS:
        return Normal(variable, argument.mean, argument.covariance)
    return argument


def _mutual_information(reader: Reader, head: Head, group: Group) -> Node:
    """I_q(x; z): of the joint density named below, else of the setting's first density of both."""
    variables = [reader.read(item, group.start) for item in group.items]
    if len(variables) != 2 or not all(isinstance(v, Variable | Range) for v in variables):
        raise Unread("a mutual information is between two variables: I(x; z)", group.start)
    known = reader.vocabulary.densities
    printed = [flat(sub) for sub in head.subs if flat(sub) in known]
    wanted = {v.name for v in variables if isinstance(v, Variable | Range)}
    fitting = [name for name in ("q", *known) if name in known and wanted <= set(known[name].variables)]
    if not printed and not fitting:
        raise Unread("of which density? Write it below, as in I_q(x; z)", head.start)
    name = (printed or fitting)[0]
    return Divergence("MI", tuple(Density(name, (v,)) for v in variables), tuple(variables))
