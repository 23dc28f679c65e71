"""A variable or symbol with its printed indices: which are levels, which mark a sample, which a component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning.names import Meaning
from gentutor.derive.reading.surface.heads import Head, flat
from gentutor.derive.reading.surface.pieces import Group, Surface, bare
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Node, Range, Symbol, Variable

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


def variable(reader: Reader, found: Meaning, head: Head) -> tuple[Node, Surface | None]:
    """The variable with its index, and the superscript that is left over as a power."""
    sup = bare(head.sup) if head.sup is not None else None
    copies: tuple[Surface, ...] = ()
    if isinstance(sup, Group) and sup.bracket == "(":
        if sup.separators == (":",):  # z^{(1:K)}
            first, last = (reader.index(item) for item in sup.items)
            return Range(found.name, first, last, sample=True), None
        copies, sup = sup.items, None
    elif sup is not None and flat(sup) in reader.indices and found.name != "x":
        copies, sup = (sup,), None
    index, sample, component = _indices(reader, found, copies, head)
    if isinstance(index, Range):
        return index, sup
    return reader.seen(Variable(found.name, index, sample, component), head), sup


def _indices(
    reader: Reader, found: Meaning, copies: tuple[Surface, ...], head: Head
) -> tuple[tuple[Node, ...] | Range, Node | None, Node | None]:
    """Which of the printed indices are levels, which marks a sample, which a component."""
    levels: list[Node] = []
    sample: Node | None = None
    component: Node | None = None
    name = found.name
    for copy in copies:
        text = flat(copy)
        if text in reader.indices or (name != "x" and text not in reader.usage.data_indices):
            sample = reader.index(copy)
        elif name != "x" and len(copies) == 1:
            raise Unread(
                f"is {name}^{{({text})}} the latent variable of the data point x^{{({text})}}, or a sample? "
                f"Write {name} for the first, and another index for the second",
                head.start,
            )
    for sub in found.indices:
        text = flat(sub)
        if isinstance(sub, Group) and sub.separators == (":",):
            first, last = (reader.index(item) for item in sub.items)
            return (
                Range(name, first, last, name in reader.usage.sampled and name not in reader.usage.levels),
                None,
                None,
            )
        if found.kind == "noise" or (name == "x" and reader.has_levels(name)) or name in reader.usage.levels:
            if found.kind == "noise" and not reader.has_levels(name) and text in reader.indices:
                sample = reader.index(sub)
            else:
                levels.append(reader.index(sub))
        elif text in reader.usage.components:
            component = reader.index(sub)
        elif text in reader.indices or name in reader.usage.sampled:
            sample = reader.index(sub)
        elif name == "x":
            continue  # the data index
        elif reader.has_levels(name):
            raise Unread(
                f"is {name}_{text} a level, a sample or a component? Write {name}_{{1:T}} for levels, "
                f"{name}^{{({text})}} for a sample, or mu_{text} beside it for a component",
                head.start,
            )
        else:
            raise Unread(f"{name} has no index in the setting {reader.vocabulary.setting}", head.start)
    if name == "x" and not levels and reader.has_levels(name):
        levels = [reader.first_level(name)]  # the data: x is x_0
    return tuple(levels), sample, component


def symbol(reader: Reader, found: Meaning) -> Node:
    """A symbol with its indices."""
    return Symbol(found.name, tuple(reader.index(sub) for sub in found.indices))
