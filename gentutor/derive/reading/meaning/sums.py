"""Sums and products: which index each binds, from where to where, and how far it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import integrals
from gentutor.derive.reading.meaning.scope import free_variables
from gentutor.derive.reading.surface.heads import head_of, listed
from gentutor.derive.reading.surface.pieces import Items, Leaf, Statement, Surface, bare
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import (
    Expectation,
    Mul,
    Node,
    Number,
    Prod,
    Sum,
    Symbol,
    Variable,
    node,
    rebuild,
    walk,
)

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


Bound = tuple[str, Node, Node, Node | None]  # index, first, last, the value to skip


def _bounds(reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None) -> list[Bound]:
    if sub is None:
        raise Unread(f"{leaf.text} over which index? Write it below", leaf.start)
    last = reader.read(sup) if sup is not None else None
    below = bare(sub)
    if isinstance(below, Statement) and len(below.sides) == 3:  # 1 <= i <= n
        return [_between(reader, leaf, below, last)]
    return [_bound(reader, leaf, bare(part), last) for part in listed(sub)]


def _between(reader: Reader, leaf: Leaf, below: Statement, last: Node | None) -> Bound:
    """The bounds of 1 <= i < n, and of n > i >= 1."""
    low, index, high = below.sides
    relations = [relation.text for relation in below.relations]
    if last is not None or not (set(relations) <= {"<", "<="} or set(relations) <= {">", ">="}):
        raise Unread("the bounds of this index are not understood", below.start)
    name, first, last = _index_name(index, leaf), reader.read(low), reader.read(high)
    first = first if len(relations[0]) == 2 else _shifted(first, 1 if relations[0] == "<" else -1)
    last = last if len(relations[1]) == 2 else _shifted(last, -1 if relations[1] == "<" else 1)
    return (name, first, last, None) if relations[0][0] == "<" else (name, last, first, None)


def _index_name(surface: Surface | None, leaf: Leaf) -> str:
    head = head_of(surface) if surface is not None else None
    if head is None or head.sup is not None:
        raise Unread(
            f"{leaf.text} needs the name of its index below", surface.start if surface else leaf.start
        )
    return head.base + head.mark


def _bound(reader: Reader, leaf: Leaf, part: Surface, last: Node | None) -> Bound:
    if not isinstance(part, Statement) or len(part.sides) == 1:
        name = _index_name(part, leaf)
        low, high = _range(reader, name, part)
        return name, low, last or high, None
    side, value = part.sides
    relation, name = part.relations[0].text, _index_name(side, leaf)
    if relation == "=":
        if last is None:
            return name, reader.read(value), _range(reader, name, part)[1], None
        return name, reader.read(value), last, None
    low, high = _range(reader, name, part)
    if last is not None and relation in ("in", "<", "<="):
        raise Unread("the bounds of this index are not understood", part.start)
    if relation == "in":
        return name, low, high, None
    other = reader.read(value)
    if relation in (">", ">="):
        return name, _shifted(other, 1) if relation == ">" else other, last or high, None
    if relation in ("<", "<="):
        return name, low, _shifted(other, -1) if relation == "<" else other, None
    if relation == "!=":
        return name, low, last or high, other
    raise Unread("the bounds of this index are not understood", part.start)


def _shifted(bound: Node, by: int) -> Node:
    if isinstance(bound, Number):
        return Number(bound.value + by)
    return bound + node(1) if by == 1 else bound - node(1)


def _range(reader: Reader, name: str, place: Surface) -> tuple[Node, Node]:
    if name not in reader.vocabulary.ranges:
        raise Unread(f"{name} runs from where to where? Write its bounds", place.start)
    return reader.vocabulary.ranges[name]


def summed(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """sum_{i=1}^n f, sum_{i != j} f, and sum_z f over states: of all that follows."""
    states = integrals.over_states(reader, leaf, sub, items, i)
    if states is not None:
        if sup is not None:
            raise Unread("a sum over states is over all of them; this bound says otherwise", sup.start)
        return states
    bounds = _bounds(reader, leaf, sub, sup)
    with reader.bound(*(name for name, *_ in bounds)):
        body = reader.following(leaf, items, i)
    for name, first, last, skip in reversed(bounds):
        body = _over_data(reader, name, last, body) or Sum(name, first, last, body, skip)
    return body, len(items)


def _over_data(reader: Reader, index: str, last: Node, body: Node) -> Node | None:
    """A sum over the data x_1, ..., x_N, where the setting has a law of x: N times the mean under it."""
    law = reader.vocabulary.measures.get("x")
    x, one = Variable("x"), Variable("x", sample=Symbol(index))
    free = free_variables(body)
    if law is None or last != Symbol("N") or one not in free or x in free:
        return None

    def change(n: Node) -> Node:
        return x if n == one else rebuild(n, change)

    return Mul((last, Expectation((x,), law, change(body))))


def product(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """prod_{i=1}^n f: of the leading factors that contain the index."""
    bounds = _bounds(reader, leaf, sub, sup)
    indices = [name for name, *_ in bounds]
    end = i
    with reader.bound(*indices):
        while end < len(items):
            if isinstance(items[end], Leaf) and items[end].kind in ("TIMES", "SLASH") and end > i:  # type: ignore[attr-defined]
                _, after = reader.factor(items, end + 1) if end + 1 < len(items) else (None, end + 1)
                start = end + 1
            else:
                after, start = reader.factor(items, end)[1], end
            value = reader.product(items[start:after])
            if end > i and not any(isinstance(n, Symbol) and n.name in indices for n in walk(value)):
                break
            end = after
        if end == i:
            raise Unread("prod of what? Nothing follows", leaf.start)
        body = reader.product(items[i:end])
    for name, first, last, skip in reversed(bounds):
        if skip is not None:
            raise Unread("a product that leaves out a factor is not known", leaf.start)
        body = Prod(name, first, last, body)
    return body, end
