"""A printed name with its accent, marks and scripts, and its spelling in the vocabularies."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gentutor.derive.reading.surface.pieces import (
    Accent,
    Group,
    Leaf,
    Product,
    Scripted,
    Statement,
    Sum,
    Surface,
    bare,
)


@dataclass(frozen=True)
class Head:
    """A name as printed: `base` with its accent ("bar_alpha"), `mark` ("'" or "^*"), scripts."""

    base: str
    start: int
    end: int
    mark: str = ""
    subs: tuple[Surface, ...] = ()
    sup: Surface | None = None
    below: Surface | None = None  # the subscript as a whole


def head_of(surface: Surface) -> Head | None:
    """The name that `surface` prints, or None if it is no name."""
    surface = bare(surface)
    if isinstance(surface, Leaf) and surface.kind in ("NAME", "WORD"):
        return Head(surface.text, surface.start, surface.end)
    if isinstance(surface, Accent):
        inner = head_of(surface.body)
        return inner and replace(
            inner, base=f"{surface.accent}_{inner.base}", start=surface.start, end=surface.end
        )
    if isinstance(surface, Scripted):
        inner = head_of(surface.base)
        if inner is None or (inner.sup is not None and surface.sup is not None):
            return None
        subs = inner.subs + (() if surface.sub is None else listed(surface.sub))
        mark, sup = inner.mark + "'" * surface.primes, surface.sup
        text = flat(sup) if sup is not None else ""
        if text and set(text) <= {"*", "'"}:
            mark, sup = mark + text.replace("*", "^*"), None
        return Head(
            inner.base,
            surface.start,
            surface.end,
            mark,
            subs,
            sup if sup is not None else inner.sup,
            surface.sub,
        )
    return None


def listed(surface: Surface) -> tuple[Surface, ...]:
    """A subscript as its parts: \\theta, t of \\mu_{\\theta,t}; a range 1:T is one part."""
    surface = bare(surface)
    if isinstance(surface, Group) and surface.bracket == "{" and set(surface.separators) == {","}:
        return surface.items
    return (surface,)


def flat(surface: Surface | None) -> str:
    """`surface` as plain text, in the spelling of the vocabularies."""
    if surface is None:
        return ""
    surface = bare(surface)
    if isinstance(surface, Leaf):
        return surface.text.removeprefix("\\")
    if isinstance(surface, Scripted):
        sub = "_" + flat(surface.sub) if surface.sub is not None else ""
        sup = "^" + flat(surface.sup) if surface.sup is not None else ""
        return flat(surface.base) + "'" * surface.primes + sub + sup
    if isinstance(surface, Accent):
        return f"{surface.accent}_{flat(surface.body)}"
    if isinstance(surface, Product):
        return "".join(map(flat, surface.items))
    if isinstance(surface, Sum):
        return "".join(sign + flat(term) for sign, term in surface.terms)
    if isinstance(surface, Group):
        pairs = zip(surface.items, (*surface.separators, ""), strict=True)
        inner = "".join(flat(item) + separator for item, separator in pairs)
        return inner if surface.bracket == "{" else f"({inner})"
    if isinstance(surface, Statement) and len(surface.sides) == 1:
        return flat(surface.sides[0])
    return "?"


Entry = tuple[str, Surface]  # the separator before an argument ("" for the first), and the argument


def entries(group: Group) -> list[Entry]:
    """The arguments in a bracket; braces that print nothing are opened."""
    found: list[Entry] = []
    for separator, item in zip(("", *group.separators), group.items, strict=True):
        inner = bare(item)
        if isinstance(inner, Group) and inner.bracket == "{":
            spliced = entries(inner)
            found += [(separator, spliced[0][1]), *spliced[1:]]
        else:
            found.append((separator, inner))
    return found


def key(head: Head) -> str:
    """The printed name as a whole, for definitions."""
    label = [flat(head.sup)] if head.sup is not None and is_label(head.sup) else []
    return "_".join([head.base.removeprefix("\\") + head.mark, *map(flat, head.subs), *label])


def is_label(sup: Surface) -> bool:
    """Whether a superscript is no power but a part of the name: a word, or something in brackets."""
    plain = bare(sup)
    word = isinstance(plain, Leaf) and plain.kind == "WORD"
    return word or (isinstance(plain, Group) and plain.bracket == "(")


def copies(head: Head) -> tuple[Surface, ...]:
    """What a superscript in brackets holds: the i of x^{(i)}."""
    sup = bare(head.sup) if head.sup is not None else None
    return sup.items if isinstance(sup, Group) and sup.bracket == "(" else ()


def undecorated(name: str) -> str:
    """A name without its accent, star and primes."""
    name = name.removesuffix("^*").rstrip("'")
    for accent in ("tilde_", "hat_", "bar_"):
        name = name.removeprefix(accent)
    return name
