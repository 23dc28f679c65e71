"""The surface of a formula: what is printed, before anything is known about its names.

Every piece keeps its place in the line, so that a message can point at it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gentutor.derive.reading.unread import Unread


@dataclass(slots=True)
class Surface:
    """A piece of a formula, from column `start` to `end`."""

    start: int
    end: int


@dataclass(slots=True)
class Leaf(Surface):
    """One symbol. `kind` is NAME, NUMBER, WORD, OPERATOR, DOTS, TIMES, SLASH or SIGN."""

    kind: str
    text: str


@dataclass(slots=True)
class Scripted(Surface):
    """base_sub^sup with `primes` primes."""

    base: Surface
    sub: Surface | None
    sup: Surface | None
    primes: int


@dataclass(slots=True)
class Group(Surface):
    """A bracket, invisible if it is a brace; `separators[i]` stands between `items[i]` and `items[i + 1]`."""

    bracket: str
    items: tuple[Surface, ...]
    separators: tuple[str, ...]


@dataclass(slots=True)
class Statement(Surface):
    """Sides with relations between them; a side that is empty is None."""

    sides: tuple[Surface | None, ...]
    relations: tuple[Leaf, ...]


@dataclass(slots=True)
class Sum(Surface):
    """Terms, each with the sign that stands before it ("" for none)."""

    terms: tuple[tuple[str, Surface], ...]


@dataclass(slots=True)
class Product(Surface):
    """Things side by side."""

    items: tuple[Surface, ...]


@dataclass(slots=True)
class Fraction(Surface):
    """A fraction."""

    numerator: Surface
    denominator: Surface


@dataclass(slots=True)
class Root(Surface):
    """A root, the square root if `degree` is None."""

    body: Surface
    degree: Surface | None


@dataclass(slots=True)
class Accent(Surface):
    """A bar, hat or tilde above body."""

    accent: str
    body: Surface


@dataclass(slots=True)
class Hole(Surface):
    """A \\blank."""

    label: Group


@dataclass(slots=True)
class IntegralSign(Surface):
    """An integral with its differentials behind the integrand."""

    sub: Surface | None
    sup: Surface | None
    body: Surface
    variables: tuple[Surface, ...]


@dataclass(slots=True)
class Differential(Surface):
    """The dz of \\int dz f."""

    variable: Surface


def pieces(surface: Surface | None) -> Iterator[Surface]:
    """`surface` and everything in it."""
    if surface is None:
        return
    stack: list[Any] = [surface]
    while stack:
        piece = stack.pop()
        if isinstance(piece, Surface):
            yield piece
            stack += [getattr(piece, name) for name in piece.__slots__]
        elif isinstance(piece, tuple):
            stack += piece


Items = Sequence[Surface]


# ------------------------------------------------------------------------------------------ looking at pieces


def bare(surface: Surface) -> Surface:
    """`surface` without braces that print nothing."""
    while isinstance(surface, Group) and surface.bracket == "{" and len(surface.items) == 1:
        surface = surface.items[0]
    return surface


def stem(surface: Surface) -> Surface:
    """What the scripts of `surface` hang on: the x of x_i^2; without scripts `surface` itself."""
    surface = bare(surface)
    return bare(surface.base) if isinstance(surface, Scripted) else surface


def operator_of(surface: Surface) -> str:
    """The operator that `surface` prints, with or without scripts: "sum", "log"; "" if it is none."""
    leaf = stem(surface)
    return leaf.text if isinstance(leaf, Leaf) and leaf.kind == "OPERATOR" else ""


def side_by_side(surface: Surface) -> tuple[Surface, ...]:
    """The factors that `surface` prints, itself if it is no product."""
    surface = bare(surface)
    return surface.items if isinstance(surface, Product) else (surface,)


def joined(items: Items) -> Surface:
    """One surface for `items`: a product, or the only one of them."""
    return items[0] if len(items) == 1 else Product(items[0].start, items[-1].end, tuple(items))


def bracket_at(items: Items, i: int) -> Group | None:
    """The visible bracket that stands at `i`, without its scripts."""
    if i >= len(items):
        return None
    item = stem(items[i])
    return item if isinstance(item, Group) and item.bracket in ("(", "[", "\\{") else None


def scripts_at(items: Items, i: int) -> tuple[Surface | None, Surface | None]:
    """Subscript and superscript of the bracket that stands at `i`. Raises Unread if it has a prime."""
    item = bare(items[i])
    if not isinstance(item, Scripted):
        return None, None
    if item.primes:
        raise Unread("no prime has a meaning here", item.start)
    return item.sub, item.sup


def power_at(items: Items, i: int) -> Surface | None:
    """The superscript of the bracket that stands at `i`. Raises Unread if it has a subscript."""
    sub, sup = scripts_at(items, i)
    if sub is not None:
        raise Unread("no subscript has a meaning here", sub.start)
    return sup


def name_and_bracket(surface: Surface) -> tuple[Surface, Group | None]:
    """The f of f(x) and its bracket; `surface` and None if it is not of that form."""
    items = side_by_side(surface)
    group = bracket_at(items, 1) if len(items) == 2 else None
    return (bare(surface), None) if group is None else (bare(items[0]), group)
