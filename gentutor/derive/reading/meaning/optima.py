"""min, max, arg min and arg max: over what they are, and under which Lipschitz bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import names
from gentutor.derive.reading.surface.heads import flat, head_of, listed
from gentutor.derive.reading.surface.pieces import (
    Group,
    Items,
    Leaf,
    Scripted,
    Statement,
    Surface,
    bare,
    operator_of,
    pieces,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Node, Optimum

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


OPTIMA = {"min": ("min", False), "max": ("max", False), "argmin": ("min", True), "argmax": ("max", True)}


def is_optimum(item: Surface) -> bool:
    """True of min, max, arg min, arg max, with their scripts."""
    return operator_of(item) in OPTIMA


def is_place(item: Surface) -> bool:
    """True of arg min and arg max."""
    return is_optimum(item) and OPTIMA[operator_of(item)][1]


def optimum(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """min_theta f, arg max_q f, sup_{|f|_L <= 1} f."""
    if sup is not None:
        raise Unread(f"no superscript of {leaf.text} has a meaning here", sup.start)
    if sub is None:
        over: tuple[str, ...] = ()
        limit = None
        if not reader.vocabulary.parameters:
            raise Unread(f"{leaf.text} over what? Write it below", leaf.start)
    else:
        parts = [_sought(reader, part) for part in listed(sub)]
        over = tuple(name for name, _ in parts)
        limit = next((limit for _, limit in parts if limit is not None), None)
    body, after, power = reader.operand(items, i)
    kind, arg = OPTIMA[leaf.text]
    return reader.raised(Optimum(kind, over, body, arg, limit), power), after


def _arguments(surface: Surface) -> tuple[Surface, ...]:
    """The P_r and P_g of Pi(P_r, P_g)."""
    return next((p.items for p in pieces(surface) if isinstance(p, Group) and p.bracket == "("), ())


def _sought(reader: Reader, surface: Surface) -> tuple[str, Node | None]:
    """The name below a min or max; with |f|_L <= K, f: |f|_L <= K or f in Lip_K also K."""
    plain = bare(surface)
    limit = name = None
    if isinstance(plain, Group) and plain.separators == (":",):
        name, plain = (bare(item) for item in plain.items)
    if isinstance(plain, Statement) and len(plain.sides) == 2:
        right = bare(plain.sides[1] or plain)
        if plain.relations[0].text == "<=":
            limit = reader.read(right, plain.end)
        elif len({flat(item) for item in _arguments(right)}) == 1 < len(_arguments(right)):
            raise Unread("a coupling is of two laws, such as \\Pi(P_r, P_g)", plain.start)
        elif isinstance(right, Scripted) and flat(right.base) == "Lip" and right.sub is not None:
            limit = reader.read(right.sub, plain.end)
        plain = bare(plain.sides[0] or plain)
    plain = name or plain
    while isinstance(plain, Scripted | Group) and head_of(plain) is None:
        plain = bare(plain.base if isinstance(plain, Scripted) else plain.items[0])
    head = head_of(plain)
    if head is None:
        raise Unread("write the name of what is sought", surface.start)
    found = names.meaning(reader, head, applied=False)
    if found is None:
        raise names.unknown(reader, head)
    if found.kind == "density":  # arg min over q is over its parameter
        return reader.vocabulary.densities[found.name].parameter or found.name, limit
    return names.parameter_name(found, head.sup) if found.kind == "parameter" else found.name, limit
