"""From the surface of a line to its expression tree: sums, products, and how far an operator reaches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gentutor.derive.reading.meaning import expectations, factors, optima
from gentutor.derive.reading.meaning.scope import bound_by
from gentutor.derive.reading.surface.heads import Head, flat, head_of
from gentutor.derive.reading.surface.pieces import (
    Group,
    Items,
    Leaf,
    Product,
    Statement,
    Sum,
    Surface,
    bare,
    bracket_at,
    joined,
    operator_of,
    pieces,
    power_at,
)
from gentutor.derive.reading.surface.survey import Usage
from gentutor.derive.reading.unread import MAX_DEPTH, TOO_DEEP, Unread
from gentutor.derive.tree import Add, Apply, Density, Div, Mul, Neg, Node, Pow, node
from gentutor.derive.vocabulary import Vocabulary

MAX_WORK = 20_000


@dataclass
class Reader:
    """Reads the lines of one chain, in order: a line may refer to what those above wrote.

    `indices` are the bound indices around the place being read, `measures` the densities that the chain wrote
    below an E or first in a divergence, `above` the free variables of the opening expression.
    """

    vocabulary: Vocabulary
    definitions: dict[str, Node] = field(default_factory=dict)
    measures: list[Node] = field(default_factory=list)
    above: frozenset[Node] | None = None
    opened: tuple[str, str] | None = None  # a name that stands alone on the first line, and its sign
    usage: Usage = field(default_factory=Usage)
    indices: list[str] = field(default_factory=list)
    in_index: bool = False
    partner: tuple[Node, ...] | None = None  # the variables that a bare density takes
    places: list[tuple[Node, int]] = field(default_factory=list)  # where each variable of the line was read
    spans: list[tuple[int, int, tuple[Node, ...]]] = field(default_factory=list)  # of binders: what they bind
    slope: Node | None = None  # the variable of the chain's first gradient
    holds: bool = False  # an E_q that opens the chain leaves the data x_0 as given
    drew_data: bool = False  # whether such an E_q was read as drawing x_0 too
    depth: int = 0
    work: int = 0  # factors read on this line; some are read twice, which nesting would multiply

    # ------------------------------------------------------------------------------------------ bookkeeping

    def has_levels(self, name: str) -> bool:
        """True if the setting has levels x_0, x_1, ... of this variable."""
        spec = self.vocabulary.variables.get(name) or self.vocabulary.noises.get(name)
        return spec is not None and spec.levels is not None

    def first_level(self, name: str) -> Node:
        """The 0 of x_0."""
        levels = self.vocabulary.variables[name].levels
        assert levels is not None
        return levels[0]

    def seen(self, variable: Node, head: Head) -> Node:
        """`variable`, its place kept for messages."""
        self.places.append((variable, head.start))
        return variable

    def place_of(self, variable: Node, otherwise: int) -> int:
        """Where `variable` stands outside all that binds it."""
        for seen, place in self.places:
            if bound_by(seen, (variable,)) and not any(
                start <= place < end and bound_by(variable, binders) for start, end, binders in self.spans
            ):
                return place
        return otherwise

    def new_line(self) -> None:
        """Forgets what concerns one line only."""
        self.places.clear()
        self.spans.clear()
        self.indices.clear()
        self.depth = self.work = 0
        self.in_index, self.partner = False, None

    @contextmanager
    def bound(self, *indices: str) -> Iterator[None]:
        """Inside, these names are indices."""
        self.indices += indices
        try:
            yield
        finally:
            del self.indices[len(self.indices) - len(indices) :]

    def index(self, surface: Surface) -> Node:
        """An index expression such as t-1; a letter that nothing knows is an index of its own."""
        before, self.in_index = self.in_index, True
        try:
            return self.read(surface)
        finally:
            self.in_index = before

    @contextmanager
    def beside(self, variables: tuple[Node, ...] | None) -> Iterator[None]:
        """Inside, a bare density is of `variables`: those left of ~, or of a divergence's other side."""
        before, self.partner = self.partner, variables
        try:
            yield
        finally:
            self.partner = before

    def written(self, name: str, mark: str) -> list[Density]:
        """The densities of this name that the chain wrote below an E or first in a divergence."""
        return [m for m in self.measures if isinstance(m, Density) and (m.name, m.mark) == (name, mark)]

    # ---------------------------------------------------------------------------------------- expressions

    def read(self, surface: Surface | None, place: int = 0) -> Node:
        """The tree of an expression."""
        if surface is None:
            raise Unread("something is missing here", place)
        if isinstance(surface, Sum):
            return self._sum(surface)
        if isinstance(surface, Product):
            return self.product(surface.items)
        if isinstance(surface, Statement):
            if len(surface.sides) == 1:
                return self.read(surface.sides[0], surface.start)
            raise Unread("a relation has no place inside an expression", surface.relations[0].start)
        return self.product((surface,))

    def _sum(self, surface: Sum) -> Node:
        terms: list[Node] = []
        place = 0
        while place < len(surface.terms):
            sign = surface.terms[place][0]
            items, place = self._gather(surface, place)
            value = self.product(items)
            terms.append(Neg(value) if sign == "-" else value)
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def _gather(self, surface: Sum, place: int) -> tuple[Items, int]:
        """The factors of one term: min takes the terms that follow too, and log -x has its sign inside."""
        term = surface.terms[place][1]
        items = list(term.items if isinstance(term, Product) else (term,))
        place += 1
        for i, item in enumerate(items):
            if optima.is_optimum(item) and bracket_at(items, i + 1) is None and place < len(surface.terms):
                end = len(surface.terms)
                while end > place and not optima.is_place(item) and _is_number(surface.terms[end - 1][1]):
                    end -= 1  # min f + log 2: the number stands beside the least value
                if end == place and items[i + 1 :]:
                    break
                first = (("", joined(items[i + 1 :])),) if items[i + 1 :] else ()
                rest = Sum(item.end, surface.terms[end - 1][1].end, (*first, *surface.terms[place:end]))
                return [*items[: i + 1], Group(rest.start, rest.end, "{", (rest,), ())], end
        while place < len(surface.terms) and _waits(self, items[-1]):
            sign, term = surface.terms[place]
            items.append(Group(term.start, term.end, "{", (Sum(term.start, term.end, ((sign, term),)),), ()))
            place += 1
        return items, place

    def product(self, items: Items) -> Node:
        """Factors side by side."""
        found: list[Node] = []
        i = slashes = 0
        while i < len(items):
            item = items[i]
            if isinstance(item, Leaf) and item.kind in ("TIMES", "SLASH"):
                if not found or i + 1 == len(items):
                    raise Unread(f"{item.text} stands between two factors", item.start)
                if item.kind == "SLASH":
                    slashes += 1
                    if slashes > MAX_DEPTH:
                        raise Unread(TOO_DEEP, item.start)
                    below, i = self.factor(items, i + 1)
                    found[-1] = Div(found[-1], below)
                else:
                    i += 1
                continue
            factor, i = self.factor(items, i)
            found.append(factor)
        if not found:
            raise Unread("something is missing here", items[0].start if items else 0)
        return found[0] if len(found) == 1 else Mul(tuple(found))

    def factor(self, items: Items, i: int) -> tuple[Node, int]:
        """The factor that begins at `items[i]`, with all that belongs to it, and the place after it."""
        self.depth += 1
        self.work += 1
        try:
            if self.depth > MAX_DEPTH or self.work > MAX_WORK:
                raise Unread(TOO_DEEP, items[i].start)
            return factors.factor(self, items, i)
        finally:
            self.depth -= 1

    def inside(self, group: Group) -> Node:
        """The one expression in a bracket."""
        if group.separators:
            raise Unread(f"a {group.separators[0]} has no meaning in this bracket", group.start)
        return self.read(group.items[0], group.start + 1)

    def raised(self, value: Node, sup: Surface | None) -> Node:
        """`value` with its superscript: a power, a transpose, an inverse."""
        if sup is None:
            return value
        text = flat(sup)
        if text in ("T", "top"):
            return Apply("transpose", value)
        if text in ("-T", "-top"):
            return Apply("transpose", Pow(value, Neg(node(1))))
        if set(text) <= {"*", "'"}:
            raise Unread(f"{text} belongs to a name", sup.start)
        plain = bare(sup)
        if isinstance(plain, Group) and plain.bracket == "(":
            raise Unread("this superscript in brackets has no meaning here", sup.start)
        return Pow(value, self.read(sup))

    # ------------------------------------------------------------------------------------------ operators

    def operand(self, items: Items, i: int, stop: int | None = None) -> tuple[Node, int, Surface | None]:
        """What an operator takes: the bracket that follows at once, or the product, up to `stop`.

        Returns the tree, the place after it, and the superscript of the bracket.
        """
        group = bracket_at(items, i)
        if group is not None and not group.separators:
            power = power_at(items, i)
            return self.inside(group), i + 1, power
        rest = items[i:stop]
        if not rest:
            raise Unread("this takes something that follows, but nothing does", items[i - 1].start)
        return self.product(rest), i + len(rest), None

    def following(self, leaf: Leaf, items: Items, i: int) -> Node:
        """What a sum or an integral takes: all that follows."""
        if i >= len(items):
            raise Unread(f"{leaf.text} of what? Nothing follows", leaf.start)
        return self.product(items[i:])


def _is_number(surface: Surface) -> bool:
    """True of log 2: it names nothing."""
    return not any(isinstance(p, Leaf) and p.kind in ("NAME", "WORD", "DOTS") for p in pieces(surface))


def _waits(reader: Reader, item: Surface) -> bool:
    """True if an operand must follow `item`."""
    item = bare(item)
    if (isinstance(item, Leaf) and item.kind in ("TIMES", "SLASH")) or operator_of(item):
        return True
    head = head_of(item)
    return head is not None and expectations.is_expectation(reader, head)
