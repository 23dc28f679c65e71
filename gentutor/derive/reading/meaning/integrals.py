"""Integrals: over which variables or by which measure, and how far they reach; sums over states too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import names, variables
from gentutor.derive.reading.meaning.scope import left_variables
from gentutor.derive.reading.surface.heads import flat, head_of, listed
from gentutor.derive.reading.surface.pieces import (
    Differential,
    IntegralSign,
    Items,
    Leaf,
    Statement,
    Surface,
    bare,
    side_by_side,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Density, Expectation, Integral, Node, Range, Variable

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


def _integrated(
    reader: Reader, surfaces: Sequence[Surface], place: tuple[int, int], body: Callable[[], Node]
) -> Node:
    """The integral over what stands behind each d: a variable, or the measure P of int f dP."""
    read = [reader.read(surface) for surface in surfaces]
    for value, surface in zip(read, surfaces, strict=True):
        if not isinstance(value, Variable | Range | Density):
            raise Unread("an integral is over a random variable, or by a measure", surface.start)
    over = tuple(value for value in read if not isinstance(value, Density))
    measures = [value for value in read if isinstance(value, Density)]
    reader.measures += measures
    value = body()
    if over:
        value = Integral(over, value)
    for measure in measures:
        value = Expectation(left_variables(measure), measure, value)
    bound = (*over, *(v for measure in measures for v in left_variables(measure)))
    reader.spans.append((*place, bound))
    return value


def _check_domain(sub: Surface | None, sup: Surface | None) -> None:
    """Integrals are over the whole space: what stands below and above may say so, and no more."""
    below = [] if sub is None else [_lower(part) for part in listed(sub)]
    if sup is not None:
        whole = [flat(part) for part in below] == ["-infty"] and flat(sup) in ("infty", "+infty")
    else:
        whole = all(part is not None and _is_whole(part) for part in below)
    place = sup or sub
    if not whole and place is not None:
        raise Unread("integrals run over the whole space here; these bounds do not", place.start)


def _lower(part: Surface) -> Surface | None:
    """The bound of z = -\\infty, the set of z \\in \\mathcal{Z}; None of z > 0."""
    plain = bare(part)
    if isinstance(plain, Statement) and len(plain.sides) == 2:
        return plain.sides[1] if plain.relations[0].text in ("=", "in") else None
    return plain


def _is_whole(part: Surface) -> bool:
    """True of a variable, and of sets such as \\mathcal{Z} and \\mathbb{R}^d; not of \\mathbb{R}_+."""
    heads = [head_of(item) for item in side_by_side(part) if not _is_times(item)]
    return all(head is not None and "+" not in (flat(head.sup), *map(flat, head.subs)) for head in heads)


def _is_times(item: Surface) -> bool:
    return isinstance(item, Leaf) and item.kind in ("TIMES", "DOTS")


def integral(reader: Reader, sign: IntegralSign) -> Node:
    """int f dz."""
    _check_domain(sign.sub, sign.sup)
    place = (sign.start, sign.end)
    return _integrated(reader, sign.variables, place, lambda: reader.read(sign.body))


def open_integral(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """int dz f, and int_z f without a differential: they take the product that follows."""
    _check_domain(sub, sup)
    behind: list[Surface] = []
    while i < len(items) and isinstance(items[i], Differential):
        behind.append(items[i].variable)  # type: ignore[attr-defined]
        i += 1
    if behind:
        place = (leaf.start, items[-1].end)
        return _integrated(reader, behind, place, lambda: reader.following(leaf, items, i)), len(items)
    found = over_states(reader, leaf, sub, items, i)
    if found is None:
        raise Unread("this integral has no differential: over which variable is it?", leaf.start)
    return found


def over_states(
    reader: Reader, leaf: Leaf, sub: Surface | None, items: Items, i: int
) -> tuple[Node, int] | None:
    """int_z f, and sum_z p(x|z) p(z); None if what stands below is no variable."""
    variables = _variables_below(reader, sub)
    if variables is None:
        return None
    reader.spans.append((leaf.start, items[-1].end, tuple(variables)))
    body = reader.following(leaf, items, i)
    return Integral(tuple(variables), body, discrete=leaf.text == "sum"), len(items)


def _variables_below(reader: Reader, sub: Surface | None) -> list[Node] | None:
    if sub is None:
        return None
    found: list[Node] = []
    for part in listed(sub):
        plain = bare(part)
        if isinstance(plain, Statement):
            if plain.relations and plain.relations[0].text != "in":
                return None
            plain = bare(plain.sides[0] or plain)
        head = head_of(plain)
        if head is None or head.base in reader.indices:
            return None
        meaning = names.meaning(reader, head, applied=False)
        if (
            meaning is None
            or meaning.kind != "variable"
            or (head.base in reader.vocabulary.ranges and not head.subs)
        ):
            return None
        found.append(variables.variable(reader, meaning, head)[0])
    return found
